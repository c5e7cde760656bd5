# SPDX-License-Identifier: Apache-2.0
"""scripts/lib/units.py: which file the linter is given for which source."""
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path):
    """Two files that are compiled as one, one by itself, and a test."""
    build = tmp_path / "build"
    joined = build / "src/cli/viaduct-unity0.cpp"
    joined.parent.mkdir(parents=True)
    joined.write_text("#include<{0}/../src/cli/show.cpp>\n#include<{0}/../src/cli/table.cpp>\n".format(build))
    files = {"src/cli/viaduct-unity0.cpp": "cli0.o", "../src/sip/via.cpp": "via.o", "../tests/sip/via_test.cpp": "via_test.o"}
    (build / "compile_commands.json").write_text(
        json.dumps([{"directory": str(build), "file": file, "output": output} for file, output in files.items()]))
    return tmp_path


def units(tree, *files):
    done = subprocess.run(["/usr/bin/python3", ROOT / "scripts/lib/units.py", tree, tree / "build", *(tree / file for file in files)],
                          text=True, capture_output=True, timeout=60, check=True)
    return [str(pathlib.Path(line).relative_to(tree)) for line in done.stdout.splitlines()]


def test_all_of_src_is_named_once(tree):
    assert units(tree) == ["build/src/cli/viaduct-unity0.cpp", "src/sip/via.cpp"]


@pytest.mark.parametrize("file,unit", [("src/cli/table.cpp", "build/src/cli/viaduct-unity0.cpp"), ("src/sip/via.cpp", "src/sip/via.cpp")])
def test_unit_of_a_file(tree, file, unit):
    assert units(tree, file) == [unit]


def test_file_that_is_not_built_has_none(tree):
    assert units(tree, "src/sip/new.cpp") == []
