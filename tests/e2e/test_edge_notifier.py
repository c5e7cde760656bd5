# SPDX-License-Identifier: Apache-2.0
"""Who watches clients of a third-party home: told by the edge, of what it sees of their registrations. The homes are Kamailios, which know nothing of it."""
import time

import pytest
import rig
from rig import sip
from test_home import HERE, die
from test_moves import QUICK, apply_drain, home_of, wait_for_plan
from test_watchers import CALLEE, CALLER, FLOOR_S, SERVER, phone, server, total

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
PLACED = [("callee@example.com", "north"), ("caller@example.com", "north")]


def start_kamailio(lab, folder, name="north"):
    return rig.Kamailio(lab.host(name, rig.HOMES[name]), rig.HOMES[name], folder / name)


def configured(folder, **more):
    tables = {"neighbour": [], "dpdk": rig.af_packet(), "watchers": {"prefixes": [f"{SERVER[0]}/32"]}, "redirect": {"policy": "always"}} | more
    return rig.make_config(folder, assignments=PLACED, **tables)


def start(lab, folder, **more):
    return lab.host("edge").daemon(configured(folder, **more))


def first_register(callee, call_id):
    """The answer to a REGISTER that nothing is known of."""
    request = sip.register(callee.user).via(callee.via()).contact(f"<{callee.contact}>").call_id(call_id)
    return callee.ask(request)


@pytest.mark.parametrize("shards", [1, 2])
def test_a_watched_client_is_proxied_and_his_watchers_are_told_by_the_edge(lab, folder, shards):
    home = start_kamailio(lab, folder)
    with start(lab, folder, registrar={"shards": shards}) as daemon:
        watcher, callee = server(lab), phone(lab)
        assert first_register(callee, "before").status == 302, "nobody watches"
        subscription = watcher.subscription("callee")
        answer = subscription.subscribe(600)
        assert answer.status == 200 and answer.one("contact") == f"<sip:{rig.EDGE}:5060>"
        first = subscription.told()
        assert first.document.is_full and first.document.state == "init" and not subscription.uris, "nothing has been seen"
        assert daemon.ask("subs.list")["subscriptions"][0]["elsewhere"]

        callee.register(cseq=1)
        assert home.contacts("callee") == [callee.contact]
        told = subscription.told(FLOOR_S + 2)
        assert told.document.events == {callee.contact: "registered"} and told.document.state == "active" and subscription.uris == [callee.contact]
        assert 3500 < int(told.document.contacts[0]["expires"]) <= 3600
        callee.register(cseq=2)
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "refreshed"}
        callee.register(cseq=3, expires=0)
        assert not home.contacts("callee")
        gone = subscription.told(FLOOR_S + 2)
        assert gone.document.events == {callee.contact: "unregistered"} and gone.document.state == "terminated" and not subscription.uris

        assert subscription.subscribe(0).status == 200
        assert subscription.told().parameters["reason"] == "timeout"
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)
        assert first_register(callee, "after").status == 302, "nobody watches any more"
        counters = daemon.counters()
        assert counters["registrar"]["sightings"] == 3 and counters["total"]["sightings_lost"] == 0


def test_a_client_seen_may_watch_himself_and_strangers_nobody(lab, folder):
    start_kamailio(lab, folder)
    with start(lab, folder) as daemon:
        callee, caller = phone(lab), phone(lab, "caller", CALLER)
        assert callee.subscription("callee").subscribe().status == 403, "nothing shows that it is he"
        server(lab).watch("callee")
        callee.register()
        rig.wait_for("him to be seen", lambda: daemon.counters()["registrar"]["sightings"] == 1)
        assert callee.watch("callee").uris == [callee.contact]
        assert caller.subscription("callee").subscribe().status == 403
        assert total(daemon) == 2


def test_other_packages_and_a_home_that_is_said_to_notify_are_left_to_the_home(lab, folder):
    start_kamailio(lab, folder)
    homes = [{"name": "north", "address": f"{NORTH}:5060", "reg_notifier": "home"}]
    with start(lab, folder, home=homes) as daemon:
        watcher = server(lab)

        def answered_by_the_home(event):
            answer = watcher.ask(watcher.subscription("callee", event=event).request(600))
            return answer.status == 200 and f"Seen By {NORTH}" in answer.start_line

        assert answered_by_the_home("reg")
        assert daemon.ask("homes.set", name="north", reg_notifier="edge")["ok"]
        assert not answered_by_the_home("reg")
        assert answered_by_the_home("presence") and answered_by_the_home(None)
        assert total(daemon) == 1
        refused = daemon.ask("homes.set", name="north", viaduct=True, reg_notifier="edge")
        assert not refused["ok"] and "reg_notifier" in refused["error"]
        assert daemon.ask("homes.set", name="north", viaduct=True)["ok"]
        assert daemon.ask("homes")["homes"][0]["reg_notifier"] == "home"


@pytest.mark.parametrize("lists_expiry", [True, False])
def test_a_binding_that_runs_out_is_told(lab, folder, lists_expiry):
    """A home played by the test, which grants what Kamailio would not: three seconds."""
    home = lab.host("north", NORTH).udp(NORTH, 5060)
    with start(lab, folder):
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.send(sip.register("callee").via(callee.via()).contact(f"<{callee.contact}>"))
        octets, edge = home.recvfrom(65535)
        granted = [("Contact", f"<{callee.contact}>" + ";expires=3" * lists_expiry)] + [("Expires", "3")] * (not lists_expiry)
        home.sendto(sip.answer(octets, 200, to_tag="home", extra=granted), edge)
        assert callee.hear(lambda m: m.status == 200)
        assert subscription.told(FLOOR_S + 2).document.events[callee.contact] in ("registered", "expired")
        if subscription.uris:
            assert subscription.told(FLOOR_S + 4).document.events == {callee.contact: "expired"}
        assert not subscription.uris


def test_what_is_known_and_who_watches_outlive_a_kill(lab, folder):
    start_kamailio(lab, folder)
    config = configured(folder, node={"name": "edge"})
    edge = lab.host("edge")
    with edge.daemon(config) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        begun = time.time()
        callee.register()
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "registered"}
        rig.written_behind(daemon, "sightings", "subscriptions", since=begun)
        die(daemon)
    with edge.daemon(config) as daemon:
        assert total(daemon) == 1
        callee.register(cseq=2)   # proxied still
        message = subscription.hear(FLOOR_S + 5)
        told = subscription.look_at(message, skips=True)
        subscription.answer(message)
        assert told.document.is_full and subscription.uris == [callee.contact]
        assert watcher.watch("callee").uris == [callee.contact]


def test_watchers_of_a_client_who_moves_are_sent_to_his_new_home(lab, folder):
    """From one Kamailio to another: this edge again answers for the new one, and knows the contact already."""
    north, south = start_kamailio(lab, folder), start_kamailio(lab, folder, "south")
    with start(lab, folder, balance=QUICK, redirect={"policy": "never"}) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.register(cseq=1)
        assert subscription.told(FLOOR_S + 2).document.state == "active" and north.contacts("callee")
        number = apply_drain(daemon)
        wait_for_plan(daemon, number, "he is on his way", lambda p: p["left"] == 0)
        subscription.quiet_for(1.0)
        assert home_of(daemon, "callee") == "south"
        callee.register(cseq=2)
        wait_for_plan(daemon, number, "he is told of", lambda p: p["confirmed"] == 1 and p["told"] >= 1)
        assert south.contacts("callee") == [callee.contact]
        while (told := subscription.told(FLOOR_S + 2)).state != "terminated":
            assert told.document.state == "active" and subscription.uris == [callee.contact]
        assert told.parameters == {"reason": "deactivated"} and subscription.uris == [callee.contact], "the contact as it is"
        again = watcher.watch("callee")
        assert again.uris == [callee.contact]
        callee.register(cseq=3, expires=0)
        assert again.told(FLOOR_S + 2).document.events == {callee.contact: "unregistered"}


def test_who_watches_while_another_stands_in_is_told_on_when_the_home_is_back(lab, folder):
    home = start_kamailio(lab, folder)
    homes = [{"name": "north", "address": f"{NORTH}:5060"}, HERE]
    with start(lab, folder, home=homes, registrar={"expires_min_s": 5}, health={"slow_start_s": 0}, redirect={"policy": "never"}) as daemon:
        watcher, callee = server(lab), phone(lab)
        assert daemon.ask("homes.down", name="north")["ok"]
        callee.register(cseq=1, expires=8)
        subscription = watcher.watch("callee")
        assert subscription.uris == [callee.contact] and daemon.ask("subs.list")["subscriptions"][0]["elsewhere"]
        assert daemon.ask("homes.up", name="north")["ok"]
        callee.register(cseq=2)
        assert home.contacts("callee") == [callee.contact]
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "refreshed"}
        subscription.quiet_for(8.0)   # what he has left behind here runs out
        callee.register(cseq=3, expires=0)
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "unregistered"}


def test_kamailio_watches_and_keeps_what_it_is_told(lab, folder):
    """pua_reginfo, a subscriber that is not ours: what it makes of the documents is its own table of registrations."""
    start_kamailio(lab, folder)
    with start(lab, folder) as daemon:
        other = rig.Kamailio(lab.host("watching", SERVER[0]), SERVER[0], folder / "watching", watches=True)
        callee, operator = phone(lab), phone(lab, "caller", CALLER)
        request = sip.request("MESSAGE", "callee").via(operator.via())
        operator.link.sendto(bytes(request), (SERVER[0], 5060))
        assert operator.hear(lambda m: m.status is not None).status == 200
        rig.wait_for("it to watch", lambda: daemon.counters()["watchers"]["notified"] == 1)
        callee.register(cseq=1)
        rig.wait_for("it to know", lambda: other.contacts("callee") == [callee.contact], FLOOR_S + 3)
        callee.register(cseq=2, expires=0)
        rig.wait_for("it to know that he is gone", lambda: not other.contacts("callee"), FLOOR_S + 3)
        assert daemon.counters()["watchers"]["failed"] == 0
