# SPDX-License-Identifier: Apache-2.0
"""Kamailio's htable: what a look-up from its script costs, and an entry's memory. The same loop is run with the look-up and without it."""
import contextlib
import pathlib
import re
import socket
import subprocess

import node
import wire

CLIENTS, LOOKUPS, ROUNDS = 1_000_000, 1_900_000, 3
CONFIG = pathlib.Path(__file__).resolve().parent / "peers" / "htable.cfg"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        return link.getsockname()[1]


@contextlib.contextmanager
def started(folder, clients, is_looking_up):
    """A Kamailio that fills its table, then counts, on a port of the loopback to which nobody sends."""
    defined = [f"CLIENTS={clients}", f"ROUNDS={LOOKUPS}", *(["LOOKING_UP"] if is_looking_up else [])]
    process = node.daemon.start_process(
        ["taskset", "-c", node.WORKER_CPU, "kamailio", "-f", CONFIG, "-l", f"udp:127.0.0.1:{free_port()}", "-m", 2048, "-M", 16, "-x", "tlsf", "-X", "tlsf", "-DD", "-E",
         "-P", folder / "pid", "-Y", folder, "-w", folder, *(word for name in defined for word in ("-A", name))], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        node.daemon.end_process(process, timeout_s=5)
        process.stderr.close()


def reached(process, word):
    """Read its log up to that line."""
    said = []
    for line in process.stderr:
        if line.rstrip().endswith(word):
            return
        said.append(line)
    raise RuntimeError(f"Kamailio ended before it {word}: {''.join(said)}")


def measured(clients, is_looking_up):
    """Seconds of user time from a full table to the end of the loop, and octets of memory with the table full."""
    with node.folder() as folder, started(folder, clients, is_looking_up) as process:
        reached(process, "filled")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        before, _ = wire.cpu_seconds(process.pid)
        reached(process, "asked")
        return wire.cpu_seconds(process.pid)[0] - before, int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def figures():
    seconds, octets = [], []
    for _ in range(ROUNDS):
        (asked, full), (counted, _), (_, empty) = measured(CLIENTS, True), measured(CLIENTS, False), measured(1, False)
        seconds.append(asked - counted)
        octets.append(full - empty)
    return {"assign.kamailio_htable_1M_mps": LOOKUPS / node.median(seconds) / 1e6, "assign.kamailio_htable_bytes_per_client": node.median(octets) / CLIENTS}
