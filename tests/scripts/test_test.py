# SPDX-License-Identifier: Apache-2.0
"""scripts/test itself, in a made-up project whose tests pass at once: what is missing or crashed fails it, one run at a time, and nothing outlives it."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = '<testsuite><testcase name="a" classname="t"/></testsuite>'
PASSES = "def test_one():\n    pass\n"
UNITS = '[{"name": "%s", "cmd": ["/bin/true"], "env": {}, "workdir": null}]'


class Project:
    """What scripts/test calls, all of it standing in for the real thing."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(ROOT / "scripts/lib", folder / "scripts/lib")
        shutil.copy(ROOT / "scripts/test", folder / "scripts/test")
        for script in ("setup", "build", "check", "fuzz", "bench"):
            self.program(f"scripts/{script}", "exit 0")
        for suite in ("scripts", "cli", "e2e"):
            self.write(f"tests/{suite}/test_it.py", PASSES)
        self.write("tests/e2e/test_alone.py", "import pytest\n\n\n@pytest.mark.alone\n" + PASSES)
        self.write("tests/machine/machine.py", f"import sys\nopen(sys.argv[2], 'w').write('{GOOD}')\n")
        for build in ("build", "build-asan"):
            self.write(f"{build}/tests.json", UNITS % "net")
        self.write("build-tsan/tests.json", UNITS.replace("}]", "}, ") % "assign_stress" + UNITS[1:] % "share")
        self.program("commands/meson", 'cat "$3/tests.json"')

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def program(self, path, body):
        self.write(path, f"#!/bin/bash\n{body}\n").chmod(0o755)

    def start(self):
        environment = os.environ | {"PATH": f"{self.folder}/commands:{os.environ['PATH']}"}
        return subprocess.Popen([self.folder / "scripts/test"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, start_new_session=True)

    def run(self):
        """Exit status and what was said."""
        with self.start() as process:
            said = process.communicate(timeout=120)[0]
        return process.returncode, said


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_when_all_passes_it_ends_with_nothing_failed(project):
    status, said = project.run()
    assert status == 0 and said.endswith(" passed, 0 failed\n"), said


def test_a_runner_of_unit_tests_that_crashes_has_failed(project):
    (project.folder / "build/tests.json").unlink()
    status, said = project.run()
    assert status == 1 and "FAILED unit runner: exit status 1" in said and said.endswith(" passed, 1 failed\n"), said


def test_a_step_that_was_not_recorded_has_failed(project):
    """The record itself fails, as on a full disk."""
    summary = project.folder / "scripts/lib/summary.py"
    summary.write_text(summary.read_text().replace("    passed, failed = judge", '    assert name != "suite cli"\n    passed, failed = judge'))
    status, said = project.run()
    assert status == 1 and "FAILED suite cli: never recorded" in said and said.endswith(" passed, 1 failed\n"), said


def appears(file, within_s=30):
    end = time.monotonic() + within_s
    while not file.exists():
        assert time.monotonic() < end, f"waited {within_s} s for {file}"
        time.sleep(0.05)


def held(project):
    """A run that stays in its end-to-end tests, with a build beside them; each writes its process number."""
    project.program("scripts/build", f"[[ $* != --asan ]] || {{ echo $$ >{project.folder}/building; exec sleep 60; }}")
    project.write("tests/e2e/test_it.py", f"import os\nimport pathlib\nimport time\n\n\ndef test_one():\n"
                  f"    pathlib.Path('{project.folder}/testing').write_text(str(os.getpid()))\n    time.sleep(60)\n")
    process = project.start()
    appears(project.folder / "building")
    appears(project.folder / "testing")
    return process


def is_alive(file):
    try:
        return pathlib.Path(f"/proc/{int(file.read_text())}/stat").read_text().rsplit(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_second_run_leaves_the_first_alone_and_no_step_outlives_a_run_that_is_told_to_end(project):
    process = held(project)
    try:
        status, said = project.run()
        assert status == 1 and said.endswith(f"another one is at work in {project.folder}\n"), said
        assert process.poll() is None and (project.folder / "build/test-results/steps.jsonl").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
        process.stdout.close()
        end = time.monotonic() + 20
        while is_alive(project.folder / "building") or is_alive(project.folder / "testing"):
            assert time.monotonic() < end, "a step lives on"
            time.sleep(0.05)
    finally:
        for file in ("building", "testing"):
            if is_alive(project.folder / file):
                os.kill(int((project.folder / file).read_text()), signal.SIGKILL)


def test_who_is_not_root_is_told_at_once(project):
    done = subprocess.run(["unshare", "--user", project.folder / "scripts/test"], text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1 and "must run as root" in done.stderr, done
