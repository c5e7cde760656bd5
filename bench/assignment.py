# SPDX-License-Identifier: Apache-2.0
"""The assignment: the table by itself (look-ups a second, octets a client, beside rte_hash and absl::flat_hash_map, what readers lose while it is written), then
durable and through the daemon (store.py); and Kamailio's htable (htable.py)."""
import json
import subprocess

import htable
import node
import store

# Each in a process of its own, so that none finds the memory that another has left. At most 7.5 GB at a time.
KINDS = ("lookups", "memory", "peers", "writes")


def run():
    figures = {}
    for kind in KINDS:
        node.say(f"measuring {kind}")
        # The writer needs a CPU of its own: that program places its threads itself.
        pinned = [] if kind == "writes" else ["taskset", "-c", str(node.WORKER_CPU)]
        figures |= json.loads(subprocess.run([*pinned, str(node.tool("viaduct_assign")), kind], check=True, stdout=subprocess.PIPE).stdout)
    node.say("measuring Kamailio's htable")
    figures |= htable.figures()
    figures |= store.figures()
    return {name: round(value, 4) for name, value in figures.items()}


def report(figures):
    return [f"{name.removeprefix('assign.'):44}{value:10.3f}" for name, value in figures.items()], True
