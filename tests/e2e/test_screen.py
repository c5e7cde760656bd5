# SPDX-License-Identifier: Apache-2.0
"""Screening rules through the real daemon: verdicts, counters of hits, reloads under traffic, refusals, and the same rules offline."""
import json
import subprocess

import daemon as daemons
import pytest
import rig
from rig import sip

PLACED = [("sip:alice@example.com", "north")]
RULES = """
[[rule]]
name = "lab"
match = { source = "198.18.0.99/32" }
do = "allow"

[[rule]]
name = "fraud"
match = { request_uri = '^sip:00', from = 'mallory' }
do = "reject 603"
"""


def rules_file(folder, text, name="mine.toml"):
    path = folder / name
    path.write_text(text)
    return path


def hits(running):
    return {row["rule"]: row["hits"] for row in running.ask("rules")["rules"]}


def viaduct(*words, stdin=None):
    return subprocess.run([str(daemons.VIADUCT), *map(str, words)], input=stdin, capture_output=True, timeout=60, check=False)


def test_rules_decide_before_anything_else_does(pcap, folder):
    mallory = sip.request("INVITE", "0049123").from_("<sip:mallory@example.com>;tag=1")
    items = [sip.register("alice").user_agent("friendly-scanner"),
             rig.datagram(sip.register("alice").user_agent("friendly-scanner"), source=("198.18.0.99", 5060)),
             sip.register("alice").user_agent("baresip v1.0.0 (x86_64/Linux)"),
             sip.register("alice").user_agent("Linphone/5.1.2"),
             mallory]
    outcome = pcap.run(items, assignments=PLACED, screen={"rules": rules_file(folder, RULES)})
    assert outcome.drop("screened") == 1
    assert outcome.verdict("redirected") == 2, "whom the operator allows, and who follows"
    assert outcome.verdict("proxied") == 1, "baresip never follows a redirect"
    assert [m.status for m in outcome.messages if m.status == 603] == [603]


def test_without_the_shipped_rules_a_scanner_is_a_client_like_any_other(pcap):
    outcome = pcap.run([sip.register("alice").user_agent("friendly-scanner")], assignments=PLACED, screen={"shipped": False})
    assert outcome.verdict("redirected") == 1


def test_rules_are_counted_and_swapped_while_packets_flow(lab, folder):
    edge, client = lab.host("edge"), lab.host("client", "198.18.0.10")
    path = rules_file(folder, RULES)
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), screen={"rules": path, "shipped": False})
    with edge.daemon(config) as running:
        link = client.udp("198.18.0.10", 5060)

        def status(agent):
            link.sendto(bytes(sip.register("alice").user_agent(agent)), rig.SERVICE)
            return sip.Message(link.recv(65535)).status

        assert status("phone 1") == 302
        rules_file(folder, RULES + '[[rule]]\nname = "old-phones"\nmatch = { user_agent = "(?i)^PHONE" }\ndo = "reject 480"\n')
        assert viaduct("--socket", running.socket, "rules", "reload").stdout == b"3 rules\n"
        assert [status("phone 1"), status("phone 2"), status("other")] == [480, 480, 302]
        assert hits(running) == {"lab": 0, "fraud": 0, "old-phones": 2}
        rules_file(folder, RULES + '[[rule]]\nname = "worse"\nmatch = { user_agent = "(" }\ndo = "drop"\n')
        refused = viaduct("--socket", running.socket, "rules", "reload")
        assert refused.returncode != 0 and b"mine.toml:13: rule[2].match.user_agent: \"(\" does not compile: Missing close parenthesis" in refused.stderr
        assert status("phone 3") == 480, "the old rules stay"
        shown = viaduct("--socket", running.socket, "rules").stdout.decode()
        assert ["old-phones", "reject", "480", "mine.toml", "3"] in [line.split() for line in shown.splitlines()]
        assert running.ask("reload")["ok"] is False, "a reload of all refuses them too"
        rules_file(folder, "")
        assert running.ask("reload")["ok"] is True
        assert status("phone 4") == 302 and hits(running) == {}
        running.settled(6)


def test_check_reads_the_rules_too(folder):
    config = rig.make_config(folder, dpdk=rig.af_packet(), screen={"rules": rules_file(folder, '[[rule]]\nname = "a"\nmatch = {}\ndo = "drop"\n')})
    done = subprocess.run([str(daemons.VIADUCTD), "--check", "--config", str(config)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "mine.toml:3: rule[0].match: asks for nothing; allowed: " in done.stderr


def test_rules_test_says_of_each_message_which_rule_decides(folder):
    messages = [bytes(sip.register("alice").user_agent("friendly-scanner")), bytes(sip.register("alice").user_agent("SIPp")),
                b"SIP/2.0 200 OK\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKx\n"]
    scanners = daemons.ROOT / "rules" / "scanners.toml"
    done = viaduct("rules", "test", scanners, stdin=b"--\n".join(messages))
    assert done.stdout.decode().splitlines() == ["message 1: drop, rule scanner-sipvicious", "message 2: pass", "message 3: not asked"], done.stderr
    rows = [json.loads(line) for line in viaduct("--json", "rules", "test", scanners, stdin=messages[0]).stdout.splitlines()]
    assert rows == [{"message": 1, "result": "drop", "rule": "scanner-sipvicious"}]


def test_rules_test_takes_the_source_it_is_told(folder):
    path = rules_file(folder, RULES)
    assert viaduct("rules", "test", path, stdin=bytes(sip.register("alice"))).stdout == b"message 1: pass\n"
    assert viaduct("rules", "test", path, "--source", "198.18.0.99", stdin=bytes(sip.register("alice"))).stdout == b"message 1: pass, rule lab\n"
    assert viaduct("rules", "test", path, "--source", "nowhere", stdin=b"").returncode == 2


@pytest.mark.parametrize("agent,mark", [("baresip v3.5.0 (x86_64/linux)", "proxy-only"), ("PJSUA v2.12 Linux-6.1/x86_64/glibc-2.36", "proxy-only"),
                                        ("Asterisk PBX 16.28.0", "proxy-only"), ("kamailio (5.6.3 (x86_64/linux))", "proxy-only"), ("JsSIP 3.10.0", "proxy-only"),
                                        ("SIP.js/0.21.2", "proxy-only"), ("FreeSWITCH-mod_sofia/1.10.9", "proxy-only"), ("sipsak 0.9.8.1", "redirect-capable"),
                                        ("Linphone/5.1.65 (belle-sip/5.2)", "redirect-capable"), ("sofia-sip/1.12.11", "redirect-capable")])
def test_shipped_marks_know_the_user_agents_as_they_write_themselves(agent, mark):
    done = viaduct("--json", "rules", "test", daemons.ROOT / "rules" / "user-agents.toml", stdin=bytes(sip.register("alice").user_agent(agent)))
    assert json.loads(done.stdout)["mark"] == mark
