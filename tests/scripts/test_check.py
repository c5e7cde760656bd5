# SPDX-License-Identifier: Apache-2.0
"""scripts/check and scripts/format on a small copy of the project: an offence fails with its place, and format mends layout."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

CLEAN = "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n#include <string>\n\nnamespace viaduct::base {\nstd::string text(int number);\n}\n"


class Copy:
    """The scripts and settings of the project beside one made-up header."""

    def __init__(self, root):
        self.root = root
        shutil.copytree(ROOT / "scripts", root / "scripts")
        shutil.copy(ROOT / ".clang-format", root)
        shutil.copy(ROOT / ".clang-tidy", root)
        for folder in ("include/viaduct/base", "src", "tests", "bench"):
            (root / folder).mkdir(parents=True)
        self.header = root / "include/viaduct/base/text.h"

    def run(self, script, *arguments, build=None):
        return subprocess.run([self.root / "scripts" / script, *arguments], cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False, env=os.environ | ({"VIADUCT_BUILD": str(build)} if build else {}))


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path)


def test_clean_header_passes(copy):
    copy.header.write_text(CLEAN)
    done = copy.run("check", "headers", "format")
    assert (done.returncode, done.stdout) == (0, "headers: passed\nformat: passed\n")


def test_header_that_leans_on_another_one_fails(copy):
    copy.header.write_text(CLEAN.replace("#include <string>\n", ""))
    done = copy.run("check", "headers")
    assert done.returncode == 1
    assert "text.h:5" in done.stdout
    assert done.stdout.endswith("headers: FAILED\n")


def test_wrong_layout_fails_until_format_has_mended_it(copy):
    copy.header.write_text(CLEAN.replace("text(int number)", "text( int  number )"))
    done = copy.run("check", "format")
    assert done.returncode == 1
    assert "text.h:6" in done.stdout
    assert copy.run("format").returncode == 0
    assert copy.header.read_text() == CLEAN
    assert copy.run("check", "format").returncode == 0


def test_one_failed_check_does_not_hide_the_others(copy):
    copy.header.write_text(CLEAN.replace("text(int number)", "text( int  number )"))
    done = copy.run("check", "format", "headers")
    assert done.returncode == 1
    assert done.stdout.endswith("format: FAILED\nheaders: passed\n")


@pytest.mark.parametrize("name,passes", [("second_name", True), ("SecondName", False)])
def test_linter_sees_files_that_are_compiled_as_one(copy, name, passes):
    build = copy.root / "build"
    build.mkdir()
    sources = [copy.root / "src/cli" / file for file in ("first.cpp", "second.cpp")]
    sources[0].parent.mkdir()
    sources[0].write_text("int first_name() { return 1; }\n")
    sources[1].write_text(f"int {name}() {{ return 2; }}\n")
    (build / "joined.cpp").write_text("".join(f"#include<{source}>\n" for source in sources))
    (build / "compile_commands.json").write_text(
        json.dumps([{"directory": str(build), "file": "joined.cpp", "output": "joined.o", "command": "g++ -c joined.cpp -o joined.o"}]))
    done = copy.run("check", "lint", build=build)
    assert (done.returncode == 0) == passes, done.stdout
    assert passes or "second.cpp:1:5: error: invalid case style for function 'SecondName'" in done.stdout


def test_linter_refuses_a_build_folder_to_which_its_settings_do_not_reach(copy, tmp_path_factory):
    build = tmp_path_factory.mktemp("build")
    done = copy.run("check", "lint", build=build)
    assert done.returncode == 1
    assert f"lint needs a build folder within the project, not {build}" in done.stdout


def test_changes_are_not_looked_for_where_there_is_no_git(machine, tmp_path):
    machine.command("git", "echo 'fatal: not a git repository' >&2; exit 128")
    done = machine.run("check", "--changed", "format")
    assert done.returncode == 1 and "format: passed" not in done.stdout and "--changed needs git" in done.stdout, done.stdout
