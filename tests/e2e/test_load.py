# SPDX-License-Identifier: Apache-2.0
"""What is seen of the load: homes exactly, by kind and class; clients by samples, the heaviest first; through the daemon and the command."""
import json
import subprocess

import daemon as daemons
import rig
from daemon import wait_for
from rig import sip

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
SKEW = {"alice": 60, "bob": 40, "carol": 10, "dave": 5}
PLACED = [("alice@example.com", "north"), ("bob@example.com", "south"), ("carol@example.com", "north", "pin")]   # dave lives by his slot


def viaduct(running, *words):
    return subprocess.run([daemons.VIADUCT, "--socket", running.socket, *words], capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL).stdout


def homes_of(answer):
    assert answer["ok"], answer
    return {home["name"]: home for home in answer["homes"]}


class Site:
    """An edge between a client and the home north, which answers MESSAGE with 200 and INVITE with 486."""

    def __init__(self, lab, folder, **more):
        self.edge = lab.host("edge")
        self.client = lab.host("client", "198.18.0.10").udp("198.18.0.10", 5060)
        self.home = lab.host("north", NORTH).udp(NORTH, 5060)
        self.config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "always"}, **more)
        self.sent = 0

    def register(self, user):
        self.client.sendto(bytes(sip.register(user)), rig.SERVICE)
        self.sent += 1
        assert sip.Message(self.client.recv(65535)).status == 302

    def ask(self, method, user, status):
        """A request to a client at north, and its answer back."""
        self.client.sendto(bytes(sip.request(method, user)), rig.SERVICE)
        asked, source = self.home.recvfrom(65535)
        self.home.sendto(sip.answer(asked, status), source)
        assert sip.Message(self.client.recv(65535)).status == status
        self.sent += 2


def test_homes_are_counted_exactly_and_clients_listed_by_their_load(lab, folder):
    site = Site(lab, folder)
    with site.edge.daemon(site.config) as running:
        dave = running.ask("client.show", aor="dave@example.com")["home"]
        for round_ in range(max(SKEW.values())):
            for user in [u for u, count in SKEW.items() if round_ < count]:
                site.register(user)
        for _ in range(7):
            site.ask("MESSAGE", "alice", 200)
        for _ in range(3):
            site.ask("INVITE", "carol", 486)
        running.settled(site.sent)
        wait_for("all samples", lambda: running.ask("load")["samples"]["taken"] == sum(SKEW.values()) + 10)
        answer = running.ask("load")
        homes = homes_of(answer)
        registers = {"north": 70, "south": 40}
        registers[dave] += SKEW["dave"]
        none = {"REGISTER": 0, "INVITE": 0, "SUBSCRIBE": 0, "PUBLISH": 0, "MESSAGE": 0, "other": 0}
        assert homes["north"]["requests"] == none | {"REGISTER": registers["north"], "MESSAGE": 7, "INVITE": 3}
        assert homes["south"]["requests"] == none | {"REGISTER": registers["south"]}
        assert homes["north"]["responses"] == {"1xx": 0, "2xx": 7, "3xx": 0, "4xx": 3, "5xx": 0, "6xx": 0}
        assert set(homes["south"]["responses"].values()) == {0}
        # The window that is open since the start says the same as rates.
        load = {"north": registers["north"] + 7 + 5 * 3, "south": registers["south"]}
        for name, home in homes.items():
            assert abs(home["load_per_s"] * answer["seconds"] - load[name]) < 1e-6
            assert abs(home["share"] - load[name] / sum(load.values())) < 1e-9
            assert home["clients"] == {"north": 2, "south": 1}[name] + (name == dave)
        assert abs(answer["max_over_mean"] - 2 * load["north"] / sum(load.values())) < 1e-9
        assert answer["samples"] == {"one_in": 1, "taken": sum(SKEW.values()) + 10, "lost": 0, "clients": 4, "evicted": 0}
        clients = running.ask("load.clients")["clients"]
        assert [(c["aor"], c["layer"]) for c in clients] == [("alice@example.com", "override"), ("bob@example.com", "override"),
                                                              ("carol@example.com", "pin"), ("dave@example.com", "slot")]
        assert [c["home"] for c in clients] == ["north", "south", "north", dave]
        assert [round(c["samples"]) for c in clients] == [67, 40, 13, 5]
        assert abs(clients[0]["load_per_s"] / clients[1]["load_per_s"] - 67 / 40) < 0.05
        assert [c["aor"] for c in running.ask("load.clients", most=2)["clients"]] == ["alice@example.com", "bob@example.com"]
        assert json.loads(viaduct(running, "load", "--json"))["homes"][0]["requests"] == homes["north"]["requests"]
        shown = viaduct(running, "load")
        assert "max/mean 1." in shown and "every request is sampled" in shown and "#" * 24 in shown
        assert viaduct(running, "top", "--clients", "--count", "1", "--most", "1").splitlines()[1].startswith("alice@example.com  north  override")


def test_windows_close_one_after_the_other_and_have_a_trend(lab, folder):
    site = Site(lab, folder, balance={"window_s": 1}, home=[{"name": "north", "address": f"{NORTH}:5060", "capacity": 1000}, {"name": "south", "address": f"{SOUTH}:5060"}])
    with site.edge.daemon(site.config) as running:
        windows = {}

        def watched(wanted):
            answer = running.ask("load")
            if answer["window"] != 0:
                windows[answer["window"]] = answer
            return wanted(windows)

        for _ in range(40):
            site.register("alice")
        wait_for("a window with load", lambda: watched(lambda seen: any(w["load_per_s"] > 0 for w in seen.values())))
        wait_for("a quiet window", lambda: watched(lambda seen: seen[max(seen)]["load_per_s"] == 0))
        # However the windows fell, no request is in two of them or in none.
        numbers = sorted(windows)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        north = [homes_of(windows[n])["north"] for n in numbers]
        if numbers[0] == 1:
            assert round(sum(home["messages_per_s"] * windows[n]["seconds"] for home, n in zip(north, numbers))) == 40
        assert north[-1]["trend"] == -1
        assert all(abs(home["utilisation"] - home["messages_per_s"] / 1000) < 1e-9 for home in north)
        assert homes_of(windows[numbers[0]])["south"]["utilisation"] is None
        # What is measured now is what comes now.
        assert running.ask("load", measure_ms=50)["load_per_s"] == 0


def test_a_home_that_is_added_is_counted(lab, folder):
    site = Site(lab, folder)
    with site.edge.daemon(site.config) as running:
        assert running.ask("homes.add", name="west", address="198.18.1.3:5060", capacity=7)["ok"]
        assert running.ask("client.assign", aor="alice@example.com", home="west")["ok"]
        # Who was moved by hand is proxied until his new home has confirmed him.
        west = lab.host("west", "198.18.1.3").udp("198.18.1.3", 5060)
        site.client.sendto(bytes(sip.register("alice")), rig.SERVICE)
        asked, source = west.recvfrom(65535)
        west.sendto(sip.answer(asked, 200, extra=[("Contact", f"{sip.Message(asked).one('contact')};expires=60")]), source)
        assert sip.Message(site.client.recv(65535)).status == 200
        wait_for("his move to be over", lambda: running.ask("client.show", aor="alice@example.com").get("move") is None)
        for _ in range(2):
            site.register("alice")
        running.settled(site.sent + 2)
        seen = homes_of(running.ask("load"))["west"]
        assert seen["requests"]["REGISTER"] == 3 and seen["capacity"] == 7 and seen["clients"] == 1
