# SPDX-License-Identifier: Apache-2.0
"""Which daemon is meant, what wrong words end with, `top` on a terminal, and `explain`, which becomes another program."""
import os
import pty
import shutil
import signal
import socket
import subprocess
import termios
import time

import pytest
from conftest import VIADUCT
from test_verbs import STATUS, counters


@pytest.mark.parametrize("words", [[], ["nonsense"], ["client"], ["client", "show"], ["client", "show", "a", "b"], ["client", "assign", "a"], ["status", "--colour"],
                                   ["client", "explain", "a@b", "--vias", "0"], ["client", "explain", "a@b", "--vias", "65"], ["top", "--count", "0"], ["explain"]])
def test_wrong_words_end_with_2(viaduct, words):
    done = viaduct(*words)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_help_and_version_end_with_0(viaduct):
    assert "Subcommands" in viaduct("--help").stdout
    assert viaduct("--version").returncode == 0


def test_no_socket_ends_with_3(viaduct, tmp_path):
    done = viaduct("status")
    assert (done.returncode, done.stderr) == (3, f"viaduct: no daemon: there is no socket in {tmp_path}\n")


def test_the_only_socket_is_taken(daemon, viaduct, tmp_path):
    (tmp_path / "not-a-socket.sock").write_text("")
    daemon.answers["status"] = STATUS
    assert viaduct("status").returncode == 0


def test_several_sockets_are_named(start, viaduct):
    start("north"), start("edge")
    done = viaduct("status")
    assert (done.returncode, done.stderr) == (2, "viaduct: several daemons: choose one with --node, of: edge north\n")


@pytest.mark.parametrize("words", [["--node", "north", "status"], ["status", "--node", "north"], ["status", "--socket", "{}/north.sock"]])
def test_a_daemon_can_be_chosen(start, viaduct, tmp_path, words):
    north = start("north")
    edge = start("edge")
    north.answers["status"] = STATUS
    assert viaduct(*[word.format(tmp_path) for word in words]).returncode == 0
    assert north.requests and not edge.requests


def test_a_daemon_that_died_ends_with_3(viaduct, tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "edge.sock"))
    left.close()
    done = viaduct("status")
    assert (done.returncode, done.stderr) == (3, f"viaduct: the daemon at {tmp_path}/edge.sock cannot be reached: Connection refused\n")


def test_a_daemon_that_hangs_up_ends_with_3(daemon, viaduct):
    daemon.answers["status"] = lambda _: None
    done = viaduct("status")
    assert done.returncode == 3 and "closed the connection" in done.stderr


@pytest.mark.parametrize("raw", [b"nonsense\n", b"[1]\n", b"7\n"])
def test_an_answer_that_is_no_object_ends_with_3(daemon, viaduct, raw):
    daemon.answers["status"] = raw
    for words in (["status"], ["status", "--json"]):
        done = viaduct(*words)
        assert done.returncode == 3 and not done.stdout


@pytest.mark.parametrize("answer", [{"ok": True}, {"ok": True, "workers": 7, "homes": [3], "total": [], "bindings": {}, "why": "x", "applied": None}])
@pytest.mark.parametrize("words", [["status"], ["homes"], ["counters"], ["reload"], ["client", "show", "a"], ["client", "explain", "a"], ["client", "unassign", "a"]])
def test_an_answer_with_missing_or_odd_fields_is_still_shown(daemon, viaduct, words, answer):
    daemon.answers = dict.fromkeys(["status", "homes", "counters", "reload", "client.show", "client.explain", "client.unassign"], answer)
    done = viaduct(*words)
    assert (done.returncode, done.stderr) == (0, "")


def read_until(terminal, text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 65536)
    return seen


@pytest.fixture
def top_on_a_terminal(daemon, tmp_path):
    """`top` with a terminal of its own: (process, our end of the terminal)."""
    daemon.answers.update(status=STATUS, counters=counters())
    ours, theirs = pty.openpty()
    process = subprocess.Popen([VIADUCT, "--runtime-dir", str(tmp_path), "top"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    yield process, ours, theirs
    process.kill()
    process.wait()
    os.close(ours)
    os.close(theirs)


def test_top_ends_at_q_and_leaves_the_terminal_as_it_was(top_on_a_terminal):
    process, ours, theirs = top_on_a_terminal
    read_until(ours, b"redirected")
    assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    os.write(ours, b"xq")
    assert process.wait(5) == 0
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    assert b"\x1b[?25h" in read_until(ours, b"\x1b[?25h")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_top_ends_at_a_signal_and_leaves_the_terminal_as_it_was(top_on_a_terminal, number):
    process, ours, theirs = top_on_a_terminal
    read_until(ours, b"redirected")
    process.send_signal(number)
    assert process.wait(5) == 0
    assert termios.tcgetattr(theirs)[3] & termios.ECHO


def test_top_refreshes_once_a_second(top_on_a_terminal):
    _, ours, _ = top_on_a_terminal
    read_until(ours, b"redirected")
    before = time.monotonic()
    read_until(ours, b"\x1b[H\x1b[2J")
    assert 0.7 < time.monotonic() - before < 1.5


PROGRAM = "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n"


def test_explain_becomes_the_daemon_beside_it(tmp_path):
    shutil.copy(VIADUCT, tmp_path / "viaduct")
    (tmp_path / "viaductd").write_text(PROGRAM)
    (tmp_path / "viaductd").chmod(0o755)
    run = lambda *words: subprocess.run([tmp_path / "viaduct", *words], capture_output=True, text=True, timeout=10, check=False)
    done = run("explain", "a.pcap", "--config", "c.toml", "--json")
    assert (done.returncode, done.stdout) == (7, "--explain|a.pcap|--config|c.toml|--json|")
    assert run("explain", "a.sip").stdout == "--explain|a.sip|"


def test_explain_finds_the_daemon_beside_a_link_to_the_command(tmp_path):
    (tmp_path / "viaduct").symlink_to(VIADUCT)
    (tmp_path / "viaductd").write_text(PROGRAM)
    (tmp_path / "viaductd").chmod(0o755)
    done = subprocess.run([tmp_path / "viaduct", "explain", "a.sip"], capture_output=True, text=True, timeout=10, check=False)
    assert done.stdout == "--explain|a.sip|"


def test_explain_finds_the_daemon_in_path(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    shutil.copy(VIADUCT, tmp_path / "here" / "viaduct")
    (tmp_path / "there" / "viaductd").write_text(PROGRAM)
    (tmp_path / "there" / "viaductd").chmod(0o755)
    run = lambda path: subprocess.run([tmp_path / "here" / "viaduct", "explain", "a.sip"], capture_output=True, text=True, timeout=10, check=False, env={"PATH": str(path)})
    assert run(tmp_path / "there").stdout == "--explain|a.sip|"
    missing = run(tmp_path / "nowhere")
    assert missing.returncode == 3 and "neither beside this program nor in PATH" in missing.stderr
