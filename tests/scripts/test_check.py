# SPDX-License-Identifier: Apache-2.0
"""scripts/check and scripts/format on a small copy of the project: an offence fails with its place, and format mends layout."""
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
        for folder in ("include/viaduct/base", "src", "tests", "bench"):
            (root / folder).mkdir(parents=True)
        self.header = root / "include/viaduct/base/text.h"

    def run(self, script, *arguments):
        return subprocess.run([self.root / "scripts" / script, *arguments], cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120, check=False)


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
