# SPDX-License-Identifier: Apache-2.0
"""How results are counted: scripts/lib/summary.py and scripts/lib/unit_tests.py, so that nothing missing or crashed passes for green."""
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = '<testsuites><testsuite><testcase name="A" classname="Via" status="run" result="completed"/><testcase name="B" classname="Via"/></testsuite></testsuites>'
BAD = '<testsuites><testsuite><testcase name="A" classname="Via"/><testcase name="B" classname="Via"><failure message="x"/></testcase></testsuite></testsuites>'
SKIPPED = '<testsuite><testcase name="a" classname="t"><skipped message="no"/></testcase></testsuite>'
DISABLED = '<testsuite><testcase name="DISABLED_a" classname="t" status="notrun" result="suppressed"/><testcase name="b" classname="t"/></testsuite>'
ERROR = '<testsuite><testcase name="a" classname="t"><error message="in a fixture"/></testcase></testsuite>'
EMPTY = "<testsuites><testsuite/></testsuites>"


def summary(*arguments):
    return subprocess.run(["/usr/bin/python3", ROOT / "scripts/lib/summary.py", *map(str, arguments)], text=True, capture_output=True, timeout=20, check=False)


def closing_line(folder):
    done = summary("total", folder)
    return done.stdout.splitlines()[-1], done.returncode


@pytest.mark.parametrize("text,status,line", [
    (GOOD, 0, "2 passed, 0 failed"),
    (BAD, 1, "1 passed, 1 failed"),
    (GOOD, 139, "2 passed, 1 failed"),
    (SKIPPED, 0, "0 passed, 1 failed"),
    (DISABLED, 0, "1 passed, 1 failed"),
    (ERROR, 1, "0 passed, 1 failed"),
    (EMPTY, 0, "0 passed, 1 failed"),
    ("<testsuites><test", 0, "0 passed, 1 failed"),
    (None, 0, "0 passed, 1 failed"),
])
def test_report_is_counted_case_by_case_and_distrusted(tmp_path, text, status, line):
    report = tmp_path / "report.xml"
    if text is not None:
        report.write_text(text)
    assert summary("record", tmp_path, "unit", status, report).returncode == (0 if line.endswith(" 0 failed") else 1)
    assert closing_line(tmp_path) == (line, 0 if line.endswith(" 0 failed") else 1)


def test_steps_without_report_count_as_one_each(tmp_path):
    summary("record", tmp_path, "check format", 0)
    summary("record", tmp_path, "check lint", 2)
    assert closing_line(tmp_path) == ("1 passed, 1 failed", 1)
    assert "FAILED check lint: exit status 2" in summary("total", tmp_path).stdout


def test_step_that_was_wanted_and_never_recorded_has_failed(tmp_path):
    summary("record", tmp_path, "check format", 0)
    assert summary("total", tmp_path, "check format").returncode == 0
    done = summary("total", tmp_path, "check format", "check lint")
    assert done.stdout.splitlines()[-2:] == ["FAILED check lint: never recorded", "1 passed, 1 failed"] and done.returncode == 1


def test_nothing_recorded_is_a_failure(tmp_path):
    assert closing_line(tmp_path) == ("0 passed, 0 failed", 1)


@pytest.fixture
def project(machine, tmp_path):
    """A made-up project with the areas net and sip, whose Meson knows the tests given to run()."""
    class Project:
        def __init__(self):
            for area in ("net", "sip", "fuzz"):
                (tmp_path / "tests" / area).mkdir(parents=True)
                (tmp_path / "tests" / area / "meson.build").touch()
                (tmp_path / "build/tests" / area).mkdir(parents=True)
            (tmp_path / "results").mkdir()

        def test(self, area, body):
            program = tmp_path / "build/tests" / area / f"{area}_test"
            program.write_text(f"#!/bin/sh\n{body}\n")
            program.chmod(0o755)
            return {"name": area, "cmd": [str(program)], "env": {"GREETING": "hello"}, "workdir": None}

        def run(self, tests, *names, googletest=False):
            machine.command("meson", f"cat <<'EOF'\n{json.dumps(tests)}\nEOF")
            machine.command("nm", "echo 0 T testing::InitGoogleTest" if googletest else "true")
            runner = ["/usr/bin/python3", ROOT / "scripts/lib/unit_tests.py", tmp_path, tmp_path / "build", tmp_path / "results", "unit", *names]
            subprocess.run(runner, text=True, capture_output=True, timeout=20, check=False, env={"PATH": f"{machine.commands}:/usr/bin:/bin"})
            return closing_line(tmp_path / "results")[0]

    return Project()


def test_each_program_of_every_area_is_run_with_its_environment(project):
    assert project.run([project.test("net", "exit 0"), project.test("sip", 'test "$GREETING" = hello')]) == "2 passed, 0 failed"


def test_area_without_a_test_has_failed(project):
    assert project.run([project.test("net", "exit 0")]) == "1 passed, 1 failed"


def test_named_test_that_does_not_exist_has_failed(project):
    assert project.run([project.test("net", "exit 0")], "share") == "0 passed, 1 failed"


def test_googletest_program_that_crashes_before_its_report_has_failed(project):
    tests = [project.test("net", "kill -SEGV $$"), project.test("sip", f"echo '{GOOD}' > ${{1#--gtest_output=xml:}}")]
    assert project.run(tests, googletest=True) == "2 passed, 1 failed"


def test_program_that_was_not_built_has_failed(project):
    test = project.test("net", "exit 0")
    test["cmd"] = [test["cmd"][0] + "_gone"]
    assert project.run([test], "net") == "0 passed, 1 failed"
