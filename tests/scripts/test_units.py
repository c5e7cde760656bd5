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


def run(tree, *files):
    return subprocess.run(["/usr/bin/python3", ROOT / "scripts/lib/units.py", tree, tree / "build", *(tree / file for file in files)],
                          text=True, capture_output=True, timeout=60, check=False)


def units(tree, *files):
    done = run(tree, *files)
    assert (done.returncode, done.stderr) == (0, "")
    return [str(pathlib.Path(line).relative_to(tree)) for line in done.stdout.splitlines()]


def test_all_of_src_is_named_once(tree):
    assert units(tree) == ["build/src/cli/viaduct-unity0.cpp", "src/sip/via.cpp"]


@pytest.mark.parametrize("file,unit", [("src/cli/table.cpp", "build/src/cli/viaduct-unity0.cpp"), ("src/sip/via.cpp", "src/sip/via.cpp")])
def test_unit_of_a_file(tree, file, unit):
    assert units(tree, file) == [unit]


def test_file_that_is_not_built_is_named(tree):
    done = run(tree, "src/sip/new.cpp", "src/sip/via.cpp")
    assert (done.returncode, done.stdout) == (1, f"{tree}/src/sip/via.cpp\n")
    assert done.stderr == f"{tree}/src/sip/new.cpp: no target compiles it\n"


def test_build_of_nothing_is_an_error(tree):
    (tree / "build/compile_commands.json").write_text("[]")
    done = run(tree)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{tree}/build: nothing of {tree}/src is compiled\n")
