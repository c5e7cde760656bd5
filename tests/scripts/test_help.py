# SPDX-License-Identifier: Apache-2.0
"""Every script explains itself, from any folder, and refuses what it does not know."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPTS = sorted(p for p in (ROOT / "scripts").iterdir() if p.is_file())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_help_names_the_script_first_and_succeeds(script):
    done = subprocess.run([script, "--help"], cwd="/", text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(script.name)
    assert done.stderr == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_script_is_executable_and_licensed(script):
    assert os.access(script, os.X_OK)
    first, second = script.read_text().splitlines()[:2]
    assert first.startswith("#!")
    assert second == "# SPDX-License-Identifier: Apache-2.0"


@pytest.mark.parametrize("script", [s for s in SCRIPTS if s.name in ("setup", "build", "test", "check", "format", "hugepages", "bind-nic")],
                         ids=lambda p: p.name)
def test_unknown_option_is_a_wrong_call(script):
    done = subprocess.run([script, "--no-such-option"], cwd="/", text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "no-such-option" in done.stderr
