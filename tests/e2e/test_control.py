# SPDX-License-Identifier: Apache-2.0
"""What another node of the fleet may ask of a home over HTTP: watchers of clients that move are told over real UDP, also after a crash."""
import contextlib
import json
import time

import rig
from control import BLOCKS, LISTEN, Node
from disk import fill, small_disk
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


# --- the whole assignment, for a node that has none

def flat(lists):
    return [row for rows in lists for row in rows]


def assignment(node):
    status, answer = node.call("/v1/assignment")
    assert status == 200, answer
    return answer


def test_a_node_says_all_of_its_assignment(lab, folder):
    host = lab.host("edge")
    placed = [("alice@example.com", "north"), ("bob@example.com", "south", "pin")]
    with host.daemon(rig.make_config(folder, assignments=placed, neighbour=[], dpdk=rig.af_packet(), control=CONTROL)) as daemon:
        node, homes = Node(host), [home["name"] for home in daemon.ask("homes")["homes"]]
        at_first = assignment(node)
        assert [json.loads(home)["name"] for home in at_first["homes"]] == homes and at_first["homes_count"] == len(homes)
        assert at_first["clients"] == 2 and at_first["fleet"] is None and at_first["epoch"] == daemon.ask("status")["epoch"]
        assert len(at_first["slots"]) == 2 ** 17 and set(at_first["slots"]) == {0, 1}
        assert node.call("/v1/assignment", first_home=1)[1]["homes"] == at_first["homes"][1:]
        assert sorted(flat(node.placements())) == [["alice@example.com", homes.index("north"), False, 1], ["bob@example.com", homes.index("south"), True, 1]]
        daemon.ask("client.assign", aor="alice@example.com", home="south")
        assert assignment(node) == at_first | {"epoch": at_first["epoch"] + 1}
        assert sorted(flat(node.placements()))[0] == ["alice@example.com", homes.index("south"), False, at_first["epoch"] + 1]
        daemon.ask("client.unassign", aor="bob@example.com")
        assert assignment(node)["clients"] == 1 and len(flat(node.placements())) == 1


def test_many_clients_come_in_several_answers_and_by_any_blocks(lab, folder):
    host = lab.host("edge")
    placed = [(f"user{i}@example.com", "north") for i in range(50_000)]
    with host.daemon(rig.make_config(folder, assignments=placed, neighbour=[], dpdk=rig.af_packet(), control=CONTROL)):
        node = Node(host)
        answers = node.placements()
        assert len(answers) > 1
        everybody = [row[0] for row in flat(answers)]
        assert sorted(everybody) == sorted(aor for aor, _ in placed), "each once"
        cuts = [0, 1, 1000, BLOCKS // 2, BLOCKS - 1, BLOCKS]
        assert [row[0] for first, end in zip(cuts, cuts[1:]) for row in flat(node.placements(first, end))] == everybody, "in one order"


def test_strangers_learn_no_placement(lab, folder):
    host = lab.host("edge")
    with host.daemon(configured(folder, control=CONTROL)) as daemon:
        node, stranger = Node(host), Node(host, "a:ff112131415161718191a1b1c1d1e1ff")
        blocks = json.dumps({"first": 0, "end": BLOCKS}).encode()
        for target, body in (("/v1/assignment", b"{}"), ("/v1/placements", blocks)):
            for seal in ("", stranger.seal(target, body)[1], node.seal(target, body, late_s=100)[1], node.seal(target, b"[]")[1], node.seal("/v1/work", body)[1]):
                status, answer, sealed = node.post(target, body, seal)
                assert status == 401 and sealed is None and answer.keys() == {"ok", "error"}, answer
        for faulty in ({}, {"first": 0}, {"end": 1}, {"first": 1, "end": 1}, {"first": 2, "end": 1}, {"first": 0, "end": BLOCKS + 1}, {"first": -1, "end": 1},
                       {"first": "0", "end": 1}, {"first": 0.5, "end": 1}):
            status, answer = node.call("/v1/placements", **faulty)
            assert status == 400 and answer["error"], faulty
        assert node.call("/v1/assignment", first_home=-1)[0] == 400
        assert daemon.ask("status")["ok"]


def test_a_node_whose_disk_is_full_says_what_it_has(lab, folder):
    host = lab.host("edge")
    with small_disk(folder, "16m") as disk:
        config = configured(folder, control=CONTROL, store={"path": disk / "store", "size_max": 1024})
        with host.daemon(config) as daemon:
            node = Node(host)
            had = assignment(node), node.placements()
            assert had[0]["clients"] == len(flat(had[1])) > 0
            fill(disk / "filler")
            assert (assignment(node), node.placements()) == had
            daemon.die()
        with host.daemon(config):
            assert (assignment(node), node.placements()) == had, "and where it opens the store to read alone"
