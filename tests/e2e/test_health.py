# SPDX-License-Identifier: Apache-2.0
"""Homes that die and come back: who notices, where their clients go meanwhile, and how they return. Kamailio is a home that is killed; a socket one that misbehaves."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import frames
import rig
from disk import fill, small_disk
from rig import sip

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
USERS = [f"user{i}" for i in range(40)]
PLACED = [(sip.aor(user), "north") for user in USERS]
QUICK = {"enabled": True, "interval_ms": 200, "timeout_ms": 150, "up_after": 3}


def make_config(folder, health=(), **more):
    return rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "always"}, health=QUICK | dict(health), **more)


def start_homes(lab, folder):
    return [rig.Kamailio(lab.host(name, address), address, folder / name) for name, address in rig.HOMES.items()]


def kill(home):
    """All of its processes, without a last word."""
    os.killpg(home.process.pid, signal.SIGKILL)
    home.process.wait()


def again(home):
    address = {"north": NORTH, "south": SOUTH}[home.folder.name]
    return rig.Kamailio(home.host, address, home.folder)


def home_row(daemon, name):
    return next(row for row in daemon.ask("homes")["homes"] if row["name"] == name)


def wait_state(daemon, name, state, by_health=None, timeout_s=20):
    """Until the fleet has it so."""
    def is_so():
        row = home_row(daemon, name)
        return row["state"] == state and by_health in (None, row["by_health"])
    rig.wait_for(f"{name} to be {state}: {home_row(daemon, name)}", is_so, timeout_s)


def wait_seen(daemon, seen, *names):
    rig.wait_for(f"{names} to be seen {seen}", lambda: all(home_row(daemon, name)["health"]["seen"] == seen for name in names), 20)


def effective_homes(daemon):
    return {user: daemon.ask("client.explain", aor=sip.aor(user), vias=1)["effective_home"] for user in USERS}


def redirected_to(client, user):
    client.sendto(bytes(sip.register(user)), rig.SERVICE)
    return sip.Message(client.recv(65535)).one("contact")


def test_clients_of_a_killed_home_go_elsewhere_and_return_by_slow_start(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    north, _ = start_homes(lab, folder)
    with edge.daemon(make_config(folder, health={"slow_start_s": 5})) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        wait_seen(daemon, "up", "north", "south")
        assert 0 < home_row(daemon, "north")["health"]["round_trip_us"] < 150_000
        assert all(NORTH in redirected_to(client, user) for user in USERS)
        kill(north)
        wait_state(daemon, "north", "down", by_health=True)
        assert all(SOUTH in redirected_to(client, user) for user in USERS)
        assert "health: home north is down" in daemon.log.read_text()
        again(north)
        wait_state(daemon, "north", "returning")
        sizes, back = set(), set()

        def is_over():
            now = {user for user, home in effective_homes(daemon).items() if home == "north"}
            assert back <= now, f"{back - now} went back, and were sent away again"
            back.update(now)
            sizes.add(len(now))
            return home_row(daemon, "north")["state"] == "up"

        rig.wait_for("the end of slow start", is_over, 20)
        assert len(sizes) >= 3 and min(sizes) < len(USERS) / 2, sizes
        assert all(NORTH in redirected_to(client, user) for user in USERS)
        control = daemon.settled(3 * len(USERS))["control"]
        assert control["probes_answered"] > 10 and control["probes_timed_out"] >= 3
        assert control["probe_answers"] >= control["probes_answered"]


def test_a_home_that_never_answered_stays_in_service_and_this_node_is_not_asked(lab, folder):
    homes = [{"name": "north", "address": f"{NORTH}:5060"}, {"name": "south", "address": f"{SOUTH}:5060", "probe": False},
             {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]
    with lab.host("edge").daemon(make_config(folder, home=homes)) as daemon:
        rig.wait_for("probes to be lost", lambda: daemon.counters()["control"]["probes_timed_out"] >= 5)
        row = home_row(daemon, "north")
        assert (row["state"], row["health"]["seen"]) == ("up", "unknown") and row["health"]["in_a_row"] >= 5
        assert [home_row(daemon, name)["health"]["seen"] for name in ("south", "here")] == ["not asked", "not asked"]
        assert daemon.ask("status")["health"] == {"frozen": False, "panic": False}


def test_what_an_operator_takes_down_stays_down(lab, folder):
    edge = lab.host("edge")
    north, _ = start_homes(lab, folder)
    with edge.daemon(make_config(folder)) as daemon:
        wait_seen(daemon, "up", "north", "south")
        assert daemon.ask("homes.down", name="north", why="ticket 7")["ok"]
        assert "home north is taken down by root: ticket 7" in daemon.log.read_text()
        sent = daemon.counters()["control"]["probes_answered"]
        rig.wait_for("more answers", lambda: daemon.counters()["control"]["probes_answered"] > sent + 8)
        assert (home_row(daemon, "north")["state"], home_row(daemon, "north")["by_health"]) == ("down", False)
        assert daemon.ask("homes.up", name="north")["ok"]
        kill(north)
        wait_state(daemon, "north", "down", by_health=True)
        # The operator's word goes before that of health, also about what health has done.
        assert daemon.ask("homes.down", name="north")["ok"]
        again(north)
        wait_seen(daemon, "up", "north")
        assert (home_row(daemon, "north")["state"], home_row(daemon, "north")["by_health"]) == ("down", False)
        assert not daemon.ask("homes.down", name="north")["ok"]


def test_a_cancel_also_reaches_the_home_that_stood_in_until_the_own_one_came_back(lab, folder):
    edge, client = lab.host("edge"), lab.host("clients", "198.18.0.10").udp("198.18.0.10", 5060)
    north, south = (lab.host(name, address).udp(address, 5060, 3.0) for name, address in rig.HOMES.items())
    with edge.daemon(make_config(folder, health={"enabled": False, "slow_start_s": 0})) as daemon:
        def send(method):
            client.sendto(bytes(sip.request(method, USERS[0]).via(sip.via("198.18.0.10:5060", "z9hG4bKcall"))), rig.SERVICE)

        def heard(*links):
            messages = [sip.Message(link.recv(65535)) for link in links]
            return {m.method for m in messages}, {m.values("via")[0] for m in messages}

        assert daemon.ask("homes.down", name="north")["ok"]
        send("INVITE")
        assert heard(south)[0] == {"INVITE"}
        assert daemon.ask("homes.up", name="north")["ok"]
        for method in ("CANCEL", "ACK"):
            send(method)
            methods, vias = heard(north, south)
            assert methods == {method} and len(vias) == 1, "one branch: it is one transaction"
        send("INVITE")
        assert heard(north)[0] == {"INVITE"}
        assert daemon.settled(4)["total"]["second_homes"] == 2


def test_a_draining_home_that_comes_back_still_drains(lab, folder):
    edge = lab.host("edge")
    north, _ = start_homes(lab, folder)
    with edge.daemon(make_config(folder)) as daemon:
        wait_seen(daemon, "up", "north", "south")
        assert daemon.ask("homes.drain", name="north")["ok"]
        kill(north)
        wait_state(daemon, "north", "down", by_health=True)
        again(north)
        wait_state(daemon, "north", "draining", by_health=False)


def test_a_restart_of_the_node_forgets_neither_that_a_home_is_down_nor_by_whom(lab, folder):
    edge = lab.host("edge")
    north, _ = start_homes(lab, folder)
    config = make_config(folder)
    with edge.daemon(config) as daemon:
        wait_seen(daemon, "up", "north", "south")
        kill(north)
        wait_state(daemon, "north", "down", by_health=True)
    with edge.daemon(config) as daemon:
        wait_seen(daemon, "up", "south")
        wait_state(daemon, "north", "down", by_health=True)
        assert set(effective_homes(daemon).values()) == {"south"}
        again(north)
        wait_state(daemon, "north", "up", by_health=False)


def test_a_full_disk_keeps_no_dead_home_in_service_and_learns_of_it_when_there_is_room(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    north, _ = start_homes(lab, folder)
    with small_disk(folder, "6m") as disk:
        config = make_config(folder, health={"slow_start_s": 0}, store={"path": disk / "store", "size_max": 1024})
        with edge.daemon(config) as daemon:
            client = clients.udp("198.18.0.10", 5060)
            wait_seen(daemon, "up", "north", "south")
            fill(disk / "log")
            kill(north)
            wait_state(daemon, "north", "down", by_health=True)
            assert all(SOUTH in redirected_to(client, user) for user in USERS)
            assert not home_row(daemon, "north")["kept"] and home_row(daemon, "south")["kept"] and daemon.ask("status")["store"]["homes_unkept"] == 1
            rig.wait_for("the warning", lambda: "home north: that it is down is not kept for a restart" in daemon.log.read_text())
            again(north)
            wait_state(daemon, "north", "up", by_health=False)
            assert all(NORTH in redirected_to(client, user) for user in USERS)
            by_hand = daemon.ask("homes.down", name="north")
            assert by_hand["ok"] and "north" in by_hand["warning"] and "No space left" in by_hand["warning"], by_hand
            assert all(SOUTH in redirected_to(client, user) for user in USERS)
            assert not daemon.ask("client.assign", aor=sip.aor(USERS[0]), home="south")["ok"], "what is a placement waits for room"
            (disk / "log").unlink()
            rig.wait_for("the store to take it", lambda: home_row(daemon, "north")["kept"])
            rig.wait_for("the log", lambda: "home north: what state it has is kept for a restart again" in daemon.log.read_text())
            assert "warning" not in daemon.ask("homes.up", name="north") and daemon.ask("homes.down", name="north")["ok"]
        with edge.daemon(config) as daemon:
            wait_state(daemon, "north", "down", by_health=False)


def test_what_a_full_disk_has_refused_is_what_the_store_has_when_it_is_taken(lab, folder):
    edge = lab.host("edge")
    with small_disk(folder, "6m") as disk:
        config = make_config(folder, health={"enabled": False}, store={"path": disk / "store", "size_max": 1024})
        with edge.daemon(config) as daemon:
            fill(disk / "log")
            assert daemon.ask("homes.down", name="north")["warning"]
            (disk / "log").unlink()
            rig.wait_for("the store to take it", lambda: home_row(daemon, "north")["kept"])
        with edge.daemon(config) as daemon:
            wait_state(daemon, "north", "down", by_health=False)


def test_a_store_that_cannot_be_written_keeps_no_dead_home_in_service(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    north, _ = start_homes(lab, folder)
    with small_disk(folder, "16m") as disk:
        config = make_config(folder, health={"slow_start_s": 0}, store={"path": disk / "store", "size_max": 1024})
        with edge.daemon(config):
            pass
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with edge.daemon(config) as daemon:
            client = clients.udp("198.18.0.10", 5060)
            assert "what becomes of registrations and subscriptions is not kept" in daemon.log.read_text()
            wait_seen(daemon, "up", "north", "south")
            kill(north)
            wait_state(daemon, "north", "down", by_health=True)
            assert all(SOUTH in redirected_to(client, user) for user in USERS)
            again(north)
            wait_state(daemon, "north", "up", by_health=False)


def test_when_most_homes_look_dead_none_is_taken_down(lab, folder):
    edge = lab.host("edge")
    homes = start_homes(lab, folder)
    with edge.daemon(make_config(folder)) as daemon:
        wait_seen(daemon, "up", "north", "south")
        for home in homes:
            os.killpg(home.process.pid, signal.SIGSTOP)   # silent, and no ICMP error comes: as behind a broken switch
        wait_seen(daemon, "down", "north", "south")
        assert daemon.ask("status")["health"] == {"frozen": True, "panic": True}
        rig.wait_for("the warning", lambda: "no home is taken down" in daemon.log.read_text())
        assert [home_row(daemon, name)["state"] for name in rig.HOMES] == ["up", "up"]
        for home in homes:
            os.killpg(home.process.pid, signal.SIGCONT)
        wait_seen(daemon, "up", "north", "south")
        assert daemon.ask("status")["health"] == {"frozen": False, "panic": False}


def test_icmp_errors_ask_the_home_at_once(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    north = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north")
    homes = [{"name": "north", "address": f"{NORTH}:5060"}, {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]
    # Its only probe before that may be answered late on a machine that has much to do.
    with edge.daemon(make_config(folder, home=homes, health={"interval_ms": 3_600_000, "timeout_ms": 1000})) as daemon:
        wait_seen(daemon, "up", "north")
        assert daemon.counters()["control"]["probes_sent"] == 1
        kill(north)
        client = clients.udp("198.18.0.10", 5060)
        request = bytes(sip.register(USERS[0]).vias(2))

        def is_down_after_another_request():
            """A client sends it again: the kernel sends only so many ICMP errors a second, for all its namespaces together."""
            client.sendto(request, rig.SERVICE)
            time.sleep(0.5)
            return home_row(daemon, "north")["state"] == "down"

        # Its next turn would be in an hour. Each probe is unreachable, too, and brings the next one on.
        rig.wait_for("north to be down", is_down_after_another_request, 20)
        assert home_row(daemon, "north")["by_health"]
        assert daemon.counters()["control"]["probes_timed_out"] >= 3


def test_hearsay_takes_nobody_down(lab, folder):
    """ICMP errors that anybody may have sent: as many probes as answers, and the home stays."""
    edge = lab.host("edge")
    start_homes(lab, folder)
    link = lab.host("router", "198.18.0.99").packets()
    with edge.daemon(make_config(folder)) as daemon:
        wait_seen(daemon, "up", "north", "south")
        quoted = frames.ipv4(rig.EDGE, NORTH, frames.udp_of(frames.Datagram(b"x" * 40, rig.SERVICE, (NORTH, 5060))))
        message = bytes([3, 3, 0, 0, 0, 0, 0, 0]) + quoted[:28]
        message = message[:2] + (0xFFFF ^ frames.ones_sum(message)).to_bytes(2, "big") + message[4:]
        frame = frames.ethernet(frames.ipv4("198.18.0.99", rig.EDGE, message, protocol=socket.IPPROTO_ICMP), bytes.fromhex("020000000099"), bytes.fromhex(edge.mac.replace(":", "")))
        for _ in range(200):
            link.send(frame)
        rig.wait_for("the errors", lambda: home_row(daemon, "north")["unreachable"] >= 100)
        wait_seen(daemon, "up", "north")
        assert home_row(daemon, "north")["state"] == "up" and not home_row(daemon, "north")["by_health"]


def test_any_final_answer_but_503_and_408_is_a_sign_of_life(lab, folder):
    edge = lab.host("edge")
    peer = lab.host("north", NORTH).udp(NORTH, 5060)
    homes = [{"name": "north", "address": f"{NORTH}:5060"}, {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]
    with edge.daemon(make_config(folder, home=homes)) as daemon:
        def answer(status):
            """To the next probe, and none to those that came before."""
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while peer.recv(65535):
                    pass
            peer.settimeout(10)
            octets, source = peer.recvfrom(65535)
            asked = sip.Message(octets)
            assert (asked.method, asked.uri, source) == ("OPTIONS", f"sip:{NORTH}:5060", rig.SERVICE)
            assert len(asked.values("via")) == 1 and asked.one("max-forwards") == "70"
            peer.sendto(sip.answer(octets, status), source)
            return octets

        forged = answer(404).replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
        wait_seen(daemon, "up", "north")
        peer.sendto(sip.answer(forged, 200), rig.SERVICE)
        answer(100)
        wait_seen(daemon, "suspect", "north")
        for status in (503, 408, 503):
            answer(status)
        wait_seen(daemon, "down", "north")
        wait_state(daemon, "north", "down", by_health=True)
        for status in (200, 486, 501, 200):
            answer(status)
        wait_state(daemon, "north", "up")
        assert daemon.settled(1)["total"]["drops"]["response_destination"] == 1
