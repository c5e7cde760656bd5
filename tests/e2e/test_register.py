# SPDX-License-Identifier: Apache-2.0
"""Each row of the decision about a REGISTER, frames in and frames out of the real daemon."""
import re

import pytest

import rig
from rig import sip

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
PLACED = [("sip:alice@example.com", "north"), ("sip:bob@example.com", "south"), ("sip:%2B4930@example.com", "north", "pin")]
HERE = {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}
WITH_LOCAL = [{"name": "north", "address": f"{NORTH}:5060"}, HERE]


def written_in_every_way(request):
    """The same two Vias in every way that RFC 3261 7.3.1 and 7.3.3 allow."""
    return [request().joined(), request().compact(), request().folded(), request().scattered(), request().shouted(), request().bare_lf(),
            request().compact().joined().folded()]


def test_one_via_is_redirected_with_everything_that_a_client_needs(pcap):
    register = sip.register("alice").header("Timestamp", "54")
    answer = sip.Message(pcap.run([register], assignments=PLACED).only().payload)
    assert answer.start_line == "SIP/2.0 302 Moved Temporarily"
    assert answer.one("contact") == f"<sip:{NORTH}:5060>"
    assert answer.one("from") == register.from_value
    assert answer.one("to").startswith(register.to_value + ";tag=")
    assert (answer.one("call-id"), answer.one("cseq"), answer.one("timestamp")) == (register.call_id_value, "1 REGISTER", "54")
    assert answer.parameter(answer.one("via"), "received") == rig.CLIENT[0]
    assert answer.parameter(answer.one("via"), "rport") == str(rig.CLIENT[1])
    assert answer.one("content-length") == "0" and not answer.all("expires")


def test_answers_go_to_the_packets_source_whatever_the_via_says(pcap):
    register = sip.register("alice").via(sip.via("10.9.8.7:1111", "z9hG4bKnat", rport=None))
    outcome = pcap.run([rig.datagram(register, source=("198.18.0.33", 40001))], assignments=PLACED)
    assert outcome.only().destination == ("198.18.0.33", 40001)
    top = sip.Message(outcome.only().payload).one("via")
    assert "received=198.18.0.33" in top and "rport=40001" in top


def test_several_vias_are_proxied_however_they_are_written(pcap):
    requests = written_in_every_way(lambda: sip.register("alice").vias(2))
    outcome = pcap.run([rig.datagram(r, source=("198.18.0.101", 5060)) for r in requests], assignments=PLACED)
    assert outcome.verdict("proxied") == len(requests)
    assert {d.destination for d in outcome.datagrams} == {(NORTH, 5060)}
    for sent in (sip.Message(d.payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")) for d in outcome.datagrams):
        assert len(sent.values("via")) == 3
        assert sent.values("via")[0].startswith(f"SIP/2.0/UDP {rig.EDGE}:5060;branch=z9hG4bK")
        assert sent.one("max-forwards") == "69"


def test_one_via_is_redirected_however_it_is_written(pcap):
    requests = written_in_every_way(lambda: sip.register("alice"))
    outcome = pcap.run(requests, assignments=PLACED)
    assert outcome.verdict("redirected") == len(requests)


def test_clients_of_this_node_are_registered_whatever_their_vias(pcap):
    outcome = pcap.run([sip.register("carol"), rig.datagram(sip.register("dora").vias(3), source=("198.18.0.101", 5060))],
                       assignments=[("carol@example.com", "here"), ("dora@example.com", "here")], home=WITH_LOCAL)
    assert outcome.verdict("registered") == 2
    assert [m.status for m in outcome.messages] == [200, 200]
    assert all("expires=3600" in m.one("contact") for m in outcome.messages)
    assert len(outcome.messages[1].values("via")) == 3
    assert outcome.counters["registrar"]["answered"] == 2


def test_a_client_without_entry_belongs_to_its_slots_home(pcap):
    outcome = pcap.run([sip.register(f"stranger{i}") for i in range(200)])
    contacts = [m.one("contact") for m in outcome.messages]
    share = sum(NORTH in c for c in contacts)
    assert outcome.verdict("redirected") == 200 and 60 < share < 140, share


def test_under_policy_explicit_a_client_without_entry_is_unknown(pcap):
    outcome = pcap.run([sip.register("alice"), sip.register("stranger")], assignments=PLACED, assign={"policy": "explicit"})
    assert sorted(m.status for m in outcome.messages) == [302, 404]


def test_policy_never_proxies_everybody(pcap):
    outcome = pcap.run([sip.register("alice")], assignments=PLACED, redirect={"policy": "never"})
    assert outcome.only().destination == (NORTH, 5060)


def test_a_second_via_from_an_untrusted_source_counts_for_nothing(pcap):
    requests = [rig.datagram(sip.register("alice").vias(2), source=("198.18.0.101", 5060)), rig.datagram(sip.register("alice").vias(2), source=("198.18.0.102", 5060))]
    outcome = pcap.run(requests, assignments=PLACED, redirect={"trusted_proxies": ["198.18.0.102/32"]})
    assert (outcome.verdict("redirected"), outcome.verdict("proxied")) == (1, 1)


def test_the_client_is_the_canonical_to_uri(pcap):
    ways = ["<sip:%61lice@EXAMPLE.com.;user=x>", "sip:alice@example.com:5060", "\"Alice, A.\" <sips:alice@alias.example>", "<sip:alice:secret@example.com?a=b>"]
    outcome = pcap.run([sip.register("alice").to(to) for to in ways] + [sip.register("x").to("<tel:+49-30>")], assignments=PLACED,
                       sip={"domains": ["example.com"], "default_domain": "example.com", "aliases": None})
    assert outcome.verdict("redirected") + outcome.verdict("proxied") + outcome.verdict("rejected") == 5
    homes = [m.one("contact") for m in outcome.messages if m.status == 302]
    assert len(homes) == 4 and set(homes) == {f"<sip:{NORTH}:5060>"}, "only the alias that nobody configured is refused"


def test_foreign_domains_are_refused(pcap):
    outcome = pcap.run([sip.register("alice", "elsewhere.org"), sip.register("alice").request_uri("sip:elsewhere.org"), sip.request("INVITE", "x", "elsewhere.org")])
    assert [m.status for m in outcome.messages] == [404, 404, 404]


def test_a_retransmission_gets_the_same_octets(pcap):
    register = sip.register("alice")
    sent = pcap.run([register] * 3, assignments=PLACED).datagrams
    assert len(sent) == 3 and len({d.payload for d in sent}) == 1


def test_a_client_that_comes_back_within_32_seconds_is_proxied(pcap):
    first = sip.register("alice").call_id("same").branch("z9hG4bKfirst")
    again = sip.register("alice").call_id("same").cseq(2).branch("z9hG4bKsecond")
    other = sip.register("alice").call_id("other").branch("z9hG4bKthird")
    outcome = pcap.run([first, again, other, first], assignments=PLACED, redirect={"policy": "always"})
    assert (outcome.verdict("redirected"), outcome.verdict("proxied")) == (3, 1)
    assert len(outcome.to((NORTH, 5060))) == 1


def test_a_redirect_names_the_decision_to_a_viaduct_home_and_that_home_believes_it(pcap):
    homes = [{"name": "north", "address": f"{NORTH}:5060", "viaduct": True}, {"name": "here", "address": f"{SOUTH}:5060"}]
    answer = sip.Message(pcap.run([sip.register("alice")], assignments=PLACED[:1], home=homes).only().payload)
    target = answer.one("contact").strip("<>")
    assert re.fullmatch(rf"sip:{NORTH}:5060;vh=[0-9a-f]+\.[0-9a-f]+\.[a-z2-7]+", target)
    # The home's own table gives alice to another: only the parameter makes it register her.
    at_home = {"node": {"name": "north", "listen": [f"{NORTH}:5060"]}, "home": [{"name": "north", "address": f"{NORTH}:5060", "local": True}, {"name": "south", "address": f"{SOUTH}:5060"}],
               "neighbour": []}
    table = [("alice@example.com", "south"), ("bob@example.com", "south")]
    here = (NORTH, 5060)
    forged = target[:-1] + ("a" if target[-1] != "a" else "b")
    outcome = pcap.run([rig.datagram(sip.register("alice").request_uri(target), destination=here), rig.datagram(sip.register("bob").request_uri(target), destination=here),
                        rig.datagram(sip.register("alice").request_uri(forged), destination=here)], assignments=table, **at_home)
    assert (outcome.verdict("registered"), outcome.verdict("redirected")) == (1, 2)
    assert sorted(m.status for m in outcome.messages) == [200, 302, 302]


def test_a_home_registers_what_an_edge_sends(pcap):
    outcome = pcap.run([rig.datagram(sip.register("alice").vias(2), source=("198.18.0.77", 5060))], assignments=[("alice@example.com", "north")],
                       home=WITH_LOCAL, fleet={"edges": ["198.18.0.77/32"]})
    assert outcome.verdict("registered") == 1 and outcome.messages[0].status == 200


@pytest.mark.parametrize("change, status", [
    (lambda r: r.contact("*").header("Expires", "0"), 200),
    (lambda r: r.contact("*"), 400),
    (lambda r: r.contact("<sip:a@198.18.0.10>;expires=5"), 423),
    (lambda r: r.header("Require", "teleport"), 420),
])
def test_the_registrar_refuses_what_it_must(pcap, change, status):
    register = sip.register("carol")
    register.extra.clear()
    outcome = pcap.run([change(register)], assignments=[("carol@example.com", "here")], home=WITH_LOCAL)
    assert outcome.messages[0].status == status


def test_the_200_lists_every_binding_and_a_retransmission_changes_nothing(pcap):
    def register(contact, cseq):
        return sip.register("carol").call_id("c").cseq(cseq).branch(f"z9hG4bK{cseq}").contact(contact)
    requests = [register("<sip:a@198.18.0.10>", 1), register("<sip:b@198.18.0.10>", 2), register("<sip:b@198.18.0.10>", 2),
                register("<sip:a@198.18.0.10>;expires=0", 3), register("<sip:b@198.18.0.10>", 2).branch("z9hG4bKanother")]
    outcome = pcap.run(requests, assignments=[("carol@example.com", "here")], home=WITH_LOCAL)
    assert [m.status for m in outcome.messages] == [200, 200, 200, 200, 500]
    listed = [sorted(re.findall(r"sip:(\w)@", " ".join(m.all("contact")))) for m in outcome.messages]
    assert listed[:4] == [["a"], ["a", "b"], ["a", "b"], ["b"]]


def of_device(i, cseq=1):
    """A telephone of carol's that RFC 5626 and RFC 5627 describe."""
    register = sip.register("carol").call_id(f"device-{i}").cseq(cseq).branch(f"z9hG4bKd{i}-{cseq}").header("Supported", "path, outbound, gruu")
    return register.contact(f'<sip:carol@198.18.0.10:{5070 + i};transport=udp;ob>;+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6b{i:02x}>";reg-id=1')


def listed(message):
    return len(message.all("contact"))


def test_who_is_reached_where_he_registers_is_told_of_all_his_bindings(pcap):
    # By one flow, as a proxy in front of many telephones has it; the last lists do not fit one packet.
    outcome = pcap.run([of_device(i) for i in range(10)], assignments=[("carol@example.com", "here")], home=WITH_LOCAL)
    messages = sorted(outcome.messages + [sip.Message(d.payload) for d in outcome.assembled], key=lambda m: int(m.one("call-id").split("-")[1]))
    assert [(m.status, listed(m)) for m in messages] == [(200, i + 1) for i in range(10)]
    assert (outcome.counters["registrar"]["answered"], outcome.counters["registrar"]["dropped"]) == (10, 0)


def test_who_has_not_shown_that_he_receives_is_told_no_long_list_and_bound_to_nothing(pcap):
    def sent(i, cseq=1):
        return rig.datagram(of_device(i, cseq), source=("198.18.0.10", 5070 + i))
    outcome = pcap.run([*(sent(i) for i in range(10)), *(sent(i, 2) for i in range(10))], assignments=[("carol@example.com", "here")], home=WITH_LOCAL)
    first, again = outcome.messages[:10], outcome.messages[10:]
    bound = sum(m.status == 200 for m in first)
    assert [(m.status, listed(m)) for m in first] == [(200, i + 1) for i in range(bound)] + [(403, 0)] * (10 - bound) and 3 <= bound <= 6
    assert [(m.status, listed(m)) for m in again] == [(200, bound)] * bound + [(403, 0)] * (10 - bound), "nothing was stored of those who were refused"
    assert all(len(m.octets) <= 3 * len(bytes(of_device(0))) for m in first)
