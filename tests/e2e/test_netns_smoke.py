# SPDX-License-Identifier: Apache-2.0
"""Layer 2 stands: a daemon over af_packet in its namespace, a Kamailio as home in another, clients in a third."""
import rig
from rig import sip


def test_client_is_redirected_and_registers_at_the_home_it_was_told(lab, folder):
    edge = lab.host("edge")
    clients = lab.host("clients", "198.18.0.10")
    home = rig.Kamailio(lab.host("north", rig.HOMES["north"]), rig.HOMES["north"], folder / "north")
    config = rig.make_config(folder, assignments=[("sip:alice@example.com", "north")], dpdk=rig.af_packet(), neighbour=[])
    with edge.daemon(config) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        client.sendto(bytes(sip.register("alice")), rig.SERVICE)
        answer = sip.Message(client.recv(65535))
        assert answer.status == 302
        assert rig.HOMES["north"] in answer.one("contact")
        client.sendto(bytes(sip.register("alice").cseq(2)), (rig.HOMES["north"], 5060))
        assert sip.Message(client.recv(65535)).status == 200
        assert home.contacts("alice") == ["sip:alice@198.18.0.10:5060"]
        daemon.settled(1)


def test_sipp_loses_no_register(lab, folder):
    edge = lab.host("edge")
    clients = lab.host("clients", "198.18.0.10")
    config = rig.make_config(folder, dpdk=rig.af_packet(), neighbour=[])
    with edge.daemon(config) as daemon:
        rig.sipp(clients, "register-302", f"{rig.EDGE}:5060", address="198.18.0.10", rate=1000, calls=2000)
        counters = daemon.settled(2000)
        assert counters["total"]["verdicts"]["redirected"] >= 2000
