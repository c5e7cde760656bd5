# SPDX-License-Identifier: Apache-2.0
"""Softphones that people use, through the edge to a Kamailio home: baresip does not follow a redirect and is learned; sipsak follows it; calls of baresip pass, also behind a NAT."""
import pytest
import rig
from netns import PRIVATE
from softphones import Baresip

NORTH = rig.HOMES["north"]
USERS = ("alice", "bob")
PLACED = [(f"{user}@example.com", "north") for user in USERS]


def start(lab, folder, shipped=True, **redirect):
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north", proxy=True)
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect=redirect, screen={"shipped": shipped})
    return home, lab.host("edge").daemon(config)


def phone(lab, folder, user, address, commands=(), behind_nat=False):
    host = lab.behind_nat(user, address) if behind_nat else lab.host(user, address)
    host.cannot_reach(NORTH)
    return Baresip(host, user, PRIVATE if behind_nat else address, rig.EDGE, folder / user, commands)


def test_baresip_is_learned_not_to_follow_and_proxied_then(lab, folder):
    home, edge = start(lab, folder, shipped=False, policy="single-via")
    with edge as daemon:
        alice = phone(lab, folder, "alice", "198.18.0.10")
        alice.says("SIP/2.0 302", 20)
        alice.says("SIP/2.0 200", 90)
        assert home.contacts("alice")
        counters = daemon.settled(2)
        assert counters["total"]["redirects_not_followed"] == 1 and counters["total"]["verdicts"]["redirected"] == 1


@pytest.mark.parametrize("behind_nat", [False, True], ids=["in-the-open", "behind-a-nat"])
def test_baresip_calls_baresip_through_the_edge(lab, folder, behind_nat):
    home, edge = start(lab, folder, policy="listed")
    with edge as daemon:
        bob = phone(lab, folder, "bob", "198.18.0.11", behind_nat=behind_nat)
        bob.says("SIP/2.0 200", 20)
        assert home.contacts("bob")
        alice = phone(lab, folder, "alice", "198.18.0.10", commands=["/dial sip:bob@example.com"])
        alice.says("Call established", 30)
        bob.says("Call established", 30)
        assert daemon.counters()["total"]["drops"]["response_foreign"] == 0
