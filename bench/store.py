# SPDX-License-Identifier: Apache-2.0
"""The durable side of the assignment, through the daemon and the operator's command: import, export, verify, restart, durable changes."""
import contextlib
import random
import shutil
import subprocess
import time

import node

import frames  # of tests/e2e, which node.py looks into

MILLIONS = (1, 10, 100)
CHANGES, CHANGE_ROUNDS = 100_000, 5


def config(folder, clients):
    """A node that no packet reaches, over a store that is kept from run to run."""
    frames.write_pcap(folder / "in.pcap", [])
    return node.config(folder, {"profile": "pcap", "rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap", "buffers": 4095}, entries=clients,
                       store=store_of(clients), idle="adaptive")


def store_of(clients):
    return node.DATA / f"placed-{clients}.store"


def viaduct(running, *words):
    """Run the operator's command; returns the seconds that it took."""
    begin = time.monotonic()
    subprocess.run([node.daemon.VIADUCT, "--socket", running.socket, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


@contextlib.contextmanager
def started(path):
    """A node, and the seconds from its start to READY: every placement is in its table."""
    begin = time.monotonic()
    with node.Node(path) as running:
        yield running, time.monotonic() - begin


def imported(clients):
    """Import into an empty store, which is kept; returns seconds of import, export and verify."""
    shutil.rmtree(store_of(clients), ignore_errors=True)
    rows = node.clients(0, clients)
    with node.folder() as folder, started(config(folder, clients)) as (running, _):
        told = {"import": viaduct(running, "clients", "import", rows)}
        told["export"] = viaduct(running, "clients", "export", "--out", folder / "out.csv")
        told["verify"] = viaduct(running, "clients", "verify")
        return told | {"store_bytes_per_client": running.ask("clients.stats")["store"]["bytes_per_client"]}


def restarted(clients):
    """The seconds of the middle one of three starts, from a warm disk."""
    told = []
    for _ in range(3):
        with node.folder() as folder, started(config(folder, clients)) as (_, seconds):
            told.append(seconds)
    return sorted(told)[1]


def changes_per_s(clients):
    """Clients moved a second, each batch on the disk and before every worker when it is acknowledged: random ones, so many a batch."""
    chance = random.Random(1)
    rates = []
    with node.folder() as folder, started(config(folder, clients)) as (running, _):
        for number in range(CHANGE_ROUNDS):
            rows = folder / "moves.csv"
            rows.write_text("".join(f"u{i:07}@example.com,home{(i + number) % node.HOMES}\n" for i in chance.sample(range(clients), CHANGES)))
            before = running.ask("status")["epoch"]
            seconds = viaduct(running, "clients", "import", rows)
            assert running.ask("status")["epoch"] == before + 1, "nothing was changed"
            rates.append(CHANGES / seconds)
    return sorted(rates)[len(rates) // 2]


def figures():
    out = {}
    for millions in MILLIONS:
        clients = millions * 1_000_000
        node.say(f"importing {millions} M clients, exporting and verifying them")
        told = imported(clients)
        out |= {f"assign.{what}_{millions}M_s": told[what] for what in ("import", "export", "verify")}
        out[f"assign.restart_{millions}M_s"] = restarted(clients)
        out["assign.store_bytes_per_client"] = told["store_bytes_per_client"]
    node.say("durable changes")
    out["assign.durable_changes_per_s"] = changes_per_s(10_000_000)
    shutil.rmtree(store_of(100_000_000))
    return out
