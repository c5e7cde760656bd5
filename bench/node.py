# SPDX-License-Identifier: Apache-2.0
"""The node under test: data made once, a configuration for measuring, and what its worker does in a second of CPU time."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
import daemon  # noqa: E402

DATA = daemon.ROOT / "build" / "bench-data"
PCAP_ONCE = pathlib.Path(__file__).resolve().parent / "pcap_once.toml"
CLIENTS = 10_000_000
HOMES = 1000
WARM, COLD = 1000, 8192
# Ten million rows are read before READY.
daemon.READY_S = 300

WORKER_CPU, CONTROL_CPU = 1, 0


PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
# Of 2 MB, for the packet buffers and rings of one node: 136 were taken.
PAGES_OF_A_NODE = 160


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def reserve(pages):
    """Whether the kernel has so many huge pages now."""
    try:
        PAGES.write_text(str(pages))
        return int(PAGES.read_text()) >= pages
    except OSError as why:
        say(why)
        return False


@contextlib.contextmanager
def huge_pages(nodes):
    """DPDK's memory of so many nodes on huge pages, as an appliance has it: whether the kernel gave them. What was reserved before is reserved afterwards."""
    before = int(PAGES.read_text()) if PAGES.exists() else 0
    given = reserve(before + nodes * PAGES_OF_A_NODE)
    say("packet buffers lie on huge pages" if given else "no huge pages: packet buffers lie on small ones")
    try:
        yield given
    finally:
        reserve(before)


def tool(name):
    return daemon.BUILD / "bench" / name


def made(name, *arguments):
    """A file of make_load's, made when it is not there yet, or older than make_load."""
    path = DATA / name
    if not path.exists() or path.stat().st_mtime < tool("make_load").stat().st_mtime:
        say(f"making {path}")
        DATA.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        subprocess.run([str(tool("make_load")), arguments[0], str(unfinished), *map(str, arguments[1:])], check=True)
        unfinished.rename(path)
    return path


def pcap(messages, version=4):
    return made(f"registers-{messages}.pcap", "pcap", messages) if version == 4 else made(f"registers6-{messages}.pcap", "pcap6", messages)


def clients(first=0, count=CLIENTS):
    return made(f"clients-{first}-{count}.csv", "clients", first, count, HOMES)


def homes(version=4):
    """Behind a gateway, so that one MAC serves them all; with an IPv6 address as well where clients are to be sent there."""
    places = [f"10.64.{i // 250}.{i % 250 + 1}" for i in range(HOMES)]
    return [{"name": f"home{i}", "address": at, "public": None if version == 4 else [at, f"[2001:db8:64::{i + 1:x}]"]} for i, at in enumerate(places)]


def config(folder, dpdk, redirect="always", assignments=None, entries=CLIENTS, store=None, version=4, **node):
    """A configuration whose every REGISTER counts as having one Via, so that `redirect` alone decides."""
    return daemon.make_config(
        pathlib.Path(folder),
        node=({} if version == 4 else {"listen": [f"{daemon.EDGE}:5060", "[2001:db8::2]:5060"]}) | {"worker_cpus": [WORKER_CPU], "control_cpu": CONTROL_CPU} | node,
        network={"prefix": ["198.18.0.0/24"], "gateway": "198.18.0.9"},
        neighbour=[{"address": "198.18.0.9", "mac": "02:00:00:00:00:09"}],
        dpdk={"buffers": None, "large_buffers": None} | dpdk,
        redirect={"policy": redirect, "trusted_proxies": []},
        home=homes(version),
        assign={"file": assignments, "entries": entries},
        store={"path": store, "size_max": 16384} if store else {},
        screen={"shipped": False},
        limits={"redirects_kept": None})


def loop_config(folder, messages, redirect="always", checksums=False, version=4, hugepages=False):
    """The whole path on a capture that comes round and round, all ten million clients placed."""
    dpdk = {"profile": "pcap_loop", "rx_pcap": pcap(messages, version), "buffers": 16383, "pretend_checksum_offload": not checksums, "hugepages": hugepages}
    # The first start seeds the store, which takes a while; the others find it.
    kind = ("sums" if checksums else "plain") + ("" if version == 4 else "6")
    return config(folder, dpdk, redirect, clients(), store=DATA / f"{redirect}-{messages}-{kind}.store", version=version, idle="poll")


def workers_thread(pid):
    """The kernel's id of the only worker's thread, by the name that DPDK gave it."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if "worker" in (task / "comm").read_text():
            return int(task.name)
    raise RuntimeError(f"process {pid} has no worker")


def cpu_ns(pid, thread):
    return int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])


class Node(daemon.Daemon):
    """A viaductd whose end says nothing on standard output, where figures belong, and no thousand homes on standard error."""

    def report(self):
        return f"--- {self.name}: log:\n{self.log.read_text(errors='replace')}"

    def __exit__(self, kind, *error):
        if kind is None:
            self.stop()
        else:
            self.kill()
            if not issubclass(kind, SystemExit):
                say(self.report())


class LoopNode:
    """A node whose worker polls without end; stopped by signal while others are measured."""

    def __init__(self, path):
        self.daemon = Node(path)

    def __enter__(self):
        say(f"starting a node with {CLIENTS:,} clients")
        self.daemon.__enter__()
        self.thread = workers_thread(self.daemon.process.pid)
        self.pause()
        return self

    def __exit__(self, *error):
        self.daemon.process.send_signal(signal.SIGCONT)
        self.daemon.__exit__(*error)

    def pause(self):
        self.daemon.process.send_signal(signal.SIGSTOP)

    def rate(self, verdict, seconds=2.0):
        """Messages of that verdict a second of the worker's CPU time. Every message must have had it."""
        pid = self.daemon.process.pid
        self.daemon.process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        before, cpu_before = self.daemon.ask("counters")["total"], cpu_ns(pid, self.thread)
        time.sleep(seconds)
        after, cpu_after = self.daemon.ask("counters")["total"], cpu_ns(pid, self.thread)
        self.pause()
        others = {name for name, count in after["verdicts"].items() if count and name != verdict}
        if others:
            raise RuntimeError(f"not every message was {verdict}: also {', '.join(others)}; drops {after['drops']}")
        return (after["verdicts"][verdict] - before["verdicts"][verdict]) * 1e9 / (cpu_after - cpu_before)


@contextlib.contextmanager
def folder():
    """A folder that is gone afterwards; short, because a socket's path is."""
    with tempfile.TemporaryDirectory(prefix="vb-", dir="/tmp") as name:
        yield pathlib.Path(name)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if len(ordered) % 2 else (ordered[len(ordered) // 2 - 1] + ordered[len(ordered) // 2]) / 2


def machine():
    """One line on what was measured on."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii") if line.startswith("model name")), "unknown CPU")
    family = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="ascii") if line.startswith("cpu family")), "?")
    return f"{model} (family {family}), {os.cpu_count()} CPUs, Linux {os.uname().release}, load {os.getloadavg()[0]:.1f}"
