# SPDX-License-Identifier: Apache-2.0
"""The quickstart's network: a bridge in the clients' namespace and one namespace a node, cabled to it; and a look at what passes.

Addresses are of 198.18.0.0/15 (RFC 2544, for benchmarks) and exist only in there. The nodes' ends have none: viaductd answers ARP itself.
"""
import ctypes
import dataclasses
import os
import re
import socket
import struct
import threading

from system import Failure, in_namespace, must, run, uninterruptible

ADDRESS_BITS = 15
CLIENTS_ADDRESS = "198.18.0.10"
SIP_PORT = 5060
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
ETHERNET_BYTES, UDP_BYTES, IP_PROTOCOL_UDP = 14, 8, 17
OUTGOING = 4  # PACKET_OUTGOING of linux/if_packet.h
QUIET_S = 0.1


class Network:
    """A context: the namespaces stand inside it and are gone after it."""

    def __init__(self, nodes):
        """`nodes` maps names to addresses; a name is also that of the bridge's port."""
        self.nodes = nodes
        self.prefix = f"viaduct-{os.getpid()}"
        self.clients = f"{self.prefix}-clients"
        self.made = []

    def namespace(self, node):
        return f"{self.prefix}-{node}"

    def __enter__(self):
        try:
            self.make(self.clients)
            inside = [*in_namespace(self.clients), "ip"]
            must(*inside, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
            # Else the kernel leaves checksums to a device that is not there.
            must(*in_namespace(self.clients), "ethtool", "-K", "br0", "tx", "off")
            must(*inside, "address", "add", f"{CLIENTS_ADDRESS}/{ADDRESS_BITS}", "dev", "br0")
            for link in ("lo", "br0"):
                must(*inside, "link", "set", link, "up")
            for node in self.nodes:
                self.plug_in(node)
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def make(self, name):
        self.made.append(name)
        must("ip", "netns", "add", name)
        # No router solicitations: only our traffic is wanted here. A kernel without IPv6 has no such setting, and no need of it.
        run(*in_namespace(name), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")

    def plug_in(self, node):
        name = self.namespace(node)
        self.make(name)
        must(*in_namespace(self.clients), "ip", "link", "add", node, "type", "veth", "peer", "name", "eth0", "netns", name)
        must(*in_namespace(self.clients), "ip", "link", "set", node, "master", "br0", "up")
        must(*in_namespace(name), "ip", "link", "set", "eth0", "up")

    def remove(self):
        uninterruptible()
        for name in reversed(self.made):
            run("ip", "netns", "delete", name)
        self.made.clear()

    def tap(self):
        return Tap(self)


@dataclasses.dataclass
class Message:
    """A SIP message as it passed: from and to are names of hosts of this network."""
    source: str
    destination: str
    text: str

    @property
    def start_line(self):
        return self.text.partition("\r\n")[0]

    @property
    def is_response(self):
        return self.start_line.startswith("SIP/2.0 ")

    @property
    def status(self):
        return int(self.start_line.split()[1]) if self.is_response else 0

    @property
    def via_count(self):
        """Enough for the clients here, which write each Via on a line of its own."""
        return len(re.findall(r"^Via:", self.text, re.MULTILINE | re.IGNORECASE))

    def header(self, name):
        found = re.search(rf"^{name}:\s*(.*?)\r$", self.text, re.MULTILINE | re.IGNORECASE)
        return found[1] if found else ""


class Tap:
    """Sees each SIP datagram between the network's hosts once, in order. A context."""

    def __init__(self, network):
        self.network = network
        self.hosts = {address: node for node, address in network.nodes.items()} | {CLIENTS_ADDRESS: "clients"}

    def __enter__(self):
        self.socket = packet_socket(self.network.clients)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def messages(self):
        """What has passed since the last call, once it is quiet."""
        seen = []
        self.socket.settimeout(QUIET_S)
        while True:
            try:
                frame, (port, _, direction, *_) = self.socket.recvfrom(65535)
            except TimeoutError:
                return seen
            message = self.message_of(frame)
            if message and (port, direction == OUTGOING) == self.seen_at(message):
                seen.append(message)

    @staticmethod
    def seen_at(message):
        """A frame passes up to three devices: it counts where it leaves the bridge to a node, or enters it for the clients."""
        return (message.source, False) if message.destination == "clients" else (message.destination, True)

    def message_of(self, frame):
        ip = frame[ETHERNET_BYTES:]
        if frame[12:14] != b"\x08\x00" or len(ip) < 20 or ip[9] != IP_PROTOCOL_UDP:
            return None
        udp = ip[(ip[0] & 15) * 4:]
        source, destination = (self.hosts.get(socket.inet_ntoa(ip[at:at + 4])) for at in (12, 16))
        if not source or not destination or len(udp) <= UDP_BYTES or SIP_PORT not in struct.unpack("!HH", udp[:4]):
            return None
        length, = struct.unpack("!H", udp[4:6])
        return Message(source, destination, udp[UDP_BYTES:length].decode(errors="replace"))


def packet_socket(namespace):
    """A socket that sees every frame of a namespace. setns moves one thread: it ends here, the caller stays where it is."""
    made = []

    def make():
        descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) == 0:
                made.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        raise Failure(f"no packet socket in the namespace {namespace}")
    return made[0]
