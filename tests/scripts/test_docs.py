# SPDX-License-Identifier: Apache-2.0
"""The map from the RFC to the code holds: its files are there, and a function stands in the file that it is said to stand in."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = [line for line in (ROOT / "docs" / "rfc.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "`" in line]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0])
def test_files_of_a_row_are_there(row):
    paths = re.findall(r"`((?:src|tests)/[^`]*)`", row)
    assert all((ROOT / path).exists() for path in paths), row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0])
def test_functions_of_a_row_stand_in_their_file(row):
    for names, path in re.findall(r"((?:`[\w:]+`(?:, )?)+) in `([^`]+)`", row):
        text = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"`([\w:]+)`", names):
            assert re.search(rf"\b{name.split('::')[-1]}\(", text), f"{name} is not in {path}"
