# SPDX-License-Identifier: Apache-2.0
"""The quickstart shows what it promises, and leaves nothing behind however it ends. Without setup and build: those have been."""
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VIADUCT_BUILD", ROOT / "build"))
DEMO = ROOT / "scripts" / "lib" / "quickstart" / "demo.py"


def start(*options, build=BUILD):
    return subprocess.Popen([sys.executable, "-B", DEMO, build, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process, timeout_s=150):
    try:
        return process.communicate(timeout=timeout_s)[0]
    finally:
        process.kill()


def read_until(process, text):
    """What it prints, up to the line with `text`."""
    seen = ""
    while text not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    return seen


def assert_nothing_left(process):
    """No folder, no namespace, no process: what belongs to a run has its process id in its name."""
    mark = f"viaduct-{process.pid}-"
    for folder in ("/tmp", "/run/netns", "/var/run/dpdk"):
        assert not list(pathlib.Path(folder).glob(mark + "*"))
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert mark not in command.read_text(errors="replace")
        except OSError:
            pass  # it ended meanwhile


def test_everything_is_as_expected_and_the_last_line_counts_it():
    process = start()
    output = finish(process)
    assert process.returncode == 0, output
    counted = re.fullmatch(r"redirected (\d+), proxied (\d+), registered (\d+), lost 0", output.splitlines()[-1])
    assert counted, output
    redirected, proxied, registered = map(int, counted.groups())
    # Whoever is redirected or proxied is registered; dave is registered besides. The crowd and four others were redirected before the load was.
    assert registered == redirected + proxied + 1 and redirected > 4003 and proxied > 1
    before, after = map(float, re.search(r"max/mean (\d\.\d+) -> (\d\.\d+)$", output.partition("It is carried out")[2], re.MULTILINE).groups())
    assert before > 1.3 and after < before
    assert_nothing_left(process)


@pytest.mark.parametrize("moment", ["made the namespaces", "READY", "carol:", "at home-1", "What the homes bear", "It is carried out"])
def test_an_interrupt_leaves_nothing_behind(moment):
    process = start()
    output = read_until(process, moment)
    process.send_signal(signal.SIGINT)
    output += finish(process)
    assert process.returncode == 128 + signal.SIGINT, output
    assert_nothing_left(process)


def test_stays_until_it_is_told_to_end():
    process = start("--stay")
    output = read_until(process, "It stays")
    command = re.search(r"^  (/\S+/viaduct --socket \S+ status)$", output + process.stdout.readline() + process.stdout.readline(), re.MULTILINE)[1]
    status = subprocess.run(command.split(), capture_output=True, text=True, timeout=20, check=False)
    assert "af_packet" in status.stdout, status
    process.send_signal(signal.SIGTERM)
    output += finish(process)
    assert process.returncode == 0, output
    assert_nothing_left(process)


def test_a_node_that_does_not_start_fails_it_and_its_log_is_shown(tmp_path):
    (tmp_path / "viaductd").write_text("#!/bin/sh\necho no ports left >&2\nexit 1\n")
    (tmp_path / "viaductd").chmod(0o755)
    process = start(build=tmp_path)
    output = finish(process)
    assert process.returncode == 1, output
    assert "ended before it was READY" in output
    assert "no ports left" in output
    assert_nothing_left(process)


def test_a_home_that_says_something_else_is_noticed(tmp_path):
    """A home whose word about its clients is false: the table must not believe the traffic alone."""
    (tmp_path / "viaductd").symlink_to(BUILD / "viaductd")
    (tmp_path / "viaduct").write_text(f'#!/bin/sh\n"{BUILD}/viaduct" "$@" | sed \'s/"bindings":\\[{{.*}}\\]/"bindings":[]/\'\n')
    (tmp_path / "viaduct").chmod(0o755)
    process = start(build=tmp_path)
    output = finish(process)
    assert process.returncode == 1, output
    assert "alice should be held by home-1 alone" in output
    assert_nothing_left(process)


def test_a_plan_that_moves_nobody_is_noticed(tmp_path):
    """The chart in the end is of what was measured, not of what was planned; and without a plan under way there is none."""
    (tmp_path / "viaductd").symlink_to(BUILD / "viaductd")
    (tmp_path / "viaduct").write_text(f'#!/bin/sh\n[ "$3 $4" = "plan apply" ] && set -- "$1" "$2" plan show "$5" --json\nexec "{BUILD}/viaduct" "$@"\n')
    (tmp_path / "viaduct").chmod(0o755)
    process = start(build=tmp_path)
    output = finish(process)
    assert process.returncode == 1, output
    assert "plan 1 should be running, and is proposed" in output and "lost 0" in output
    assert_nothing_left(process)


def test_unknown_option_is_a_wrong_call():
    done = subprocess.run([ROOT / "scripts" / "quickstart", "--no-such-option"], cwd="/", text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "no-such-option" in done.stderr
