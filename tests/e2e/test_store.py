# SPDX-License-Identifier: Apache-2.0
"""What survives: placements, homes and their history over restarts and kills; files in and out; store against table."""
import contextlib
import json
import os
import random
import socket
import subprocess
import threading
import time

import daemon as daemons
import frames
import pytest
import sip
from daemon import Daemon, make_config
from disk import small_disk


def quiet(folder, **overrides):
    """A daemon that no packet reaches: it reads an empty file."""
    frames.write_pcap(folder / "in.pcap", [])
    return make_config(folder, dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}, **overrides)


def viaduct(node, *words, status=0, stdin=None):
    """Run the operator's command against a daemon; returns its standard output, and its standard error behind it."""
    done = subprocess.run([daemons.VIADUCT, "--socket", node.socket, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, input=stdin)
    assert done.returncode == status, (words, done)
    return done.stdout + done.stderr


def rows(*pairs):
    return "".join(",".join(pair) + "\n" for pair in pairs)


def export(node):
    """{aor: (home, pin)} of all placements."""
    lines = viaduct(node, "clients", "export").splitlines()
    assert lines[0] == "aor,home,pin" and lines[-1].startswith("# end: "), lines[-1:]
    return {aor: (home, bool(pin)) for aor, home, *pin in (line.split(",") for line in lines[1:-1])}


def test_placements_homes_and_history_survive_a_restart_and_the_configuration_only_seeds(folder):
    config = quiet(folder, assignments=[("alice@example.com", "north")])
    with Daemon(config) as node:
        viaduct(node, "client", "assign", "bob@example.com", "south", "--pin", "--why", "he asked")
        viaduct(node, "client", "assign", "alice@example.com", "south")
        viaduct(node, "homes", "add", "east", "--address", "198.18.0.77:5060")
        viaduct(node, "client", "assign", "carol@example.com", "east")
        viaduct(node, "homes", "set", "north", "--weight", 5)
        before = node.ask("homes")["homes"], node.ask("status")["epoch"]
    with Daemon(config) as node:
        assert (node.ask("homes")["homes"], node.ask("status")["epoch"]) == before
        assert export(node) == {"alice@example.com": ("south", False), "bob@example.com": ("south", True), "carol@example.com": ("east", False)}
        events = node.ask("client.history", aor="alice@example.com")["history"]
        assert [(e["from"], e["to"], e["who"]) for e in events] == [("north", "south", "root"), (None, "north", "viaductd")]
        assert node.ask("client.history", aor="bob@example.com")["history"][0]["why"] == "he asked"
        assert "3 clients: store and table agree" in viaduct(node, "clients", "verify")
        told = node.ask("reload")
        assert any("home east is in the store" in d for d in told["differs"]) and any("home north is another" in d for d in told["differs"])


def test_a_home_is_removed_only_when_nobody_is_placed_there(folder):
    with Daemon(quiet(folder, assignments=[("alice@example.com", "north")])) as node:
        slots = {h["name"]: h["slots"] for h in node.ask("homes")["homes"]}
        assert "1 clients are placed there" in viaduct(node, "homes", "remove", "north", status=1)
        viaduct(node, "client", "unassign", "alice@example.com")
        viaduct(node, "homes", "remove", "north")
        after = {h["name"]: h["slots"] for h in node.ask("homes")["homes"] if h["state"] != "removed"}
        assert after == {"south": slots["north"] + slots["south"]}
        assert "last home" in viaduct(node, "homes", "remove", "south", status=1)
        assert "no such home" in viaduct(node, "client", "assign", "alice@example.com", "north", status=1)
        viaduct(node, "homes", "add", "north", "--address", "198.18.0.11:5060")
        assert "is a home already" in viaduct(node, "homes", "add", "north", "--address", "198.18.0.11:5060", status=1)
        assert "allowed" in viaduct(node, "homes", "add", "odd", "--address", "nonsense", status=1)
        for words in (("add", "twin"), ("set", "south")):
            assert '"198.18.0.11:5060" is that of "north" as well' in viaduct(node, "homes", *words, "--address", "198.18.0.11:5060", status=1)


def test_changes_of_one_home_at_once_all_hold(folder):
    with Daemon(quiet(folder)) as node:
        for turn in range(1, 6):
            wanted = {"weight": turn, "capacity": 100 * turn, "zone": f"hall-{turn}", "max_per_s": 1000 * turn}
            commands = [daemons.start_process([daemons.VIADUCT, "--socket", node.socket, "homes", "set", "south", f"--{key.replace('_', '-')}", str(value)]) for key, value in wanted.items()]
            assert [command.wait(30) for command in commands] == [0] * len(commands)
            south = next(home for home in node.ask("homes")["homes"] if home["name"] == "south")
            assert {key: south[key] for key in wanted} == wanted


def refused_start(config):
    """What a viaductd says that does not start."""
    done = subprocess.run([daemons.VIADUCTD, "--config", config], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1, done
    return done.stderr


def test_there_are_no_homes_without_a_key_that_signs(folder):
    named = {"node": {"name": "keyless"}}
    config = quiet(folder, **named)
    with Daemon(config) as node:
        assert quiet(folder, home=[], fleet={"keys": None}, **named) == config
        refused = node.ask("reload")
        assert not refused["ok"] and "fleet.keys: is missing" in refused["error"], refused
    assert "fleet.keys: is missing" in refused_start(config)
    bare = quiet(folder, home=[], fleet={"seed": None, "keys": None})
    with Daemon(bare) as node:
        assert "fleet.keys: is missing" in viaduct(node, "homes", "add", "north", "--address", "198.18.1.1:5060", status=1)
        assert node.ask("homes")["homes"] == []


def test_the_first_homes_come_from_the_configuration_however_late(folder):
    named = {"node": {"name": "bare"}}
    bare = quiet(folder, home=[], **named)
    for _ in range(2):
        with Daemon(bare) as node:
            assert node.ask("homes")["homes"] == [] and node.ask("status")["epoch"] == 1, "what is empty is written once"
    assert quiet(folder, assignments=[("alice@example.com", "north")], **named) == bare
    with Daemon(bare) as node:
        assert {home["name"]: home["slots"] > 0 for home in node.ask("homes")["homes"]} == {"north": True, "south": True}
        assert export(node) == {"alice@example.com": ("north", False)}
    assert quiet(folder, home=[], **named) == bare
    with Daemon(bare) as node:
        assert len(node.ask("homes")["homes"]) == 2, "from then on the store has them"


def test_a_start_that_fails_seeds_nothing(folder):
    named = {"node": {"name": "first"}}
    config = quiet(folder, control={"listen": "203.0.113.1:7060"}, **named)
    assert "control.listen: 203.0.113.1:7060 cannot be listened at" in refused_start(config)
    (folder / "file").write_text("")
    quiet(folder, node=named["node"] | {"runtime_dir": folder / "file"})
    assert str(folder / "file") in refused_start(config)
    quiet(folder, home=[{"name": "south", "address": "198.18.1.9:5060"}], **named)
    with Daemon(config) as node:
        assert [(h["name"], h["address"]) for h in node.ask("homes")["homes"]] == [("south", "198.18.1.9:5060")]
        assert node.ask("reload")["differs"] == []


def test_a_cpu_that_is_not_there_is_named_before_dpdk_starts(folder):
    config = quiet(folder, node={"worker_cpus": [900]})
    done = subprocess.run([daemons.VIADUCTD, "--config", config], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and done.stdout == "", done
    assert f"{config}:" in done.stderr and "node.worker_cpus[0]: this process cannot have CPU 900; allowed: 0" in done.stderr


def test_a_check_reads_the_credentials_as_a_start_does(folder):
    secrets = folder / "c.csv"
    secrets.write_text(f"alice@example.com,MD5,{'a' * 32}\n")
    config = quiet(folder, registrar={"credentials": secrets})
    done = subprocess.run([daemons.VIADUCTD, "--check", "--config", config], capture_output=True, text=True, timeout=30, check=False)
    fault = f"registrar.credentials: {secrets}:1: alice@example.com has no HA1 for SHA-512-256, which is offered"
    assert done.returncode == 1 and fault in done.stderr and fault in refused_start(config), done


def test_a_check_that_finds_no_fault_says_so(folder):
    config = quiet(folder)
    done = subprocess.run([daemons.VIADUCTD, "--check", "--config", config], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{config}: OK\n", "")


def test_each_line_of_the_log_names_the_node(folder):
    with Daemon(quiet(folder)) as node:
        pass
    lines = node.log.read_text().splitlines()
    assert any(" ready: " in line for line in lines) and all(f"] [{node.name}] [" in line for line in lines), lines


def test_wrong_options_are_told_from_a_wrong_configuration(folder):
    for words in (["--nonsense"], ["--config"]):
        assert subprocess.run([daemons.VIADUCTD, *words], capture_output=True, timeout=30, check=False).returncode == 2
    assert subprocess.run([daemons.VIADUCTD, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    assert "is not a file" in refused_start(folder / "none.toml")


def test_a_home_that_drains_or_is_down_stays_so_over_a_restart(folder):
    config = quiet(folder, assignments=[("alice@example.com", "north")])

    def homes_of_alice(node):
        told = node.ask("client.explain", aor="alice@example.com", vias=1)
        return told["home"], told["effective_home"]

    with Daemon(config) as node:
        viaduct(node, "homes", "drain", "north")
        assert homes_of_alice(node) == ("north", "north")
        viaduct(node, "homes", "down", "north", "--why", "its disk is gone")
        assert homes_of_alice(node) == ("north", "south")
        assert "is down already" in viaduct(node, "homes", "down", "north", status=1)
    with Daemon(config) as node:
        assert {h["name"]: h["state"] for h in node.ask("homes")["homes"]} == {"north": "down", "south": "up"}
        assert homes_of_alice(node) == ("north", "south")
        viaduct(node, "homes", "up", "north")
        assert homes_of_alice(node) == ("north", "north")


def test_files_are_imported_whole_or_not_at_all_and_exported_again(folder):
    good = rows(*((f"user{i}@example.com", "north" if i % 3 else "south", "pin") if i % 10 == 0 else (f"user{i}@example.com", "north" if i % 3 else "south")
                  for i in range(20_000)))
    path = folder / "clients.csv"
    with Daemon(quiet(folder)) as node:
        path.write_text("aor,home\n" + good + "nonsense\nuser1@elsewhere.org,north\nuser2@example.com,nowhere\n")
        refused = viaduct(node, "clients", "import", path, status=1)
        assert "line 20002: 1 fields" in refused and "line 20003: " in refused and "line 20004: nowhere: no such home" in refused
        assert export(node) == {}
        assert "20000 rows, 0 clients changed, 3 lines rejected" in viaduct(node, "clients", "import", path, "--dry-run", "--skip-rejected")
        assert export(node) == {}
        assert "20000 rows, 20000 clients changed, 3 lines rejected" in viaduct(node, "clients", "import", path, "--skip-rejected")
        placed = export(node)
        assert len(placed) == 20_000 and placed["user10@example.com"] == ("north", True) and placed["user3@example.com"] == ("south", False)
        assert "20000 clients: store and table agree" in viaduct(node, "clients", "verify")
        stats = node.ask("clients.stats")
        assert (stats["clients"], stats["pins"]) == (20_000, 2_000) and stats["homes"]["south"]["pins"] + stats["homes"]["north"]["pins"] == 2_000
        # what was exported is what was imported
        viaduct(node, "clients", "export", "--out", folder / "out.csv")
        assert "0 clients changed" in viaduct(node, "clients", "import", folder / "out.csv")
        assert len(viaduct(node, "clients", "export", "--pins", "--home", "south").splitlines()) - 2 == stats["homes"]["south"]["pins"]
        assert len(viaduct(node, "clients", "export", "--prefix", "user1999").splitlines()) - 2 == 11
        # one home for many, and back to the slots
        many = "".join(f"user{i}@example.com\n" for i in range(10_000))
        assert "10000 rows, 9666 clients changed" in viaduct(node, "clients", "pin", "south", "-", stdin=many)  # 334 were pinned there
        assert "10000 clients changed" in viaduct(node, "clients", "unassign", "-", stdin=many + many)
        assert len(export(node)) == 10_000
        assert "10000 clients: store and table agree" in viaduct(node, "clients", "verify")


def test_an_import_that_is_cut_off_changes_nothing(folder):
    with Daemon(quiet(folder)) as node:
        command = subprocess.Popen([daemons.VIADUCT, "--socket", node.socket, "clients", "import", "-"], stdin=subprocess.PIPE)
        command.stdin.write(rows(*((f"user{i}@example.com", "north") for i in range(50_000))).encode())
        command.stdin.flush()
        time.sleep(0.3)
        command.kill()
        command.wait()
        command.stdin.close()
        viaduct(node, "client", "assign", "alice@example.com", "north")
        time.sleep(0.5)
        assert list(export(node)) == ["alice@example.com"]


def lines_nobody_takes(line):
    """How many such lines a peer that does not read has room for."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(line)
                count += 1
        return count


def drain_while(link, sender):
    """Read until that has ended and nothing comes any more."""
    link.settimeout(0.5)
    while True:
        try:
            assert link.recv(1 << 16)
        except TimeoutError:
            if not sender.is_alive():
                return


def test_an_import_whose_peer_does_not_read_keeps_nobody_waiting(folder):
    rejected = lines_nobody_takes(b'{"line":1000000,"rejected":"1 fields; allowed: aor,home or aor,home,pin"}\n') - 3
    file = rows(*((f"user{i}@example.com", "north") for i in range(1_000_000))).encode()
    with Daemon(quiet(folder, store={"path": folder / "store", "fsync": "deferred"}, assign={"entries": 1_200_000})) as node, socket.socket(socket.AF_UNIX) as link:
        link.connect(str(node.socket))
        writer = link.dup()
        writer.settimeout(60)
        link.sendall(json.dumps({"verb": "clients.import", "skip_rejected": True}).encode() + b"\n")
        sender = threading.Thread(target=writer.sendall, args=(file,))
        sender.start()
        drain_while(link, sender)
        writer.sendall(b"nonsense\n" * rejected)
        writer.shutdown(socket.SHUT_WR)
        time.sleep(2)   # it is writing
        begin = time.monotonic()
        assert node.ask("homes.down", name="south")["ok"]
        assert time.monotonic() - begin < 15
        link.settimeout(60)
        *_, last = link.makefile()
        assert json.loads(last)["changed"] == 1_000_000, last


def test_a_full_disk_refuses_the_change_and_leaves_what_is(folder):
    with small_disk(folder, "4m") as disk:
        with Daemon(quiet(folder, assignments=[("alice@example.com", "north")], store={"path": disk / "store", "size_max": 1024})) as node:
            many = rows(*((f"user{i}@example.com", "north") for i in range(100_000)))
            assert "No space left" in viaduct(node, "clients", "import", "-", stdin=many, status=1)
            assert "1 clients: store and table agree" in viaduct(node, "clients", "verify")
            viaduct(node, "client", "assign", "alice@example.com", "south")
            assert export(node) == {"alice@example.com": ("south", False)}
        with Daemon(node.config) as node:
            assert export(node) == {"alice@example.com": ("south", False)}


@pytest.mark.parametrize("spoil, why", [(lambda f: f.write_bytes(b"not a store of ours" * 1000), "MDB_INVALID"),
                                        (lambda f: os.truncate(f, f.stat().st_size // 2), "cut off"),
                                        (lambda f: os.truncate(f, 0), "cut off")])
def test_what_is_no_store_is_refused_and_not_touched(folder, spoil, why):
    config = quiet(folder, assignments=[(f"user{i}@example.com", "north") for i in range(2000)])
    with Daemon(config) as node:
        viaduct(node, "client", "assign", "alice@example.com", "north")
    store = next(folder.glob("*.store")) / "clients.mdb"
    spoil(store)
    spoilt = store.read_bytes()
    done = subprocess.run([daemons.VIADUCTD, "--config", config], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and why in done.stderr, done.stderr
    assert store.read_bytes() == spoilt


def test_two_daemons_do_not_write_one_store(folder):
    config = quiet(folder)
    with Daemon(config):
        done = subprocess.run([daemons.VIADUCTD, "--config", config], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 1 and "another process writes this store" in done.stderr, done.stderr


class Changes:
    """Keeps changing one daemon's placements, and what it was told is done: {aor: home or None}, exact but for what was under way."""

    def __init__(self, node, known, seed):
        self.node, self.known, self.random = node, known, random.Random(seed)
        self.under_way = {}
        self.acknowledged = 0
        self.is_killed = False
        self.refused = None   # why a change was, by a daemon that had not been killed

    def run(self):
        """Until the daemon is gone."""
        try:
            while True:
                self.step()
        except (OSError, json.JSONDecodeError):
            return
        except AssertionError as error:
            self.refused = None if self.is_killed else error

    def step(self):
        if self.random.random() < 0.5:
            return self.one()
        return self.many()

    def one(self):
        aor, home = f"user{self.random.randrange(500)}@example.com", self.random.choice(["north", "south", None])
        self.under_way = {aor: home}
        done = self.node.ask("client.assign", aor=aor, home=home) if home else self.node.ask("client.unassign", aor=aor)
        assert done["ok"], done
        self.settle()

    def many(self):
        home = self.random.choice(["north", "south"])
        first = self.random.randrange(20_000)
        self.under_way = {f"user{i}@example.com": home for i in range(first, first + self.random.choice([10, 1000, 8000]))}
        done = subprocess.run([daemons.VIADUCT, "--socket", self.node.socket, "clients", "import", "-"], capture_output=True, text=True, timeout=60, check=False,
                              input=rows(*self.under_way.items()))
        assert done.returncode == 0, done.stderr
        self.settle()

    def settle(self):
        self.known.update(self.under_way)
        self.under_way = {}
        self.acknowledged += 1


KILLS = int(os.environ.get("VIADUCT_KILLS", "100"))


def check_after_kill(node, known, under_way):
    """The acknowledged changes are there, and of the batch that was under way all or nothing. Returns what stands."""
    placed = {aor: home for aor, (home, _) in export(node).items()}
    for wanted in (known, known | under_way):
        if placed == {aor: home for aor, home in wanted.items() if home}:
            assert f"{len(placed)} clients: store and table agree" in viaduct(node, "clients", "verify")
            return wanted
    raise AssertionError(f"{len(placed)} are placed, {sum(1 for home in known.values() if home)} were acknowledged, {len(under_way)} under way")


def test_a_hundred_kills_lose_nothing_that_was_acknowledged_and_halve_nothing(folder):
    config = quiet(folder, assign={"entries": 1024})
    known, under_way, acknowledged, chance = {}, {}, 0, random.Random(4)
    for kill in range(KILLS):
        node = Daemon(config).__enter__()
        try:
            changes = Changes(node, check_after_kill(node, known, under_way), seed=kill)
            thread = threading.Thread(target=changes.run)
            thread.start()
            time.sleep(chance.uniform(0.02, 0.25))
            changes.is_killed = True
            node.die()
            thread.join(60)
            assert not thread.is_alive() and changes.refused is None, changes.refused
        finally:
            node.kill()
        known, under_way = changes.known, changes.under_way
        acknowledged += changes.acknowledged
    with Daemon(config) as node:
        check_after_kill(node, known, under_way)
    assert acknowledged > KILLS, "hardly anything was changed"


def test_a_node_that_stops_amid_an_import_says_so_and_changes_nothing(folder):
    config = quiet(folder)
    with Daemon(config) as node, socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(str(node.socket))
        link.sendall(json.dumps({"verb": "clients.import"}).encode() + b"\nalice@example.com,north\n")
        time.sleep(0.2)   # it has the verb, and waits for more of the file
        node.stop()
        answer = json.loads(link.makefile().readlines()[-1])
        assert answer == {"ok": False, "error": "the node is stopping: nothing was changed"}
    with Daemon(config) as node:
        assert export(node) == {}


def export_until_it_stops(node):
    """What an export has sent when the node is told to stop amid it."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(str(node.socket))
        link.sendall(b'{"verb": "clients.export"}\n')
        seen = link.recv(1 << 18)
        node.process.terminate()
        while piece := link.recv(1 << 18):
            seen += piece
    return seen


def test_a_node_that_stops_amid_an_export_does_not_call_it_whole(folder):
    config = quiet(folder, assign={"entries": 400_000})
    with Daemon(config) as node:
        path = folder / "many.csv"
        path.write_text("".join(f"user{i}@example.com,north\n" for i in range(300_000)))
        viaduct(node, "clients", "import", path)
    for _ in range(6):   # it depends on the moment what of the rest is still sent
        with Daemon(config) as node:
            seen = export_until_it_stops(node)
            assert seen.startswith(b'{"') and seen.count(b"\n") < 300_000 and b"# end: " not in seen


def test_only_an_import_that_is_written_has_an_epoch(folder):
    with Daemon(quiet(folder)) as node:
        good, bad = folder / "good.csv", folder / "bad.csv"
        good.write_text("alice@example.com,north\n")
        bad.write_text("alice@example.com,nowhere\n")
        assert "epoch" not in viaduct(node, "clients", "import", good, "--dry-run")
        refused = json.loads(viaduct(node, "--json", "clients", "import", bad, status=1).splitlines()[0])
        assert refused["ok"] is False and "epoch" not in refused
        assert "epoch" in viaduct(node, "clients", "import", good)


def test_who_was_registered_is_on_a_disk_that_cannot_be_written(folder):
    homes = [{"name": "north", "address": "198.18.1.1:5060"}, {"name": "here", "address": "198.18.0.2:5060", "local": True}]

    def bind(node, user):
        assert node.ask("client.bind", aor=f"{user}@example.com", uri=f"sip:{user}@198.18.0.50:5070", expires_s=1800)["ok"]

    def registered(node):
        return [user for user in ("alice", "bob") if node.ask("client.show", aor=f"{user}@example.com")["bindings"]]

    with small_disk(folder, "16m") as disk:
        config = quiet(folder, home=homes, assignments=[("alice@example.com", "here"), ("bob@example.com", "here")], store={"path": disk / "store", "size_max": 1024})
        with Daemon(config) as node:
            bind(node, "alice")
        (disk / "store" / "sightings.mdb").unlink()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with Daemon(config) as node:
            assert registered(node) == ["alice"]
            bind(node, "bob")
            assert registered(node) == ["alice", "bob"]
            daemons.wait_for("the log", lambda: "cannot be written: the disk or the file is read-only" in node.log.read_text())
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        with Daemon(config) as node:
            assert registered(node) == ["alice"], "what came meanwhile was not kept"


def test_who_has_deregistered_is_not_registered_after_a_restart_though_the_store_is_full(folder):
    here = {"name": "here", "address": "198.18.0.2:5060", "local": True}
    config = quiet(folder, home=[here], store={"path": folder / "store", "size_max": 1})
    users = [f"u{i}@example.com" for i in range(5000)]
    with Daemon(config) as node, socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(str(node.socket))
        answers = link.makefile("rb")

        def ask(verb, aors, **more):
            for aor in aors:
                link.sendall(json.dumps({"verb": verb, "aor": aor, **more}).encode() + b"\n")
                assert json.loads(answers.readline())["ok"], aor

        for first in range(0, len(users), 1000):
            ask("client.bind", users[first:first + 1000], uri="sip:somebody@198.18.0.50:5070", expires_s=1800)
            time.sleep(0.7)
        daemons.wait_for("a store that is full", lambda: "registrations are not kept" in node.log.read_text())
        ask("client.deregister", users[:1900])
        ask("client.deregister", users[2000:])
        daemons.wait_for("what is left to find room", lambda: "registrations are kept again" in node.log.read_text())
        ask("client.deregister", users[1900:1950])
    with Daemon(config) as node:
        assert "50 clients are registered here" in node.log.read_text()
        assert node.ask("client.show", aor=users[1999])["bindings"] and not node.ask("client.show", aor=users[0])["bindings"]


def test_a_folder_is_nothing_to_explain(folder):
    done = subprocess.run([daemons.VIADUCT, "explain", folder, "--config", quiet(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, f"{folder}: cannot be read\n")


def test_a_capture_that_is_cut_off_is_said_to_be(folder):
    messages = [frames.frame_of(frames.Datagram(bytes(sip.register("alice")), ("198.18.0.10", 5060), ("198.18.0.2", 5060))) for _ in range(3)]
    frames.write_pcap(folder / "cut.pcap", messages)
    octets = (folder / "cut.pcap").read_bytes()
    (folder / "cut.pcap").write_bytes(octets[:-20])
    done = subprocess.run([daemons.VIADUCT, "--json", "explain", folder / "cut.pcap", "--config", quiet(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and len(done.stdout.splitlines()) == 2 and "truncated" in done.stderr, done
