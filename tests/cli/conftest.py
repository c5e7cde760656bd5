# SPDX-License-Identifier: Apache-2.0
"""A daemon made of a socket and a dictionary: it answers each verb with what the test gave it, and keeps what it was asked."""
import json
import os
import pathlib
import socket
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VIADUCT = str(pathlib.Path(os.environ.get("VIADUCT_BUILD", ROOT / "build")) / "src/cli/viaduct")


class Daemon:
    """Serves line-delimited JSON at `path` until closed. An answer is an object, a raw line of bytes, or a function of the request."""

    def __init__(self, path):
        self.path = path
        self.answers = {}
        self.requests = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rwb") as lines:
                try:
                    self._serve(lines)
                except OSError:
                    pass

    def _serve(self, lines):
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            answer = self.answers.get(request["verb"], {"ok": False, "error": "unknown verb"})
            if callable(answer):
                answer = answer(request)
            if answer is None:
                return
            lines.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode() + b"\n")
            lines.flush()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


@pytest.fixture
def start(tmp_path):
    """Start a daemon for a node name; its socket is in tmp_path."""
    daemons = []

    def _start(node="edge"):
        daemons.append(Daemon(tmp_path / f"{node}.sock"))
        return daemons[-1]

    yield _start
    for daemon in daemons:
        daemon.close()


@pytest.fixture
def daemon(start):
    return start()


@pytest.fixture
def viaduct(tmp_path):
    """Run the command with tmp_path as its runtime folder; returns the finished process."""

    def _run(*words, **kwargs):
        command = [VIADUCT, "--runtime-dir", str(tmp_path), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL, **kwargs)

    return _run
