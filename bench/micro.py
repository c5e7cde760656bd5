# SPDX-License-Identifier: Apache-2.0
"""Single functions of the path on pools of messages: viaduct_micro, or another program of the kind, run on the workers' CPU."""
import json
import subprocess

import node


def run(program="viaduct_micro", prefix="micro"):
    command = ["taskset", "-c", str(node.WORKER_CPU), str(node.tool(program)), "--benchmark_format=json", "--benchmark_repetitions=3",
               "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.3"]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    figures = {f"{prefix}.ticks_per_second": float(told["context"]["ticks_per_second"])}
    for one in told["benchmarks"]:
        if one["aggregate_name"] == "median":
            name = one["run_name"].removesuffix("/manual_time").replace("/", "_")
            figures[f"{prefix}.{name}_ns"] = round(one["each"] * 1e9, 2)
    return figures


def report(figures):
    ticks_per_ns = figures["micro.ticks_per_second"] / 1e9
    lines = [f"{'function':24}{'ns':>9}{'cycles':>9}   a message, messages in the cache; cycles of the time-stamp counter"]
    for name, value in sorted(figures.items()):
        if name.endswith("_ns"):
            lines.append(f"{name.removeprefix('micro.').removesuffix('_ns'):24}{value:9.1f}{value * ticks_per_ns:9.0f}")
    return lines, True
