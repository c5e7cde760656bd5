# SPDX-License-Identifier: Apache-2.0
"""The planner by itself: a hundred million clients planned on one core, and days of a fleet simulated beside three other ways of placing clients: of three
seeds the worst."""
import json
import subprocess

import node

ROUNDS = 3
# Figure -> what it should be at least (+) or at most (-).
GOALS = {"plan_100M_s": -1, "plan_100M_gb": -0.5, "score": -1.02, "drain_score": -1.00, "sim_windows_within_110_ratio": 0.99, "sim_churn_per_day_ratio": -0.02}
ROUNDING = 1e-4


def measured(*words):
    node.say("measuring", *words)
    command = ["taskset", "-c", str(node.WORKER_CPU), str(node.tool("viaduct_balance")), *map(str, words)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def worst(name, values):
    return min(values) if "_within_" in name else max(values)


def run():
    plans = [measured("plans") for _ in range(ROUNDS)]
    days = [measured("days", seed) for seed in range(1, ROUNDS + 1)]
    return {name: node.median([one[name] for one in plans]) for name in plans[0]} | {name: worst(name, [one[name] for one in days]) for name in days[0]}


def is_reached(value, goal):
    return value >= goal if goal > 0 else value <= -goal + ROUNDING


def report(figures):
    lines, passed = [], True
    for name, value in figures.items():
        short = name.removeprefix("balance.")
        goal = GOALS.get(short)
        told = "" if goal is None else f"   goal: at {'least' if goal > 0 else 'most'} {abs(goal)}"
        passed = passed and (goal is None or is_reached(value, goal))
        lines.append(f"{short:48}{value:12.5f}{told}")
    return lines, passed
