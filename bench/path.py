# SPDX-License-Identifier: Apache-2.0
"""The whole path: viaductd's worker on a capture that comes round and round, the driver's copying included."""
import contextlib
import re
import subprocess

import callgrind
import micro
import node

ROUNDS = 5
# What is measured: messages in the capture, policy, verdict, whether checksums are computed in software, IP version.
RUNS = {
    "path.redirect_mps": (node.WARM, "always", "redirected", False, 4),
    "path.redirect_cold_mps": (node.COLD, "always", "redirected", False, 4),
    "path.redirect_swcksum_mps": (node.WARM, "always", "redirected", True, 4),
    "path.forward_mps": (node.WARM, "never", "proxied", False, 4),
    "path.redirect_v6_ns": (node.WARM, "always", "redirected", False, 6),
}
stages = {}   # instructions a message of the redirect, for the report
shares = {}   # of the time, by area


def time_shares(looping):
    """Where the worker's time goes, by area: samples of the CPU clock, the instruction pointer's library or namespace."""
    out = looping.daemon.config.with_suffix(".perf")
    looping.daemon.process.send_signal(node.signal.SIGCONT)
    subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "2999", "-t", str(looping.thread), "-o", str(out), "--", "sleep", "4"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    looping.pause()
    told = subprocess.run(["perf", "report", "-i", str(out), "--stdio", "--no-children", "-F", "overhead,dso,symbol"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    for line in told.splitlines():
        if match := re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[(.)\] (.*)", line):
            area = area_of(match[2], match[3] == "k", match[4])
            shares[area] = shares.get(area, 0.0) + float(match[1])


def area_of(library, is_kernel, symbol):
    if is_kernel:
        return "kernel"
    if match := re.match(r"(?:non-virtual thunk to )?viaduct::(\w+)::", symbol):
        return match[1]
    if library.startswith(("librte", "libpcap")):
        return "driver"
    return "libc" if library.startswith(("libc", "ld-")) else "other"


def rates(folder):
    """Messages a second of each run, in turns, so that what the machine does meanwhile falls on all alike."""
    told = {name: [] for name in RUNS}
    with contextlib.ExitStack() as stack:
        hugepages = stack.enter_context(node.huge_pages(len(RUNS)))
        nodes = {name: stack.enter_context(node.LoopNode(node.loop_config(folder, messages, redirect, checksums, version, hugepages)))
                 for name, (messages, redirect, _, checksums, version) in RUNS.items()}
        for number in range(ROUNDS):
            for name, (_, _, verdict, _, _) in RUNS.items():
                told[name].append(nodes[name].rate(verdict))
            node.say(f"round {number + 1} of {ROUNDS}: " + ", ".join(f"{name.removeprefix('path.')} {rate[-1]:,.0f}" for name, rate in told.items()))
        time_shares(nodes["path.redirect_mps"])
    return {name: round(1e9 / node.median(rate), 1) if name.endswith("_ns") else round(node.median(rate)) for name, rate in told.items()}


def optional_stages():
    """What screening adds to a message, ns: a stage by itself, its messages indexed and in the cache."""
    return {name: value for name, value in micro.run("viaduct_stages", "path").items() if name.endswith("_ns")}


def run():
    with node.folder() as folder:
        figures = rates(folder)
        total, of_stages = callgrind.Counter(folder).count("always")
    stages.update(of_stages)
    return figures | {"path.redirect_instructions": round(total, 1)} | optional_stages()


def report(figures):
    micro_figures = micro.run()
    ticks_per_ns = micro_figures["micro.ticks_per_second"] / 1e9
    lines = [f"{'whole path, one worker':30}{'messages/s':>12}{'ns':>8}{'cycles':>8}   a second of the worker's CPU time, median of {ROUNDS}"]
    for name in RUNS:
        ns = figures[name] if name.endswith("_ns") else 1e9 / figures[name]
        lines.append(f"{name:30}{1e9 / ns:12,.0f}{ns:8.0f}{ns * ticks_per_ns:8.0f}")
    lines += ["", "what a stage adds to a message that is off by default, ns:"]
    lines += [f"  {name.removeprefix('path.').removesuffix('_ns'):28}{value:8.1f}" for name, value in figures.items() if name.endswith("_ns") and name not in RUNS]
    total = figures["path.redirect_instructions"]
    lines += ["", f"redirect, {total:.0f} instructions a message, by stage:"]
    lines += [f"  {name:12}{count:8.0f}{count / total:7.0%}" for name, count in stages.items()]
    lines += ["", "redirect, time by area (samples):"]
    lines += [f"  {area:12}{share:8.1f} %" for area, share in sorted(shares.items(), key=lambda row: -row[1]) if share >= 0.5]
    return lines + [""] + micro.report(micro_figures)[0], True
