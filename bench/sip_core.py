# SPDX-License-Identifier: Apache-2.0
"""The message core: index, edits and key of the 627-octet REGISTER beside libosip2 and sofia-sip, in one program and in turns; the costliest message there is."""
import json
import pathlib
import re
import subprocess
import tempfile

import node

MESSAGE_BYTES = 627
PEERS = ("osip", "sofia")
SINGLE = rf"^((index|redirect|forward)/{MESSAGE_BYTES}|key|index_cold|answers_.*)(/|$)"
WORST = "^(mix|nasty)/"


def timed(pattern, repetitions, seconds):
    """The benchmarks that match, by name without what is common to all: what each told, the median of its repetitions, which are shuffled."""
    command = ["taskset", "-c", str(node.WORKER_CPU), str(node.tool("viaduct_sip")), "--benchmark_format=json", f"--benchmark_filter={pattern}",
               f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}", "--benchmark_enable_random_interleaving=true",
               "--benchmark_report_aggregates_only=true"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {one["run_name"].removesuffix("/manual_time"): one for one in told["benchmarks"] if one["aggregate_name"] == "median"}


def instructions():
    """Instructions of the index an octet, by kind of message, and a message of the 627 octets."""
    with tempfile.TemporaryDirectory() as folder:
        # Addresses that differ from run to run would change which path a memcpy takes.
        command = ["setarch", "-R", "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--toggle-collect=viaduct::sip::index(*",
                   str(node.tool("count_index"))]
        kinds = [line.split() for line in subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()]
        totals = {}
        for dump in pathlib.Path(folder).iterdir():
            text = dump.read_text(encoding="utf-8")
            if kind := re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.MULTILINE):
                totals[kind[1]] = int(re.search(r"^totals: (\d+)$", text, re.MULTILINE)[1])
    an_octet = {kind: totals[kind] / int(octets) for kind, _, octets in kinds}
    return an_octet, an_octet.pop("sized") * MESSAGE_BYTES


def worst(an_octet):
    """The costliest kind, what it costs an octet, and how many times the mean of the REGISTER mix that is."""
    kind = max(an_octet, key=an_octet.get)
    return kind, an_octet[kind], an_octet[kind] / an_octet["mix"]


def run():
    node.say("timing index, edits and key, and the peers")
    ns = {name: one["each"] * 1e9 for name, one in timed(SINGLE, 9, 0.1).items()}
    index_ns = ns[f"index/{MESSAGE_BYTES}"]
    node.say("timing the nastiest messages")
    kind, _, ratio = worst({name: one["each"] * 1e9 / one["octets"] for name, one in timed(WORST, 3, 0.02).items()})
    node.say(f"the costliest is {kind}")
    figures = {
        "sip.index_ns": index_ns,
        "sip.index_gb_per_s": MESSAGE_BYTES / index_ns,
        "sip.index_vs_best_peer_ratio": min(ns[f"answers_{peer}"] for peer in PEERS) / ns["answers_viaduct"],
        "sip.index_cold_ns": ns["index_cold"],
        "sip.index_instructions": instructions()[1],
        "sip.redirect_edit_ns": ns[f"redirect/{MESSAGE_BYTES}"],
        "sip.forward_edit_ns": ns[f"forward/{MESSAGE_BYTES}"],
        "sip.key_ns": ns["key"],
        "sip.worst_case_ratio": ratio,
        "sip.answers_ns": ns["answers_viaduct"],
    } | {f"sip.{peer}_answers_ns": ns[f"answers_{peer}"] for peer in PEERS}
    return {name: round(value, 2) for name, value in figures.items()}


def report(figures):
    return [f"{name.removeprefix('sip.'):26}{value:10.2f}" for name, value in figures.items()], True
