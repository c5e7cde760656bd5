# SPDX-License-Identifier: Apache-2.0
"""Traces: the packets of a client or a prefix, as they came and as they left, with the verdict, for people and for Wireshark."""
import json
import subprocess
import time

import daemon as daemons
import frames
import pytest
import rig
from rig import sip

PLACED = [("sip:alice@example.com", "north"), ("sip:bob@example.com", "south")]


def start_trace(running, *words):
    return daemons.start_process([daemons.VIADUCT, "--socket", running.socket, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def traced(lab, folder):
    """An edge with a client, and a way to run `viaduct trace` while the client talks: the lines that it printed."""
    edge, client = lab.host("edge"), lab.host("client", "198.18.0.10", "198.18.0.11")
    config = rig.make_config(folder, assignments=PLACED, dpdk=rig.af_packet(), screen={"shipped": True})
    with edge.daemon(config) as running:
        links = {address: client.udp(address, 5060) for address in ("198.18.0.10", "198.18.0.11")}

        def talk(request, address="198.18.0.10", answered=True):
            links[address].sendto(bytes(request), rig.SERVICE)
            return links[address].recv(65535) if answered else None

        def run(talking, *words):
            process = start_trace(running, *words)
            daemons.wait_for("the trace", lambda: running.ask("status")["traces"] == 1)
            talking()
            out, err = process.communicate(timeout=30)
            assert process.returncode == 0, err
            return out.decode().splitlines()

        yield running, talk, run


def test_a_clients_messages_are_shown_with_their_verdicts(traced):
    _, talk, run = traced

    def talking():
        talk(sip.register("alice"))
        talk(sip.register("alice").user_agent("sipcli/v1.8"), answered=False)
        talk(sip.register("bob"))
        talk(sip.options(f"sip:{rig.EDGE}"))

    lines = run(talking, "trace", "sip:alice@example.com", "--for", "1s")
    assert len(lines) == 3
    assert "in   198.18.0.10:5060 > 198.18.0.2:5060  REGISTER sip:example.com SIP/2.0  from sip:alice@example.com to sip:alice@example.com  " \
           "redirected: one Via: the client reached us directly and is sent to its home" in lines[0]
    assert "out  198.18.0.2:5060 > 198.18.0.10:5060  SIP/2.0 302 Moved Temporarily  from sip:alice@example.com to sip:alice@example.com" in lines[1]
    assert "dropped (screened): a screening rule decides" in lines[2]


def test_what_is_sent_on_a_vlan_is_shown_as_what_came(folder):
    frames.write_pcap(folder / "in.pcap", [frames.frame_of(rig.datagram(sip.register("alice"), vlan=7))])
    config = daemons.make_config(folder, node={"listen": [f"{rig.EDGE}:5060 vlan 7"]}, neighbour=[{"address": daemons.HOMES[name], "mac": daemons.HOME_MACS[name], "vlan": 7} for name in daemons.HOMES],
                                 dpdk={"profile": "pcap_loop", "rx_pcap": folder / "in.pcap"})
    with daemons.Daemon(config) as running:
        process = start_trace(running, "--json", "trace", rig.CLIENT[0], "--for", "1s")
        rows = [json.loads(line) for line in process.communicate(timeout=30)[0].splitlines()]
    sent = next(row for row in rows if row.get("way") == "sent")
    assert sent["start"] == "SIP/2.0 302 Moved Temporarily" and sent["source"] == f"{rig.EDGE}:5060" and sent["destination"].startswith(rig.CLIENT[0])


def test_a_prefix_takes_what_comes_from_it_and_what_goes_to_it(traced):
    _, talk, run = traced

    def talking():
        talk(sip.register("alice"))
        talk(sip.register("bob"), address="198.18.0.11")
        talk(sip.request("INVITE", "alice"), address="198.18.0.11", answered=False)

    starts = [line["start"].split()[0] for line in map(json.loads, run(talking, "--json", "trace", "198.18.0.11", "--for", "1s")) if "start" in line]
    assert starts == ["REGISTER", "SIP/2.0", "INVITE", "INVITE"]
    rows = [line for line in map(json.loads, run(talking, "--json", "trace", f"{rig.HOMES['north']}/32", "--for", "1s")) if "start" in line]
    assert [(row["way"], row["start"].split()[0], row["verdict"]) for row in rows] == [("received", "INVITE", "proxied"), ("sent", "INVITE", "proxied")]


def test_wireshark_reads_the_capture_with_its_comments(traced, folder):
    running, talk, run = traced
    capture = folder / "alice.pcapng"
    sent = []

    def talking():
        request = sip.register("alice")
        sent.extend([bytes(request), talk(request)])

    before = time.time()
    run(talking, "trace", "alice@example.com", "--for", "1s", "--out", capture)
    fields = ["frame.time_epoch", "frame.comment", "ip.src", "ip.dst", "udp.dstport", "sip.Method", "sip.Status-Code", "udp.payload", "frame.packet_flags_direction"]
    told = subprocess.run(["tshark", "-n", "-r", capture, "-T", "fields", *[word for field in fields for word in ("-e", field)]], check=True, capture_output=True,
                          text=True, timeout=60).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    assert len(rows) == 2
    comment = "redirected: one Via: the client reached us directly and is sent to its home"
    assert rows[0][1:7] == [comment, "198.18.0.10", rig.EDGE, "5060", "REGISTER", ""]
    assert rows[1][1:7] == [comment, rig.EDGE, "198.18.0.10", "5060", "", "302"]
    assert [bytes.fromhex(row[7].replace(":", "")) for row in rows] == sent
    assert [int(row[8], 0) for row in rows] == [1, 2]
    assert before - 1 < float(rows[0][0]) <= float(rows[1][0]) < time.time() + 1


def test_a_trace_ends_when_the_command_goes_away(traced):
    running, talk, _ = traced
    process = start_trace(running, "trace", "alice@example.com", "--for", "1h")
    daemons.wait_for("the trace", lambda: running.ask("status")["traces"] == 1)
    daemons.end_process(process)
    talk(sip.register("alice"))
    daemons.wait_for("the end of the trace", lambda: running.ask("status")["traces"] == 0)
    assert sip.Message(talk(sip.register("alice"))).status == 302


def test_traces_are_few_and_refused_with_a_sentence(traced):
    running, _, _ = traced
    processes = [start_trace(running, "trace", "198.18.0.0/16", "--for", "1h") for _ in range(4)]
    daemons.wait_for("four traces", lambda: running.ask("status")["traces"] == 4)
    fifth = start_trace(running, "trace", "198.18.0.0/16")
    assert fifth.communicate(timeout=10)[1] == b"viaduct: there are 4 traces already\n" and fifth.returncode == 1
    nobody = start_trace(running, "trace", "alice@elsewhere.example")
    assert b"alice@elsewhere.example" in nobody.communicate(timeout=10)[1] and nobody.returncode == 1
    assert start_trace(running, "trace", "198.18.0.0/16", "--for", "soon").wait(10) == 2
    for process in processes:
        daemons.end_process(process)


def test_a_daemon_stops_while_traces_run(traced):
    running, talk, _ = traced
    process = start_trace(running, "trace", "198.18.0.0/16", "--for", "1h")
    daemons.wait_for("the trace", lambda: running.ask("status")["traces"] == 1)
    talk(sip.register("alice"))
    running.stop()
    assert process.wait(10) == 0, "it was told that the trace has ended"
