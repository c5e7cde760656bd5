# SPDX-License-Identifier: Apache-2.0
"""fuzz_record.py FILE TARGET SECONDS EXECUTIONS COMMIT: a run's line in the table of runs; an earlier line of the target goes."""
import pathlib
import sys

HEADER = ["| target | seconds | executions | commit |", "| --- | --- | --- | --- |"]


def recorded(text, row):
    """The text with the row in its table, which is in order of targets."""
    lines = text.split("\n")
    first = next(i for i in range(len(lines)) if lines[i:i + 2] == HEADER) + 2
    last = first
    while last < len(lines) and lines[last].startswith("|"):
        last += 1
    others = [line for line in lines[first:last] if line.split(" | ")[0] != f"| {row[0]}"]
    rows = sorted([*others, "| " + " | ".join(row) + " |"])
    return "\n".join([*lines[:first], *rows, *lines[last:]])


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1])
    path.write_text(recorded(path.read_text(encoding="utf-8"), sys.argv[2:]), encoding="utf-8")
