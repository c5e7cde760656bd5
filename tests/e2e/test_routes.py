# SPDX-License-Identifier: Apache-2.0
"""Routes and neighbours of the kernel: where a message goes changes when the operator, or bird, changes a route."""
import pytest
import rig
from daemon import wait_for
from rig import sip
from test_exception import TAP, bring_up

CLIENT, FAR, FAR6 = "198.18.0.10", "203.0.113.1", "2001:db8:ffff::1"
ROUTERS = {"west": ("198.18.0.101", "2001:db8::101"), "east": ("198.18.0.102", "2001:db8::102")}
EDGE6 = "2001:db8::2"
PLACED = [("sip:alice@example.com", "far"), ("sip:bob@example.com", "far6")]


class Router:
    """It has the far home's addresses, so that whatever is sent through it arrives there."""

    def __init__(self, lab, name):
        self.host = lab.host(name, *ROUTERS[name])
        self.host.run("ip", "address", "add", f"{FAR}/32", "dev", "lo")
        self.host.run("ip", "address", "add", f"{FAR6}/128", "dev", "lo", "nodad")
        self.servers = {"alice": self.host.udp(FAR, 5060, 0.4), "bob": self.host.udp(FAR6, 5060, 0.4)}

    def got(self, user):
        try:
            return f"sip:{user}@".encode() in self.servers[user].recv(65535)
        except TimeoutError:
            return False


@pytest.fixture
def network(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", CLIENT)
    edge.run("nft", "add table netdev blind; add chain netdev blind in { type filter hook ingress device eth0 priority 0; policy drop; }")
    routers = {name: Router(lab, name) for name in ROUTERS}
    homes = [{"name": "far", "address": f"{FAR}:5060"}, {"name": "far6", "address": f"[{FAR6}]:5060"}]
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], home=homes, dpdk=rig.af_packet(), exception={"tap": TAP},
                             node={"listen": [f"{rig.EDGE}:5060", f"[{EDGE6}]:5060"]}, network={"routes": "kernel", "prefix": None})
    client = clients.udp(CLIENT, 5060)

    def through(user="alice"):
        """Which router a REGISTER for the far home comes through, once no change is under way."""
        for router in routers.values():
            while router.got(user):
                pass
        client.sendto(bytes(sip.register(user).vias(2)), rig.SERVICE)
        return [name for name, router in routers.items() if router.got(user)]

    with edge.daemon(config) as daemon:
        yield edge, daemon, through


def leads(through, expected, user="alice"):
    """The node follows the kernel within a fraction of a second; a message takes as long to arrive nowhere."""
    wait_for(f"{user} to go by {expected}", lambda: through(user) == expected, 8)


def test_a_route_of_the_kernel_is_the_way_as_soon_as_it_is_there(network):
    edge, daemon, through = network
    assert through() == []
    assert daemon.settled(1)["total"]["drops"]["destination_unreachable"] == 1
    bring_up(edge, f"{rig.EDGE}/15", f"{EDGE6}/64")
    edge.run("ip", "route", "add", "default", "via", ROUTERS["west"][0])
    leads(through, ["west"])
    edge.run("ip", "route", "add", f"{FAR}/32", "via", ROUTERS["east"][0])
    leads(through, ["east"])   # the longest prefix
    edge.run("ip", "route", "del", f"{FAR}/32")
    leads(through, ["west"])
    edge.run("ip", "route", "replace", "default", "via", ROUTERS["east"][0], "metric", "0")
    leads(through, ["east"])
    edge.run("ip", "-6", "route", "add", "2001:db8:ffff::/48", "via", ROUTERS["west"][1])
    leads(through, ["west"], "bob")
    leads(through, ["east"])
    edge.run("ip", "link", "set", TAP, "down")
    for user in ("bob", "alice"):   # its routes go with it, and nobody tells of them
        leads(through, [], user)


def test_a_neighbour_of_the_kernel_is_not_asked_for(network):
    edge, daemon, through = network
    bring_up(edge, f"{rig.EDGE}/15")
    edge.run("ip", "route", "add", "default", "via", "198.18.0.103")
    assert through() == [], "nobody has this address"
    mac = edge.lab.hosts["east"].mac
    learned = daemon.counters()["control"]["learned"]
    edge.run("ip", "neighbour", "replace", "198.18.0.103", "lladdr", mac, "dev", TAP, "nud", "permanent")
    wait_for("the neighbour", lambda: daemon.counters()["control"]["learned"] > learned)
    leads(through, ["east"])


def test_more_changes_than_a_socket_holds_are_one(network):
    """A thousand at once: the kernel cannot tell of all, and what there is in the end is read."""
    edge, daemon, through = network
    bring_up(edge, f"{rig.EDGE}/15")
    batch = edge.lab.folder / "batch"
    lines = [f"route add 100.64.{n // 250}.{n % 250}/32 via {ROUTERS['west'][0]}" for n in range(5000)]
    batch.write_text("\n".join([f"route add {FAR}/32 via {ROUTERS['east'][0]}", *lines]) + "\n")
    edge.run("ip", "-batch", batch)
    wait_for("all that is taken", lambda: daemon.counters()["control"]["routes_left_out"] > 0)
    edge.run("ip", "route", "flush", "root", "100.64.0.0/10")
    edge.run("ip", "route", "add", "203.0.113.0/24", "via", ROUTERS["west"][0])
    leads(through, ["east"])
    edge.run("ip", "route", "del", f"{FAR}/32")
    leads(through, ["west"])
