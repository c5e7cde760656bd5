# SPDX-License-Identifier: Apache-2.0
"""The notifier by itself with a million subscriptions: CPU time a SUBSCRIBE and a NOTIFY with its answer, octets a subscription."""
import json
import subprocess

import node

SUBSCRIPTIONS = 1_000_000
ROUNDS = 3
GOAL_BYTES = 320


def run():
    told = []
    for number in range(ROUNDS):
        command = ["taskset", "-c", str(node.WORKER_CPU), str(node.tool("viaduct_watchers")), str(SUBSCRIPTIONS)]
        told.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
        node.say(f"round {number + 1} of {ROUNDS}: {told[-1]}")
    return {f"watchers.{name}": node.median([one[name] for one in told]) for name in told[0]}


def report(figures):
    lines = [f"{name.removeprefix('watchers.'):26}{value:14,.1f}" for name, value in figures.items()]
    return [*lines, f"goal: at most {GOAL_BYTES} octets a subscription"], True
