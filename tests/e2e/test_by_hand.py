# SPDX-License-Identifier: Apache-2.0
"""One client moved by hand: the answer is durable and visible, and behind it he moves as in a plan, his watchers at the edge or at a Viaduct home told."""
import contextlib
import subprocess

import daemon as daemons
import rig
from handset import Phone
from rig import sip
from test_balance import WATCHER, Fleet
from test_edge_notifier import FLOOR_S, configured, start, start_kamailio
from test_home import die
from test_moves import QUICK, answering, apply_drain, home_of, wait_for_plan
from test_watchers import phone, server
from watcher import Watcher

PROXIED = {"balance": QUICK, "redirect": {"policy": "never"}}
PHONE = ("198.18.0.11", 5064)
AOR = "sip:callee@example.com"
SETTLED_S = 10   # a move is over when his watchers' home has been told


def move_of(daemon, aor=AOR):
    return daemon.ask("client.show", aor=aor).get("move")


def wait_until_moved(daemon, aor=AOR):
    rig.wait_for("his move to be over", lambda: move_of(daemon, aor) is None, SETTLED_S)


def last_told(subscription):
    while (told := subscription.told(FLOOR_S + 2)).state != "terminated":
        pass
    return told


def test_watchers_at_the_edge_are_sent_away_once_he_is_there(lab, folder):
    north, south = start_kamailio(lab, folder), start_kamailio(lab, folder, "south")
    with start(lab, folder, **PROXIED) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.register(cseq=1)
        assert subscription.told(FLOOR_S + 2).document.state == "active" and north.contacts("callee")
        answer = daemon.ask("client.assign", aor=AOR, home="south", pin=True, why="nearer")
        assert (answer["home"], answer["layer"], answer["changed"]) == ("south", "pin", True)
        assert answer["move"] == {"aor": "callee@example.com", "clients": 1, "from": "north", "state": "committed", "to": "south"}
        subscription.quiet_for(1.0)
        assert move_of(daemon)["state"] == "committed", "nobody has confirmed him"
        callee.register(cseq=2)
        assert south.contacts("callee") == [callee.contact]
        told = last_told(subscription)
        assert told.parameters == {"reason": "deactivated"} and subscription.uris == [callee.contact]
        wait_until_moved(daemon)
        assert watcher.watch("callee").uris == [callee.contact]
        assert not daemon.ask("plan.history")["plans"], "no plan has to do with it"
        history = daemon.ask("client.history", aor=AOR)["history"]
        assert history[0]["why"] == "nearer" and history[0]["to_pin"]


def test_watchers_at_a_viaduct_home_are_sent_away_once_he_is_at_the_other(lab, folder):
    with contextlib.ExitStack() as stack:
        fleet = Fleet(lab, folder, stack, names=("v1", "v2"), balance={"auto": "off"})
        daemon = stack.enter_context(fleet.start_edge())
        user = fleet.of("v1")[0]
        callee = Phone(lab.host("phone", PHONE[0]), user, PHONE)
        callee.register()
        subscription = Watcher(lab.host("watcher", WATCHER[0]), "server", WATCHER).watch(user)
        aor = f"sip:{user}@example.com"
        assert daemon.ask("client.assign", aor=aor, home="v2")["move"]["from"] == "v1"
        subscription.quiet_for(1.0)
        callee.register()
        last = last_told(subscription)
        assert last.parameters == {"reason": "deactivated"}
        wait_until_moved(daemon, aor)
        assert home_of(daemon, user) == "v2"


def test_a_move_by_hand_goes_on_after_a_crash(lab, folder):
    start_kamailio(lab, folder), start_kamailio(lab, folder, "south")
    config, edge = configured(folder, node={"name": "edge"}, **PROXIED), lab.host("edge")
    with edge.daemon(config) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.register(cseq=1)
        assert subscription.told(FLOOR_S + 2).document.state == "active"
        assert daemon.ask("client.assign", aor=AOR, home="south")["ok"]
        die(daemon)
    with edge.daemon(config) as daemon:
        assert home_of(daemon, "callee") == "south" and move_of(daemon)["from"] == "north"
        callee.register(cseq=2)
        state = ""
        while not state.startswith("terminated"):
            message = subscription.hear(FLOOR_S + SETTLED_S)
            subscription.answer(message)
            state = message.one("subscription-state")
        assert state == "terminated;reason=deactivated"
        wait_until_moved(daemon)


def test_who_is_on_his_way_can_be_sent_back(lab, folder):
    north, south = start_kamailio(lab, folder), start_kamailio(lab, folder, "south")
    with start(lab, folder, **PROXIED) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.register(cseq=1)
        assert subscription.told(FLOOR_S + 2).document.state == "active"
        assert daemon.ask("client.assign", aor=AOR, home="south")["move"]["to"] == "south"
        assert daemon.ask("client.assign", aor=AOR, home="north")["home"] == "north"
        wait_until_moved(daemon)
        callee.register(cseq=2)
        assert north.contacts("callee") == [callee.contact] and not south.contacts("callee")
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "refreshed"}, "nobody was sent away"


def test_a_plan_lets_be_whom_the_operator_moves_meanwhile(lab, folder):
    """One that was proposed before, and one that has not come to him yet."""
    start_kamailio(lab, folder), start_kamailio(lab, folder, "south")
    with start(lab, folder, **PROXIED) as daemon:
        made = daemon.ask("plan.create", without="north")["plan"]
        assert daemon.ask("client.assign", aor=AOR, home="south")["move"]["to"] == "south"
        assert daemon.ask("plan.apply", id=made["id"], rate=0.001)["ok"]
        assert daemon.ask("plan.show", id=made["id"])["plan"]["overtaken"] == 1
        caller = "sip:caller@example.com"
        assert move_of(daemon, caller) == {"aor": "caller@example.com", "clients": 1, "from": "north", "plan": made["id"], "state": "planned", "to": "south"}
        assert "plan" not in daemon.ask("client.assign", aor=caller, home="south", pin=True)["move"]
        assert move_of(daemon, caller)["state"] == "committed"
        assert daemon.ask("plan.show", id=made["id"])["plan"]["overtaken"] == 2
        assert daemon.ask("plan.abort", id=made["id"])["ok"]
        assert move_of(daemon, caller)["state"] == "committed", "he is on his way whatever becomes of the plan"


def test_who_is_taken_away_where_nobody_lives_by_a_slot_is_called_nowhere(lab, folder):
    users = [f"u{i:02}" for i in range(20)]
    links = {name: lab.host(name, address).udp(address, 5060, timeout_s=0.2) for name, address in rig.HOMES.items()}
    config = rig.make_config(folder, assignments=[(f"{user}@example.com", "north") for user in users], neighbour=[], dpdk=rig.af_packet(),
                             assign={"policy": "explicit"}, **PROXIED)
    client = lab.host("client", "198.18.0.10").udp(*rig.CLIENT)
    with lab.host("edge").daemon(config) as daemon, answering(links["north"], [200]), answering(links["south"], [200]):
        def called(user):
            client.sendto(bytes(sip.request("MESSAGE", user)), rig.SERVICE)
            return sip.Message(client.recv(65535)).status

        def wait_until_nowhere(user):
            rig.wait_for(f"{user} to be on no way", lambda: move_of(daemon, sip.aor(user)) is None)
            assert called(user) == 404

        def taken_away_by_file(user):
            rows = folder / "rows.csv"
            rows.write_text(f"{user}@example.com\n")
            subprocess.run([daemons.VIADUCT, "--socket", daemon.socket, "clients", "unassign", rows], check=True, stdout=subprocess.DEVNULL)

        slot_homes = {user: daemon.ask("client.show", aor=sip.aor(user))["slot_home"] for user in users}
        for home in ("north", "south"):
            user = next(user for user in users if slot_homes[user] == home)
            users.remove(user)
            assert called(user) == 200
            taken = daemon.ask("client.unassign", aor=sip.aor(user))
            assert (taken["layer"], taken.get("move")) == ("none", None), f"his slot's home is {home}"
            assert called(user) == 404
        for user, take_away in ((users.pop(), lambda user: daemon.ask("client.unassign", aor=sip.aor(user))), (users.pop(), taken_away_by_file)):
            assert daemon.ask("client.assign", aor=sip.aor(user), home="south")["move"]["to"] == "south"
            assert called(user) == 200
            take_away(user)
            wait_until_nowhere(user)
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "all are on their way", lambda p: p["moved"] == len(users))
        taken_away_by_file(users[0])
        wait_until_nowhere(users[0])
        assert wait_for_plan(daemon, number, "one is over", lambda p: p["unconfirmed"] == 1)["state"] == "running"
