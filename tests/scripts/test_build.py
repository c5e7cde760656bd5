# SPDX-License-Identifier: Apache-2.0
"""scripts/build in a made-up project, with stand-ins for Meson and Ninja."""
import shutil

import pytest
from conftest import ROOT


@pytest.fixture
def build(machine, tmp_path):
    """Run it with these arguments on a machine where pkg-config finds a package or not; returns what it did."""
    shutil.copytree(ROOT / "scripts/lib", tmp_path / "scripts/lib")
    shutil.copy(ROOT / "scripts/build", tmp_path / "scripts/build")
    machine.command("meson", 'echo "meson $*"')
    machine.command("ninja", "true")

    def run(*arguments, has_test_libraries):
        machine.command("pkg-config", "exit 0" if has_test_libraries else "exit 1")
        return machine.run(tmp_path / "scripts/build", *arguments)

    return run


def test_programs_are_built_without_the_tests_libraries(build):
    done = build("--run", has_test_libraries=False)
    assert done.returncode == 0 and "-Dtests=false" in done.stdout, done.stdout


def test_who_lacks_the_tests_libraries_is_told_how_to_go_on(build):
    done = build(has_test_libraries=False)
    assert done.returncode == 1 and done.stdout.splitlines() == ["build: the unit tests want scripts/setup test; for the programs alone: scripts/build --run"], done.stdout
    assert "-Dtests=true" in build(has_test_libraries=True).stdout
