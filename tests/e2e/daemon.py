# SPDX-License-Identifier: Apache-2.0
"""A viaductd of the test's own: its configuration, its life from READY to SIGTERM, and its control socket."""
import ctypes
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VIADUCT_BUILD", ROOT / "build"))
VIADUCTD = BUILD / "viaductd"
VIADUCT = BUILD / "viaduct"

EDGE = "198.18.0.2"
HOMES = {"north": "198.18.1.1", "south": "198.18.1.2"}
HOME_MACS = {"north": "02:00:00:00:01:01", "south": "02:00:00:00:01:02"}
FLEET = {"seed": "000102030405060708090a0b0c0d0e0f", "keys": ["a:101112131415161718191a1b1c1d1e1f"]}

# Sanitizers make a start several times slower.
READY_S = 30
STOP_S = 30

_serial = itertools.count(1)


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(str(value)) if isinstance(value, (str, pathlib.Path)) else str(value)


def toml(tables):
    """TOML of a dictionary of tables; a list of dictionaries is an array of tables; keys that are None are left out."""
    lines = []
    for name, content in tables.items():
        for table in content if isinstance(content, list) else [content]:
            lines.append(f"[[{name}]]" if isinstance(content, list) else f"[{name}]")
            lines += [f"{key} = {toml_value(value)}" for key, value in table.items() if value is not None]
    return "\n".join(lines) + "\n"


def make_config(folder, assignments=(), **overrides):
    """Write a configuration into `folder` and return its path.

    The defaults are one edge at 198.18.0.2 with the homes north and south, third-party servers with known MACs. `overrides` are tables:
    a dictionary is laid over the default table of that name, a list (home, neighbour) replaces it. A node's name gets the number of this
    process behind it: daemons of one name share DPDK's runtime directory, and tests run beside each other. `assignments` are rows of
    the assignments file: (aor, home) or (aor, home, "pin").
    """
    node = overrides.pop("node", {})
    node_name = f"{node.get('name', f'edge-{next(_serial)}')}-{os.getpid()}"
    tables = {
        "node": {"listen": [f"{EDGE}:5060"], "runtime_dir": folder} | node | {"name": node_name},
        "network": {"prefix": ["198.18.0.0/15"]},
        "neighbour": [{"address": HOMES[name], "mac": HOME_MACS[name]} for name in HOMES],
        "dpdk": {"profile": "pcap", "buffers": 4095, "large_buffers": 127},
        "sip": {"domains": ["example.com"]},
        "redirect": {},
        "fleet": dict(FLEET),
        "home": [{"name": name, "address": f"{HOMES[name]}:5060"} for name in HOMES],
        "assign": {"entries": 4096},
        "registrar": {"bindings_max": 10000},
        "limits": {"redirects_kept": 4096},
        # Most homes of the tests are sockets, or nothing: they are not asked, and are back as soon as somebody says so.
        "health": {"enabled": False, "slow_start_s": 0},
        "store": {"path": folder / f"{node_name}.store", "size_max": 1024},
    }
    if assignments:
        rows = folder / "assignments.csv"
        rows.write_text("".join(",".join(row) + "\n" for row in assignments))
        tables["assign"]["file"] = rows
    for name, content in overrides.items():
        tables[name] = content if isinstance(content, list) else tables.get(name, {}) | content
    path = folder / f"{node_name}.toml"
    path.write_text(toml(tables))
    return path


def die_with_parent():
    """Run in a child before exec: end it when the test process ends, however that happens."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def start_process(command, **options):
    """Popen in a process group of its own that ends with the test process."""
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent, **options)


def end_process(process, timeout_s=STOP_S):
    """SIGTERM, then SIGKILL to the whole group when that does not help. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_for(what, condition, timeout_s=10.0):
    """Poll until `condition()` is true and return its value; fail with `what` otherwise."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)
    return value


def written_behind(daemon, *files, since, still_s=2.0, timeout_s=20.0):
    """Wait until what has happened after `since` (time.time(), taken before it) stands in these files of the store, which are written behind every half second.

    One write may have begun before it happened: so none follows for a while either."""
    tick_s = 0.05   # a file's time is that of the kernel's last tick
    paths = [daemon.config.parent / f"{daemon.name}.store" / f"{file}.mdb" for file in files]
    wait_for(f"{files} to be written", lambda: all(since - tick_s < path.stat().st_mtime < time.time() - still_s for path in paths), timeout_s)


class Daemon:
    """One viaductd. Use it as a context: it is READY inside, and has ended well after it."""

    def __init__(self, config, prefix=()):
        """`prefix` is a command that runs another, as `nsenter --net=FILE`."""
        self.config = pathlib.Path(config)
        self.name = self.config.stem
        self.prefix = list(prefix)
        self.socket = self.config.parent / f"{self.name}.sock"
        self.log = self.config.with_suffix(".log")
        self.process = None

    def __enter__(self):
        assert VIADUCTD.exists(), f"{VIADUCTD} is not built: run scripts/build"
        with open(self.log, "wb") as log:
            self.process = start_process([*self.prefix, VIADUCTD, "--config", self.config], stdout=subprocess.PIPE, stderr=log)
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()
            print(self.report())

    def report(self):
        return f"--- {self.name}: {self.config.read_text()}--- log:\n{self.log.read_text(errors='replace')}"

    def wait_ready(self):
        """The line READY comes on standard output once the workers poll."""
        end, seen = time.monotonic() + READY_S, b""
        while b"READY\n" not in seen:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            assert readable, f"not READY within {READY_S} s\n{self.report()}"
            octets = os.read(self.process.stdout.fileno(), 4096)
            assert octets, f"ended before READY with {self.process.wait()}\n{self.report()}"
            seen += octets

    def stop(self):
        """SIGTERM, once the counters add up; the daemon must end in order, with 0."""
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                self.balance()
            except AssertionError as error:
                self.kill()
                raise AssertionError(f"{error}\n{self.report()}") from None
        status = end_process(self.process)
        self.kill()
        assert status == 0, f"exit status {status}\n{self.report()}"

    def kill(self):
        if self.process is None:
            return
        end_process(self.process)
        self.process.stdout.close()
        self.process = None
        shutil.rmtree(f"/var/run/dpdk/viaduct-{self.name}", ignore_errors=True)

    def die(self):
        """SIGKILL amid its work. It must have lived until then: one that has ended by itself has crashed."""
        assert self.process.poll() is None, f"ended by itself with {self.process.poll()}\n{self.report()}"
        self.process.kill()
        status = self.process.wait()
        self.kill()
        assert status == -signal.SIGKILL, f"ended by itself with {status}\n{self.report()}"

    def ask(self, verb, **arguments):
        """One request on the control socket; its whole answer, also when that is a refusal."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(READY_S)
            link.connect(str(self.socket))
            link.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            with link.makefile("rb") as answers:
                return json.loads(answers.readline())

    def counters(self):
        """The counters of this moment; while packets come they need not add up."""
        answer = self.ask("counters")
        assert answer["ok"], answer
        return answer

    def balance(self):
        """Wait until the counters add up, which they need not while packets come."""
        latest = {}

        def adds_up():
            latest.update(self.counters())
            return latest["balanced"]

        try:
            wait_for("the counters to add up", adds_up, READY_S)
        except (OSError, json.JSONDecodeError):
            return   # it ends by itself: its status tells
        assert_balanced(latest)

    def settled(self, pkts, timeout_s=READY_S, until=lambda counters: True):
        """The counters once `pkts` packets have their verdict, no other is in the hands of a worker, the registrar or the control core, and `until` holds.

        Packets whose next hop is looked for have their verdict before the control core has them: what it does with them is for `until` to tell.
        """
        latest = {}

        def is_settled():
            assert self.process.poll() is None, f"ended with {self.process.poll()}\n{self.report()}"
            latest.update(self.counters())
            registrar, verdicts = latest["registrar"], latest["total"]["verdicts"]
            is_answered = verdicts["registered"] + verdicts["subscribed"] == registrar["received"] == sum(registrar[name] for name in ("answered", "challenged", "refused", "dropped"))
            is_taken = verdicts["controlled"] == latest["control"]["frames_taken"] and verdicts["concluded"] == latest["watchers"]["answers"] + latest["control"]["probe_answers"]
            return sum(verdicts.values()) >= pkts and latest["balanced"] and is_answered and is_taken and until(latest)

        try:
            wait_for(f"{pkts} packets", is_settled, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}: {latest}\n{self.report()}") from None
        assert_balanced(latest)
        return latest


def assert_balanced(counters):
    """What came in, and copies for second homes = sum of verdicts + what went on to another worker; dropped = sum of drop reasons: added up here, not believed."""
    total = counters["total"]
    assert counters["balanced"], counters
    assert total["rx_pkts"] + total["second_homes"] == sum(total["verdicts"].values()) + total["handed_over"], total
    assert total["verdicts"]["dropped"] == sum(total["drops"].values()), total
