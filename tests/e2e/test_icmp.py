# SPDX-License-Identifier: Apache-2.0
"""ICMP errors about datagrams of ours: counted by home, and believed for nothing."""
import socket

import frames
import rig
from rig import sip

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
ROUTER = "198.18.0.254"
PLACED = [("sip:alice@example.com", "north")]


def error(quoted, kind=3, code=3, destination=rig.EDGE, damage=0):
    """An ICMP error that quotes the begin of a packet."""
    message = bytes([kind, code, 0, 0, 0, 0, 0, 0]) + quoted[:28]
    checksum = 0xFFFF ^ frames.ones_sum(message) ^ damage
    message = message[:2] + checksum.to_bytes(2, "big") + message[4:]
    return bytearray(frames.ethernet(frames.ipv4(ROUTER, destination, message, protocol=socket.IPPROTO_ICMP), frames.CLIENT_MAC, frames.EDGE_MAC))


def packet(source=rig.SERVICE, destination=(NORTH, 5060)):
    return frames.ipv4(source[0], destination[0], frames.udp_of(frames.Datagram(b"x" * 40, source, destination)))


def test_errors_about_a_home_are_counted_and_others_are_not(pcap):
    forged = [packet(source=(rig.EDGE, 5061)), packet(destination=("198.18.0.99", 5060)), packet(destination=(NORTH, 5099))]
    items = [error(packet()), error(packet(), code=1), error(packet(), code=4), *map(error, forged), error(packet(), destination="198.18.0.3"),
             error(b"\0" * 28), error(packet(), damage=1), error(packet(), kind=11, code=0)]
    outcome = pcap.run(items)
    control = outcome.counters["control"]
    assert (control["icmp_unreachable"], control["icmp_too_big"], control["icmp_ignored"]) == (2, 1, 5)
    assert (outcome.drop("ip_checksum"), outcome.drop("ip_protocol")) == (1, 1)
    assert not outcome.datagrams and not outcome.other_frames


def test_a_home_without_a_server_is_told_from_others_and_stays_in_service(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    lab.host("north", NORTH)  # a kernel, and no server: it answers port unreachable
    with edge.daemon(rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet())) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        for _ in range(3):
            client.sendto(bytes(sip.register("alice").vias(2)), rig.SERVICE)
        counts = lambda: {h["name"]: h["unreachable"] for h in daemon.ask("homes")["homes"]}
        rig.wait_for("the errors", lambda: counts()["north"] >= 1)
        assert counts()["south"] == 0
        assert {h["name"]: h["state"] for h in daemon.ask("homes")["homes"]}["north"] == "up"
