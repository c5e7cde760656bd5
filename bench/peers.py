# SPDX-License-Identifier: Apache-2.0
"""Kamailio and viaductd in turns: CPU time a message, in user space alone, and in all through the same veth pair."""
import contextlib
import json
import pathlib
import subprocess

import node
from node import daemon
import wire

ROUNDS = 5
SECONDS = 4
WINDOW = 256
PEER_CPU, LOAD_CPU = 0, 1
CONFIGS = pathlib.Path(__file__).resolve().parent / "peers"
PORTS = {"redirect": 5060, "forward": 5062, "registrar": 5064}
PARTS = ("redirect", "forward")
ARRIVAL_PORT = 5070
# blast.cpp's users.
USERS_FIRST, USERS = 1_000_000, 1_000_000
ALLOCATOR = "tlsf"   # with the default one half of its time goes into malloc: no fair peer
samples = {}


class Kamailio:
    """One Kamailio with one UDP process, in the edge's namespace."""

    def __init__(self, link, folder, part):
        self.part = part
        own = folder / part
        own.mkdir()
        with link.kernel_serves(), open(own / "log", "wb") as log:
            self.process = link.start(link.edge, "taskset", "-c", PEER_CPU, "kamailio", "-f", CONFIGS / f"{part}.cfg", "-l", f"udp:{wire.EDGE}:{PORTS[part]}",
                                      "-m", 2048, "-M", 16, "-x", ALLOCATOR, "-X", ALLOCATOR, "-DD", "-E", "-n", 1, "-P", own / "pid", "-Y", own, "-w", own,
                                      stdout=log, stderr=log)
            # It answers once its table of users is full.
            daemon.wait_for(f"Kamailio's {part}", lambda: self.answers(link, folder), timeout_s=120)

    def answers(self, link, folder):
        if self.process.poll() is not None:
            raise RuntimeError((folder / self.part / "log").read_text(errors="replace"))
        return blast(link, PORTS[self.part], 0.1, self.arrival_port)["got"] > 0

    @property
    def arrival_port(self):
        return ARRIVAL_PORT if self.part == "forward" else None

    def measure(self, link):
        with link.kernel_serves():
            return cpu_per_message(link, self.process.pid, PORTS[self.part], self.arrival_port)


def blast(link, port, seconds, arrival_port=None):
    command = ["taskset", "-c", LOAD_CPU, node.tool("blast"), wire.CLIENT, f"{wire.EDGE}:{port}", WINDOW, seconds, *([arrival_port] if arrival_port else [])]
    return json.loads(subprocess.run(link.words(link.client, *command), check=True, stdout=subprocess.PIPE).stdout)


def cpu_per_message(link, pid, port, arrival_port=None):
    """Microseconds of user and of system time a message; and messages a second, for the record."""
    before = wire.cpu_seconds(pid)
    told = blast(link, port, SECONDS, arrival_port)
    after = wire.cpu_seconds(pid)
    wanted = max(told[kind] for kind in ("requests", "redirects", "successes"))
    if wanted != told["got"] or told["lost"] > told["got"] // 100:
        raise RuntimeError(f"not every message was served: {told}")
    return {"user": (after[0] - before[0]) * 1e6 / wanted, "system": (after[1] - before[1]) * 1e6 / wanted, "per_s": wanted / told["seconds"]}


def measure_over_veth(link, folder):
    """viaductd on the same veth, started anew: while a peer is served, its rings would fill with the peer's packets."""
    path = node.config(folder, {"profile": "af_packet", "interface": "e0"}, assignments=node.clients(USERS_FIRST, USERS), entries=USERS,
                       worker_cpus=[PEER_CPU])
    with link.node(path) as running:
        return cpu_per_message(link, running.process.pid, 5060)


def note(name, value):
    samples.setdefault(name, []).append(value)


def one_round(link, folder, loops, peers):
    for part, verdict in (("redirect", "redirected"), ("forward", "proxied")):
        note(f"peers.viaduct_{part}_user_us", 1e6 / loops[part].rate(verdict))
        for kind, value in peers[part].measure(link).items():
            note(f"peers.kamailio_{part}_{kind}" + ("" if kind == "per_s" else "_us"), value)
    for kind, value in measure_over_veth(link, folder).items():
        note(f"peers.viaduct_veth_{kind}" + ("" if kind == "per_s" else "_us"), value)


def run():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(node.folder())
        stack.enter_context(wire.large_receive_buffers())
        link = stack.enter_context(wire.Wire())
        node.say("starting Kamailio, with a million users each time")
        peers = {part: Kamailio(link, folder, part) for part in PARTS}
        hugepages = stack.enter_context(node.huge_pages(len(PARTS)))
        loops = {part: stack.enter_context(node.LoopNode(node.loop_config(folder, node.WARM, redirect, hugepages=hugepages)))
                 for part, redirect in (("redirect", "always"), ("forward", "never"))}
        for number in range(ROUNDS):
            one_round(link, folder, loops, peers)
            node.say(f"round {number + 1} of {ROUNDS}: " + ", ".join(f"{name.removeprefix('peers.')} {values[-1]:.2f}" for name, values in samples.items()))
    return figures()


def ratios(above, below):
    """Of each round: what the machine did to both in it cancels."""
    return [a / b for a, b in zip(above, below)]


def total(kind):
    return [user + system for user, system in zip(samples[f"peers.{kind}_user_us"], samples[f"peers.{kind}_system_us"])]


def figures():
    out = {name: round(node.median(values), 3) for name, values in samples.items()}
    for part in PARTS:
        of_rounds = ratios(samples[f"peers.kamailio_{part}_user_us"], samples[f"peers.viaduct_{part}_user_us"])
        out[f"peers.{part}_user_cpu_ratio"] = round(node.median(of_rounds), 2)
    out["peers.redirect_total_cpu_ratio"] = round(node.median(ratios(total("kamailio_redirect"), total("viaduct_veth"))), 2)
    return out


def report(figures):
    lines = [f"CPU time a message, microseconds, median of {ROUNDS} rounds in turns", f"{'':44}{'user':>8}{'system':>8}{'messages/s':>12}"]
    for name, title in (("kamailio_redirect", "Kamailio, redirect, over veth"), ("kamailio_forward", "Kamailio, forward, over veth"),
                        ("viaduct_veth", "viaductd, redirect, af_packet over veth")):
        user, system, per_s = (figures[f"peers.{name}_{kind}"] for kind in ("user_us", "system_us", "per_s"))
        lines.append(f"{title:44}{user:8.2f}{system:8.2f}{per_s:12,.0f}")
    for part in PARTS:
        lines.append(f"{f'viaductd, {part}, in process':44}{figures[f'peers.viaduct_{part}_user_us']:8.3f}{'-':>8}")
    lines.append("")
    lines += [f"{name:36}{figures[name]:8.1f}" for name in ("peers.redirect_user_cpu_ratio", "peers.forward_user_cpu_ratio", "peers.redirect_total_cpu_ratio")]
    kernels_share = figures["peers.viaduct_veth_system_us"] / (figures["peers.viaduct_veth_system_us"] + figures["peers.viaduct_veth_user_us"])
    lines += ["The user ratios set Kamailio's time in user space against all of ours, the driver's copy of each message included.",
              f"Over veth {kernels_share:.0%} of our time is the kernel's: it carries each frame out of AF_PACKET's ring and across the pair, which a NIC",
              "driven by DPDK does not need; some of the rest is the driver's copying and polls that find nothing."]
    return lines, True
