# SPDX-License-Identifier: Apache-2.0
"""Whatever comes: the process lives, the counters add up, and the next good REGISTER is answered."""
import pathlib
import random

import frames
import pytest
import rig
from rig import sip

TORTURE = pathlib.Path(__file__).resolve().parents[1] / "torture"
PLACED = [("sip:alice@example.com", "north")]
FRAME_PAYLOAD_MAX = 1472


def torture_messages():
    found = {path.name: path.read_bytes() for folder in ("rfc4475", "rfc5118") for path in sorted((TORTURE / folder).iterdir()) if path.suffix == ".dat"}
    assert len(found) == 62, len(found)
    return found


def test_62_torture_messages_each_followed_by_a_good_register(pcap):
    messages = torture_messages()
    items = []
    for number, octets in enumerate(messages.values()):
        source = ("198.18.0.33", 2000 + number)
        whole = rig.datagram(octets, source=source)
        items += [whole] if len(octets) <= FRAME_PAYLOAD_MAX else frames.fragments_of(whole, *range(1480, len(octets), 1480))
        items.append(rig.datagram(sip.register("alice"), source=("198.18.0.34", 2000 + number)))
    outcome = pcap.run(items, assignments=PLACED)
    good = [d for d in outcome.datagrams if d.destination[0] == "198.18.0.34"]
    assert [sip.Message(d.payload).status for d in good] == [302] * len(messages)
    assert outcome.counters["total"]["reassembled"] == 1, "longreq is the only one above a frame"
    statuses = answers_by_name(outcome, messages)
    assert {name: statuses.get(name) for name in EXPECTED} == EXPECTED


def answers_by_name(outcome, messages):
    """Status of the answer to each message that was answered."""
    names = list(messages)
    return {names[d.destination[1] - 2000]: int(d.payload.split()[1]) for d in outcome.datagrams
            if d.destination[0] == "198.18.0.33" and d.payload.startswith(b"SIP/2.0 ")}


def arp(sender, is_request=True, mac=frames.CLIENT_MAC):
    pairs = mac + frames.octets_of(sender) + bytes(6) + frames.octets_of(rig.EDGE)
    return bytearray(frames.EDGE_MAC + mac + b"\x08\x06" + bytes.fromhex("000108000604") + (b"\0\1" if is_request else b"\0\2") + pairs)


def questions(outcome):
    """For which addresses the node asks by ARP."""
    return [frames.text_of(frame[38:42]) for frame in outcome.other_frames if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1"]


def test_neighbours_whom_nobody_asked_for_leave_room_for_those_who_are(pcap):
    strangers = [arp(f"198.19.0.{number}") for number in range(1, 41)]
    outcome = pcap.run([*strangers, sip.register("alice").vias(2)], assignments=PLACED, neighbour=[], limits={"neighbours_max": 16})
    assert questions(outcome) == [rig.HOMES["north"]]
    control = outcome.counters["control"]
    assert (control["arp_answered"], control["learned"]) == (40, 8), "all are answered, half the table is theirs"


def test_an_arp_answer_is_heard_when_it_was_asked_for(pcap):
    mac = bytes.fromhex("020000000101")
    answer = arp(rig.HOMES["north"], is_request=False, mac=mac)
    outcome = pcap.run([answer, sip.register("alice").vias(2), answer], assignments=PLACED, neighbour=[], node={"burst_pkts": 1})
    assert questions(outcome) == [rig.HOMES["north"]]
    assert outcome.only().destination_mac == mac and outcome.counters["control"]["learned"] == 1


def test_who_does_not_answer_makes_room_for_those_who_are_looked_for_later(pcap):
    """Requests for many clients of homes on the link that nobody is: each answer's way is looked for, and the last one's as well."""
    homes = [{"name": f"home-{i}", "address": f"198.18.2.{i}:5060"} for i in range(1, 41)]
    placed = [(sip.aor(f"user{i}"), f"home-{i}") for i in range(1, 41)]
    requests = [sip.register(f"user{i}").vias(2) for i in range(1, 41)]
    outcome = pcap.run(requests, home=homes, assignments=placed, neighbour=[], limits={"neighbours_max": 16},
                       until=lambda counters: counters["control"]["made_room"] >= 24)
    assert questions(outcome) == [f"198.18.2.{i}" for i in range(1, 41)]


# The answer that RFC 4475 and RFC 5118 ask for; None: no answer. Requests for domains that this edge does not serve are 404.
EXPECTED = {
    "badinv01.dat": 400, "clerr.dat": 400, "ncl.dat": 400, "scalar02.dat": 400, "quotbal.dat": 400, "lwsruri.dat": 400, "lwsstart.dat": 400,
    "ltgtruri.dat": 400, "mismatch01.dat": 400, "mismatch02.dat": 400, "badvers.dat": 505, "multi01.dat": 400, "mcl01.dat": 400,
    "unkscm.dat": 416, "novelsc.dat": 416, "unksm2.dat": 400, "insuf.dat": None, "test.dat": None, "bigcode.dat": None, "scalarlg.dat": None,
    "unreason.dat": None, "noreason.dat": None, "bcast.dat": None,
}


def test_random_octets_and_cut_messages_do_no_harm(pcap):
    chance = random.Random(4475)
    whole = bytes(sip.register("alice").vias(2).compact())
    items = [chance.randbytes(chance.randrange(1, 1400)) for _ in range(300)]
    items += [whole[:n] for n in range(1, len(whole), 3)]
    for _ in range(600):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.choice(b"\r\n\0 ,;:<>\"\\%@\xff")
        items.append(bytes(broken))
    items.append(sip.register("alice"))
    outcome = pcap.run([rig.datagram(i, source=("198.18.0.101", 5060)) for i in items], assignments=PLACED)
    assert sip.Message(outcome.datagrams[-1].payload).status == 302
    assert outcome.counters["total"]["rx_pkts"] == len(items)


def test_keepalives_are_absorbed(pcap):
    outcome = pcap.run([b"", b"\r\n", b"\r\n\r\n", b"\0\0\0\0"])
    assert not outcome.datagrams and outcome.verdict("absorbed") == 4


def test_frames_that_are_not_for_us_are_dropped_by_name(pcap):
    good = frames.frame_of(rig.datagram(sip.register("alice")))
    def changed(at, octets):
        return bytearray(good[:at] + octets + good[at + len(octets):])
    items = [bytearray(good[:20]), changed(12, b"\x88\xcc"), changed(24, b"\0\0"), changed(40, b"\xab\xcd"),
             rig.datagram(sip.register("alice"), destination=(rig.EDGE, 5061)), rig.datagram(sip.register("alice"), destination=("198.18.0.3", 5060))]
    outcome = pcap.run(items)
    assert not outcome.datagrams
    assert {n: outcome.drop(n) for n in ("frame_short", "frame_type", "ip_checksum", "udp_checksum", "frame_not_ours")} == {
        "frame_short": 1, "frame_type": 1, "ip_checksum": 1, "udp_checksum": 1, "frame_not_ours": 2}


OTHER_STATIONS = ["02:00:00:00:be:ef", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:5e:00:01:05", "02:70:63:61:70:01"]


@pytest.mark.parametrize("mac", OTHER_STATIONS)
def test_what_is_sent_to_another_station_or_to_all_is_not_served(pcap, mac):
    """RFC 1122 3.3.6: whatever the address; a switch floods what it has not learned."""
    mac = bytes.fromhex(mac.replace(":", ""))
    register = frames.Datagram(bytes(sip.register("alice")), rig.CLIENT, rig.SERVICE, destination_mac=mac)
    ping = b"\x08\0" + (0xFFFF ^ frames.ones_sum(b"\x08\0\0\0" + b"ping" * 10)).to_bytes(2, "big") + b"ping" * 10
    echo = frames.ethernet(frames.ipv4(rig.CLIENT[0], rig.EDGE, ping, protocol=1), frames.CLIENT_MAC, mac)
    outcome = pcap.run([register, *frames.fragments_of(register, 200), bytearray(echo)], assignments=PLACED)
    assert not outcome.datagrams and not outcome.other_frames
    assert outcome.drop("mac_not_ours") == 4 and outcome.verdict("collected") == 0


def test_a_source_that_must_not_be_answered_is_not(pcap):
    items = [rig.datagram(sip.register("alice"), source=s) for s in (("198.18.0.10", 0), ("255.255.255.255", 5060), ("224.0.0.1", 5060), rig.SERVICE)]
    outcome = pcap.run(items)
    assert not outcome.datagrams and outcome.drop("reply_unsafe") == 4


def test_an_answer_is_never_much_longer_than_its_question(pcap):
    requests = [sip.register("alice"), sip.register("alice", "elsewhere.org"), sip.options(f"sip:{rig.EDGE}"), sip.request("BYE", "alice").to("<sip:alice@example.com>;tag=t").request_uri("sip:1.2.3.4")]
    outcome = pcap.run([rig.datagram(r, source=("198.18.0.33", 3000 + i)) for i, r in enumerate(requests)], assignments=PLACED)
    for d in outcome.datagrams:
        asked = len(bytes(requests[d.destination[1] - 3000]))
        assert len(d.payload) <= (3 * asked if d.payload.startswith(b"SIP/2.0 200") else asked + 200)
    assert len(outcome.datagrams) == 4


def test_arp_and_echo_are_answered(pcap):
    from scapy.all import ARP, ICMP, IP, Ether, raw
    who_has = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:0a") / ARP(op=1, hwsrc="02:00:00:00:00:0a", psrc=rig.CLIENT[0], pdst=rig.EDGE)
    other = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:0a") / ARP(op=1, hwsrc="02:00:00:00:00:0a", psrc=rig.CLIENT[0], pdst="198.18.0.3")
    echo = Ether(dst="02:70:63:61:70:00", src="02:00:00:00:00:0a") / IP(src=rig.CLIENT[0], dst=rig.EDGE) / ICMP(id=7, seq=1) / b"are you there"
    outcome = pcap.run([bytearray(raw(p)) for p in (who_has, other, echo)])
    replies = [Ether(f) for f in outcome.other_frames]
    arp = [p[ARP] for p in replies if ARP in p]
    assert [(a.op, a.psrc, a.pdst) for a in arp] == [(2, rig.EDGE, rig.CLIENT[0])]
    pings = [p for p in replies if ICMP in p]
    assert len(pings) == 1 and pings[0][ICMP].type == 0 and bytes(pings[0][ICMP].payload) == b"are you there"
    assert IP(raw(pings[0][IP])).chksum == IP(raw(IP(**{k: v for k, v in pings[0][IP].fields.items() if k != "chksum"}) / pings[0][ICMP])).chksum
    assert outcome.verdict("controlled") == 3
