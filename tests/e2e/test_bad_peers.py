# SPDX-License-Identifier: Apache-2.0
"""Whoever holds a home's control address without a key of the fleet: his answers cost this node neither its memory nor its end."""
import contextlib
import gzip
import socket
import threading
import time

import pytest
import rig
from control import control_link


def trickle(link):
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        link.sendall(b"x")
        time.sleep(0.5)


def endless_body(link):
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        link.sendall(bytes(1 << 20))


def endless_header(link):
    link.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        link.sendall(b"".join(b"h%d: b\r\n" % i for i in range(8192)))


def packed(link):
    body = gzip.compress(bytes(400 << 20))
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    time.sleep(60)


def silent(link):
    link.recv(1)


@contextlib.contextmanager
def peer(host, control, answer):
    """Answers each call so, until the caller goes away. Gives how many calls there were."""
    address, port = control.split(":")
    listening = host._socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.bind((address, int(port)))
    listening.listen(16)
    calls = []

    def serve(link):
        with link, contextlib.suppress(OSError):
            link.recv(65536)
            calls.append(link)
            answer(link)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield calls
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def start(edge, folder, control):
    homes = [{"name": "north", "address": f"{rig.HOMES['north']}:5060", "viaduct": True, "control": control}]
    return edge.daemon(rig.make_config(folder, home=homes, neighbour=[], dpdk=rig.af_packet(), health={"enabled": False}))


def peak_mib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


@pytest.mark.parametrize("answer", [trickle, endless_body, endless_header, packed])
def test_no_answer_takes_longer_or_more_room_than_a_call_may(lab, folder, answer):
    edge, north = lab.host("edge"), lab.host("north")
    control = control_link(edge, north, 1)
    with peer(north, control, answer) as calls, start(edge, folder, control) as daemon:
        before = peak_mib(daemon)
        began = time.monotonic()
        told = daemon.ask("homes.leaving", name="north")
        assert told["bindings"] is None and time.monotonic() - began < 20, told   # 10 s for the call
        assert calls and peak_mib(daemon) - before < 64


def test_a_peer_that_is_silent_keeps_no_node_from_stopping(lab, folder):
    edge, north = lab.host("edge"), lab.host("north")
    control = control_link(edge, north, 1)
    with peer(north, control, silent) as calls, start(edge, folder, control) as daemon:
        def ask():
            with contextlib.suppress(OSError, ValueError):   # the answer, or the end of the daemon
                daemon.ask("homes.leaving", name="north")

        threading.Thread(target=ask, daemon=True).start()
        rig.wait_for("the call", lambda: calls)
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 6
