# SPDX-License-Identifier: Apache-2.0
"""Softphones that people use, through the edge to a Kamailio home: baresip does not follow a redirect and is learned; linphone follows it. They call each
other, over both IP versions, also behind a NAT."""
import pytest
import rig
from daemon import wait_for
from netns import PRIVATE
from softphones import Baresip, Linphone

NORTH = rig.HOMES["north"]
USERS = ("alice", "bob")
PLACED = [(f"{user}@example.com", "north") for user in USERS]
EDGE6, NORTH6 = "2001:db8::2", "2001:db8::1:1"
NETWORKS = {
    4: {"home": NORTH, "proxy": rig.EDGE, "alice": "198.18.0.10", "bob": "198.18.0.11"},
    6: {"home": NORTH6, "proxy": f"[{EDGE6}]", "alice": "2001:db8::10", "bob": "2001:db8::11"},
}


def start(lab, folder, shipped=True, **redirect):
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north", proxy=True)
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), redirect=redirect, screen={"shipped": shipped})
    return home, lab.host("edge").daemon(config)


def start_at(lab, folder, version, **overrides):
    address = NETWORKS[version]["home"]
    home = rig.Kamailio(lab.host("north", address), address, folder / "north", proxy=True)
    place = f"[{address}]:5060" if version == 6 else f"{address}:5060"
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet(), node={"listen": f"{NETWORKS[version]['proxy']}:5060"},
                             network={"prefix": ["198.18.0.0/15", "2001:db8::/64"]}, home=[{"name": "north", "address": place}], **overrides)
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


def test_baresip_is_learned_and_calls_baresip_over_ipv6(lab, folder):
    home, edge = start_at(lab, folder, 6, screen={"shipped": False})
    with edge as daemon:
        phones = {}
        for user, commands in (("bob", ()), ("alice", ["/dial sip:bob@example.com"])):
            host = lab.host(user, NETWORKS[6][user])
            host.cannot_reach(NORTH6)
            phones[user] = Baresip(host, user, NETWORKS[6][user], NETWORKS[6]["proxy"], folder / user, commands)
            wait_for(f"{user} at home: {phones[user].log_path}", lambda: home.contacts(user), 90)
        for made in phones.values():
            made.says("Call established", 30)
        counters = daemon.counters()["total"]
        assert counters["redirects_not_followed"] >= 1 and counters["drops"]["response_foreign"] == 0


# --- those that follow: they reach their home by themselves

def linphone(host, home, user, proxy, call=None):
    made = Linphone(host, user, proxy, host.lab.folder / user, call)
    wait_for(f"{user} at home: {made.log_path}", lambda: home.contacts(user), 30)
    return made


def are_connected(*phones):
    for phone_ in phones:
        phone_.says("Call 1 with .* connected", 30)


@pytest.mark.parametrize("version", NETWORKS, ids=["ipv4", "ipv6"])
def test_linphone_follows_to_its_home_and_calls_linphone_through_the_edge(lab, folder, version):
    home, edge = start_at(lab, folder, version)
    network = NETWORKS[version]
    with edge as daemon:
        verdicts = lambda: daemon.counters()["total"]["verdicts"]
        bob = linphone(lab.host("bob", network["bob"]), home, "bob", network["proxy"])
        assert (verdicts()["redirected"], verdicts()["proxied"]) == (1, 0), "it went there by itself"
        alice = linphone(lab.host("alice", network["alice"]), home, "alice", network["proxy"], call="sip:bob@example.com")
        are_connected(alice, bob)
        wait_for("INVITE and ACK through the edge", lambda: verdicts()["proxied"] >= 2)
        counters = daemon.settled(1)["total"]
        assert counters["verdicts"]["redirected"] == 2 and counters["drops"]["response_foreign"] == 0


def test_linphone_behind_a_nat_is_called_through_the_edge(lab, folder):
    """A home that knows nothing of NATs: what is not redirected has the edge's Path, and is reached by its flow."""
    home, edge = start_at(lab, folder, 4, redirect={"policy": "never"})
    network = NETWORKS[4]
    with edge as daemon:
        phones = []
        for user, call in (("bob", None), ("alice", "sip:bob@example.com")):
            host = lab.behind_nat(user, network[user])
            host.cannot_reach(NORTH)
            phones.append(linphone(host, home, user, network["proxy"], call))
        are_connected(*phones)
        assert daemon.counters()["total"]["verdicts"]["redirected"] == 0
