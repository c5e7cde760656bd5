# SPDX-License-Identifier: Apache-2.0
"""SIPp's REGISTERs through a veth pair at rising rates, each answered by a 302, until the first is lost."""
import csv
import subprocess

import node
from node import daemon
import wire

RATES = (5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 50_000, 60_000, 80_000, 100_000)
SECONDS = 4
SCENARIO = daemon.ROOT / "tests" / "e2e" / "scenarios" / "register-302.xml"
rows = []   # for the report


def run_at(link, folder, rate):
    """One run; calls answered and failed, and the rate that SIPp really reached: the median of its seconds."""
    statistics = folder / f"sipp-{rate}.csv"
    command = ["taskset", "-c", node.WORKER_CPU, "sipp", f"{wire.EDGE}:5060", "-sf", SCENARIO, "-i", wire.CLIENT, "-p", 6060, "-r", rate, "-rp", 1000,
               "-m", rate * SECONDS, "-l", 20_000, "-nostdin", "-nr", "-recv_timeout", 1000, "-deadcall_wait", 0, "-timeout", 30, "-trace_stat", "-fd", 1,
               "-stf", statistics, "-buff_size", wire.RECEIVE_BUFFER_BYTES]
    subprocess.run(link.words(link.client, *command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=folder,
                   timeout=60)
    with open(statistics, encoding="ascii") as file:
        told = list(csv.DictReader(file, delimiter=";"))
    reached = node.median([float(row["CallRate(P)"]) for row in told if float(row["CallRate(P)"]) > 0] or [0.0])
    return int(told[-1]["SuccessfulCall(C)"]), int(told[-1]["FailedCall(C)"]), reached


def run():
    best = 0.0
    with node.folder() as folder, wire.large_receive_buffers(), wire.Wire() as link:
        path = node.config(folder, {"profile": "af_packet", "interface": "e0"}, entries=100_000, worker_cpus=[node.CONTROL_CPU])
        with link.node(path):
            for rate in RATES:
                answered, failed, reached = run_at(link, folder, rate)
                rows.append((rate, reached, answered, failed))
                node.say(f"at {rate}/s: {answered} answered, {failed} not, SIPp reached {reached:.0f}/s")
                if failed or answered < rate * SECONDS:
                    break
                best = max(best, min(reached, rate))
                if reached < 0.8 * rate:   # SIPp's own core is full: more is not offered
                    break
    return {"sipp.redirect_per_s_before_loss": round(best)}


def report(figures):
    lines = [f"{'wanted/s':>9}{'reached/s':>11}{'answered':>10}{'lost':>7}"]
    lines += [f"{rate:9,}{reached:11,.0f}{answered:10,}{failed:7,}" for rate, reached, answered, failed in rows]
    return lines + [f"before the first loss: {figures['sipp.redirect_per_s_before_loss']:,} a second; SIPp needs a core for that, the node does not"], True
