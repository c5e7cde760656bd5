# SPDX-License-Identifier: Apache-2.0
"""A node on a network card behind an IOMMU, step by step as docs/operations.md says: pages, the card taken from the kernel, traffic, the card given back."""
import contextlib
import pathlib
import socket

import conftest
import frames
import machine
import pytest
import rig
import sip
from conftest import PEER, PEER_V6, pages, run, script

PAGES = 200
EDGE_V6 = "2001:db8::2"
# What DPDK's driver of each card is, has and does: rx queues for two workers, tx queues with one for the control core if there is one more, who verifies checksums and
# who computes them.
OFFERS = {
    "virtio-pci": {"driver": "net_virtio", "rx_queues": 2, "tx_queues": 2, "rx_checksums": "device", "tx_checksums": "device"},
    "vmxnet3": {"driver": "net_vmxnet3", "rx_queues": 2, "tx_queues": 3, "rx_checksums": "device", "tx_checksums": "device"},
    "e1000e": {"driver": "net_e1000_em", "rx_queues": 1, "tx_queues": 2, "rx_checksums": "device", "tx_checksums": "device"},
}
# How the second worker gets its share: from the card, or from the first by a ring; QEMU's vmxnet3 has queues and uses one.
SHARED_BY = {"virtio-pci": "card", "e1000e": "ring", "vmxnet3": None}


def configuration(folder, card, **node):
    """A node of two workers, if nothing else is said, on that card, both IP versions, with clients placed at a home that the peer plays."""
    return rig.make_config(
        folder, assignments=[("alice@example.com", "north"), ("bob@example.com", "north")],
        node={"name": "edge", "listen": [f"{rig.EDGE}:5060", f"[{EDGE_V6}]:5060"], "runtime_dir": folder, "workers": 2} | node,
        network={"prefix": ["198.18.0.0/15", "2001:db8::/64"]}, neighbour=[],
        home=[{"name": "north", "address": f"{rig.HOMES['north']}:5060", "public": [f"{rig.HOMES['north']}:5060", f"[{PEER_V6}]:5060"]}],
        dpdk={"profile": "vfio", "pci": card.pci, "hugepages": True, "buffers": 8191, "large_buffers": 127})


def octets_of(mac):
    return bytes.fromhex(mac.replace(":", ""))


def show(card):
    """The card's line of `bind-nic show`, by its columns' names."""
    head, *rows = [line.split(maxsplit=6) for line in script("bind-nic", "show")[1].splitlines()]
    return dict(zip(head, next(row for row in rows if row[0] == card.pci)))


@contextlib.contextmanager
def up(interface):
    run("ip", "link", "set", interface, "up")
    try:
        yield
    finally:
        run("ip", "link", "set", interface, "down")


def test_pages_are_reserved_on_the_node_that_was_asked_and_given_back():
    script("hugepages", "reserve", "--node", 1, 64)
    assert (pages(0), pages(1)) == (0, 64)
    script("hugepages", "release", "--node", 1)
    assert (pages(0), pages(1)) == (0, 0)


def test_a_card_in_use_stays_with_the_kernel(card):
    with up(card.interface):
        status, told = script("bind-nic", "bind", card.pci, check=False)
    assert status != 0 and "is up" in told
    assert card.driver == card.kernel_driver


def test_a_card_goes_to_vfio_and_comes_back(card):
    interface = card.interface
    assert show(card)["driver"] == card.kernel_driver
    script("bind-nic", "bind", card.pci)
    assert (card.driver, card.interface) == ("vfio-pci", None)
    row = show(card)
    assert (row["driver"], row["numa"]) == ("vfio-pci", "1") and row["group"].isdigit()
    script("bind-nic", "unbind", card.pci)
    assert (card.driver, card.interface) == (card.kernel_driver, interface)


@pytest.fixture(scope="module")
def bound(card):
    """The card in DPDK's hands, and pages on either node."""
    script("hugepages", "reserve", PAGES)
    script("bind-nic", "bind", card.pci)
    yield
    script("bind-nic", "unbind", card.pci)
    script("hugepages", "release")
    assert card.driver == card.kernel_driver and pages(0) == pages(1) == 0


@pytest.fixture(scope="module")
def edge(card, peer, bound, tmp_path_factory):
    """A node on the card."""
    with rig.Daemon(configuration(tmp_path_factory.mktemp("edge"), card)) as running:
        yield running


def register(user, port, source=PEER):
    """A REGISTER whose answer comes back to the port that it was sent from (RFC 3581)."""
    place = f"[{source}]:{port}" if ":" in source else f"{source}:{port}"
    return sip.register(user).via(sip.via(place, f"z9hG4bK{user}{port}", rport=None))


def ask(user, port=5070, source=PEER, edge=rig.EDGE):
    """Register from the peer's kernel and return the answer."""
    with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(10)
        link.bind((source, port))
        link.sendto(bytes(register(user, port, source)), (edge, 5060))
        return sip.Message(link.recv(65535))


def reserved_pages_of_the_table(daemon):
    """Pages that were reserved and are in nobody's file, by NUMA node; and the policies that they were asked for by."""
    lines = [line.split() for line in pathlib.Path(f"/proc/{daemon.process.pid}/numa_maps").read_text().splitlines() if "/anon_hugepage" in line]
    counts = {node: sum(int(word[3:]) for words in lines for word in words if word.startswith(f"N{node}=")) for node in (0, 1)}
    return counts, {words[1] for words in lines}


@pytest.mark.usefixtures("bound", "peer")
@pytest.mark.parametrize(("worker_cpus", "nodes", "policy"), [([0], {0}, "prefer:0"), ([1], {1}, "prefer:1"), ([0, 1], {0, 1}, "interleave:0-1")])
def test_the_table_lies_near_the_workers(card, tmp_path, worker_cpus, nodes, policy):
    with rig.Daemon(configuration(tmp_path, card, workers=len(worker_cpus), worker_cpus=worker_cpus, control_cpu=0)) as daemon:
        counts, policies = reserved_pages_of_the_table(daemon)
        assert policies == {policy}
        assert {node for node, count in counts.items() if count} <= nodes and sum(counts.values()) > 0


@pytest.mark.usefixtures("bound", "peer")
def test_one_worker_hears_every_flow(card, tmp_path):
    """Whatever the number of queues that the card has."""
    with rig.Daemon(configuration(tmp_path, card, workers=1)):
        for number, source in enumerate(conftest.FLOW_SOURCES[:16]):
            assert ask("bob", 6000 + number, source).status == 302


@pytest.mark.usefixtures("bound")
def test_a_second_start_finds_the_card_as_the_first(card, peer, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        with rig.Daemon(configuration(tmp_path / name, card)):
            assert ask("alice").status == 302


def test_the_device_does_what_it_can_and_the_node_says_so(edge, card):
    (port,) = edge.ask("status")["ports"]
    assert port == {"name": ""} | OFFERS[card.kernel_driver]


def test_buffers_are_pages_of_the_cards_numa_node(edge):
    buffers_bytes = 8191 * 2048
    assert PAGES - pages(1, "free_hugepages") > buffers_bytes >> 21


def test_a_client_is_redirected_and_the_frame_is_right(edge, peer):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as wire:
        wire.bind((peer, 0x0800))
        wire.settimeout(10)
        assert ask("alice").status == 302
        while (answer := frames.datagram_of(wire.recv(65535))) is None or answer.source != (rig.EDGE, 5060):
            pass
    # The kernel takes a checksum of 0, and what its driver vouches for; datagram_of has proved the octets.
    assert sip.Message(answer.payload).status == 302


def test_over_ipv6_neighbours_find_each_other_and_the_client_is_redirected(edge):
    answer = ask("alice", source=PEER_V6, edge=EDGE_V6)
    assert answer.status == 302 and PEER_V6 in answer.one("contact")


def test_flows_are_spread_over_both_workers_and_none_is_lost(edge, card):
    before = edge.counters()
    for number, source in enumerate(conftest.FLOW_SOURCES):
        assert ask("bob", 6000 + number, source).status == 302
    after = edge.settled(0)
    redirected = [new["verdicts"]["redirected"] - old["verdicts"]["redirected"] for new, old in zip(after["workers"], before["workers"])]
    assert sum(redirected) == len(conftest.FLOW_SOURCES)
    assert all(redirected) == (SHARED_BY[card.kernel_driver] is not None), redirected
    assert (after["total"]["handed_over"] > before["total"]["handed_over"]) == (SHARED_BY[card.kernel_driver] == "ring")


def test_a_request_with_two_vias_goes_to_its_home_and_the_answer_back(edge):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as home, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for link, place in ((home, (rig.HOMES["north"], 5060)), (client, (PEER, 5072))):
            link.settimeout(10)
            link.bind(place)
        request = register("alice", 5072)
        client.sendto(bytes(request.via(*request.via_values, sip.via("198.18.0.77:5060", "z9hG4bKbelow"))), (rig.EDGE, 5060))
        octets, place = home.recvfrom(65535)
        assert place == (rig.EDGE, 5060) and len(sip.Message(octets).values("via")) == 3
        home.sendto(sip.answer(octets, 200), place)
        assert sip.Message(client.recv(65535)).status == 200


@pytest.mark.parametrize(("damage", "why"), [(26, "ip_checksum"), (60, "udp_checksum")])
def test_damaged_frames_are_dropped_whoever_looks(edge, peer, damage, why):
    before = edge.counters()["total"]["drops"][why]
    macs = {"source_mac": octets_of(machine.PEER_MAC), "destination_mac": octets_of(machine.CARD_MAC)}
    frame = bytearray(frames.frame_of(rig.datagram(sip.register("alice"), **macs)))
    frame[damage] ^= 1
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((peer, 0))
        wire.send(bytes(frame))
    rig.wait_for("the drop", lambda: edge.counters()["total"]["drops"][why] == before + 1)


def test_sipp_loses_nothing(edge, tmp_path):
    run("sipp", f"{rig.EDGE}:5060", "-sf", rig.HERE / "scenarios" / "register-302.xml", "-i", PEER, "-p", 6060, "-r", 50, "-m", 300, "-nostdin", "-timeout", 60)
