# SPDX-License-Identifier: Apache-2.0
"""A home that drains is watched until it is empty: the real command, an edge, and two Viaduct homes that say themselves what they have."""
import contextlib
import json
import subprocess

import daemon as daemons
import rig
from handset import Phone
from test_balance import WATCHER, Fleet
from test_moves import plan
from watcher import Watcher

PHONE = ("198.18.0.11", 5064)


def test_a_drain_is_watched_until_no_client_and_no_subscription_is_left(lab, folder):
    with contextlib.ExitStack() as stack:
        fleet = Fleet(lab, folder, stack, names=("v1", "v2"), balance={"auto": "off", "deadline_s": 4})
        daemon = stack.enter_context(fleet.start_edge())
        phone = Phone(lab.host("phone", PHONE[0]), fleet.of("v1")[0], PHONE)
        phone.register()
        subscription = Watcher(lab.host("watcher", WATCHER[0]), "server", WATCHER).watch(phone.user)
        drain = daemons.start_process([daemons.VIADUCT, "--socket", daemon.socket, "--json", "homes", "drain", "v1", "--watch"], stdout=subprocess.PIPE)
        stack.callback(drain.kill)
        rig.wait_for("v1 to drain", lambda: daemon.ask("homes.leaving", name="v1")["state"] == "draining")
        made = daemon.ask("plan.create", without="v1")["plan"]
        assert daemon.ask("plan.apply", id=made["id"], rate=20_000)["ok"]
        rig.wait_for("all to have set out", lambda: plan(daemon, made["id"])["moved"] >= len(fleet.of("v1")), 20)
        assert drain.poll() is None, "nobody has arrived"
        phone.register()
        last = subscription.told()
        assert (last.state, last.parameters) == ("terminated", {"reason": "deactivated"})
        lines = [json.loads(line) for line in drain.communicate(timeout=40)[0].splitlines()][1:]   # the first is about the change
        assert drain.returncode == 0
        assert (lines[0]["clients"], lines[0]["subscriptions"]) == (len(fleet.of("v1")), 1)
        assert any(line["clients"] == 0 and line["waiting"] > 0 for line in lines), "they are seen on their way"
        assert (lines[-1]["clients"], lines[-1]["waiting"], lines[-1]["subscriptions"]) == (0, 0, 0)


def test_what_a_home_without_a_channel_still_has_is_not_known(lab, folder):
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Fleet(lab, folder, stack, names=("k1", "v1")).start_edge())
        left = daemon.ask("homes.leaving", name="k1")
        assert left["ok"] and left["clients"] > 0 and left["subscriptions"] is None
        assert not daemon.ask("homes.leaving", name="nowhere")["ok"]
