# SPDX-License-Identifier: Apache-2.0
"""The exception path: what is not SIP for the node is the kernel's, through a TAP interface, on the wire that SIP is on."""
import contextlib
import socket
import struct
import time

import frames
import pytest
import rig
from daemon import wait_for
from rig import sip

NORTH = rig.HOMES["north"]
CLIENT, CLIENT6, EDGE6, OTHER = "198.18.0.10", "2001:db8::10", "2001:db8::2", "198.18.0.3"
PLACED = [("sip:alice@example.com", "north")]
TAP = "viaduct0"


@pytest.fixture
def hosts(lab):
    """An edge whose kernel sees nothing of eth0, so that whatever it answers came by the exception path; and clients."""
    edge, clients = lab.host("edge"), lab.host("clients", CLIENT, CLIENT6)
    edge.run("nft", "add table netdev blind; add chain netdev blind in { type filter hook ingress device eth0 priority 0; policy drop; }")
    return edge, clients


def config(folder, arp=None, **overrides):
    node = {"listen": [f"{rig.EDGE}:5060", f"[{EDGE6}]:5060"]}
    network = {"prefix": ["198.18.0.0/15", "2001:db8::/64"]}
    return rig.make_config(folder, assignments=PLACED, neighbour=[], node=node, network=network, dpdk=rig.af_packet(), exception={"tap": TAP, "arp": arp}, **overrides)


def bring_up(edge, *addresses, device=TAP):
    edge.run("sysctl", "-qw", f"net.ipv6.conf.{device}.disable_ipv6=0", f"net.ipv6.conf.{device}.accept_dad=0")
    for address in addresses:
        edge.run("ip", "address", "add", address, "dev", device)
    edge.run("ip", "link", "set", device, "up")


def serve(edge, folder, address, port=8080):
    """An HTTP server of the edge's kernel, with one file of a megabyte."""
    (folder / "www").mkdir(exist_ok=True)
    (folder / "www" / "large").write_bytes(bytes(range(256)) * 4096)
    with open(folder / "http.log", "wb") as log:
        edge.start("/usr/bin/python3", "-m", "http.server", port, "--bind", address, "--directory", folder / "www", stdout=log, stderr=log)
    listening = lambda: f":{port}" in edge.run("ss", "-Hltn", check=False)
    wait_for(f"an HTTP server: {folder}/http.log", listening)


def fetch(clients, url):
    """How many octets come."""
    program = "import sys, urllib.request as r; print(len(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=20).read()))"
    return int(clients.run("/usr/bin/python3", "-c", program, url))


def register(clients):
    """A REGISTER is redirected."""
    client = clients.udp(CLIENT, 5060)
    client.sendto(bytes(sip.register("alice")), rig.SERVICE)
    answer = sip.Message(client.recv(65535))
    client.close()
    assert (answer.status, answer.one("contact")) == (302, f"<sip:{NORTH}:5060>")


def test_ping_and_tcp_reach_the_kernel_at_the_address_that_sip_is_served_at(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder)) as daemon:
        assert edge.mac in edge.run("ip", "link", "show", TAP)
        bring_up(edge, f"{rig.EDGE}/15", f"{OTHER}/15", f"{EDGE6}/64")
        serve(edge, folder, "::")
        register(clients)
        for url in (f"http://{rig.EDGE}:8080/large", f"http://[{EDGE6}]:8080/large", f"http://{OTHER}:8080/large"):
            assert fetch(clients, url) == 1 << 20
        for address in (rig.EDGE, EDGE6, OTHER):
            assert clients.ping(address)
        for address in (CLIENT, CLIENT6):
            assert edge.ping(address)
        register(clients)
        counters = daemon.settled(1)
        control, total = counters["control"], counters["total"]
        assert total["verdicts"]["to_kernel"] > 100 and total["verdicts"]["redirected"] == 2 and total["drops"]["kernel_ring_full"] == 0
        assert control["kernel_taken"] > 100 and control["kernel_sent"] > 100
        assert control["echo_answered"] == 2, "for the listeners' addresses the node answers itself"


def test_datagrams_for_other_ports_are_the_kernels_and_those_for_the_listener_are_not(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder)) as daemon:
        bring_up(edge, f"{rig.EDGE}/15")
        theirs = edge.udp(rig.EDGE, 5080)
        near = edge.udp(rig.EDGE, 5060)
        near.settimeout(0.3)
        client = clients.udp(CLIENT, 6000)
        client.sendto(b"for the kernel", (rig.EDGE, 5080))
        octets, source = theirs.recvfrom(100)
        assert octets == b"for the kernel" and source == (CLIENT, 6000)
        theirs.sendto(b"x" * 4000, source)
        assert client.recv(5000) == b"x" * 4000, "in fragments of the kernel's own"
        closed = clients.udp(CLIENT, 6001)
        closed.connect((rig.EDGE, 5090))
        closed.send(b"nobody is there")
        with pytest.raises(ConnectionRefusedError):
            closed.recv(100)
        near.close()
        listener = clients.udp(CLIENT, 6002)
        listener.connect(rig.SERVICE)
        listener.settimeout(0.5)
        listener.send(b"not SIP")
        with pytest.raises(TimeoutError):
            listener.recv(100)
        assert daemon.settled(1)["total"]["drops"]["sip_unanswerable"] == 1


def arp_answers(clients, edge_address, wait_s=0.5):
    """How often a question for an address is answered."""
    link = clients.packets()
    listening = clients.packets(0x0806)
    listening.settimeout(wait_s)
    mine = bytes.fromhex(clients.mac.replace(":", ""))
    question = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mine + socket.inet_aton(CLIENT) + bytes(6) + socket.inet_aton(edge_address)
    link.send(b"\xff" * 6 + mine + b"\x08\x06" + question)
    count = 0
    with contextlib.suppress(TimeoutError):
        while True:
            frame = listening.recv(2048)
            count += frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(edge_address)
    return count


def test_arp_is_answered_by_one_of_both(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder)):
        bring_up(edge, f"{rig.EDGE}/15", f"{OTHER}/15")
        assert [arp_answers(clients, address) for address in (rig.EDGE, OTHER, "198.18.0.4")] == [1, 1, 0]


def test_the_kernel_answers_arp_where_it_is_to_only_while_it_has_the_address(hosts, folder):
    """What a virtual router needs: the address moves, and SIP with it."""
    edge, clients = hosts
    with edge.daemon(config(folder, arp="kernel")):
        bring_up(edge)
        assert arp_answers(clients, rig.EDGE) == 0
        edge.run("ip", "address", "add", f"{rig.EDGE}/15", "dev", TAP)
        edge.run("ip", "address", "add", f"{EDGE6}/64", "dev", TAP, "nodad")
        assert arp_answers(clients, rig.EDGE) == 1
        register(clients)
        assert clients.ping(EDGE6)
        edge.run("ip", "address", "del", f"{rig.EDGE}/15", "dev", TAP)
        assert arp_answers(clients, rig.EDGE) == 0


def test_a_virtual_routers_mac_is_served_only_while_the_kernel_has_the_address(hosts, folder):
    """RFC 9568: the two machines that share an address share a MAC as well, and a switch may give both the frame."""
    edge, clients = hosts
    virtual_router, mine = bytes.fromhex("00005e000105"), bytes.fromhex(clients.mac.replace(":", ""))
    link, client = clients.packets(), clients.udp(CLIENT, 5060)
    request = frames.frame_of(frames.Datagram(bytes(sip.register("alice")), (CLIENT, 5060), rig.SERVICE, source_mac=mine, destination_mac=virtual_router))
    drops = lambda: daemon.counters()["total"]["drops"]["mac_not_ours"]
    with edge.daemon(config(folder, arp="kernel")) as daemon:
        bring_up(edge)
        link.send(request)
        wait_for("the drop", lambda: drops() == 1)
        edge.run("ip", "link", "add", "vrrp5", "link", TAP, "address", "00:00:5e:00:01:05", "type", "macvlan", "mode", "bridge")
        edge.run("ip", "address", "add", f"{rig.EDGE}/15", "dev", "vrrp5")
        edge.run("ip", "link", "set", "vrrp5", "up")
        time.sleep(0.5)
        link.send(request)
        assert sip.Message(client.recv(65535)).status == 302
        edge.run("ip", "address", "del", f"{rig.EDGE}/15", "dev", "vrrp5")
        time.sleep(0.5)
        link.send(request)
        wait_for("the second drop", lambda: drops() == 2)


def from_file(folder, received):
    """A configuration of a node that gets these frames from a file."""
    frames.write_pcap(folder / "in.pcap", received)
    dpdk = {"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}
    return rig.make_config(folder, dpdk=dpdk, exception={"tap": TAP})


def test_a_datagram_in_fragments_is_put_together_for_an_interface_that_was_there_before(lab, folder):
    edge = lab.host("edge")
    edge.run("ip", "tuntap", "add", TAP, "mode", "tap")
    bring_up(edge, f"{rig.EDGE}/15")
    theirs = edge.udp(rig.EDGE, 5080)
    message = bytes(range(250)) * 16
    with edge.daemon(from_file(folder, frames.fragments_of(rig.datagram(message, destination=(rig.EDGE, 5080)), 1400, 2800))) as daemon:
        assert theirs.recv(5000) == message
        verdicts = daemon.settled(3)["total"]["verdicts"]
        assert (verdicts["to_kernel"], verdicts["collected"]) == (1, 2)
    assert TAP in edge.run("ip", "link", "show"), "it stays"


def test_a_tag_is_kept_in_both_directions(lab, folder):
    edge = lab.host("edge")
    edge.run("ip", "tuntap", "add", TAP, "mode", "tap")
    edge.run("ip", "link", "set", TAP, "up")   # without IPv6, so that the kernel says nothing by itself, which would be counted
    sol_packet, aux_data = 263, 8   # which Python has no names for
    seen = edge.packets(0x0003, device=TAP)
    seen.setsockopt(sol_packet, aux_data, 1)
    tagged = frames.frame_of(rig.datagram(b"for the kernel", destination=(rig.EDGE, 5080), vlan=7))
    with edge.daemon(from_file(folder, [tagged])) as daemon:
        octets, (told,), _, _ = seen.recvmsg(2048, 100)
        assert octets == frames.untagged(tagged)[0] and struct.unpack("=IIIHHHH", told[2])[5] == 7, "the kernel shows a tag beside the frame"
        seen.send(frames.ethernet(b"\x40" + bytes(50), frames.EDGE_MAC, frames.CLIENT_MAC, vlan=9))
        wait_for("a frame of the kernel", lambda: daemon.counters()["control"]["kernel_sent"] == 1)
    assert [frame for frame in frames.read_pcap(folder / "out.pcap") if frames.untagged(frame)[1] == 9]


@pytest.mark.alone
def test_a_storm_for_the_kernel_leaves_sip_alone(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder, limits={"ring_slots": 64})) as daemon:
        bring_up(edge, f"{rig.EDGE}/15")
        link = clients.packets()
        macs = bytes.fromhex(edge.mac.replace(":", "") + clients.mac.replace(":", ""))
        segment = struct.pack("!HHIIBBHHH", 1, 9, 0, 0, 0x50, 2, 1000, 0, 0)
        junk = [frames.ethernet(frames.ipv4(CLIENT, rig.EDGE, segment, protocol=6), macs[6:], macs[:6]), macs + b"\x88\xb5" + b"junk" * 20]
        storm = clients.start("/usr/bin/python3", "-c", STORM, *(frame.hex() for frame in junk))
        wait_for("the storm", lambda: daemon.counters()["total"]["verdicts"]["to_kernel"] > 1000)
        rig.sipp(clients, "register-302", f"{rig.EDGE}:5060", address=CLIENT, rate=300, calls=600)
        storm.terminate()
        storm.wait()
        link.close()
        started = time.monotonic()
        assert daemon.ask("status")["ok"] and time.monotonic() - started < 1
        counters = daemon.settled(1)
        assert counters["total"]["verdicts"]["redirected"] >= 600


STORM = """
import socket, sys
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
junk = [bytes.fromhex(word) for word in sys.argv[1:]]
while True:
    for frame in junk:
        link.send(frame)
"""


def test_what_an_interface_that_is_down_does_not_take_is_counted(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder)) as daemon:
        assert not clients.ping(OTHER, 0.2)
        wait_for("refused frames", lambda: daemon.counters()["control"]["kernel_refused"] > 0)
        register(clients)
        assert daemon.settled(1)["control"]["kernel_taken"] == 0


def test_frames_for_other_stations_are_not_the_kernels(hosts, folder):
    edge, clients = hosts
    with edge.daemon(config(folder)) as daemon:
        bring_up(edge)
        mine, ours, other = (bytes.fromhex(mac.replace(":", "")) for mac in (clients.mac, edge.mac, "02:00:00:00:00:99"))
        virtual_router = bytes.fromhex("00005e000105")
        link = clients.packets()
        for mac in (other, ours, virtual_router, b"\x01\0\x5e\0\0\x12"):
            link.send(mac + mine + b"\x88\xb5" + bytes(60))
        count = lambda: daemon.counters()["total"]["verdicts"]["to_kernel"]
        wait_for("three frames", lambda: count() >= 3)
        assert daemon.settled(4)["total"]["drops"]["frame_type"] == 1


def test_a_name_that_is_taken_stops_the_start_with_a_sentence(hosts, folder):
    edge, _ = hosts
    path = config(folder)
    path.write_text(path.read_text().replace(TAP, "eth0"))
    with pytest.raises(AssertionError, match="the kernel's interface eth0: it is not given to us"):
        edge.daemon(path).__enter__()
