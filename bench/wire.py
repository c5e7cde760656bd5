# SPDX-License-Identifier: Apache-2.0
"""A veth pair between two network namespaces: the clients' end with an address, the edge's end for a node or, for a while, the kernel."""
import contextlib
import json
import os
import pathlib
import subprocess

import node
from node import daemon  # and netns is known from there on

import netns

CLIENT, EDGE = "198.18.0.1", "198.18.0.2"
RECEIVE_BUFFER_BYTES = 33_554_432


class Wire:
    """Gone afterwards, with every process that was started through it."""

    def __init__(self):
        self.client, self.edge = (f"vd-{os.getpid()}-bench{end}" for end in ("c", "e"))
        self.processes = []

    def __enter__(self):
        try:
            netns.remove_leftovers()
            for name in (self.client, self.edge):
                netns.run("ip", "netns", "add", name)
            netns.run(*netns.inside(self.client), "ip", "link", "add", "c0", "type", "veth", "peer", "name", "e0", "netns", self.edge)
            for name, interface in ((self.client, "c0"), (self.edge, "e0")):
                netns.run(*self.words(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"))
                # The sender's kernel leaves the checksum to a device that a veth is not.
                netns.run(*self.words(name, "ethtool", "-K", interface, "tx", "off"))
                netns.run(*netns.inside(name), "ip", "link", "set", interface, "up")
            netns.run(*netns.inside(self.client), "ip", "address", "add", f"{CLIENT}/24", "dev", "c0")
            self.know(self.client, "c0", EDGE, self.mac(self.edge, "e0"))
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def words(namespace, *command):
        return [*netns.inside(namespace), *map(str, command)]

    def mac(self, namespace, interface):
        return json.loads(netns.run(*self.words(namespace, "ip", "-json", "link", "show", interface)))[0]["address"]

    @staticmethod
    def know(namespace, interface, address, mac):
        netns.run(*netns.inside(namespace), "ip", "neighbour", "replace", address, "lladdr", mac, "dev", interface, "nud", "permanent")

    @contextlib.contextmanager
    def kernel_serves(self):
        """The edge's address belongs to the kernel meanwhile, for a peer with a socket."""
        netns.run(*netns.inside(self.edge), "ip", "address", "add", f"{EDGE}/24", "dev", "e0")
        self.know(self.edge, "e0", CLIENT, self.mac(self.client, "c0"))
        try:
            yield
        finally:
            netns.run(*netns.inside(self.edge), "ip", "address", "delete", f"{EDGE}/24", "dev", "e0")

    def start(self, namespace, *command, **options):
        process = daemon.start_process(self.words(namespace, *command), **options)
        self.processes.append(process)
        return process

    def node(self, config):
        return node.Node(config, self.words(self.edge))

    def remove(self):
        for process in self.processes:
            daemon.end_process(process, timeout_s=5)
        for name in (self.client, self.edge):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)


def cpu_seconds(pid):
    """User and system time of a process and of its children, seconds."""
    ticks = os.sysconf("SC_CLK_TCK")
    user = system = 0.0
    for one in [pid, *children(pid)]:
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11]) / ticks
        system += int(fields[12]) / ticks
    return user, system


def children(pid):
    return [int(one) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]


@contextlib.contextmanager
def large_receive_buffers():
    """What looks like lost answers is else the client's socket buffer."""
    limit = pathlib.Path("/proc/sys/net/core/rmem_max")
    before = limit.read_text()
    if int(before) < RECEIVE_BUFFER_BYTES:
        limit.write_text(str(RECEIVE_BUFFER_BYTES))
    try:
        yield
    finally:
        limit.write_text(before)
