# SPDX-License-Identifier: Apache-2.0
"""What the tests of the scripts share: running one, with a sysfs tree made up for the test and stand-ins for system commands."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Machine:
    """A made-up machine: a sysfs tree, a run directory, and stand-ins that come first in PATH. No script can reach the real ones."""

    def __init__(self, folder):
        self.sysfs = folder / "sys"
        self.run_dir = folder / "run"
        self.commands = folder / "commands"
        self.commands.mkdir()

    def write(self, path, text=""):
        file = self.sysfs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, path):
        return (self.sysfs / path).read_text()

    def link(self, path, target):
        place = self.sysfs / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(os.path.relpath(self.sysfs / target, place.parent))

    def command(self, name, body):
        file = self.commands / name
        file.write_text(f"#!/bin/bash\n{body}\n")
        file.chmod(0o755)

    def run(self, script, *arguments, cwd="/"):
        environment = dict(os.environ, VIADUCT_SYSFS=str(self.sysfs), VIADUCT_RUN=str(self.run_dir),
                           PATH=f"{self.commands}:{os.environ['PATH']}")
        return subprocess.run([ROOT / "scripts" / script, *arguments], cwd=cwd, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30, check=False)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)
