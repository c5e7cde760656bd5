# SPDX-License-Identifier: Apache-2.0
"""Layer 1 stands: frames go through the real daemon and come back whole."""
import rig
from rig import sip


def test_register_with_one_via_is_redirected_to_its_home(pcap):
    register = sip.register("alice")
    outcome = pcap.run([register], assignments=[("sip:alice@example.com", "north")])
    answer = outcome.only()
    assert (answer.source, answer.destination) == (rig.SERVICE, rig.CLIENT)
    message = sip.Message(answer.payload)
    assert message.status == 302
    assert message.one("call-id") == register.call_id_value
    assert f"sip:{rig.HOMES['north']}:5060" in message.one("contact")
    assert outcome.verdict("redirected") == 1


def test_register_with_two_vias_is_proxied_to_its_home(pcap):
    register = sip.register("bob").vias(2)
    outcome = pcap.run([rig.datagram(register, source=("198.18.0.101", 5060))], assignments=[("sip:bob@example.com", "south")])
    sent = outcome.only()
    assert sent.destination == (rig.HOMES["south"], 5060)
    assert len(sip.Message(sent.payload).values("via")) == 3
    assert outcome.verdict("proxied") == 1
