# SPDX-License-Identifier: Apache-2.0
"""Runs the unit tests of a build folder, one executable after the other, and records each with summary.py.

unit_tests.py ROOT BUILD FOLDER PREFIX [TEST...]: the tests that Meson knows, or those named; logs and reports go to FOLDER.
Every folder tests/AREA that is built must bring a test, and every test named must exist: what is missing is a failed step.
Exit 0 when each is recorded, passed or failed; whoever calls records anything else as a failure.
"""
import json
import os
import pathlib
import subprocess
import sys

import summary

# A unit test takes seconds; under a sanitizer minutes would still be a hang.
TIMEOUT_S = 300
# Folders of tests/ that Meson builds something else from.
NOT_UNIT = {"e2e", "fuzz", "judges"}


def meson_tests(build):
    text = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True).stdout
    return json.loads(text)


def uses_googletest(executable):
    symbols = subprocess.run(["nm", "--demangle", executable], capture_output=True, text=True, errors="replace", check=False).stdout
    return "testing::InitGoogleTest" in symbols


def run(test, folder, name):
    """Run one test; returns its exit status and its report, None when it is no GoogleTest program."""
    command, report = list(test["cmd"]), None
    if uses_googletest(command[0]):
        report = folder / f"{name}.xml"
        command.append(f"--gtest_output=xml:{report}")
    with open(folder / f"{name}.log", "wb") as log:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=test.get("workdir") or None,
                                  env=os.environ | test["env"], timeout=TIMEOUT_S, check=False)
            return done.returncode, report
        except subprocess.TimeoutExpired:
            log.write(f"ended after {TIMEOUT_S} s\n".encode())
        except OSError as error:
            log.write(f"{error}\n".encode())
    return 124, report


def missing(root, build, tests, wanted):
    """Names of what should be there and is not."""
    for name in sorted(set(wanted) - {test["name"] for test in tests}):
        yield name
    if wanted:
        return
    for area in sorted(file.parent.name for file in root.glob("tests/*/meson.build")):
        folder = build / "tests" / area
        if area not in NOT_UNIT and not any(pathlib.Path(test["cmd"][0]).is_relative_to(folder) for test in tests):
            yield area


def main(arguments):
    root, build, folder = (pathlib.Path(a).resolve() for a in arguments[:3])
    prefix, wanted = arguments[3], arguments[4:]
    tests = meson_tests(build)
    for name in missing(root, build, tests, wanted):
        print(f"{prefix} {name:<20} no such test: ", end="")
        summary.record(folder, f"{prefix} {name}", 127)
    for test in tests:
        if wanted and test["name"] not in wanted:
            continue
        print(f"{prefix} {test['name']:<20} ", end="")
        status, report = run(test, folder, f"{prefix}-{test['name']}")
        if summary.record(folder, f"{prefix} {test['name']}", status, report):
            print((folder / f"{prefix}-{test['name']}.log").read_text(errors="replace")[-4000:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
