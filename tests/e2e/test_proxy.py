# SPDX-License-Identifier: Apache-2.0
"""The stateless proxy: what travels on, what comes back, and what does not."""
import rig
from rig import sip

NORTH = rig.HOMES["north"]
PLACED = [("sip:alice@example.com", "north")]
PROXY = ("198.18.0.101", 5070)


def forwarded(pcap, request, source=PROXY):
    """What the home gets of a request."""
    return pcap.run([rig.datagram(request, source=source)], assignments=PLACED).only().payload


def returned(pcap, *responses):
    return pcap.run([rig.datagram(r, source=(NORTH, 5060)) for r in responses], assignments=PLACED, neighbour=neighbours())


def neighbours():
    return [{"address": NORTH, "mac": "02:00:00:00:01:01"}, {"address": PROXY[0], "mac": "02:00:00:00:00:65"}, {"address": rig.CLIENT[0], "mac": "02:00:00:00:00:0a"}]


def test_a_forward_changes_only_what_a_proxy_must(pcap):
    request = sip.register("alice").vias(2).header("X-Unknown", "a, \"b;\"").body(bytes(range(256)), "application/octet-stream")
    asked, sent = sip.Message(bytes(request)), sip.Message(forwarded(pcap, request))
    assert sent.start_line == asked.start_line and sent.body == asked.body
    ours, theirs, below = sent.values("via")
    assert ours.startswith(f"SIP/2.0/UDP {rig.EDGE}:5060;branch=z9hG4bK")
    assert theirs == asked.values("via")[0] + f";received={PROXY[0]};rport={PROXY[1]}"
    assert below == asked.values("via")[1]
    kept = [h for h in sent.headers if h[0] not in ("via", "max-forwards", "path")]
    assert kept == [h for h in asked.headers if h[0] not in ("via", "max-forwards")]
    assert (asked.one("max-forwards"), sent.one("max-forwards")) == ("70", "69")


def test_max_forwards_is_added_where_it_is_missing(pcap):
    assert sip.Message(forwarded(pcap, sip.register("alice").vias(2).max_forwards(None))).one("max-forwards") == "70"


def test_a_retransmission_travels_on_with_the_same_branch_and_another_request_with_another(pcap):
    first, other = sip.register("alice").vias(2), sip.register("alice").vias(2)
    sent = pcap.run([rig.datagram(r, source=PROXY) for r in (first, first, other)], assignments=PLACED).messages
    branches = [m.parameter(m.values("via")[0], "branch") for m in sent]
    assert branches[0] == branches[1] != branches[2]


def test_a_cancel_follows_its_invite(pcap):
    invite = sip.request("INVITE", "alice").call_id("c").branch("z9hG4bKi")
    cancel = sip.request("CANCEL", "alice").call_id("c").branch("z9hG4bKi")
    ack = sip.request("ACK", "alice").call_id("c").branch("z9hG4bKi").to("<sip:alice@example.com>;tag=theirs")
    sent = pcap.run([invite, cancel, ack], assignments=PLACED)
    assert [d.destination for d in sent.datagrams] == [(NORTH, 5060)] * 3
    assert len({m.parameter(m.values("via")[0], "branch") for m in sent.messages}) == 1


def test_responses_find_their_way_back_through_two_vias(pcap):
    request = sip.register("alice").vias(2)
    outcome = returned(pcap, sip.answer(forwarded(pcap, request), 200))
    sent = outcome.only()
    assert (sent.destination, outcome.verdict("returned")) == (PROXY, 1), "received and rport of the next Via"
    assert [v.split(";")[0] for v in sip.Message(sent.payload).values("via")] == [v.split(";")[0] for v in request.via_values]


def test_a_response_of_a_comma_joined_request_comes_back_too(pcap):
    answer = sip.answer(forwarded(pcap, sip.register("alice").vias(3).joined()), 401)
    joined = sip.Message(answer)
    first_line = answer.split(b"\r\n")[0]
    rest = [f"{k}: {v}".encode() for k, v in joined.headers if k != "via"]
    together = b"\r\n".join([first_line, b"v: " + ", ".join(joined.values("via")).encode(), *rest, b"", b""])
    assert len(sip.Message(returned(pcap, together).only().payload).values("via")) == 3


def test_a_forged_response_is_dropped(pcap):
    good = sip.answer(forwarded(pcap, sip.register("alice").vias(2)), 200)
    at = good.index(b"z9hG4bK") + 15
    forged = good[:at] + (b"b" if good[at:at + 1] == b"a" else b"a") + good[at + 1:]
    elsewhere = good.replace(b"received=198.18.0.101", b"received=198.18.0.102")
    other_call = good.replace(b"Call-ID: c", b"Call-ID: d")
    outcome = returned(pcap, forged, elsewhere, other_call)
    assert not outcome.datagrams and outcome.drop("response_foreign") == 3


def test_a_node_with_the_same_key_and_address_verifies_what_another_process_signed(pcap):
    answer = sip.answer(forwarded(pcap, sip.register("alice").vias(2)), 200)
    keys = ["b:202122232425262728292a2b2c2d2e2f", "a:101112131415161718191a1b1c1d1e1f"]
    outcome = pcap.run([rig.datagram(answer, source=(NORTH, 5060))], neighbour=neighbours(), fleet={"keys": keys})
    assert outcome.verdict("returned") == 1, "the second key still verifies after a rotation"
    outcome = pcap.run([rig.datagram(answer, source=(NORTH, 5060))], neighbour=neighbours(), fleet={"keys": keys[:1]})
    assert outcome.drop("response_foreign") == 1, "a key that is gone verifies nothing"


def test_a_response_to_the_broadcast_address_is_never_sent(pcap):
    response = sip.answer(forwarded(pcap, sip.register("alice").vias(2)), 200).replace(b";received=198.18.0.101", b";received=255.255.255.255")
    outcome = returned(pcap, response)
    assert not outcome.datagrams and outcome.verdict("dropped") == 1


def test_hops_loops_and_unknown_extensions_are_refused(pcap):
    looped = sip.register("alice").via(sip.via(f"{rig.EDGE}:5060", "z9hG4bKbeenhere"), sip.via("198.18.0.10", "z9hG4bKx"))
    outcome = pcap.run([rig.datagram(r, source=PROXY) for r in (sip.register("alice").vias(2).max_forwards(0), looped, sip.register("alice").vias(2).header("Proxy-Require", "foo"))],
                       assignments=PLACED)
    assert [m.status for m in outcome.messages] == [483, 482, 420]
    assert outcome.messages[2].one("unsupported") == "foo"


def test_options_of_this_node_is_answered_even_without_hops(pcap):
    outcome = pcap.run([sip.options(f"sip:{rig.EDGE}").max_forwards(0)])
    assert outcome.messages[0].status == 200 and "REGISTER" in outcome.messages[0].one("allow")
    assert outcome.messages[0].one("allow-events") == "reg", "RFC 6665 4.4.4: this node is notifier"


def test_what_outgrows_a_frame_is_sent_in_fragments(pcap):
    fits, grows = (sip.register("alice").vias(2).body(b"x" * (1472 - len(bytes(sip.register("alice").vias(2).body(b""))) - pad)) for pad in (400, 4))
    outcome = pcap.run([rig.datagram(r, source=PROXY) for r in (fits, grows)], assignments=PLACED)
    assert outcome.verdict("proxied") == 2 and len(outcome.datagrams) == len(outcome.assembled) == 1
