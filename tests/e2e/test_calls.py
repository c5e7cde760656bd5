# SPDX-License-Identifier: Apache-2.0
"""Whole calls through the edge: two clients of a Kamailio home that cannot reach it, by hand and by SIPp, with and without its Record-Route, and from behind a NAT."""
import struct

import pytest
import rig
from daemon import FLEET
from handset import Phone, call, cancel_over_a_rotation, rotate_keys
from rig import sip

NORTH = rig.HOMES["north"]
CALLER, CALLEE = ("198.18.0.10", 5062), ("198.18.0.11", 5064)
PLACED = [("caller@example.com", "north"), ("callee@example.com", "north")]


def start(lab, folder, record_route=True, **overrides):
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north", proxy=True, record_route=record_route)
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"}, **overrides)
    return home, lab.host("edge").daemon(config)


def phones(lab):
    hosts = lab.host("caller", CALLER[0]), lab.host("callee", CALLEE[0])
    for host in hosts:
        host.cannot_reach(NORTH)
    return Phone(hosts[0], "caller", CALLER), Phone(hosts[1], "callee", CALLEE)


@pytest.mark.parametrize("record_route", [True, False], ids=["home-records-its-route", "home-does-not"])
def test_a_call_crosses_the_edge_in_both_directions(lab, folder, record_route):
    home, edge = start(lab, folder, record_route)
    with edge as daemon:
        caller, callee = phones(lab)
        answer = caller.register()
        assert answer.one("path").startswith("<sip:p") and f"@{rig.EDGE}:5060;lr;ob>" in answer.one("path")
        callee.register()
        offered = call(caller, callee)
        assert len(offered.values("record-route")) == (3 if record_route else 2), "ours for the callee, the home's, ours for the caller"
        assert offered.uri == callee.contact.strip("<>") and not offered.all("route")
        # A re-INVITE of the callee, then one of the caller, each with its 200 and ACK.
        for sender, receiver, cseq in ((callee, caller, 10), (caller, callee, 2)):
            sender.inside("INVITE", cseq)
            receiver.answer(receiver.hear("INVITE"), 200)
            sender.hear(200)
            sender.inside("ACK", cseq)
            assert not receiver.hear("ACK").all("route")
        callee.inside("BYE", 11)
        caller.answer(caller.hear("BYE"), 200)
        callee.hear(200)
        counters = daemon.settled(1)
        assert counters["total"]["drops"]["response_foreign"] == 0


def test_a_call_is_cancelled_and_another_refused(lab, folder):
    _, edge = start(lab, folder)
    with edge as daemon:
        caller, callee = phones(lab)
        caller.register()
        callee.register()
        request = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        cancel = sip.request("CANCEL", "callee").via(*request.via_values).from_(request.from_value).to(request.to_value).call_id(request.call_id_value)
        caller.send(cancel)
        taken_back = callee.hear("CANCEL")
        assert taken_back.values("via")[0].split(";branch=")[0] == offered.values("via")[0].split(";branch=")[0]
        callee.answer(taken_back, 200)
        callee.answer(offered, 487)
        seen = {caller.hear(200, 487).status, caller.hear(200, 487).status}
        assert seen == {200, 487}
        callee.hear("ACK")
        # A 486 and its ACK, hop by hop: the home acknowledges the callee's, the caller the home's.
        request = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 486)
        refused = caller.hear(486)
        assert callee.hear("ACK").one("call-id") == offered.one("call-id")
        ack = sip.request("ACK", "callee").via(*request.via_values).from_(request.from_value).to(refused.one("to")).call_id(request.call_id_value)
        caller.send(ack)
        daemon.settled(1)


def test_a_client_behind_a_nat_is_called_through_it(lab, folder):
    _, edge = start(lab, folder)
    with edge as daemon:
        inner = lab.behind_nat("inner", CALLEE[0])
        inner.cannot_reach(NORTH)
        outer = lab.host("caller", CALLER[0])
        outer.cannot_reach(NORTH)
        caller, callee = Phone(outer, "caller", CALLER), Phone(inner, "callee", ("10.77.0.2", 5064))
        caller.register()
        callee.register()
        offered = call(caller, callee)
        assert offered.uri == "sip:callee@10.77.0.2:5064", "its private Contact, reached by its flow"
        callee.inside("BYE", 5)
        caller.answer(caller.hear("BYE"), 200)
        callee.hear(200)
        # And the other way round: the one behind the NAT calls.
        callee.invite("caller")
        offered = caller.hear("INVITE")
        caller.learn(offered, as_caller=False)
        caller.answer(offered, 200)
        callee.learn(callee.hear(200), as_caller=True)
        callee.inside("ACK", 1)
        caller.hear("ACK")
        caller.inside("BYE", 6)
        callee.answer(callee.hear("BYE"), 200)
        caller.hear(200)
        daemon.settled(1)


def test_keys_rotate_while_a_call_stands(lab, folder):
    _, edge = start(lab, folder)
    with edge as daemon:
        caller, callee = phones(lab)
        caller.register()
        callee.register()
        caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.learn(offered, as_caller=False)
        rotate_keys(daemon)
        callee.answer(offered, 200)
        caller.learn(caller.hear(200), as_caller=True)
        caller.inside("ACK", 1)
        callee.hear("ACK")
        callee.inside("BYE", 2)
        caller.answer(caller.hear("BYE"), 200)
        callee.hear(200)
        daemon.settled(1)


def test_a_call_is_cancelled_where_it_rings_although_the_keys_have_rotated(lab, folder):
    _, edge = start(lab, folder)
    with edge as daemon:
        caller, callee = phones(lab)
        caller.register()
        callee.register()
        cancel_over_a_rotation(daemon, caller, callee)


def test_a_call_that_a_home_sends_on_to_another_leaves_that_home_out(lab, folder):
    """South has the callee's calls go to somebody at north, through the edge, and does not Record-Route."""
    south = rig.HOMES["south"]
    config = rig.make_config(folder, assignments=[("caller@example.com", "north"), ("other@example.com", "north"), ("callee@example.com", "south")],
                             neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"})
    with lab.host("edge").daemon(config) as daemon:
        at_north, at_south = lab.host("north", NORTH).udp(NORTH, 5060, 5.0), lab.host("south", south).udp(south, 5060, 5.0)
        caller = Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        caller.invite("callee")
        start_line, rest = at_south.recv(65535).split(b"\r\n", 1)
        assert b"callee@" in start_line
        via = f"Via: {sip.via(f'{south}:5060', 'z9hG4bKsouth')}\r\n".encode()
        at_south.sendto(b"INVITE sip:other@example.com SIP/2.0\r\n" + via + rest, rig.SERVICE)
        offered = sip.Message(at_north.recv(65535))
        routes, contact = offered.values("record-route"), f"<sip:other@{NORTH}:5060>"
        assert len(routes) == 2, "of both passes"
        extra = [("Record-Route", route) for route in routes] + [("Contact", contact)]
        at_north.sendto(sip.answer(offered.octets, 200, to_tag="north", extra=extra), rig.SERVICE)
        answer = at_south.recv(65535)
        begin = answer.index(b"Via: ")
        at_south.sendto(answer[:begin] + answer[answer.index(b"\r\n", begin) + 2:], rig.SERVICE)
        caller.learn(caller.hear(200), as_caller=True)
        caller.inside("ACK", 1)
        ack = sip.Message(at_north.recv(65535))
        assert ack.method == "ACK" and ack.uri == contact.strip("<>") and not ack.all("route")
        bye = sip.request("BYE", "caller").request_uri(caller.contact.strip("<>")).via(sip.via(f"{NORTH}:5060", "z9hG4bKbye")).cseq(7)
        bye.from_(caller.ends[1]).to(caller.ends[0]).call_id(caller.call_id)
        for route in routes:
            bye.header("Route", route)
        at_north.sendto(bytes(bye), rig.SERVICE)
        assert not caller.hear("BYE").all("route")
        daemon.settled(6)


@pytest.mark.parametrize("record_route", [True, False], ids=["home-records-its-route", "home-does-not"])
def test_a_call_goes_from_one_edge_of_a_fleet_to_another(lab, folder, record_route):
    """Each telephone knows an edge of its own; what is in their dialog passes both, and the home only where that has stayed in it."""
    rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north", proxy=True, record_route=record_route)
    edges = {"edge": rig.EDGE, "other": "198.18.0.4"}
    fleet = {**FLEET, "edges": [f"{address}/32" for address in edges.values()]}
    configs = [rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"}, fleet=fleet,
                               node={"name": name, "listen": [f"{address}:5060"]}) for name, address in edges.items()]
    with lab.host("edge").daemon(configs[0]), lab.host("other").daemon(configs[1]):
        caller = Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        callee = Phone(lab.host("callee", CALLEE[0]), "callee", CALLEE, service=(edges["other"], 5060))
        caller.register()
        callee.register()
        call(caller, callee)
        for sender, receiver, cseq in ((callee, caller, 10), (caller, callee, 2)):
            sender.inside("INVITE", cseq)
            receiver.answer(receiver.hear("INVITE"), 200)
            sender.hear(200)
            sender.inside("ACK", cseq)
            assert not receiver.hear("ACK").all("route")
        callee.inside("BYE", 11)
        caller.answer(caller.hear("BYE"), 200)
        callee.hear(200)


@pytest.mark.parametrize("record_route", [True, False], ids=["home-records-its-route", "home-does-not"])
def test_sipp_calls_sipp_through_the_home(lab, folder, record_route):
    _, edge = start(lab, folder, record_route)
    with edge as daemon:
        _, callee = phones(lab)
        callee.register()
        callee.link.close()
        calls = 200
        answering = lab.hosts["callee"].start("sipp", "-sf", rig.HERE / "scenarios" / "call-uas.xml", "-i", CALLEE[0], "-p", CALLEE[1], "-m", calls, "-nostdin", "-timeout", 60,
                                              cwd=folder, stdout=open(folder / "uas.log", "wb"))
        rig.sipp(lab.hosts["caller"], "call-uac", f"{rig.EDGE}:5060", address=CALLER[0], port=5070, rate=50, calls=calls, options=("-s", "callee"))
        assert answering.wait(30) == 0, (folder / "uas.log").read_bytes()[-2000:]
        counters = daemon.settled(calls * 10)
        assert counters["total"]["verdicts"]["dropped"] == 0, counters["total"]["drops"]


def test_a_stun_request_on_the_sip_port_is_answered(lab, folder):
    _, edge = start(lab, folder)
    with edge as daemon:
        client = lab.host("clients", "198.18.0.12").udp("198.18.0.12", 5066)
        request = struct.pack("!HHI", 1, 0, 0x2112A442) + bytes(range(12))
        client.sendto(request, rig.SERVICE)
        answer = client.recv(100)
        assert answer[:2] == b"\x01\x01" and answer[4:20] == request[4:]
        kind, size, _, family, port, address = struct.unpack("!HHBBHI", answer[20:32])
        assert (kind, size, family) == (0x20, 8, 1)
        assert (port ^ 0x2112, address ^ 0x2112A442) == (5066, int.from_bytes(bytes([198, 18, 0, 12]), "big"))
        daemon.settled(1)
