# SPDX-License-Identifier: Apache-2.0
"""A node with two ports: clients on the one, homes on the other, and neither side can reach the other but through it."""
import contextlib
import json

import pytest
import rig
from daemon import wait_for
from handset import Phone, call
from rig import sip
from test_exception import bring_up

CORE, HOME = "198.18.128.2", "198.18.128.10"
CALLER, CALLEE = ("198.18.0.10", 5062), ("198.18.0.11", 5064)
PLACED = [("caller@example.com", "north"), ("callee@example.com", "north")]


@pytest.fixture
def two_sides(lab, folder):
    """A Kamailio on a cable of its own to the edge, clients at the switch; `serve(**overrides)` is the edge between them, as a context."""
    edge = lab.host("edge")
    # Every host of the lab has the prefix 198.18.0.0/15: what a kernel takes for a neighbour on its side is none, and stays unanswered.
    core = lab.cabled("north", edge, HOME)
    home = rig.Kamailio(core, HOME, folder / "north", proxy=True)

    @contextlib.contextmanager
    def serve(workers=1, redirect="never", network=None, **overrides):
        ports = [{"name": "access", "interface": "eth0"}, {"name": "core", "interface": core.port}]
        node = {"listen": [f"{rig.EDGE}:5060 on access", f"{CORE}:5060 on core"], "workers": workers}
        ways = {"prefix": ["198.18.0.0/17 on access", "198.18.128.0/17 on core"]}
        config = rig.make_config(folder, assignments=PLACED, neighbour=[], node=node, network=network or ways, home=[{"name": "north", "address": f"{HOME}:5060"}],
                                 redirect={"policy": redirect}, **{"dpdk": {"profile": "af_packet", "buffers": 4095, "large_buffers": 127}, "dpdk.port": ports}, **overrides)
        with edge.daemon(config) as daemon:
            yield daemon

    return edge, core, home, serve


def phones(lab):
    hosts = lab.host("caller", CALLER[0]), lab.host("callee", CALLEE[0])
    return Phone(hosts[0], "caller", CALLER), Phone(hosts[1], "callee", CALLEE)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_call_between_clients_of_the_one_side_crosses_to_the_homes_on_the_other(lab, two_sides, workers):
    _, _, home, serve = two_sides
    with serve(workers) as daemon:
        caller, callee = phones(lab)
        for phone in (caller, callee):
            answer = phone.register()
            assert f"@{CORE}:5060;lr;ob>" in answer.one("path"), "requests for it come back to the side of its home"
        offered = call(caller, callee)
        assert len(offered.values("record-route")) == 5, "two of ours for each passage, and the home's"
        for sender, receiver, cseq in ((callee, caller, 10), (caller, callee, 2)):
            sender.inside("INVITE", cseq)
            receiver.answer(receiver.hear("INVITE"), 200)
            sender.hear(200)
            sender.inside("ACK", cseq)
            receiver.hear("ACK")
        callee.inside("BYE", 11)
        caller.answer(caller.hear("BYE"), 200)
        callee.hear(200)
        counters = daemon.settled(1)
        assert counters["total"]["drops"]["response_foreign"] == 0
        ports = counters["ports"]
        assert [port["name"] for port in ports] == ["access", "core"]
        assert all(port["rx_pkts"] > 0 and port["tx_pkts"] > 0 for port in ports), ports


def test_a_redirect_leaves_by_the_port_that_its_request_came_by(lab, two_sides):
    _, _, _, serve = two_sides
    with serve(redirect="single-via") as daemon:
        client = lab.host("clients", CALLER[0]).udp(CALLER[0], 5060)
        client.sendto(bytes(sip.register("caller")), rig.SERVICE)
        assert sip.Message(client.recv(65535)).one("contact") == f"<sip:{HOME}:5060>"
        daemon.settled(1)


def test_each_port_answers_for_its_own_addresses_only(lab, two_sides):
    edge, core, _, serve = two_sides
    clients = lab.host("clients", CALLER[0])
    with serve() as daemon:
        for host, own, others in ((clients, rig.EDGE, CORE), (core, CORE, rig.EDGE)):
            assert host.ping(own)
            assert not host.ping(others, wait_s=0.5)
        macs = {name: json.loads(edge.run("ip", "-json", "link", "show", name))[0]["address"] for name in ("eth0", core.port)}
        for host, own, interface in ((clients, rig.EDGE, "eth0"), (core, CORE, core.port)):
            assert macs[interface] in host.run("ip", "neighbour", "show", own)
        # What is meant for an address of the one port and comes by the other is nobody's.
        link = core.udp(HOME, 5099)
        core.neighbour(rig.EDGE, macs[core.port])
        link.sendto(bytes(sip.options(f"sip:{rig.EDGE}")), rig.SERVICE)
        wait_for("a drop", lambda: daemon.counters()["total"]["drops"]["frame_not_ours"] == 1)
        daemon.settled(1)


def test_the_kernel_has_an_interface_for_each_port_and_its_routes_say_which(lab, two_sides):
    edge, core, home, serve = two_sides
    for interface in ("eth0", core.port):
        edge.run("nft", f"add table netdev blind_{interface}; add chain netdev blind_{interface} in {{ type filter hook ingress device {interface} priority 0; policy drop; }}")
    clients = lab.host("caller", CALLER[0])
    with serve(network={"routes": "kernel", "prefix": None}, exception={"tap": ["viaduct0", "viaduct1"]}) as daemon:
        bring_up(edge, f"{rig.EDGE}/17", device="viaduct0")
        bring_up(edge, f"{CORE}/17", device="viaduct1")
        wait_for("the kernel to reach both sides", lambda: edge.ping(CALLER[0], wait_s=0.5) and edge.ping(HOME, wait_s=0.5))
        phone = Phone(clients, "caller", CALLER, timeout_s=0.5)

        def is_registered():   # once both sides' routes have been taken over
            with contextlib.suppress(TimeoutError):
                return phone.register()

        wait_for("a way to the home", is_registered)
        assert home.contacts("caller")
        daemon.settled(1)
