# SPDX-License-Identifier: Apache-2.0
"""IPv6 and both IP versions together: redirects, forwards and returns octet by octet, Neighbour Discovery, and real peers."""
import socket
import struct

import frames
import rig
from frames import Datagram
from rig import sip
from test_store import refused_start

EDGE6, CLIENT6, NORTH6 = "2001:db8::2", "2001:db8::10", "2001:db8::1:1"
NORTH = rig.HOMES["north"]
NORTH_MAC = bytes.fromhex("020000000101")
PLACED = [("sip:alice@example.com", "north")]
SERVICE6, SOURCE6 = (EDGE6, 5060), (CLIENT6, 5060)
BOTH = {"listen": [f"{rig.EDGE}:5060", f"[{EDGE6}]:5060"]}
NETWORK = {"prefix": ["198.18.0.0/15", "2001:db8::/64"]}


def north(address, **more):
    return [{"name": "north", "address": address} | more, {"name": "south", "address": f"{rig.HOMES['south']}:5060"}]


def neighbours(*addresses):
    return [{"address": a, "mac": "02:00:00:00:01:01"} for a in addresses]


def run(pcap, items, **overrides):
    """A node of both IP versions whose home `north` is on IPv6 unless said otherwise."""
    tables = {"node": BOTH, "network": NETWORK, "home": north(f"[{NORTH6}]:5060"), "neighbour": neighbours(NORTH, NORTH6)} | overrides
    return pcap.run(items, assignments=PLACED, **tables)


def from_client6(message, **more):
    return Datagram(bytes(message), SOURCE6, SERVICE6, **more)


def register6(user="alice"):
    return sip.register(user).via(sip.via(f"[{CLIENT6}]:5060", "z9hG4bKsix")).contact(f"<sip:{user}@[{CLIENT6}]:5060>")


def test_a_register_over_ipv6_is_redirected_to_the_ipv6_address_of_its_home(pcap):
    homes = north(f"{NORTH}:5060", public=[f"{NORTH}:5060", f"[{NORTH6}]:5070"])
    outcome = run(pcap, [from_client6(register6()), sip.register("alice")], home=homes)
    six, four = outcome.datagrams
    assert (six.source, six.destination, six.destination_mac) == (SERVICE6, SOURCE6, frames.CLIENT_MAC)
    answer = sip.Message(six.payload)
    assert (answer.status, answer.one("contact")) == (302, f"<sip:[{NORTH6}]:5070>")
    assert answer.values("via") == [f"SIP/2.0/UDP [{CLIENT6}]:5060;branch=z9hG4bKsix;received={CLIENT6};rport=5060"]
    assert sip.Message(four.payload).one("contact") == f"<sip:{NORTH}:5060>"
    assert outcome.verdict("redirected") == 2


def test_an_ipv6_client_of_a_home_with_ipv4_only_is_proxied_from_the_ipv4_listener(pcap):
    outcome = run(pcap, [from_client6(register6())], home=north(f"{NORTH}:5060"))
    sent = outcome.only()
    assert (sent.source, sent.destination, sent.destination_mac) == (rig.SERVICE, (NORTH, 5060), NORTH_MAC)
    ours, theirs = sip.Message(sent.payload).values("via")
    assert ours.startswith(f"SIP/2.0/UDP {rig.EDGE}:5060;in=1;branch=z9hG4bK")
    assert theirs.endswith(f";received={CLIENT6};rport=5060")
    answer = sip.answer(sent.payload, 200)
    back = run(pcap, [Datagram(answer, (NORTH, 5060), rig.SERVICE)], home=north(f"{NORTH}:5060"), neighbour=neighbours(NORTH, CLIENT6)).only()
    assert (back.source, back.destination) == (SERVICE6, SOURCE6), "from the address that the client sent to"
    assert sip.Message(back.payload).values("via") == [theirs]


def test_an_ipv4_client_of_an_ipv6_home_is_proxied_and_answered_from_where_it_sent_to(pcap):
    sent = run(pcap, [sip.register("alice").vias(2)]).only()
    assert (sent.source, sent.destination) == (SERVICE6, (NORTH6, 5060))
    ours, theirs, _ = sip.Message(sent.payload).values("via")
    assert ours.startswith(f"SIP/2.0/UDP [{EDGE6}]:5060;in=0;branch=z9hG4bK")
    back = run(pcap, [Datagram(sip.answer(sent.payload, 200), (NORTH6, 5060), SERVICE6)], neighbour=neighbours(*rig.CLIENT[:1])).only()
    assert (back.source, back.destination) == (rig.SERVICE, rig.CLIENT)
    assert sip.Message(back.payload).values("via")[0] == theirs


def test_of_several_listeners_each_gets_its_own_answers_back(pcap):
    """Three IPv4 listeners share the one IPv6 listener as a partner: the Via says which it was."""
    listen = {"listen": [f"{rig.EDGE}:5060", f"[{EDGE6}]:5060", f"{rig.EDGE}:5070", f"{rig.EDGE}:5080"]}
    requests = [rig.datagram(sip.register("alice").vias(2), destination=(rig.EDGE, port)) for port in (5060, 5070, 5080)]
    sent = run(pcap, requests, node=listen).datagrams
    assert [d.source for d in sent] == [SERVICE6] * 3
    answers = [Datagram(sip.answer(d.payload, 200), (NORTH6, 5060), SERVICE6) for d in sent]
    back = run(pcap, answers, node=listen, neighbour=neighbours(*rig.CLIENT[:1])).datagrams
    assert [d.source for d in back] == [(rig.EDGE, port) for port in (5060, 5070, 5080)]
    lost = Datagram(sip.answer(sent[1].payload, 200).replace(b";in=2", b";in=77"), (NORTH6, 5060), SERVICE6)
    assert run(pcap, [lost], node=listen, neighbour=neighbours(*rig.CLIENT[:1])).only().source == (rig.EDGE, 5060), "an index that is none: the partner"


def test_a_home_of_a_family_that_no_listener_has_stops_the_start(folder):
    """The configuration refuses such a home; the store may have one from before."""
    node = {"name": "shrunk"}
    dpdk = {"rx_pcap": folder / "none.pcap", "tx_pcap": folder / "out.pcap"}
    frames.write_pcap(folder / "none.pcap", [])
    with rig.Daemon(rig.make_config(folder, node=node | BOTH, network=NETWORK, home=north(f"[{NORTH6}]:5060"), neighbour=[], dpdk=dpdk)):
        pass
    assert f'home north: "[{NORTH6}]:5060" is of an IP version that no listener has' in refused_start(rig.make_config(folder, node=node, home=[], neighbour=[], dpdk=dpdk))


def test_a_contact_of_a_family_that_no_listener_has_is_a_drop_by_name(folder):
    """Nobody may be bound there; the store may have one from before."""
    node = {"name": "shrunk"}
    tables = {"dpdk": {"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}, "home": [{"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]}
    frames.write_pcap(folder / "in.pcap", [])
    with rig.Daemon(rig.make_config(folder, node=node | {"listen": BOTH["listen"][::-1]}, network=NETWORK, **tables)) as daemon:
        assert daemon.ask("client.bind", aor="alice@example.com", uri=f"sip:alice@[{CLIENT6}]:5060")["ok"]
    frames.write_pcap(folder / "in.pcap", [frames.frame_of(rig.datagram(sip.options("sip:alice@example.com")))])
    with rig.Daemon(rig.make_config(folder, node=node, **tables)) as daemon:
        assert daemon.settled(1)["total"]["drops"]["family_unserved"] == 1


def test_options_and_errors_go_back_over_ipv6(pcap):
    outcome = run(pcap, [from_client6(sip.options(f"sip:[{EDGE6}]")), from_client6(register6("alice").request_uri("sip:elsewhere.example")),
                         from_client6(register6().max_forwards(0))], redirect={"policy": "never"})
    assert [m.status for m in outcome.messages] == [200, 404, 483]
    assert all(d.destination == SOURCE6 for d in outcome.datagrams)


def test_a_gateway_of_each_family_is_the_way_to_others(pcap):
    far = [{"name": "north", "address": "[2001:db8:ffff::1]:5060"}, {"name": "south", "address": "203.0.113.1:5060"}]
    network = NETWORK | {"gateway": ["198.18.0.1", "fe80::1"]}
    known = [{"address": "198.18.0.1", "mac": "02:00:00:00:04:04"}, {"address": "fe80::1", "mac": "02:00:00:00:06:06"}]
    outcome = pcap.run([sip.register("alice").vias(2), sip.register("bob").vias(2)], assignments=PLACED + [("sip:bob@example.com", "south")], node=BOTH,
                       network=network, home=far, neighbour=known)
    assert [(d.destination[0], d.destination_mac.hex()) for d in outcome.datagrams] == [("2001:db8:ffff::1", "020000000606"), ("203.0.113.1", "020000000404")]


# --- Neighbour Discovery and echo

def icmp6(source, destination, message, *, hop_limit=255, destination_mac=frames.EDGE_MAC, vlan=0):
    checksum = 0xFFFF ^ frames.ones_sum(frames.pseudo_header(frames.octets_of(source), frames.octets_of(destination), len(message), socket.IPPROTO_ICMPV6) + message)
    message = message[:2] + struct.pack("!H", checksum) + message[4:]
    packet = frames.ipv6(source, destination, message, next_header=socket.IPPROTO_ICMPV6, hop_limit=hop_limit)
    return bytearray(frames.ethernet(packet, frames.CLIENT_MAC, destination_mac, vlan))


GROUP6, GROUP_MAC = "ff02::1:ff00:2", bytes.fromhex("3333ff000002")


def solicitation(target, source=CLIENT6, **more):
    option = b"\x01\x01" + frames.CLIENT_MAC if source != "::" else b""
    return icmp6(source, GROUP6, b"\x87" + bytes(7) + frames.octets_of(target) + option, destination_mac=GROUP_MAC, **more)


def read_icmp6(frame):
    frame, vlan = frames.untagged(frame)
    packet = frame[14:]
    source, destination, message = packet[8:24], packet[24:40], packet[40:]
    assert frame[12:14] == b"\x86\xdd" and packet[6] == socket.IPPROTO_ICMPV6 and struct.unpack("!H", packet[4:6])[0] == len(message)
    assert frames.ones_sum(frames.pseudo_header(source, destination, len(message), socket.IPPROTO_ICMPV6) + message) == 0xFFFF
    return frames.text_of(source), frames.text_of(destination), packet[7], message, frame[0:6], vlan


def test_solicitations_of_our_address_are_answered_and_others_are_not(pcap):
    ours, probe, other, far = solicitation(EDGE6), solicitation(EDGE6, source="::"), solicitation("2001:db8::3"), solicitation(EDGE6, hop_limit=254)
    outcome = run(pcap, [ours, probe, other, far])
    told, all_told = map(read_icmp6, outcome.other_frames)
    target_and_option = frames.octets_of(EDGE6) + b"\x02\x01" + frames.EDGE_MAC
    assert told[:3] == (EDGE6, CLIENT6, 255) and told[3][:1] + told[3][4:5] == b"\x88\x60" and told[3][8:] == target_and_option
    assert all_told[:3] == (EDGE6, "ff02::1", 255) and all_told[3][4:5] == b"\x20" and all_told[4] == bytes.fromhex("333300000001")
    assert outcome.drop("nd_invalid") == 1
    assert (outcome.counters["control"]["nd_answered"], outcome.counters["control"]["nd_ignored"]) == (2, 1)


def test_an_unknown_next_hop_is_solicited_and_what_waited_is_sent_when_it_answers(pcap):
    advertisement = icmp6(NORTH6, EDGE6, b"\x88" + bytes(3) + b"\x60\0\0\0" + frames.octets_of(NORTH6) + b"\x02\x01" + NORTH_MAC)
    outcome = run(pcap, [sip.register("alice").vias(2), advertisement], node=BOTH | {"burst_pkts": 1}, neighbour=[])
    source, destination, hops, message, mac, _ = read_icmp6(outcome.other_frames[0])
    assert (source, destination, hops, mac.hex()) == (EDGE6, "ff02::1:ff01:1", 255, "3333ff010001")
    assert message[0] == 135 and message[8:] == frames.octets_of(NORTH6) + b"\x01\x01" + frames.EDGE_MAC
    assert (outcome.only().destination, outcome.only().destination_mac) == ((NORTH6, 5060), NORTH_MAC)
    assert outcome.counters["control"]["waiting_sent"] == 1


def test_nobody_is_learned_who_was_not_asked_for(pcap):
    unasked = icmp6(NORTH6, EDGE6, b"\x88" + bytes(3) + b"\x60\0\0\0" + frames.octets_of(NORTH6) + b"\x02\x01" + NORTH_MAC)
    outcome = run(pcap, [unasked, sip.register("alice").vias(2)], neighbour=[])
    assert not outcome.datagrams and outcome.counters["control"]["learned"] == 0


def test_echo_over_ipv6_is_answered(pcap):
    ping = icmp6(CLIENT6, EDGE6, b"\x80\0\0\0\x12\x34\0\x01payload", hop_limit=3)
    source, destination, hops, message, mac, _ = read_icmp6(run(pcap, [ping, icmp6(CLIENT6, "2001:db8::3", b"\x80" + bytes(7))]).other_frames[0])
    assert (source, destination, hops, mac) == (EDGE6, CLIENT6, 64, frames.CLIENT_MAC)
    assert message[:2] + message[4:] == b"\x81\0\x12\x34\0\x01payload"


# --- VLANs

def test_a_listener_on_a_vlan_answers_there_and_hears_nothing_else(pcap):
    node = {"listen": [f"{rig.EDGE}:5060 vlan 7", f"[{EDGE6}]:5060 vlan 7"]}
    items = [rig.datagram(sip.register("alice"), vlan=7), from_client6(register6(), vlan=7), solicitation(EDGE6, vlan=7), rig.datagram(sip.register("alice")),
             rig.datagram(sip.register("alice"), vlan=8), solicitation(EDGE6)]
    outcome = run(pcap, items, node=node, home=north(f"{NORTH}:5060", public=[f"{NORTH}:5060", f"[{NORTH6}]:5060"]))
    assert [(d.vlan, d.destination) for d in outcome.datagrams] == [(7, rig.CLIENT), (7, SOURCE6)]
    assert [read_icmp6(f)[5] for f in outcome.other_frames] == [7]
    assert outcome.drop("frame_not_ours") == 2


def test_a_forward_leaves_with_the_vlan_of_its_listener_and_asks_for_its_next_hop_there(pcap):
    node = {"listen": [f"{rig.EDGE}:5060 vlan 7", f"[{EDGE6}]:5060 vlan 9"]}
    known = [{"address": NORTH6, "mac": "02:00:00:00:01:01", "vlan": 9}]
    sent = run(pcap, [rig.datagram(sip.register("alice").vias(2), vlan=7)], node=node, neighbour=known).only()
    assert (sent.vlan, sent.destination, sent.destination_mac) == (9, (NORTH6, 5060), NORTH_MAC)
    outcome = run(pcap, [rig.datagram(sip.register("alice").vias(2), vlan=7)], node=node, neighbour=neighbours(NORTH6))
    assert not outcome.datagrams, "the neighbour that is known is on no VLAN"
    assert read_icmp6(outcome.other_frames[0])[5] == 9


def test_a_priority_tag_is_no_vlan_and_two_tags_are_no_frame_of_ours(pcap):
    def tagged(kind, vlan, frame):
        return bytearray(frame[:12] + kind + struct.pack("!H", vlan) + frame[12:])
    frame = frames.frame_of(rig.datagram(sip.register("alice")))
    double = tagged(b"\x81\0", 7, tagged(b"\x81\0", 7, frame))
    outcome = pcap.run([tagged(b"\x81\0", 0xE000, frame), double, tagged(b"\x88\xa8", 7, frame)], assignments=PLACED)
    assert outcome.only().vlan == 0 and outcome.drop("frame_type") == 2


def test_workers_without_a_queue_get_ipv6_and_tagged_frames_too(pcap):
    items = [from_client6(register6(), vlan=vlan) for vlan in (0, 0)] + [Datagram(bytes(register6()), (CLIENT6, port), SERVICE6) for port in range(6000, 6064)]
    outcome = run(pcap, items, node=BOTH | {"workers": 3}, home=north(f"{NORTH}:5060", public=[f"[{NORTH6}]:5060"]))
    assert len(outcome.datagrams) == 66
    busy = [w for w in outcome.counters["workers"] if sum(w["verdicts"].values())]
    assert len(busy) == 3, "flows are spread by the IPv6 address and port"


# --- real peers

def test_a_client_on_ipv6_registers_at_a_kamailio_of_either_family_through_the_proxy(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10", CLIENT6)
    for number, address in enumerate((NORTH6, NORTH)):
        where = folder / str(number)
        where.mkdir()
        home = rig.Kamailio(lab.host(f"north{number}", address), address, where / "north")
        listed = f"[{address}]:5060" if ":" in address else f"{address}:5060"
        config = rig.make_config(where, assignments=[("alice@example.com", "north")], node=BOTH, network=NETWORK, home=north(listed), neighbour=[],
                                 dpdk=rig.af_packet(), redirect={"policy": "never"})
        with edge.daemon(config):
            client = clients.udp(CLIENT6, 5060 + number)
            request = register6().via(sip.via(f"[{CLIENT6}]:{5060 + number}", "z9hG4bKpeer", rport=None))
            client.sendto(bytes(request), SERVICE6)
            answer, source = client.recvfrom(65535)
            assert sip.Message(answer).status == 200 and source[:2] == SERVICE6
            assert home.contacts("alice") == [f"sip:alice@[{CLIENT6}]:5060"]


def test_sipp_over_ipv6_is_redirected(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", CLIENT6)
    homes = [{"name": name, "address": f"{rig.HOMES[name]}:5060", "public": [f"[2001:db8::1:{name[0] == 'n':d}]:5060"]} for name in rig.HOMES]
    config = rig.make_config(folder, node=BOTH, network=NETWORK, home=homes, neighbour=[], dpdk=rig.af_packet())
    with edge.daemon(config) as daemon:
        rig.sipp(clients, "register-302", f"[{EDGE6}]:5060", address=CLIENT6, rate=500, calls=1000)
        counters = daemon.settled(1001)
        assert counters["control"]["nd_answered"] >= 1 and counters["total"]["verdicts"]["redirected"] == 1000
