# SPDX-License-Identifier: Apache-2.0
"""The gate: instructions a message, and an octet of the costliest message, against the baseline file. Times are no gate: they are the machine's as much as ours."""
import json
import pathlib

import callgrind
import node
import sip_core

BASELINE = pathlib.Path(__file__).resolve().parent / "baseline" / "instructions.json"
GROWTH_MAX = 0.02
PATHS = {"path.redirect_instructions": "always", "path.forward_instructions": "never"}
RENEW = f"""to renew it: scripts/bench gate --json > new.json, then mv new.json {BASELINE.relative_to(node.daemon.ROOT)}, in a commit of its own that says why"""


def run():
    with node.folder() as folder:
        counter = callgrind.Counter(folder)
        figures = {name: round(counter.count(redirect)[0], 1) for name, redirect in PATHS.items()}
    an_octet, a_message = sip_core.instructions()
    kind, most, _ = sip_core.worst(an_octet)
    node.say(f"the costliest message for the index is {kind}")
    return figures | {"sip.index_instructions": round(a_message, 1), "sip.worst_case_instructions_per_octet": round(most, 1)}


def report(figures):
    """The lines of the report, and whether the gate lets them pass."""
    baseline = json.loads(BASELINE.read_text())
    lines, passed = [f"{'instructions':38}{'baseline':>10}{'now':>10}{'change':>9}"], True
    for name, now in figures.items():
        change = now / baseline[name] - 1
        passed &= change <= GROWTH_MAX
        lines.append(f"{name:38}{baseline[name]:10.1f}{now:10.1f}{change:+9.1%}" + ("" if change <= GROWTH_MAX else "  FAILED"))
    if any(now < baseline[name] * (1 - GROWTH_MAX) for name, now in figures.items()):
        lines.append("the path has become shorter: renew the baseline, so that it stays so")
    lines += [f"the limit is {GROWTH_MAX:+.0%} over {BASELINE.relative_to(node.daemon.ROOT)}", RENEW]
    return lines, passed
