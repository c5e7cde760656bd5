# SPDX-License-Identifier: Apache-2.0
"""What another node of the fleet may ask of a home over HTTP: watchers of clients that move are told over real UDP, also after a crash."""
import contextlib
import json
import time

import rig
from control import LISTEN, Node
from test_watchers import configured, phone, server, total
from watcher import branch_of

CONTROL = {"listen": f"{LISTEN[0]}:{LISTEN[1]}"}


def test_watchers_of_a_client_that_moves_are_told_to_come_again(lab, folder):
    host = lab.host("edge")
    with host.daemon(configured(folder, control=CONTROL)) as daemon:
        node, watcher, callee = Node(host), server(lab), phone(lab)
        callee.register()
        subscription = watcher.watch("callee")
        elsewhere = watcher.watch("caller")
        assert node.standings("callee", "caller", "nobody") == [(1, 1), (0, 1), (0, 0)]
        assert node.call("/v1/standing") == (200, {"ok": True, "clients": 1, "bindings": 1, "subscriptions": 2})
        assert node.moved("callee") == 1
        last = subscription.told()
        assert (last.state, last.parameters) == ("terminated", {"reason": "deactivated"})
        assert last.document.is_full and last.document.state == "active" and subscription.uris == [callee.contact], "its contact stands"
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 1)
        assert node.moved("callee") == 0 and node.standings("callee") == [(1, 0)]
        again = watcher.watch("callee")
        assert node.moved("callee", "caller", mode="probation", within_s=600) == 2, "the caller is not registered here"
        for one in (again, elsewhere):
            last = one.told()
            assert last.parameters["reason"] == "probation" and 1 <= int(last.parameters["retry-after"]) <= 600


def test_a_client_is_asked_to_register_again_and_keeps_what_it_has(lab, folder):
    host = lab.host("edge")
    with host.daemon(configured(folder, control=CONTROL)):
        node, watcher, callee = Node(host), server(lab), phone(lab)
        callee.register()
        own, others = callee.watch("callee"), watcher.watch("callee")
        assert node.moved("callee", mode="shortened") == 1
        told = own.told(timeout_s=8)
        assert told.state == "active" and told.document.events == {callee.contact: "shortened"}
        assert 25 <= int(told.document.contacts[0]["expires"]) <= 60
        others.quiet_for(1.0)
        assert node.standings("callee") == [(1, 2)]
        callee.register(cseq=2)
        assert own.told(timeout_s=8).document.events == {callee.contact: "refreshed"}


def killed_after_a_move(lab, folder, meanwhile):
    """A node whose subscription is to be told of a move when it dies; its subscription, the host, its configuration and what `meanwhile(subscription, wait_until_written)` gave."""
    host = lab.host("edge")
    config = configured(folder, control=CONTROL)
    watcher, callee = server(lab), phone(lab)
    with host.daemon(config) as daemon:
        callee.register()
        subscription = watcher.watch("callee")
        begun = time.time()
        assert Node(host).moved("callee") == 1
        seen = meanwhile(subscription, lambda: rig.written_behind(daemon, "subscriptions", since=begun))
        daemon.die()
    with contextlib.suppress(TimeoutError):   # what was sent before it died is lost on its way
        while True:
            subscription.hear(timeout_s=0.2)
    return subscription, host, config, seen


def test_what_was_promised_is_told_after_a_crash(lab, folder):
    subscription, host, config, _ = killed_after_a_move(lab, folder, lambda *_: None)
    with host.daemon(config) as daemon:
        message = subscription.hear(timeout_s=10)
        assert message.one("subscription-state") == "terminated;reason=deactivated"
        subscription.answer(message)
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)


def test_what_was_under_way_is_told_again_after_a_crash_with_the_same_numbers(lab, folder):
    def hear_and_not_answer(subscription, wait_until_written):
        message = subscription.hear()
        wait_until_written()
        return message

    subscription, host, config, lost = killed_after_a_move(lab, folder, hear_and_not_answer)
    with host.daemon(config) as daemon:
        again = subscription.hear(timeout_s=10)
        assert again.one("subscription-state") == "terminated;reason=deactivated" and branch_of(again) == branch_of(lost)
        for name in ("call-id", "cseq", "from", "to"):
            assert again.one(name) == lost.one(name), name
        subscription.answer(again)
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)


def test_strangers_are_not_heard(lab, folder):
    host = lab.host("edge")
    with host.daemon(configured(folder, control=CONTROL)) as daemon:
        node = Node(host)
        body = json.dumps({"epoch": 1, "mode": "deactivated", "clients": ["callee@example.com"]}).encode()
        stranger = Node(host, "a:ff112131415161718191a1b1c1d1e1ff")
        for seal in ("", stranger.seal("/v1/moved", body)[1], node.seal("/v1/moved", body, late_s=100)[1], node.seal("/v1/bindings", body)[1]):
            status, answer, sealed = node.post("/v1/moved", body, seal)
            assert status == 401 and sealed is None, answer
        seal = node.seal("/v1/moved", body)[1]
        assert node.post("/v1/moved", body, seal)[0] == 200
        assert node.post("/v1/moved", body, seal)[0] == 401, "a second time"
        assert node.call("/v1/nothing")[0] == 404
        for faulty in ({"epoch": 1, "mode": "away", "clients": ["a@example.com"]}, {"epoch": 1, "mode": "shortened", "within_s": 1, "clients": ["a@example.com"]},
                       {"epoch": 1, "mode": "deactivated", "clients": []}, {"epoch": 1, "mode": "deactivated", "clients": ["a@elsewhere.org"]},
                       {"epoch": 1, "mode": "deactivated", "clients": ["a@example.com"] * 1025}, {"mode": "deactivated", "clients": ["a@example.com"]}):
            status, answer = node.call("/v1/moved", **faulty)
            assert status == 400 and answer["error"], faulty
        assert "to control.listen: " in daemon.log.read_text()
