# SPDX-License-Identifier: Apache-2.0
"""Several workers, hand-over by ring, and the order of a stop."""
import re

import rig
from rig import sip

PLACED = [(f"sip:u{i}@example.com", "north" if i % 2 else "here") for i in range(64)]
HOMES = [{"name": "north", "address": f"{rig.HOMES['north']}:5060"}, {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]


def traffic():
    """64 flows, five messages each: redirects, registrations, forwards."""
    items = []
    for turn in range(5):
        for i in range(64):
            request = sip.register(f"u{i}").call_id(f"{i}-{turn}").branch(f"z9hG4bK{i}-{turn}").from_(f"<sip:u{i}@example.com>;tag={i}").cseq(turn + 1)
            request.via_values = request.via_values if turn % 2 else [sip.via("198.18.0.9:5060", f"z9hG4bKp{i}-{turn}"), *request.via_values]
            items.append(rig.datagram(request, source=(f"198.18.0.{10 + i}", 5000 + i)))
    return items


def answers(outcome):
    """Without the registrar's Date, and the time that is in some requests to a home: two runs are not at the same time."""
    return sorted((d.destination, re.sub(rb"\r\nDate: [^\r]*|;at=[a-z2-7]{13}", b"", d.payload)) for d in outcome.datagrams)


def test_two_workers_on_one_core_answer_as_one_and_lose_nothing(pcap):
    items = traffic()
    one = pcap.run(items, assignments=PLACED, home=HOMES)
    two = pcap.run(items, assignments=PLACED, home=HOMES, node={"workers": 2, "worker_cpus": [1, 1]})
    assert len(one.datagrams) == len(items) == len(two.datagrams)
    assert answers(one) == answers(two)
    rows = two.counters["workers"]
    assert rows[0]["handed_over"] > 0 and sum(rows[1]["verdicts"].values()) == rows[0]["handed_over"], "the second worker has no queue of its own"


def test_sixty_four_flows_over_two_queues_lose_nothing(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    config = rig.make_config(folder, assignments=PLACED, home=HOMES, neighbour=[], dpdk=rig.af_packet(), node={"workers": 2, "worker_cpus": [0, 1]})
    with edge.daemon(config) as daemon:
        sockets = [clients.udp("198.18.0.10", 20000 + i) for i in range(64)]
        for turn in range(5):
            for i, link in enumerate(sockets):
                link.sendto(bytes(sip.register(f"u{i}")), rig.SERVICE)
            for link in sockets:
                assert sip.Message(link.recv(65535)).status in (200, 302), turn
        counters = daemon.settled(5 * 64)
        assert all(sum(w["verdicts"].values()) > 0 for w in counters["workers"]), "both queues had their share"


def test_a_stop_sends_what_is_still_in_the_rings(pcap, folder):
    items = [sip.register("u0").call_id(f"c{i}").branch(f"z9hG4bK{i}") for i in range(500)]
    outcome = pcap.run(items, assignments=PLACED, home=HOMES)  # the rig stops as soon as every packet has its verdict
    assert outcome.verdict("registered") == 500 and len(outcome.datagrams) == 500


def test_several_daemons_live_on_one_machine(lab, folder):
    daemons = []
    try:
        for n in range(3):
            host = lab.host(f"edge{n}")
            config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), node={"listen": [f"198.18.0.{2 + n}:5060"]})
            daemons.append(host.daemon(config).__enter__())
        assert len({d.ask("status")["node"] for d in daemons}) == 3
    finally:
        for d in daemons:
            d.stop()
