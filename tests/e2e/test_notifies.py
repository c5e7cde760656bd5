# SPDX-License-Identifier: Apache-2.0
"""How watchers are told: NOTIFY transactions, over restarts, edges and a bad network, to other people's stacks."""
import threading
import time

import pytest
import rig
from daemon import BUILD, end_process
from test_home import die
from test_watchers import CALLEE, FLOOR_S, SERVER, configured, phone, server, start, total
from watcher import TIMER_F_S, Watcher

# --- NOTIFY transactions

def test_notifies_follow_the_route_set_loose_and_strict(lab, folder):
    with start(lab, folder):
        watcher = server(lab)
        hop = f"sip:{SERVER[0]}:{SERVER[1]}"
        for routes, line, routed in (([f"<{hop};lr>", "<sip:198.18.0.77;lr>"], watcher.contact, [f"<{hop};lr>", "<sip:198.18.0.77;lr>"]),
                                     ([f"<{hop}>", "<sip:198.18.0.77;lr>"], hop, ["<sip:198.18.0.77;lr>", f"<{watcher.contact}>"])):
            subscription = watcher.subscription("callee")
            answer = subscription.subscribe(3600, [("Record-Route", route) for route in routes])
            assert answer.status == 200 and answer.values("record-route") == routes
            message = subscription.hear()
            assert message.uri == line and message.values("route") == routed, message.octets
            subscription.answer(message)


@pytest.mark.parametrize("status", [481, 404, 489, 501, 500])
def test_a_refused_notify_ends_the_subscription(lab, folder, status):
    with start(lab, folder) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.subscription("callee")
        subscription.subscribe()
        subscription.told(status=status)
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)
        callee.register()
        subscription.quiet_for(1.0)
        assert daemon.counters()["watchers"]["failed"] == 1


def test_a_subscriber_that_asks_for_time_gets_it_once(lab, folder):
    with start(lab, folder) as daemon:
        subscription = server(lab).subscription("callee")
        subscription.subscribe()
        first = subscription.told(status=503, extra=[("Retry-After", "2")])
        again = subscription.told()
        assert 1.8 < again.at_s - first.at_s < 3.5 and again.document.is_full and total(daemon) == 1


def test_a_notify_without_answer_is_sent_again_as_it_was(lab, folder):
    with start(lab, folder) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        callee.register()
        copies = [subscription.hear(FLOOR_S + 2)]
        times = [time.monotonic()]
        for _ in range(3):
            copies.append(subscription.hear())
            times.append(time.monotonic())
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        assert all(-0.4 < gap - expected < 1.9 for gap, expected in zip(gaps, (0.5, 1.0, 2.0))), gaps   # later on a busy machine, never sooner
        assert {copy.octets for copy in copies} == {copies[0].octets}
        subscription.look_at(copies[0])
        subscription.answer(copies[0])
        subscription.quiet_for(5.0)
        assert total(daemon) == 1


def test_an_address_that_never_answers_is_sent_three_notifies_and_no_more(lab, folder):
    """No reflector (the counting is of all octets on its wire): what one SUBSCRIBE with a forged source can bring on."""
    with start(lab, folder) as daemon:
        watcher = server(lab)
        silent = watcher.subscription("callee")
        request = bytes(silent.request(3600))
        watcher.send(request)
        received, end = [], time.monotonic() + 8
        while (left := end - time.monotonic()) > 0:
            watcher.link.settimeout(left)
            try:
                received.append(watcher.link.recv(65535))
            except TimeoutError:
                break
        notifies = [octets for octets in received if octets.startswith(b"NOTIFY ")]
        assert len(notifies) == 3 and len(set(notifies)) == 1 and len(received) == 4, received
        assert sum(map(len, received)) < 7 * len(request), f"{sum(map(len, received))} octets for {len(request)}"
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0, TIMER_F_S)
        assert daemon.counters()["watchers"]["unanswered"] == 1


# --- restarts and an edge before the home

def test_subscriptions_survive_a_kill(lab, folder):
    config = configured(folder, node={"name": "edge"})
    edge = lab.host("edge")
    with edge.daemon(config) as daemon:
        watcher, callee = server(lab), phone(lab)
        callee.register()
        quiet, owed = watcher.watch("callee"), watcher.watch("caller")
        unanswered = watcher.subscription("callee")
        unanswered.subscribe()
        lost = unanswered.hear()
        time.sleep(1.2)
        die(daemon)
    watcher.forget()
    with edge.daemon(config) as daemon:
        assert total(daemon) == 3
        again = unanswered.hear(10)
        assert again.one("cseq") == lost.one("cseq") and again.one("via") == lost.one("via"), "what was not answered comes again with its numbers"
        unanswered.look_at(again)
        unanswered.answer(again)
        callee.register(cseq=2)
        for subscription in (quiet, unanswered):
            message = subscription.hear(FLOOR_S + 5)
            told = subscription.look_at(message, skips=True)
            subscription.answer(message)
            assert told.document.events == {callee.contact: "refreshed"} or told.document.is_full
        assert owed.subscribe(0).status == 200
        assert owed.look_at(owed.hear(), skips=True).parameters["reason"] == "timeout"


def test_an_edge_before_the_home_is_on_the_way_of_both(lab, folder):
    """Two Viaduct nodes: SUBSCRIBE goes through the edge, NOTIFY comes back through its Record-Route."""
    home_address = rig.HOMES["north"]
    homes = [{"name": "here", "address": f"{home_address}:5060", "viaduct": True}]
    edge_config = configured(folder, home=homes, redirect={"policy": "never"})
    home_config = configured(folder, home=[{"name": "here", "address": f"{home_address}:5060", "local": True}],
                             node={"name": "home-node", "listen": [f"{home_address}:5060"]}, fleet={"edges": [f"{rig.EDGE}/32"]})
    with lab.host("edge").daemon(edge_config), lab.host("north", home_address).daemon(home_config) as home:
        callee = phone(lab)
        lab.hosts["callee"].cannot_reach(home_address)
        callee.register()
        subscription = callee.subscription("callee")
        answer = subscription.subscribe()
        assert answer.status == 200 and len(answer.values("record-route")) == 1
        first = subscription.told()
        assert first.document.is_full and subscription.uris == [callee.contact]
        routes = first.message.values("record-route")
        assert routes == answer.values("record-route"), "RFC 6665 4.4.1: it is the NOTIFY that makes the dialog"
        answer = subscription.subscribe(0, [("Route", route) for route in routes])
        assert answer.status == 200, answer.octets
        assert subscription.told().state == "terminated"
        rig.wait_for("the subscription to be gone", lambda: total(home) == 0)


# --- many, other people's stacks, and a bad network

def users(count):
    return [(f"u{i}@example.com", "here") for i in range(1, count + 1)]


def test_sipp_watches_what_sipp_registers(lab, folder):
    count = 100
    with start(lab, folder, assignments=users(count)) as daemon:
        watchers, clients = lab.host("server", SERVER[0]), lab.host("clients", "198.18.0.20")
        failures = []

        def watch():
            try:
                rig.sipp(watchers, "watch", f"{rig.EDGE}:5060", address=SERVER[0], rate=50, calls=count)
            except AssertionError as error:
                failures.append(error)

        thread = threading.Thread(target=watch)
        thread.start()
        rig.wait_for("all to watch", lambda: failures or daemon.counters()["watchers"]["notified"] >= count)
        rig.sipp(clients, "register-200", f"{rig.EDGE}:5060", address="198.18.0.20", rate=50, calls=count)
        thread.join()
        assert not failures, failures
        rig.wait_for("all to be gone", lambda: total(daemon) == 0)
        counters = daemon.settled(6 * count)["watchers"]
        assert (counters["subscribed"], counters["ended"], counters["notified"], counters["failed"], counters["unanswered"]) == (count, count, 3 * count, 0, 0)


def test_sofia_watches_and_refreshes_by_itself(lab, folder):
    with start(lab, folder, {"expires_min_s": 2}) as daemon:
        host, callee = lab.host("server", SERVER[0]), phone(lab)
        log = folder / "nua.log"
        with open(log, "wb") as output:
            process = host.start(BUILD / "tests" / "e2e" / "nua_watcher", f"sip:server@{SERVER[0]}:{SERVER[1]}", "sip:callee@example.com", f"sip:{rig.EDGE}:5060", 10,
                                 stdout=output, stderr=output)

        def says(*words, timeout_s=15):
            def line():
                return next((text for text in log.read_text().splitlines() if all(word in text for word in words)), None)
            return rig.wait_for(f"sofia to say {words}: {log}", line, timeout_s)

        says("subscribe 200")
        says("notify 1 active", 'version="0" state="full"', 'state="init"')
        callee.register()
        says("active", 'event="registered"', callee.contact)
        rig.wait_for("a refresh of sofia's own", lambda: log.read_text().count("subscribe 200") >= 2, 15)
        assert total(daemon) == 1
        assert end_process(process, timeout_s=15) == 0, log.read_text()
        says("terminated;timeout")
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)
        assert daemon.counters()["watchers"]["failed"] == 0


def subscribe_until_it_stands(watcher, user):
    """As RFC 6665 4.1.2.4 has it: who hears no NOTIFY, or has been given up, subscribes anew. Returns the subscription and how many failed."""
    for failed in range(5):
        subscription = watcher.subscription(user)
        assert subscription.subscribe().status == 200
        try:
            subscription.told(TIMER_F_S)
        except TimeoutError:
            continue
        return subscription, failed
    raise AssertionError(f"{user} cannot be watched")


def test_with_a_datagram_in_twenty_lost_both_ways_everybody_learns_everything(lab, folder):
    count = 20
    with start(lab, folder, assignments=users(count)) as daemon:
        watcher = server(lab)
        phones = [Watcher(lab.host("phones", CALLEE[0]) if i == 1 else lab.hosts["phones"], f"u{i}", (CALLEE[0], 6000 + i)) for i in range(1, count + 1)]
        for name in ("server", "phones"):
            lab.hosts[name].lose(5)
        made = [subscribe_until_it_stands(watcher, f"u{i}") for i in range(1, count + 1)]
        assert sum(failed for _, failed in made) <= 2, "a first NOTIFY is sent three times: one in a thousand is given up"
        subscriptions = {subscription.call_id: subscription for subscription, _ in made}
        for cseq, expires in ((1, 3600), (2, 3600), (3, 0)):
            for one in phones:
                one.register(cseq=cseq, expires=expires)
            expected = {call_id: [] if expires == 0 else [f"sip:{s.user}@{CALLEE[0]}:{6000 + int(s.user[1:])}"] for call_id, s in subscriptions.items()}
            end = time.monotonic() + 45
            while any(s.uris != expected[key] or s.version < cseq for key, s in subscriptions.items()):
                assert time.monotonic() < end, [(s.user, s.uris, s.version) for s in subscriptions.values()]
                message = watcher.hear(lambda m: m.status is None, 45, "NOTIFY")
                subscription = subscriptions[message.one("call-id")]
                subscription.look_at(message)
                subscription.answer(message)
        assert sum(sum(lab.hosts[name].lost()) for name in ("server", "phones")) >= 5
        assert daemon.counters()["watchers"]["repeated"] > 0 and total(daemon) == count
