# SPDX-License-Identifier: Apache-2.0
"""Keeps the results of scripts/test in a folder and adds them up.

summary.py record FOLDER NAME STATUS [REPORT]   one step: its exit status, and its junit report if it should have written one
summary.py total FOLDER [NAME...]               every failure, a table of the steps, and last the line `N passed, N failed`

A step without a report is one case. A step with one counts as many cases as the report has; a report that is missing, empty or
all too good for the exit status is one failed case more. A skipped case is a failed one: scripts/setup installs what all need.
Of the steps named for the total each must have been recorded: one that was not has failed.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(report):
    """Yield (name, why it failed or None) of each case that a junit report of GoogleTest or pytest lists."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        # GoogleTest says "notrun" of a DISABLED_ case and "skipped" in a child or in `result`.
        if case.get("status") == "notrun":
            yield name, "disabled"
        elif case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            yield name, "skipped"
        else:
            yield name, None


def judge(name, status, report):
    """Passed cases as a number, and the failed ones as lines."""
    if report is None:
        return (1, []) if status == 0 else (0, [f"{name}: exit status {status}"])
    try:
        cases = list(cases_of(report))
    except (OSError, ElementTree.ParseError):
        return 0, [f"{name}: exit status {status}, and it left no report: it crashed or never ran"]
    failed = [f"{name}: {case}: {why}" for case, why in cases if why]
    if not cases:
        failed.append(f"{name}: ran no case")
    elif status != 0 and not failed:
        failed.append(f"{name}: exit status {status} although every case passed")
    return sum(1 for _, why in cases if not why), failed


def record(folder, name, status, report=None):
    passed, failed = judge(name, int(status), report)
    with open(folder / "steps.jsonl", "a", encoding="utf-8") as steps:
        steps.write(json.dumps({"name": name, "passed": passed, "failed": failed}) + "\n")
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    return 1 if failed else 0


def total(folder, wanted=()):
    steps = folder / "steps.jsonl"
    rows = [json.loads(line) for line in steps.read_text(encoding="utf-8").splitlines()] if steps.exists() else []
    passed = sum(row["passed"] for row in rows)
    failed = [line for row in rows for line in row["failed"]]
    recorded = {row["name"] for row in rows}
    failed += [f"{name}: never recorded" for name in wanted if name not in recorded]
    for row in rows:
        print(f"{row['name']:<28} {row['passed']:>6} passed {len(row['failed']):>5} failed")
    for line in failed:
        print(f"FAILED {line}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


def main(arguments):
    if len(arguments) in (4, 5) and arguments[0] == "record":
        return record(pathlib.Path(arguments[1]), *arguments[2:])
    if len(arguments) >= 2 and arguments[0] == "total":
        return total(pathlib.Path(arguments[1]), arguments[2:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
