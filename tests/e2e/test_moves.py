# SPDX-License-Identifier: Apache-2.0
"""Plans carried out, step by step: who has two homes, when a move is confirmed, what an operator can do with it, and what a crash leaves."""
import contextlib
import json
import signal
import subprocess
import threading
import time

import daemon as daemons
import pytest
import rig
from control import control_link
from handset import Phone
from rig import sip
from test_home import die

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
PHONE, CALLER = ("198.18.0.11", 5064), ("198.18.0.12", 5062)
QUICK = {"auto": "off", "clients_per_s": 1000, "receiver_clients_per_s": 1000, "settled_s": 2}


def start(lab, folder, assignments, balance=None, **more):
    """An edge before two Kamailios; `north` is where the clients are placed."""
    homes = [rig.Kamailio(lab.host(name, address), address, folder / name, proxy=True) for name, address in rig.HOMES.items()]
    tables = {"redirect": {"policy": "never"}, "neighbour": [], "dpdk": rig.af_packet(), "balance": QUICK | (balance or {})} | more
    config = rig.make_config(folder, assignments=assignments, **tables)
    return lab.host("edge").daemon(config), homes


def apply_drain(daemon, home="north", **more):
    made = daemon.ask("plan.create", without=home)
    assert made["ok"], made
    applied = daemon.ask("plan.apply", id=made["plan"]["id"], **more)
    assert applied["ok"], applied
    return made["plan"]["id"]


def plan(daemon, number):
    return daemon.ask("plan.show", id=number)["plan"]


def wait_for_plan(daemon, number, what, condition, timeout_s=15.0):
    latest = {}

    def is_so():
        latest.update(plan(daemon, number))
        return condition(latest)

    try:
        rig.wait_for(f"plan {number}: {what}", is_so, timeout_s)
    except AssertionError as error:
        raise AssertionError(f"{error}: {latest}") from None
    return latest


def test_a_burst_of_cancels_of_one_on_the_move_goes_to_both_homes(lab, folder):
    """Each is two packets, and a burst as large as it may be has more of them than one flush takes."""
    edge, _ = start(lab, folder, [("callee@example.com", "north")], node={"burst_pkts": 64})
    with edge as daemon:
        callee, caller = Phone(lab.host("phone", PHONE[0]), "callee", PHONE), Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        callee.register()
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "he is on his way", lambda p: p["moved"] >= 1)
        cancels = [bytes(sip.request("CANCEL", "callee").via(caller.via()).from_("<sip:caller@example.com>;tag=x")) for _ in range(200)]
        caller.link.sendto(cancels[0], rig.SERVICE)   # all MACs are known then
        rig.wait_for("the first", lambda: daemon.counters()["total"]["second_homes"] == 1)
        time.sleep(0.5)
        before = daemon.counters()["total"]
        daemon.process.send_signal(signal.SIGSTOP)
        for cancel in cancels:
            caller.link.sendto(cancel, rig.SERVICE)
        daemon.process.send_signal(signal.SIGCONT)
        rig.wait_for("all to be forwarded", lambda: daemon.counters()["total"]["second_homes"] >= before["second_homes"] + len(cancels))
        after = daemon.settled(len(cancels))["total"]
        assert after["verdicts"]["proxied"] >= before["verdicts"]["proxied"] + 2 * len(cancels)


def home_of(daemon, user):
    return daemon.ask("client.show", aor=f"sip:{user}@example.com")["home"]


def test_a_client_on_the_move_is_called_at_his_old_home_until_the_new_one_has_him(lab, folder):
    edge, (north, south) = start(lab, folder, [("callee@example.com", "north"), ("caller@example.com", "north")])
    with edge as daemon:
        callee, caller = Phone(lab.host("phone", PHONE[0]), "callee", PHONE), Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        callee.register()
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "both are on their way", lambda p: p["moved"] >= 2 and p["left"] == 0)
        assert home_of(daemon, "callee") == "south" and north.contacts("callee") and not south.contacts("callee")
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert f"{NORTH}" in offered.octets.decode(), "the call came through the old home"
        callee.answer(offered, 486)
        caller.hear(486)
        callee.hear("ACK")
        # The next refresh brings him over; from then on he is called there.
        callee.register()
        wait_for_plan(daemon, number, "one has arrived", lambda p: p["confirmed"] >= 1)
        assert south.contacts("callee")
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert f"{SOUTH}" in offered.octets.decode(), "the call came through the new home"


def test_a_cancel_in_the_middle_of_a_move_stops_the_ringing(lab, folder):
    edge, _ = start(lab, folder, [("callee@example.com", "north")])
    with edge as daemon:
        callee, caller = Phone(lab.host("phone", PHONE[0]), "callee", PHONE), Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        callee.register()
        invite = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "he is on his way", lambda p: p["moved"] >= 1)
        callee.register()
        wait_for_plan(daemon, number, "he has arrived", lambda p: p["confirmed"] >= 1)
        cancel = sip.request("CANCEL", "callee").via(invite.via_values[0]).from_(invite.from_value).call_id(invite.call_id_value)
        caller.send(cancel)
        cancelled = callee.hear("CANCEL")
        callee.answer(cancelled, 200)
        callee.answer(offered, 487)
        assert daemon.counters()["total"]["second_homes"] >= 1


def test_a_plan_is_shown_paused_resumed_and_aborted(lab, folder):
    users = [f"u{i:02}" for i in range(40)]
    edge, _ = start(lab, folder, [(f"{user}@example.com", "north") for user in users], assign={"policy": "explicit"})
    with edge as daemon:
        assert not daemon.ask("plan.create", with_weight=1, force=True)["ok"], "nobody moves to a home that is not there"
        made = daemon.ask("plan.create", without="north")["plan"]
        assert made["state"] == "proposed" and made["clients"] == 40 and made["score"] == 1
        assert {h["home"]: (h["clients_in"], h["clients_out"]) for h in made["homes"]} == {"north": (0, 40), "south": (40, 0)}
        assert all(home_of(daemon, user) == "north" for user in users[:3]), "a proposal moves nobody"
        steps = daemon.ask("plan.diff", id=made["id"])["steps"]
        assert {step["aor"] for step in steps} == {f"{user}@example.com" for user in users} and {step["to"] for step in steps} == {"south"}
        assert daemon.ask("plan.apply", id=made["id"], rate=5)["ok"]
        wait_for_plan(daemon, made["id"], "some have set out", lambda p: p["moved"] > 0)
        paused = daemon.ask("plan.pause", id=made["id"])["plan"]
        assert paused["state"] == "paused" and 0 < paused["moved"] < 40
        assert not daemon.ask("plan.create", without="north")["ok"], "one plan at a time"
        assert daemon.ask("plan.resume", id=made["id"])["ok"]
        wait_for_plan(daemon, made["id"], "it goes on", lambda p: p["moved"] > paused["moved"])
        aborted = daemon.ask("plan.abort", id=made["id"])["plan"]
        assert aborted["state"] == "aborted" and aborted["moved"] < 40
        homes = [home_of(daemon, user) for user in users]
        assert homes.count("south") == aborted["moved"] and homes.count("north") == 40 - aborted["moved"]
        assert not daemon.ask("plan.resume", id=made["id"])["ok"]
        assert [p["state"] for p in daemon.ask("plan.history")["plans"]] == ["aborted"]
        # The command, as an operator reads it.
        shown = subprocess.run([str(daemons.VIADUCT), "--socket", str(daemon.socket), "plan", "show"], capture_output=True, text=True, check=True).stdout
        assert "max/mean" in shown and "north" in shown and "aborted" in shown


def test_who_does_not_come_is_unconfirmed_at_the_deadline(lab, folder):
    edge, _ = start(lab, folder, [("callee@example.com", "north")], {"deadline_s": 2}, assign={"policy": "explicit"})
    with edge as daemon:
        number = apply_drain(daemon)
        over = wait_for_plan(daemon, number, "its end", lambda p: p["state"] == "done")
        assert (over["moved"], over["confirmed"], over["unconfirmed"], over["told"]) == (1, 0, 1, 1)
        assert home_of(daemon, "callee") == "south"


def test_who_refreshes_straight_at_his_old_home_is_told_apart(lab, folder):
    """Two who do not come: one has left the world, one still registers where he was once redirected. The home is asked, a Viaduct."""
    edge, home = lab.host("edge"), lab.host("north")
    north = {"name": "north", "address": f"{NORTH}:5060"}
    control = control_link(edge, home, 1)
    config = rig.make_config(folder, node={"name": "north", "listen": [f"{NORTH}:5060"]}, home=[north | {"local": True}], neighbour=[], dpdk=rig.af_packet(),
                             fleet={"edges": [f"{rig.EDGE}/32"]}, balance={"auto": "off"}, control={"listen": control})
    homes = [north | {"viaduct": True, "control": control}, {"name": "south", "address": f"{SOUTH}:5060"}]
    placed = [(f"{user}@example.com", "north") for user in ("gone", "sticky")]
    with home.daemon(config), edge.daemon(rig.make_config(folder, assignments=placed, home=homes, neighbour=[], dpdk=rig.af_packet(),
                                                          assign={"policy": "explicit"}, balance=QUICK | {"deadline_s": 6})) as daemon:
        phones = {user: Phone(lab.host(user, f"198.18.0.{i}"), user, (f"198.18.0.{i}", 5060), service=(NORTH, 5060)) for i, user in enumerate(("gone", "sticky"), 20)}
        for phone in phones.values():
            phone.register()
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "both have set out", lambda p: p["moved"] == 2)
        time.sleep(3)
        phones["sticky"].register(cseq=2)
        over = wait_for_plan(daemon, number, "its end", lambda p: p["state"] == "done")
        assert (over["confirmed"], over["unconfirmed"], over["sticky"], over["told"]) == (0, 2, 1, 2)
        shown = subprocess.run([str(daemons.VIADUCT), "--socket", str(daemon.socket), "plan", "show"], capture_output=True, text=True, check=True).stdout
        assert "2 unconfirmed (1 sticky)" in shown
        assert "sticky@example.com was moved and has not come to his new home: he registers at north still" in daemon.log.read_text()


def test_a_home_is_left_at_its_own_pace_unless_it_is_evacuated(lab, folder):
    users = [f"u{i:03}" for i in range(100)]
    edge, _ = start(lab, folder, [(f"{user}@example.com", "north") for user in users], {"donor_clients_per_s": 10}, assign={"policy": "explicit"})
    with edge as daemon:
        begin, number = time.monotonic(), apply_drain(daemon)
        time.sleep(2.5)
        daemon.ask("plan.abort", id=number)
        moved = plan(daemon, number)["moved"]
        assert 0 < moved <= 10 * (time.monotonic() - begin) + 10, "and what was not used for a second"
        begin, number = time.monotonic(), apply_drain(daemon, mode="evacuate")
        rest = wait_for_plan(daemon, number, "the rest at once", lambda p: p["moved"] == p["clients"])["clients"]
        assert rest >= 50 and time.monotonic() - begin < rest / 10 / 2


def test_who_was_placed_meanwhile_is_let_be(lab, folder):
    edge, _ = start(lab, folder, [("callee@example.com", "north"), ("caller@example.com", "north")], {"deadline_s": 2}, assign={"policy": "explicit"})
    with edge as daemon:
        made = daemon.ask("plan.create", without="north")["plan"]
        assert daemon.ask("client.assign", aor="sip:caller@example.com", home="north", pin=True)["ok"]
        assert daemon.ask("plan.apply", id=made["id"])["ok"]
        over = wait_for_plan(daemon, made["id"], "its end", lambda p: p["state"] == "done")
        assert (over["moved"], over["overtaken"]) == (1, 1)
        assert home_of(daemon, "caller") == "north"


def test_slots_move_whole_and_their_clients_arrive_one_by_one(lab, folder):
    edge, (north, south) = start(lab, folder, [])
    with edge as daemon:
        phones = [Phone(lab.host(f"phone{i}", f"198.18.0.{20 + i}"), f"user{i}", (f"198.18.0.{20 + i}", 5060)) for i in range(6)]
        for phone in phones:
            phone.register()
        at_north = [phone for phone in phones if north.contacts(phone.user)]
        assert at_north and len(at_north) < len(phones), "six clients by their slots, at two homes"
        number = apply_drain(daemon, rate=100_000)
        assert plan(daemon, number)["slots"] > 60_000
        rig.wait_for("all slots to have moved", lambda: {h["name"]: h["slots"] for h in daemon.ask("homes")["homes"]}["north"] == 0, 60)
        for phone in at_north:
            phone.register()
            assert south.contacts(phone.user)
        wait_for_plan(daemon, number, "those who live by them have arrived", lambda p: p["confirmed"] >= len(at_north))


def test_a_plan_goes_on_after_a_crash(lab, folder):
    users = [f"u{i:03}" for i in range(300)]
    edge, _ = start(lab, folder, [(f"{user}@example.com", "north") for user in users], {"deadline_s": 3}, assign={"policy": "explicit"})
    config = edge.config
    with edge as daemon:
        number = apply_drain(daemon, rate=100)
        wait_for_plan(daemon, number, "some have set out", lambda p: p["moved"] > 20)
        die(daemon)
    with lab.hosts["edge"].daemon(config) as daemon:
        before = plan(daemon, number)
        assert before["state"] == "running" and 20 < before["moved"] < 300, before
        over = wait_for_plan(daemon, number, "its end", lambda p: p["state"] == "done", timeout_s=30)
        assert over["moved"] == 300 and over["unconfirmed"] == 300, json.dumps(over)
        assert all(home_of(daemon, user) == "south" for user in users)
        assert daemon.ask("clients.verify")["ok"]


def test_what_a_move_means_for_a_while_survives_a_crash(lab, folder):
    edge, _ = start(lab, folder, [("callee@example.com", "north"), ("old@example.com", "south"), ("older@example.com", "south")], {"settled_s": 60},
                    assign={"policy": "explicit"})
    callee, caller = Phone(lab.host("phone", PHONE[0]), "callee", PHONE), Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
    with edge as daemon:
        callee.register()
        invite = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "he is on his way", lambda p: p["moved"] == 1)
        callee.register()
        wait_for_plan(daemon, number, "its end", lambda p: p["state"] == "done")
        die(daemon)
    with lab.hosts["edge"].daemon(edge.config) as daemon:
        # His call is at the old home still: a CANCEL goes to both.
        caller.send(sip.request("CANCEL", "callee").via(invite.via_values[0]).from_(invite.from_value).call_id(invite.call_id_value))
        callee.answer(callee.hear("CANCEL"), 200)
        callee.answer(offered, 487)
        callee.hear("ACK")
        assert daemon.counters()["total"]["second_homes"] >= 1
        # He rests: of three equals at one home a plan moves one of the others.
        others = [Phone(lab.host(user, f"198.18.0.{21 + i}"), user, (f"198.18.0.{21 + i}", 5060)) for i, user in enumerate(("old", "older"))]
        for _ in range(4):
            for phone in (callee, *others):
                phone.register()
        made = daemon.ask("plan.create", force=True, target=0.2, moves_max=1)
        assert made["ok"], made
        moves = {step["aor"] for step in daemon.ask("plan.diff", id=made["plan"]["id"])["steps"]}
        assert moves and moves <= {"old@example.com", "older@example.com"}, moves


def test_a_home_is_joining_still_after_a_crash(lab, folder):
    edge, _ = start(lab, folder, [("callee@example.com", "north")])
    with edge as daemon:
        assert daemon.ask("homes.add", name="east", address="198.18.1.9:5060", probe=False)["ok"]
        rig.wait_for("east to be seen joining", lambda: "east joining" in daemon.ask("plan.simulate", force=True)["plan"]["reason"])
        assert daemon.ask("client.assign", aor="sip:caller@example.com", home="east")["ok"]
        die(daemon)
    with lab.hosts["edge"].daemon(edge.config) as daemon:
        rig.wait_for("the table to be loaded", lambda: daemon.ask("status")["store"]["loaded"])
        assert "east joining" in daemon.ask("plan.simulate", force=True)["plan"]["reason"], "it has one client, and not its share"


def test_a_plan_is_simulated_for_loads_that_are_only_supposed(lab, folder):
    users = {"north": [f"n{i:02}" for i in range(20)], "south": [f"s{i:02}" for i in range(20)]}
    placed = [(f"{user}@example.com", home) for home, some in users.items() for user in some]
    edge, _ = start(lab, folder, placed, {"window_s": 1}, assign={"policy": "explicit"})
    with edge as daemon:
        client = lab.host("client", "198.18.0.10").udp(*rig.CLIENT)

        def are_known():   # by samples of what they send
            for user in users["north"] + users["south"]:
                client.sendto(bytes(sip.register(user)), rig.SERVICE)
            return len(daemon.ask("load.clients", most=100)["clients"]) >= 36

        rig.wait_for("nearly all to be known", are_known)
        simulate = lambda **wish: daemon.ask("plan.simulate", force=True, moves_max=1, **wish)
        made = simulate(loads={"north": 300, "south": 100})["plan"]
        north, south = (next(row for row in made["homes"] if row["home"] == name) for name in users)
        assert (north["before"], south["before"], made["imbalance_before"]) == (300, 100, 1.5)
        assert 180 <= north["after"] <= 240 and north["after"] + south["after"] == pytest.approx(400)
        assert 0 < north["clients_out"] == south["clients_in"] < 20 and south["clients_out"] == 0, "their clients' loads have grown along"
        assert simulate(loads={"nowhere": 1})["error"] == "nowhere: no such home"
        assert "below zero" in simulate(loads={"north": -1})["error"]
        assert "only be simulated" in daemon.ask("plan.create", loads={"north": 300})["error"]


def test_clients_stay_in_their_zone_while_it_has_room(lab, folder):
    homes = [{"name": name, "address": f"198.18.1.{i}:5060", "zone": zone} for i, (name, zone) in enumerate(zip(("n1", "n2", "s1", "s2"), "abab"), 1)]
    placed = [(f"u{i:02}@example.com", ("n1", "n2")[i % 2]) for i in range(40)]
    config = rig.make_config(folder, assignments=placed, home=homes, neighbour=[], dpdk=rig.af_packet(), assign={"policy": "explicit"}, balance=QUICK)
    with lab.host("edge").daemon(config) as daemon:
        assert {h["name"]: h["zone"] for h in daemon.ask("homes")["homes"]} == {"n1": "a", "n2": "b", "s1": "a", "s2": "b"}
        assert daemon.ask("homes.drain", name="n1")["ok"]
        made = daemon.ask("plan.create", without="n2")
        assert made["ok"], made
        steps = daemon.ask("plan.diff", id=made["plan"]["id"])["steps"]
        assert {(step["from"], step["to"]) for step in steps} == {("n1", "s1"), ("n2", "s2")} and len(steps) == 40


@contextlib.contextmanager
def answering(link, status, times=1):
    """A home that answers every request so, and so many times, as long as the context lasts; `status` may be changed in place. It binds what it is asked to."""
    ending = threading.Event()

    def serve():
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                octets, source = link.recvfrom(65535)
                bound = [("Contact", f"{contact};expires=600") for contact in sip.Message(octets).values("contact")]
                for _ in range(times):
                    link.sendto(sip.answer(octets, status[0], to_tag="home", extra=bound), source)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def test_a_receiver_that_has_too_much_gets_its_clients_more_slowly(lab, folder):
    north, south = (lab.host(name, address) for name, address in rig.HOMES.items())
    users = [f"u{i:03}" for i in range(400)]
    config = rig.make_config(folder, assignments=[(f"{user}@example.com", "north") for user in users] + [("busy@example.com", "south")], neighbour=[],
                             dpdk=rig.af_packet(), redirect={"policy": "never"}, assign={"policy": "explicit"}, balance=QUICK)
    client = lab.host("client", "198.18.0.10").udp(*rig.CLIENT)
    status = [503]
    with lab.host("edge").daemon(config) as daemon, answering(south.udp(SOUTH, 5060, timeout_s=0.2), status):
        number = apply_drain(daemon, rate=100)
        for _ in range(60):
            client.sendto(bytes(sip.register("busy")), rig.SERVICE)
            time.sleep(0.1)
        slowly = plan(daemon, number)["moved"]
        assert 50 < slowly < 300, f"at 100 a second it would be all of them: {slowly}"
        assert "south answers many requests with 5xx" in daemon.report()
        status[0] = 200
        rig.wait_for("the others", lambda: plan(daemon, number)["moved"] == 400, 60)
