# SPDX-License-Identifier: Apache-2.0
"""Where answers go: standard output that is full, files, terminals that are small, and JSON for what is refused."""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from conftest import VIADUCT
from test_verbs import HOMES, STATUS, counters

EXPORTED = b'{"ok": true, "epoch": 3}\naor,home,pin\na@b,north\n# end: 1 clients, epoch 3\n'


@pytest.mark.parametrize("words", [["status"], ["--json", "status"], ["clients", "export"], ["trace", "a@b"], ["--json", "trace", "a@b"],
                                   ["top", "--count", "1"], ["load", "--watch", "--count", "1"], ["--json", "top", "--count", "1"]], ids=" ".join)
def test_standard_output_that_takes_nothing_is_told(daemon, tmp_path, words):
    daemon.answers |= {"status": STATUS, "counters": counters(), "load": {"ok": True, "homes": []}, "clients.export": EXPORTED,
                       "trace": b'{"ok": true}\n{"frame": "00", "way": "received", "at_ns": 1}\n{"end": true, "packets": 1}\n'}
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([VIADUCT, "--runtime-dir", str(tmp_path), *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    assert done.returncode == 2 and "standard output: No space left on device" in done.stderr, done


@pytest.mark.parametrize("words, verb", [(["clients", "export", "--home", "nope"], "clients.export"), (["trace", "nonsense"], "trace"),
                                         (["plan", "show", "--watch"], "plan.show"), (["top", "--clients"], "load.clients"), (["homes"], "homes")])
def test_with_json_a_refusal_is_an_object_on_standard_output(daemon, viaduct, words, verb):
    daemon.answers[verb] = {"ok": False, "error": "nope: no such home"}
    done = viaduct("--json", *words)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (1, {"ok": False, "error": "nope: no such home"}, "")


def test_an_export_is_only_there_under_its_name_and_leaves_nothing_else(daemon, viaduct, tmp_path):
    daemon.answers["clients.export"] = EXPORTED
    out, folder = tmp_path / "out.csv", tmp_path / "folder"
    assert viaduct("clients", "export", "--out", out).returncode == 0
    assert out.read_text() == "aor,home,pin\na@b,north\n# end: 1 clients, epoch 3\n"
    folder.mkdir()
    done = viaduct("clients", "export", "--out", folder)
    assert done.returncode == 2 and f"{folder}: " in done.stderr
    assert not list(tmp_path.glob("*.part"))


def test_an_export_goes_through_a_link_and_into_a_pipe_and_replaces_neither(daemon, viaduct, tmp_path):
    daemon.answers["clients.export"] = EXPORTED
    target, link, pipe = tmp_path / "target.csv", tmp_path / "link", tmp_path / "pipe"
    target.write_text("before")
    link.symlink_to(target)
    assert viaduct("clients", "export", "--out", link).returncode == 0
    assert link.is_symlink() and target.read_text() == "aor,home,pin\na@b,north\n# end: 1 clients, epoch 3\n"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert viaduct("clients", "export", "--out", pipe).returncode == 0
        assert pipe.is_fifo() and os.read(reader, 4096) == target.read_bytes()
    finally:
        os.close(reader)
    assert not list(tmp_path.glob("*.part"))


def test_an_export_to_a_hyphen_is_one_to_standard_output(daemon, viaduct, tmp_path):
    daemon.answers["clients.export"] = EXPORTED
    assert viaduct("clients", "export", "--out", "-", cwd=tmp_path).stdout == "aor,home,pin\na@b,north\n# end: 1 clients, epoch 3\n"
    assert not (tmp_path / "-").exists() and not (tmp_path / "-.part").exists()


def test_an_export_from_who_speaks_no_json_ends_with_3(daemon, viaduct):
    daemon.answers["clients.export"] = b"HTTP/1.1 400 Bad Request\n"
    done = viaduct("clients", "export")
    assert done.returncode == 3 and "no JSON" in done.stderr


def shown_on(rows, columns, words, tmp_path):
    """The lines of the last frame on a terminal of that size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen([VIADUCT, "--runtime-dir", str(tmp_path), *words], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:   # nobody has the other end any more
        pass
    os.close(ours)
    assert process.wait(5) == 0
    frame = seen.decode().rsplit("\x1b[H\x1b[2J", 1)[1]
    return re.sub("\x1b\\[\\?25[hl]", "", frame).split("\r\n")


@pytest.mark.parametrize("rows, columns", [(10, 30), (5, 20), (2, 1)])
@pytest.mark.parametrize("words", [["top"], ["load", "--watch"]], ids=" ".join)
def test_what_is_watched_keeps_to_the_size_of_the_terminal(daemon, tmp_path, words, rows, columns):
    many = [{**HOMES["homes"][0], "name": f"home-{i}-{'é' * 20}"} for i in range(20)]
    daemon.answers |= {"status": STATUS, "counters": counters(), "load": {"ok": True, "homes": many, "seconds": 1, "max_over_mean": 1}}
    lines = shown_on(rows, columns, [*words, "--count", "1"], tmp_path)
    assert len(lines) == rows and lines[-1] == "" and max(map(len, lines)) == columns, lines
    assert lines[0].startswith("edge  up 1d 02:03:04"[:columns] if words == ["top"] else "home"[:columns]), "the top is there"


def test_json_is_not_cut_on_a_small_terminal(daemon, tmp_path):
    daemon.answers["load"] = {"ok": True, "homes": [], "rest": "x" * 100}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
    subprocess.run([VIADUCT, "--runtime-dir", str(tmp_path), "--json", "load", "--watch", "--count", "1"], stdin=theirs, stdout=theirs, timeout=20, check=True)
    assert b'"rest": "' + b"x" * 100 + b'"}\r\n' in os.read(ours, 65536)
    os.close(ours)
    os.close(theirs)
