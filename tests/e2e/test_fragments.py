# SPDX-License-Identifier: Apache-2.0
"""Fragments in and out, of both IP versions: in any order, too few, too many, overlapping, and messages above the MTU.

Through files: over AF_PACKET the kernel puts fragments together before the node sees them.
"""
import socket

import pytest

import frames
import rig
from frames import Datagram
from rig import sip

EDGE6, CLIENT6, NORTH6 = "2001:db8::2", "2001:db8::10", "2001:db8::1:1"
NORTH = rig.HOMES["north"]
PLACED = [("sip:alice@example.com", "north")]
BOTH = {"listen": [f"{rig.EDGE}:5060", f"[{EDGE6}]:5060"]}
NETWORK = {"prefix": ["198.18.0.0/15", "2001:db8::/64"]}
HOMES = [{"name": "north", "address": f"{NORTH}:5060", "public": [f"{NORTH}:5060", f"[{NORTH6}]:5060"]}, {"name": "south", "address": f"{rig.HOMES['south']}:5060"}]
HOMES6 = [{"name": "north", "address": f"[{NORTH6}]:5060"}, HOMES[1]]
MACS = [{"address": a, "mac": "02:00:00:00:01:01"} for a in (NORTH, NORTH6)]
FAMILIES = {"IPv4": (rig.CLIENT, rig.SERVICE), "IPv6": ((CLIENT6, 5060), (EDGE6, 5060))}

family = pytest.mark.parametrize("ends", FAMILIES.values(), ids=FAMILIES.keys())


def run(pcap, items, **overrides):
    return pcap.run(items, assignments=PLACED, **({"node": BOTH, "network": NETWORK, "home": HOMES, "neighbour": MACS} | overrides))


def large(octets=1800, vias=1, user="alice"):
    """A REGISTER of that size: IMS handsets' have 1,800 octets."""
    request = sip.register(user).vias(vias).body(b"x" * 1000)
    request.body_octets = b"x" * (1000 + octets - len(bytes(request)))
    assert len(bytes(request)) == octets
    return request


def total(outcome, name):
    return outcome.counters["total"][name]


@family
def test_a_register_of_1800_octets_in_two_fragments_is_redirected(pcap, ends):
    request = large()
    outcome = run(pcap, frames.fragments_of(Datagram(bytes(request), *ends), 1480))
    assert sip.Message(outcome.only().payload).status == 302 and outcome.only().destination == ends[0]
    assert (outcome.verdict("collected"), outcome.verdict("redirected"), total(outcome, "reassembled")) == (1, 1, 1)


@family
def test_it_is_proxied_whole_and_leaves_in_fragments(pcap, ends):
    request = large(vias=2)
    home = NORTH6 if ":" in ends[0][0] else NORTH
    outcome = run(pcap, frames.fragments_of(Datagram(bytes(request), *ends), 1480), home=HOMES6 if home == NORTH6 else HOMES)
    sent, = outcome.assembled
    assert (sent.source, sent.destination) == (ends[1], (home, 5060)) and not outcome.datagrams
    ours, *theirs = sip.Message(sent.payload).values("via")
    assert theirs[1] == request.via_values[1] and sip.Message(sent.payload).body == request.body_octets
    assert total(outcome, "fragments_sent") == 2 and outcome.verdict("proxied") == 1


def test_a_few_large_buffers_serve_many_workers(pcap):
    """A buffer that one worker takes and another core gives back comes back to all."""
    clients = [(f"198.18.1.{n}", 5060) for n in range(1, 31)]
    items = [piece for client in clients for piece in frames.fragments_of(Datagram(bytes(large()), client, rig.SERVICE), 1480)]
    outcome = run(pcap, items, node=BOTH | {"workers": 8}, dpdk={"profile": "pcap", "buffers": 4095, "large_buffers": 63})
    assert (outcome.verdict("redirected"), total(outcome, "drops")) == (30, dict.fromkeys(total(outcome, "drops"), 0))


@pytest.mark.parametrize("method, octets, status", [("INVITE", 8150, 513), ("INVITE", 7000, None), ("ACK", 8192, None)])
def test_a_request_that_outgrows_the_largest_buffer_is_too_large(pcap, folder, method, octets, status):
    """What goes to a binding gets its Contact and its Path, up to 1,152 octets, and the Record-Routes of both its ends."""
    here = {"home": [{"name": "here", "address": f"{rig.EDGE}:5060", "local": True}], "store": {"path": folder / "kept.store", "size_max": 1024}}
    phone = ("198.18.0.11", 5064)
    register = sip.register("bob").via(sip.via("198.18.0.11:5064", "z9hG4bKreg")).contact(f"<sip:bob@198.18.0.11:5064;x={'y' * 440}>")
    register.header("Supported", "path").header("Path", f"<sip:{'p' * 560}@198.18.0.11:5064;lr>")
    placed = {"assignments": [("sip:bob@example.com", "here")], "neighbour": [{"address": a[0], "mac": "02:00:00:00:01:01"} for a in (phone, rig.CLIENT)]}
    assert pcap.run([Datagram(bytes(register), phone, rig.SERVICE)], **placed, **here).messages[0].status == 200
    request = sip.request(method, "bob").body(b"x" * 1000)
    request.body_octets = b"x" * (1000 + octets - len(bytes(request)))
    outcome = pcap.run(frames.fragments_of(Datagram(bytes(request), rig.CLIENT, rig.SERVICE), *range(1480, octets, 1480)), **placed, **here)
    sent = [sip.Message(d.payload) for d in [*outcome.assembled, *outcome.datagrams]]
    if method == "ACK":
        assert not sent and outcome.counters["total"]["drops"]["growth_over_limit"] == 1
    else:
        assert [m.status for m in sent] == [status]
        assert (outcome.verdict("rejected"), outcome.verdict("proxied")) == ((1, 0) if status else (0, 1))


@family
def test_fragments_in_any_order_and_of_several_datagrams_at_once(pcap, ends):
    source, service = ends
    items = []
    for number in range(8):
        parts = frames.fragments_of(Datagram(bytes(large(3000)), (source[0], 6000 + number), service), 800, 1600, 2400, identification=100 + number)
        items.append(parts if number % 2 else parts[::-1])
    mixed = [parts[i] for i in range(4) for parts in items]
    outcome = run(pcap, mixed)
    assert sorted(d.destination[1] for d in outcome.datagrams) == list(range(6000, 6008))
    assert (total(outcome, "reassembled"), outcome.verdict("collected"), outcome.verdict("redirected")) == (8, 24, 8)


@family
def test_a_fragment_that_overlaps_spoils_its_datagram_and_no_other(pcap, ends):
    datagram = Datagram(bytes(large()), *ends)
    data = frames.udp_of(datagram)
    first = frames.fragments_of(datagram, 1480)[0]
    inside = frames.fragment_of(datagram, 1472, data[1472:], more=False)
    outcome = run(pcap, [first, inside, *frames.fragments_of(datagram, 1480, identification=8)])
    assert len(outcome.datagrams) == 1 and total(outcome, "reassembled") == 1
    assert outcome.drop("fragment_misfit") == 1 and total(outcome, "fragments_spoilt") == 1


def test_fragments_of_two_links_are_of_two_datagrams(pcap):
    node = {"listen": [f"{rig.EDGE}:5060", f"{rig.EDGE}:5070 vlan 7"]}
    here = frames.fragments_of(rig.datagram(large()), 1480)
    there = frames.fragments_of(Datagram(bytes(large()), rig.CLIENT, rig.SERVICE, vlan=7), 1480)
    outcome = run(pcap, [here[0], there[1], here[1], here[0]], node=node)
    assert (outcome.drop("fragment_misfit"), total(outcome, "fragments_spoilt")) == (1, 1)
    assert len(outcome.datagrams) == total(outcome, "reassembled") == 1


def test_fragments_of_another_protocol_do_not_meet_those_of_ours(pcap):
    """RFC 791 3.2: an identification is one protocol's."""
    parts = frames.fragments_of(rig.datagram(large()), 1480)
    foreign = frames.ethernet(frames.ipv4(rig.CLIENT[0], rig.EDGE, bytes(1480), protocol=socket.IPPROTO_ICMP, identification=7, fragment=0x2000), frames.CLIENT_MAC, frames.EDGE_MAC)
    outcome = run(pcap, [bytearray(foreign), *parts])
    assert (len(outcome.datagrams), outcome.drop("ip_protocol"), total(outcome, "reassembled")) == (1, 1, 1)


# The datagram seems whole, and has a hole: of eight octets each, by the places of their first.
HOLES = {"the first comes last": (24, 16, 16, 0), "the last comes last": (0, 16, 16, 24), "one in the middle comes last": (0, 24, 16, 16)}


@family
@pytest.mark.parametrize("places", HOLES.values(), ids=HOLES.keys())
def test_fragments_with_a_hole_are_all_counted_and_keep_no_node_from_stopping(pcap, ends, places):
    """A node that takes some for kept when they are gone waits for them for good when it stops."""
    datagram = Datagram(b"x" * 24, *ends)
    data = frames.udp_of(datagram)
    outcome = run(pcap, [frames.fragment_of(datagram, place, data[place:place + 8], more=place < 24) for place in places])
    assert (outcome.verdict("collected"), outcome.drop("fragment_misfit"), total(outcome, "fragments_spoilt"), total(outcome, "fragments_expired")) == (3, 1, 3, 0)


@family
def test_more_fragments_than_a_datagram_may_have_are_a_drop_by_name(pcap, ends):
    datagram = Datagram(bytes(large()), *ends)
    outcome = run(pcap, frames.fragments_of(datagram, *range(160, 1600, 160)))
    assert not outcome.datagrams and outcome.drop("fragment_misfit") == 1
    assert total(outcome, "fragments_spoilt") == 7, "a place is left for the last; the one too many takes along what is there"


@family
def test_fragments_whose_others_never_come_are_freed_in_time_and_leak_nothing(folder, ends):
    """Ten thousand datagrams of which one fragment comes, in a node of few buffers: each is kept, dropped by name, or freed in time."""
    source, service = ends
    part = [frames.fragments_of(Datagram(bytes(large()), source, service), 1480, identification=i)[i % 2] for i in range(10_000)]
    frames.write_pcap(folder / "in.pcap", part)
    config = rig.make_config(folder, assignments=PLACED, node=BOTH, network=NETWORK, home=HOMES, neighbour=MACS,
                             dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap", "buffers": 511})
    with rig.Daemon(config) as daemon:
        counters = daemon.settled(len(part))["total"]
        kept, full = counters["verdicts"]["collected"], counters["drops"]["fragment_table_full"]
        assert kept + full == len(part) and kept >= 511 // 28
        rig.wait_for("the fragments to expire", lambda: daemon.counters()["total"]["fragments_expired"] == kept, timeout_s=10)


def test_no_fragment_is_kept_for_another_address(pcap):
    foreign = Datagram(bytes(large()), rig.CLIENT, ("198.18.0.3", 5060))
    outcome = run(pcap, frames.fragments_of(foreign, 1480))
    assert outcome.drop("frame_not_ours") == 2 and outcome.verdict("collected") == 0


def test_a_damaged_datagram_is_seen_when_it_is_whole(pcap):
    first, last = frames.fragments_of(rig.datagram(large()), 1480)
    last[-1] ^= 1
    outcome = run(pcap, [first, last])
    assert outcome.drop("udp_checksum") == 1 and not outcome.datagrams


def test_tagged_fragments_are_put_together_and_the_forward_is_cut_with_its_tag(pcap):
    node = {"listen": [f"{rig.EDGE}:5060 vlan 7"]}
    macs = [{"address": NORTH, "mac": "02:00:00:00:01:01", "vlan": 7}]
    outcome = run(pcap, frames.fragments_of(Datagram(bytes(large(vias=2)), rig.CLIENT, rig.SERVICE, vlan=7), 1480), node=node, neighbour=macs, home=[HOMES[0] | {"public": f"{NORTH}:5060"}, HOMES[1]])
    sent, = outcome.assembled
    assert sent.vlan == 7 and sent.destination == (NORTH, 5060)


def test_a_datagram_above_every_buffer_is_dropped_by_name(pcap):
    outcome = run(pcap, frames.fragments_of(rig.datagram(b"x" * 9500), *range(1480, 9500, 1480)))
    assert outcome.drop("sip_too_large") >= 1 and not outcome.datagrams


def test_the_largest_message_is_served_and_one_octet_more_is_refused(pcap):
    items = []
    for number, octets in enumerate((8192, 8193)):
        items += frames.fragments_of(rig.datagram(large(octets, vias=2), source=(rig.CLIENT[0], 6000 + number)), *range(1480, octets, 1480), identification=number)
    outcome = run(pcap, items)
    whole = {d.destination: d for d in outcome.assembled + outcome.datagrams}
    assert len(whole[(NORTH, 5060)].payload) > 8192, "forwarded, with our Via on top"
    assert sip.Message(whole[(rig.CLIENT[0], 6001)].payload).status == 513


@family
def test_no_identification_is_used_twice(pcap, ends):
    items = []
    for number in range(40):
        items += frames.fragments_of(Datagram(bytes(large(vias=2)), *ends), 1480, identification=number)
    outcome = run(pcap, items, home=HOMES6 if ":" in ends[0][0] else HOMES)
    assert len(outcome.assembled) == 40
    again = run(pcap, items[:2], home=HOMES6 if ":" in ends[0][0] else HOMES)
    seen = {frames.fragment_in(f).key[1] for f in outcome.other_frames}
    assert len(seen) == 40 and frames.fragment_in(again.other_frames[0]).key[1] not in seen, "nor guessed from another run"


def test_what_waits_for_its_next_hop_is_cut_when_it_is_known(pcap):
    who_is = bytes.fromhex("0001080006040002") + bytes.fromhex("020000000101") + frames.octets_of(NORTH) + frames.EDGE_MAC + frames.octets_of(rig.EDGE)
    reply = bytearray(frames.EDGE_MAC + bytes.fromhex("020000000101") + b"\x08\x06" + who_is)
    outcome = run(pcap, [*frames.fragments_of(rig.datagram(large(vias=2)), 1480), reply], node=BOTH | {"burst_pkts": 1}, neighbour=[])
    sent, = outcome.assembled
    assert (sent.destination, sent.destination_mac.hex()) == ((NORTH, 5060), "020000000101")


def sent_for(pcap, octets_more, ends):
    """The frames that carry two forwards of a REGISTER with a header of that many octets, and the payload of one."""
    request = sip.register("alice").vias(2).header("X-Long", "x" * octets_more)
    outcome = run(pcap, [Datagram(bytes(request), *ends)] * 2, home=HOMES6 if ":" in ends[0][0] else HOMES)
    carried = [frame for frame in frames.read_pcap(pcap.folder / str(pcap.runs) / "out.pcap") if frame[12:14] != b"\x08\x06"]
    payloads = [d.payload for d in outcome.datagrams + outcome.assembled]
    assert len(payloads) == 2
    return carried, payloads[0], outcome


def test_what_may_be_too_large_for_a_link_on_its_way_may_be_cut_there(pcap):
    """RFC 791 2.3: DF is off above 1,280 octets, and then each packet has a number of its own; below it is on."""
    carried, payload, outcome = sent_for(pcap, 900, FAMILIES["IPv4"])
    assert 1280 < 28 + len(payload) <= 1500
    assert [frame[20:22] for frame in carried] == [b"\0\0", b"\0\0"] and carried[0][18:20] != carried[1][18:20]
    assert total(outcome, "fragments_sent") == 0
    carried, payload, _ = sent_for(pcap, 500, FAMILIES["IPv4"])
    assert 28 + len(payload) <= 1280 and [frame[18:22] for frame in carried] == [b"\0\0\x40\0"] * 2


def test_ipv6_is_cut_for_the_smallest_link_since_nobody_else_may(pcap):
    """RFC 8200 5: without path MTU discovery nothing above 1,280 octets is sent."""
    carried, payload, outcome = sent_for(pcap, 900, FAMILIES["IPv6"])
    assert 48 + len(payload) > 1280 and all(len(frame) <= 14 + 1280 for frame in carried)
    assert total(outcome, "fragments_sent") == len(carried) == 4
    carried, payload, _ = sent_for(pcap, 500, FAMILIES["IPv6"])
    assert 48 + len(payload) <= 1280 and len(carried) == 2


def test_a_smaller_mtu_cuts_sooner_and_a_larger_one_later(pcap):
    request = sip.register("alice").vias(2).header("X-Long", "x" * 1000)
    small = run(pcap, [request], network=NETWORK | {"mtu": 1280})
    assert len(small.assembled) == 1 and all(len(f) <= 14 + 1280 for f in small.other_frames)
    jumbo = run(pcap, frames.fragments_of(rig.datagram(large(3000, vias=2)), 1480, 2960), network=NETWORK | {"mtu": 9000})
    assert len(jumbo.only().payload) > 3000


@family
def test_a_jumbo_frame_is_served_though_it_comes_in_several_buffers(pcap, ends):
    outcome = run(pcap, [Datagram(bytes(large(5000)), *ends), Datagram(bytes(large(8300)), *ends)], network=NETWORK | {"mtu": 9000})
    assert [m.status for m in outcome.messages] == [302, 513]


def test_1800_octets_arrive_at_a_real_kamailio(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north")
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet())
    with edge.daemon(config) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        client.sendto(bytes(large(vias=2)), rig.SERVICE)
        assert sip.Message(client.recv(65535)).status == 200
        assert home.contacts("alice") == ["sip:alice@198.18.0.10:5060"]
        counters = daemon.settled(2)
        assert counters["control"]["waiting_sent"] == 1
        client.sendto(bytes(large(vias=2).cseq(2)), rig.SERVICE)
        assert sip.Message(client.recv(65535)).status in (200, 500), "Kamailio's own order of CSeq"
        assert daemon.settled(4)["total"]["fragments_sent"] == 2


def test_what_af_packet_cuts_off_is_a_drop_by_its_name(lab, folder):
    """The kernel puts fragments together, and its ring has frames of 2 KiB."""
    with lab.host("edge").daemon(rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet())) as daemon:
        client = lab.host("clients", "198.18.0.10").udp("198.18.0.10", 5060)
        client.sendto(bytes(large(1940)), rig.SERVICE)
        assert sip.Message(client.recv(65535)).status == 302
        client.sendto(bytes(large(1941)), rig.SERVICE)
        rig.wait_for("the drop", lambda: daemon.counters()["total"]["drops"]["frame_truncated"] == 1)
        assert daemon.settled(2)["total"]["drops"]["frame_short"] == 0
