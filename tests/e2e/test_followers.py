# SPDX-License-Identifier: Apache-2.0
"""The redirect policies, and what the node learns of who follows a redirect, through the whole daemon."""
import rig
from rig import sip

PLACED = [(f"{user}@example.com", "north") for user in ("alice", "bob", "carol", "dave", "erin")]


def numbered(user, cseq, branch=None):
    """The REGISTER with that number of a user's one device."""
    return sip.register(user).call_id(f"device-of-{user}").cseq(cseq).branch(branch or f"z9hG4bK{user}{cseq}").user_agent(f"{user[0]}-phone/1.0")


def verdicts(pcap, requests, policy):
    """Whether each request was redirected (True) or proxied (False), and the counters."""
    outcome = pcap.run(requests, assignments=PLACED, redirect={"policy": policy} if policy else {})
    by_branch = {}
    for message in outcome.messages:
        own = message.values("via")[-1]
        by_branch[(message.one("call-id"), message.parameter(own, "branch"))] = message.status == 302
    keys = [(r.call_id_value, r.via_values[0].split("branch=")[1]) for r in requests]
    assert len(outcome.messages) == len(requests)
    return [by_branch[key] for key in keys], outcome.counters["total"]


def test_a_client_that_comes_straight_back_is_proxied_from_then_on(pcap):
    for policy in (None, "single-via"):
        said, total = verdicts(pcap, [numbered("alice", n) for n in (1, 2, 3)] + [numbered("bob", 1)], policy)
        assert said == [True, False, False, True]
        assert (total["redirects_not_followed"], total["redirects_followed"]) == (1, 0)


def test_a_client_that_spent_a_number_at_its_home_has_followed(pcap):
    said, total = verdicts(pcap, [numbered("alice", 1), numbered("alice", 3), numbered("alice", 5)], None)
    assert said == [True, False, False], "within 32 seconds the guard proxies it all the same"
    assert (total["redirects_not_followed"], total["redirects_followed"]) == (0, 1)


def test_a_retransmission_gets_its_redirect_again_byte_for_byte(pcap):
    request = numbered("alice", 1)
    outcome = pcap.run([request] * 3, assignments=PLACED)
    assert outcome.verdict("redirected") == 3 and len({d.payload for d in outcome.datagrams}) == 1
    outcome = pcap.run([request, numbered("alice", 2), request], assignments=PLACED)
    assert (outcome.verdict("redirected"), outcome.verdict("proxied")) == (2, 1), "also once it is known not to follow"


def test_a_class_that_failed_three_times_is_proxied_at_once(pcap):
    requests = [numbered(user, n).user_agent("x") for user in ("alice", "bob", "carol") for n in (1, 2)]
    for request, user in zip(requests, "aabbcc"):
        request.extra = [(k, v) for k, v in request.extra if k != "User-Agent"] + [("User-Agent", f"stubborn/{user}")]
    late = numbered("dave", 1)
    late.extra = [("User-Agent", "stubborn/9")]
    said, _ = verdicts(pcap, [*requests, late, numbered("erin", 1)], None)
    assert said == [True, False, True, False, True, False, False, True]


def test_always_means_always_but_for_the_guard(pcap):
    said, _ = verdicts(pcap, [numbered("alice", 1), numbered("bob", 1)], "always")
    assert said == [True, True]
    said, _ = verdicts(pcap, [numbered("alice", 1), numbered("alice", 2)], "always")
    assert said == [True, False]


def test_never_and_listed_redirect_nobody_who_is_not_known(pcap):
    for policy in ("never", "listed"):
        said, total = verdicts(pcap, [numbered("alice", 1), numbered("bob", 1)], policy)
        assert said == [False, False] and total["redirects_not_followed"] == 0


def test_who_follows_is_not_credited_to_another_user_agent(pcap):
    """The rules that are shipped let Linphone be redirected under `listed`, and nobody else until a device of his make was seen to follow."""
    def registers(user, agent, *numbers):
        return [sip.register(user).call_id(f"device-of-{user}").cseq(n).branch(f"z9hG4bK{user}{n}{agent[0]}").user_agent(agent) for n in numbers]

    desk, soft = "Yealink SIP-T46", "Linphone/5.0"
    claims = registers("alice", soft, 1) + registers("alice", desk, 3)
    claims += registers("bob", soft, 1, 3) + [r.call_id("second-of-bob") for r in registers("bob", desk, 1, 3)]
    said, total = verdicts(pcap, claims + registers("carol", desk, 1) + registers("dave", soft, 1), "listed")
    assert said == [True, False] + [True, False, False, False] + [False, True]
    assert (total["redirects_followed"], total["redirects_not_followed"]) == (1, 0)
