# SPDX-License-Identifier: Apache-2.0
"""A registrar shard with a million bindings: CPU time a REGISTER, beside Kamailio's in turns; octets a binding; and what is left of it in a storm."""
import contextlib
import json
import subprocess

import node
import peers
import wire

USERS = peers.USERS
ROUNDS = 5
# Kamailio's users come at random: after so many seconds nearly all of them are there.
FILL_SECONDS = 30


class Shard:
    """viaduct_registrar: it measures when it is asked, and waits in between."""

    def __enter__(self):
        node.say(f"registering {USERS:,} users")
        self.process = subprocess.Popen([str(word) for word in (node.tool("viaduct_registrar"), USERS, node.WORKER_CPU, node.CONTROL_CPU)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.filled = self.told()
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()

    def told(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("viaduct_registrar has ended")
        return json.loads(line)

    def measure(self, what):
        print(what, file=self.process.stdin, flush=True)
        return self.told()

    def median(self, what):
        told = [self.measure(what) for _ in range(ROUNDS)]
        return {name: node.median([one[name] for one in told]) for name in told[0]}


def beside_kamailio(shard, link, folder):
    """Microseconds a REGISTER, ours and Kamailio's in user space, round by round."""
    node.say("starting Kamailio, and registering its users")
    kamailio = peers.Kamailio(link, folder, "registrar")
    with link.kernel_serves():
        peers.blast(link, peers.PORTS["registrar"], FILL_SECONDS)
    ours, theirs = [], []
    for number in range(ROUNDS):
        ours.append(shard.measure("register")["us"])
        theirs.append(kamailio.measure(link)["user"])
        node.say(f"round {number + 1} of {ROUNDS}: {ours[-1]:.3f} us, Kamailio {theirs[-1]:.2f} us")
    return ours, theirs


def run():
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(node.folder())
        stack.enter_context(wire.large_receive_buffers())
        link = stack.enter_context(wire.Wire())
        shard = stack.enter_context(Shard())
        ours, theirs = beside_kamailio(shard, link, folder)
        node.say("storms")
        refreshes, strangers = shard.measure("refreshes"), shard.measure("strangers")
        node.say("digest")
        shard.measure("passwords")
        digest, challenge = shard.median("digest"), shard.median("challenge")
    return {
        "registrar.register_per_s": round(1e6 / node.median(ours)),
        "registrar.new_per_s": shard.filled["new_per_s"],
        "registrar.digest_register_per_s": round(1e6 / digest["us"]),
        "registrar.challenge_per_s": round(1e6 / challenge["us"]),
        "registrar.bytes_per_binding": shard.filled["bytes_per_binding"],
        "registrar.kamailio_user_us": round(node.median(theirs), 2),
        "registrar.vs_kamailio_cpu_ratio": round(node.median(peers.ratios(theirs, ours)), 1),
        "registrar.overload_5x_ratio": strangers["ratio"],
        "registrar.overload_5x_ratio_low": strangers["low"],
        "registrar.overload_5x_ratio_high": strangers["high"],
        "registrar.overload_5x_refreshes_ratio": refreshes["ratio"],
    }


def report(figures):
    return [f"{name.removeprefix('registrar.'):34}{value:12,.3f}".rstrip("0").rstrip(".") for name, value in figures.items()], True
