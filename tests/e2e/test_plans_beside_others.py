# SPDX-License-Identifier: Apache-2.0
"""Plans while somebody else acts: the operator places clients by hand, imports, takes homes down and removes them, in the middle of a plan."""
import subprocess
import threading
import time

import daemon as daemons
import frames
import pytest
import rig
from daemon import Daemon, make_config
from handset import Phone
from rig import sip
from test_home import die
from test_moves import answering, apply_drain, plan, wait_for_plan

HOMES = [{"name": name, "address": f"198.18.1.{i}:5060"} for i, name in enumerate(("north", "south", "west"), 1)]
NEIGHBOURS = [{"address": f"198.18.1.{i}", "mac": f"02:00:00:00:01:0{i}"} for i in (1, 2, 3)]
QUICK = {"auto": "off", "settled_s": 1, "cooldown_s": 1, "clients_per_s": 100_000, "receiver_clients_per_s": 100_000, "donor_clients_per_s": 100_000}
# So many that their rows take the disk some tenths of a second.
MANY = 60_000


def start(folder, clients=(), homes=HOMES, balance=None, policy="explicit"):
    frames.write_pcap(folder / "in.pcap", [])
    return Daemon(make_config(folder, clients, dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}, home=homes, neighbour=NEIGHBOURS,
                              assign={"policy": policy, "entries": 200_000}, balance=QUICK | (balance or {})))


def users(count, home="north"):
    return [(f"u{i:06}@example.com", home) for i in range(count)]


def aor(i):
    return f"sip:u{i:06}@example.com"


def home_named(daemon, name):
    return next(h for h in daemon.ask("homes")["homes"] if h["name"] == name)


def last_of(daemon, number):
    return "sip:" + daemon.ask("plan.diff", id=number, most=2 * MANY)["steps"][-1]["aor"]


def imported(daemon, folder, text):
    rows = folder / "rows.csv"
    rows.write_text(text)
    subprocess.run([daemons.VIADUCT, "--socket", daemon.socket, "clients", "import", rows], check=True, stdout=subprocess.DEVNULL)


def beside(daemon, verb, delay_s, act, **arguments):
    """Run `act` while the daemon is at a verb; returns the answers of both."""
    answers = {}
    thread = threading.Thread(target=lambda: answers.update(verb=daemon.ask(verb, **arguments)))
    thread.start()
    time.sleep(delay_s)
    answers["act"] = act()
    thread.join()
    return answers["verb"], answers["act"]


def wait_for_home(daemon, who, home):
    def is_over():
        shown = daemon.ask("client.show", aor=who)
        return shown["home"] == home and not shown.get("move")

    rig.wait_for(f"{who} to be at {home}, and on no way", is_over, 15)


@pytest.mark.parametrize("delay_s", [0.005, 0.02, 0.04])
def test_who_is_placed_while_a_plan_is_being_applied_goes_where_the_operator_wants_him(folder, delay_s):
    with start(folder, users(MANY), balance={"deadline_s": 2}) as daemon:
        number = daemon.ask("plan.create", without="north")["plan"]["id"]
        who = last_of(daemon, number)
        applied, placed = beside(daemon, "plan.apply", delay_s, lambda: daemon.ask("client.assign", aor=who, home="west", pin=True), id=number)
        assert applied["ok"] and placed["ok"] and placed["home"] == "west"
        done = wait_for_plan(daemon, number, "done", lambda p: p["state"] == "done", 60)
        assert done["moved"] + done["overtaken"] >= MANY - 1 and done["moved"] == done["confirmed"] + done["unconfirmed"]
        wait_for_home(daemon, who, "west")


@pytest.mark.parametrize("delay_s", [0.001, 0.01, 0.03])
def test_who_is_placed_while_a_plan_is_being_aborted_is_on_his_way_until_the_deadline(folder, delay_s):
    with start(folder, users(MANY), balance={"deadline_s": 3, "clients_per_s": 1}) as daemon:
        number = daemon.ask("plan.create", without="north")["plan"]["id"]
        who = last_of(daemon, number)
        assert daemon.ask("plan.apply", id=number, rate=1)["ok"]
        aborted, placed = beside(daemon, "plan.abort", delay_s, lambda: daemon.ask("client.assign", aor=who, home="west", pin=True), id=number)
        assert aborted["ok"] and placed["move"]["from"] == "north"
        assert daemon.ask("client.show", aor=who)["move"]["to"] == "west", "aborting the plan has not ended his move"
        wait_for_home(daemon, who, "west")
        explained = daemon.ask("client.explain", aor=who)
        assert not any("on his way" in why for why in explained["why"]), explained


def test_who_is_pinned_by_an_import_while_a_plan_runs_stays_there(folder):
    with start(folder, users(MANY), balance={"deadline_s": 2}) as daemon:
        number = apply_drain(daemon, rate=2000)
        time.sleep(0.3)
        imported(daemon, folder, "".join(f"{user},west,pin\n" for user, _ in users(MANY)))
        wait_for_plan(daemon, number, "done", lambda p: p["state"] == "done", 60)
        told = subprocess.run([daemons.VIADUCT, "--socket", daemon.socket, "clients", "export"], check=True, capture_output=True, text=True).stdout
        assert [row for row in told.splitlines() if "@" in row and not row.endswith("west,pin")] == []


def test_who_is_imported_elsewhere_on_his_way_is_called_where_he_has_come(lab, folder):
    addresses = {"north": "198.18.1.1", "south": "198.18.1.2", "west": "198.18.1.3"}
    homes = {name: rig.Kamailio(lab.host(name, address), address, folder / name, proxy=True) for name, address in addresses.items()}
    config = rig.make_config(folder, assignments=[("callee@example.com", "north"), ("caller@example.com", "north")], neighbour=[], dpdk=rig.af_packet(),
                             home=[{"name": name, "address": f"{address}:5060"} for name, address in addresses.items()],
                             redirect={"policy": "never"}, balance=QUICK, assign={"policy": "explicit"})
    with lab.host("edge").daemon(config) as daemon:
        callee = Phone(lab.host("phone", "198.18.0.11"), "callee", ("198.18.0.11", 5064))
        caller = Phone(lab.host("caller", "198.18.0.12"), "caller", ("198.18.0.12", 5062))
        callee.register(cseq=1)
        wait_for_plan(daemon, apply_drain(daemon), "on way", lambda p: p["moved"] == 2)
        planned = daemon.ask("client.show", aor="sip:callee@example.com")["home"]
        elsewhere = "west" if planned == "south" else "south"
        imported(daemon, folder, f"callee@example.com,{elsewhere}\n")
        callee.register(cseq=2)
        assert homes[elsewhere].contacts("callee") and not homes[planned].contacts("callee")
        wait_for_home(daemon, "sip:callee@example.com", elsewhere)
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert addresses[elsewhere] in offered.octets.decode()
        callee.answer(offered, 486)
        caller.hear(486)


def test_who_is_imported_back_on_his_way_is_back_once_however_often_his_home_says_so(lab, folder):
    links = {name: lab.host(name, address).udp(address, 5060, timeout_s=0.2) for name, address in rig.HOMES.items()}
    config = rig.make_config(folder, assignments=[("callee@example.com", "north"), ("caller@example.com", "north")], neighbour=[], dpdk=rig.af_packet(),
                             redirect={"policy": "never"}, balance=QUICK, assign={"policy": "explicit"})
    client = lab.host("client", "198.18.0.10").udp(*rig.CLIENT)
    with lab.host("edge").daemon(config) as daemon, answering(links["north"], [200], times=3), answering(links["south"], [200]):
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "both are on their way", lambda p: p["moved"] == 2)
        imported(daemon, folder, "callee@example.com,north\n")
        client.sendto(bytes(sip.register("callee")), rig.SERVICE)
        back = wait_for_plan(daemon, number, "one is back", lambda p: p["unconfirmed"] > 0)
        assert (back["state"], back["unconfirmed"]) == ("running", 1), "the other is on his way still"
        client.sendto(bytes(sip.register("caller")), rig.SERVICE)
        done = wait_for_plan(daemon, number, "over", lambda p: p["state"] == "done")
        assert (done["confirmed"], done["unconfirmed"]) == (1, 1)


def test_who_has_left_a_dead_home_moves_again_before_that_is_told(folder):
    unheard = [HOMES[0] | {"viaduct": True, "control": "127.0.0.1:9"}, *HOMES[1:]]
    with start(folder, users(6), unheard, balance={"deadline_s": 1}) as daemon:
        first = apply_drain(daemon)
        wait_for_plan(daemon, first, "over", lambda p: p["unconfirmed"] == 6)
        home = daemon.ask("client.show", aor=aor(0))["home"]
        moved = home_named(daemon, home)["clients"]
        assert daemon.ask("homes.down", name="north")["ok"] and daemon.ask("homes.drain", name=home)["ok"]
        second = daemon.ask("plan.create", without=home)["plan"]["id"]
        assert daemon.ask("plan.apply", id=second)["ok"]
        assert wait_for_plan(daemon, second, "over", lambda p: p["state"] == "done")["unconfirmed"] == moved
        assert home_named(daemon, home)["clients"] == 0
        shown = daemon.ask("client.show", aor=aor(0))
        assert shown["move"]["state"] == "settled" and shown["move"]["from"] == "north", "his watchers there are owed still"
    with Daemon(daemon.config) as daemon:
        shown = plan(daemon, first)
        assert shown["state"] == "running" and shown["told"] == 0 and len(daemon.ask("plan.diff", id=first)["steps"]) == 6
        removed = daemon.ask("homes.remove", name="north")
        assert removed["ok"], removed
        assert wait_for_plan(daemon, first, "done", lambda p: p["state"] == "done")["told"] == 6
        assert not daemon.ask("client.show", aor=aor(0)).get("move")


def test_slots_do_not_go_to_a_home_that_is_removed_meanwhile(folder):
    with start(folder, policy="slots", balance={"deadline_s": 1}) as daemon:
        assert daemon.ask("homes.drain", name="north")["ok"]
        before = home_named(daemon, "west")["slots"]
        number = apply_drain(daemon, rate=5)
        rig.wait_for("some to have moved", lambda: home_named(daemon, "west")["slots"] > before, 10)
        assert daemon.ask("homes.remove", name="west")["ok"]
        wait_for_plan(daemon, number, "done", lambda p: p["state"] == "done", 60)
        assert home_named(daemon, "west")["slots"] == 0


def test_nobody_goes_to_a_home_that_the_operator_takes_down(folder):
    with start(folder, users(2000), balance={"deadline_s": 2}) as daemon:
        number = apply_drain(daemon, rate=200)
        wait_for_plan(daemon, number, "some have moved", lambda p: p["moved"] >= 100)
        assert daemon.ask("homes.down", name="south")["ok"] and daemon.ask("homes.drain", name="west")["ok"]
        done = wait_for_plan(daemon, number, "over", lambda p: p["state"] == "done")
        assert done["overtaken"] > 1000 and done["moved"] + done["overtaken"] == 2000
        assert home_named(daemon, "north")["clients"] == done["overtaken"]


def test_a_move_from_a_dead_home_is_over_when_that_is_removed(folder):
    homes = [HOMES[0] | {"viaduct": True, "control": "127.0.0.1:9"}, *HOMES[1:]]
    with start(folder, [("alice@example.com", "north")], homes, balance={"deadline_s": 1}) as daemon:
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "nobody has confirmed him", lambda p: p["unconfirmed"] == 1)
        assert plan(daemon, number)["state"] == "running", "those who watch him there are not told"
        assert daemon.ask("homes.remove", name="north")["ok"]
        assert wait_for_plan(daemon, number, "done", lambda p: p["state"] == "done")["told"] == 1
        assert daemon.ask("plan.create", without=daemon.ask("client.show", aor="sip:alice@example.com")["home"])["ok"], "and he can be moved again"


def test_no_two_plans_have_one_number(folder):
    clients = [(f"u{i:06}@example.com", ("north", "south")[i % 2]) for i in range(10)]
    daemon = start(folder, clients)
    with daemon:
        first = daemon.ask("plan.create", without="north")["plan"]["id"]
        second = daemon.ask("plan.create", without="south")["plan"]["id"]
        assert second > first
        refused = daemon.ask("plan.apply", id=first)
        assert not refused["ok"] and "no such plan" in refused["error"]
        die(daemon)
    with Daemon(daemon.config) as daemon:
        die(daemon)
    with Daemon(daemon.config) as daemon:
        assert daemon.ask("plan.history")["plans"] == [], "it was only proposed"
        third = daemon.ask("plan.create", without="north")["plan"]["id"]
        assert third > second and not daemon.ask("plan.apply", id=second)["ok"]
        assert daemon.ask("plan.apply", id=third)["ok"]
        wait_for_plan(daemon, third, "carried out", lambda p: p["moved"] == 5)


def test_a_home_that_is_down_before_it_has_its_share_joins_when_it_is_back(folder):
    with start(folder, users(40), balance={"window_s": 1}) as daemon:
        def joins():
            return "east joining" in daemon.ask("plan.simulate", force=True)["plan"]["reason"]

        assert daemon.ask("homes.add", name="east", address="198.18.1.4:5060")["ok"]
        rig.wait_for("east to join", joins)
        assert daemon.ask("client.assign", aor=aor(1), home="east")["ok"] and daemon.ask("homes.down", name="east")["ok"]
        rig.wait_for("a window without east", lambda: not joins())
        time.sleep(2)
        assert daemon.ask("homes.up", name="east")["ok"]
        rig.wait_for("east to join again", joins)
        assert daemon.ask("homes.drain", name="east")["ok"]
        rig.wait_for("a window without east", lambda: not joins())


def test_a_plan_by_hand_goes_by_what_homes_are_by_now(folder):
    with start(folder, users(60), balance={"window_s": 6}) as daemon:
        assert daemon.ask("homes.down", name="west")["ok"]
        rig.wait_for("a window to be over", lambda: daemon.ask("load")["window"] > 0, 15)
        assert daemon.ask("homes.up", name="west")["ok"] and daemon.ask("homes.down", name="south")["ok"]
        assert daemon.ask("homes.add", name="east", address="198.18.1.4:5060")["ok"]
        made = daemon.ask("plan.create", without="north")["plan"]
        assert {h["home"]: h["clients_in"] for h in made["homes"]} == {"north": 0, "south": 0, "west": 0, "east": 60}, "what west bears is not known yet"
        assert daemon.ask("homes.drain", name="north")["ok"]
        made = daemon.ask("plan.create", force=True)["plan"]
        assert "north draining" in made["reason"] and "east joining" in made["reason"]
        assert {h["home"]: h["clients_out"] for h in made["homes"]} == {"north": 60, "south": 0, "west": 0, "east": 0}
