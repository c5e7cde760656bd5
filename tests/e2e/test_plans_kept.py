# SPDX-License-Identifier: Apache-2.0
"""What is kept of plans and moves: beside a hundred later plans, another store, a copy of the store, a full disk; and over stops in the middle of it."""
import collections
import contextlib
import json
import os
import shutil
import socket
import threading
import time

import pytest
import rig
from daemon import Daemon
from disk import fill, small_disk
from test_moves import plan, wait_for_plan
from test_store import export, quiet, refused_start, viaduct

SLOW = {"auto": "off", "deadline_s": 600, "clients_per_s": 10, "receiver_clients_per_s": 10, "donor_clients_per_s": 10}
QUICK = {"auto": "off", "deadline_s": 1, "cooldown_s": 0, "settled_s": 0, "clients_per_s": 100_000, "receiver_clients_per_s": 100_000,
         "donor_clients_per_s": 100_000}


def users(count, home):
    return [(f"u{i:05}@example.com", home) for i in range(count)]


def homes(*numbers):
    return [{"name": f"h{i}", "address": f"198.18.1.{i + 1}:5060"} for i in numbers]


def begin(node, home):
    """A plan that drains a home, under way."""
    drains = node.ask("homes.drain", name=home)
    assert drains["ok"], drains
    made = node.ask("plan.create", drain=home, force=True)
    assert made["ok"], made
    applied = node.ask("plan.apply")
    assert applied["ok"], applied
    return made["plan"]["id"]


def by_home(node):
    return collections.Counter(home for home, _ in export(node).values())


def test_a_plan_whose_watchers_are_not_told_stays_however_many_come_after_it(folder):
    """A home that cannot be called holds up what its clients' watchers are to be told; that is said once."""
    clients = users(40, "north") + [(f"s{i:05}@example.com", "south") for i in range(40)]
    config = quiet(folder, assignments=clients, balance=QUICK,
                   home=[{"name": "north", "address": "198.18.1.1:5060", "viaduct": True, "control": "127.0.0.1:1"},
                         {"name": "south", "address": "198.18.1.2:5060"}, {"name": "east", "address": "198.18.1.3:5060"}])
    with Daemon(config) as node:
        first = begin(node, "north")
        wait_for_plan(node, first, "nobody has come", lambda p: p["unconfirmed"] == p["moved"] == 40)
        rig.wait_for("north to be called", lambda: "not told yet" in node.log.read_text(), 15)
        assert node.ask("plan.abort", id=first)["ok"] and node.ask("homes.drain", name="south")["ok"]
        for number in range(first + 1, first + 101):
            made = node.ask("plan.create", drain="south", force=True)
            assert made["ok"] and made["plan"]["id"] == number, made
            assert node.ask("plan.abort", id=number)["ok"]
        rig.wait_for("the second plan to go", lambda: not node.ask("plan.show", id=first + 1)["ok"])
        assert plan(node, first)["told"] == 0
        assert node.log.read_text().count("not told yet") == 1, node.log.read_text()
        assert node.ask("homes.remove", name="north")["ok"]
        wait_for_plan(node, first, "watchers are told", lambda p: p["told"] == 40)
        assert "left north are told again" in node.log.read_text()
        assert len(node.ask("plan.history")["plans"]) == 100


@pytest.mark.parametrize("after", [(5, 0), (6, 5, 4, 3, 2, 1, 0)], ids=["fewer homes", "another order"])
def test_moves_of_another_store_are_forgotten(folder, after):
    """clients.mdb moved away and an export imported, as the documentation says, while a plan is under way."""
    named = {"node": {"name": "x"}, "balance": SLOW}
    config = quiet(folder, assignments=users(400, "h5"), home=homes(*range(7)), **named)
    with Daemon(config) as node:
        number = begin(node, "h5")
        wait_for_plan(node, number, "some are on their way", lambda p: p["moved"] >= 10)
        viaduct(node, "clients", "export", "--out", folder / "export.csv")
        store = folder / f"{node.name}.store"
    os.rename(store / "clients.mdb", folder / "spoilt.mdb")
    assert quiet(folder, home=homes(*after), **named) == config
    with Daemon(config) as node:
        viaduct(node, "clients", "import", folder / "export.csv", "--skip-rejected")
        before = by_home(node)
        assert "are those of another store" in node.log.read_text()
        assert node.ask("plan.history")["plans"] == []
        time.sleep(1.5)   # a round of the mover is at most half a second
        assert by_home(node) == before
        number = begin(node, "h5")
        wait_for_plan(node, number, "a plan of its own", lambda p: p["moved"] >= 5)
    with Daemon(config) as node:
        assert plan(node, number)["moved"] >= 5 and "another store" not in node.log.read_text()


def test_moves_to_a_home_that_a_copy_of_the_store_does_not_know_are_forgotten(folder):
    config = quiet(folder, node={"name": "x"}, assignments=users(400, "h0"), home=homes(0), balance=SLOW)
    with Daemon(config) as node:
        store = folder / f"{node.name}.store"
    shutil.copy(store / "clients.mdb", folder / "copy.mdb")
    with Daemon(config) as node:
        viaduct(node, "homes", "add", "h1", "--address", "198.18.1.2:5060")
        number = begin(node, "h0")
        wait_for_plan(node, number, "some are on their way", lambda p: p["moved"] >= 10)
    shutil.copy(folder / "copy.mdb", store / "clients.mdb")
    with Daemon(config) as node:
        assert "moves are of homes or plans that are not there" in node.log.read_text()
        wait_for_plan(node, number, "nobody is left to be moved", lambda p: p["state"] == "done")
        viaduct(node, "homes", "add", "h2", "--address", "198.18.1.3:5060")
        time.sleep(1.5)   # a round of the mover is at most half a second
        assert by_home(node) == {"h0": 400}


def test_registrations_under_another_seed_are_refused(folder):
    home = [{"name": "here", "address": "198.18.0.2:5060", "local": True}]
    config = quiet(folder, node={"name": "x"}, home=home)
    with Daemon(config) as node:
        assert node.ask("client.bind", aor="alice@example.com", uri="sip:alice@198.18.0.9:5060", expires_s=3600)["ok"]
        store = folder / f"{node.name}.store"
    os.rename(store / "clients.mdb", folder / "old.mdb")
    quiet(folder, node={"name": "x"}, home=home, fleet={"seed": "ff0102030405060708090a0b0c0d0e0f"})
    assert "bindings.mdb: was written under another fleet.seed" in refused_start(config)
    for name in ("bindings", "subscriptions", "sightings", "moves"):
        os.remove(store / f"{name}.mdb")
    with Daemon(config) as node:
        assert node.ask("status")["registrar"]["clients"] == 0


def abort_on_a_full_disk(node, disk):
    """A plan whose abort is refused. The file may have room of its own for it: then the next one is tried."""
    for _ in range(20):
        number = begin(node, "north")
        wait_for_plan(node, number, "some are on their way", lambda p: p["moved"] >= 100)
        fill(disk / "fill")
        aborted = node.ask("plan.abort", id=number)
        if not aborted["ok"]:
            return number, aborted["error"]
        os.unlink(disk / "fill")
    raise AssertionError("the disk takes everything")


def test_what_a_full_disk_refuses_is_as_it_was_and_is_done_when_there_is_room(folder):
    with small_disk(folder, "8m") as disk:
        paced = QUICK | {"deadline_s": 2, "clients_per_s": 100, "receiver_clients_per_s": 100, "donor_clients_per_s": 100}
        config = quiet(folder, node={"name": "x"}, assignments=users(4000, "north"), assign={"policy": "explicit"},
                       store={"path": disk / "store", "size_max": 1024}, balance=paced)
        with Daemon(config) as node:
            number, error = abort_on_a_full_disk(node, disk)
            assert plan(node, number)["state"] in ("running", "paused"), error
            refused = next(aor for aor, _ in users(4000, "north") if not node.ask("client.assign", aor=aor, home="south", pin=True)["ok"])
            assert f"{refused} is placed" not in node.log.read_text()
            os.unlink(disk / "fill")
            aborted = node.ask("plan.abort", id=number)
            assert aborted["ok"], aborted
            done = wait_for_plan(node, number, "those on their way have come or not", lambda p: p["told"] == p["moved"], 30)
            assert done["state"] == "aborted"
        with Daemon(config) as node:
            assert plan(node, number)["state"] == "aborted"
            made = node.ask("plan.create", drain="north", force=True)
            assert made["ok"], made


def test_a_stop_in_the_middle_of_a_wave_does_not_pause_a_plan(folder):
    """The wave is on the disk, and waits for an import to be written, when the stop comes."""
    config = quiet(folder, node={"name": "x"}, assignments=users(1000, "north"), assign={"entries": 1_000_000, "policy": "explicit"}, balance=SLOW)
    with Daemon(config) as node, socket.socket(socket.AF_UNIX) as link:
        number = begin(node, "north")
        wait_for_plan(node, number, "it has begun", lambda p: p["moved"] > 0)
        link.settimeout(60)
        link.connect(str(node.socket))
        answers = link.makefile()
        link.sendall(json.dumps({"verb": "clients.import"}).encode() + b"\n" + "".join(f"other{i}@example.com,north\n" for i in range(600_000)).encode())
        link.shutdown(socket.SHUT_WR)
        while (told := json.loads(answers.readline())).get("phase") != "writing" or told["done"] == 0:
            assert "ok" not in told, told
        node.stop()
        assert "is paused" not in node.log.read_text(), node.log.read_text()
    with Daemon(config) as node:
        went_on = plan(node, number)
        assert (went_on["state"], went_on["trouble"]) == ("running", "") and went_on["moved"] < 500, went_on
        wait_for_plan(node, number, "it goes on", lambda p: p["moved"] > went_on["moved"])
        assert by_home(node)["south"] <= plan(node, number)["moved"]


STOP_S = 4.5   # who waited for the control core waited for five; otherwise it is a twentieth of one


def test_a_stop_while_watchers_are_being_told_does_not_wait_for_them(folder):
    config = quiet(folder, node={"name": "x"}, assignments=users(2000, "north"), balance=QUICK)
    for attempt in range(8):
        with Daemon(config) as node:
            over = threading.Event()

            def assign():
                for i in range(2000):
                    if over.is_set():
                        return
                    with contextlib.suppress(OSError, ValueError):
                        node.ask("client.assign", aor=f"u{i:05}@example.com", home=("south", "north")[attempt % 2])

            threads = [threading.Thread(target=assign) for _ in range(2)]
            for thread in threads:
                thread.start()
            time.sleep(1.2 + attempt * 0.05)   # those who have not come within a second are given up, and their watchers told
            node.process.terminate()
            begun = time.monotonic()
            assert node.process.wait(30) == 0
            took_s = time.monotonic() - begun
            over.set()
            for thread in threads:
                thread.join()
            assert took_s < STOP_S, f"attempt {attempt}: {took_s} s"
