# SPDX-License-Identifier: Apache-2.0
"""Network namespaces of the test's own: hosts on one switch, each with one interface, and processes in them.

Everything is named vd-PID-..., addresses are of 198.18.0.0/15 (RFC 2544) and 2001:db8::/64 (RFC 3849), and exist only inside. Removal ends only processes that were
started here and namespaces that were made here, also when a test fails; what a killed run left behind goes at the next start.
"""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import frames
from daemon import Daemon, end_process, start_process

CLONE_NEWNET = 0x40000000
PREFIX_BITS = 15
PRIVATE = "10.77.0.2"   # of a host behind NAT
PREFIX_BITS_V6 = 64


def inside(namespace):
    """The words before a command that make it run in a namespace. nsenter, not `ip netns exec`: that mounts, which a bare chroot cannot."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]


def run(*command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}"
    return done.stdout


def remove_leftovers():
    """Namespaces of test runs whose process is gone."""
    for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout.splitlines():
        name = line.split()[0]
        pieces = name.split("-")
        if pieces[0] == "vd" and len(pieces) == 3 and pieces[1].isdigit() and not pathlib.Path(f"/proc/{pieces[1]}").exists():
            subprocess.run(["ip", "netns", "delete", name], check=False)


class Host:
    """One namespace with the interface eth0 on the lab's switch."""

    def __init__(self, lab, name, addresses=(), at=None):
        """`at` is a Host where the other end of its cable is; without one it is plugged into the lab's switch. `port` is that end's name there."""
        self.lab = lab
        self.name = f"{lab.prefix}-{name}"
        self.addresses = addresses
        self.processes = []
        lab.made.append(self.name)
        run("ip", "netns", "add", self.name)
        # Without an IPv6 address of the test's own the kernel speaks none; with one it takes it at once.
        disabled = 0 if any(":" in address for address in addresses) else 1
        run(*self.command("sysctl", "-qw", f"net.ipv6.conf.all.disable_ipv6={disabled}", f"net.ipv6.conf.default.disable_ipv6={disabled}",
                          "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.router_solicitations=0"))
        self.port = port = f"p{len(lab.hosts)}"
        self.switch = other = at.name if at else lab.switch
        run(*inside(self.name), "ip", "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", other)
        run(*inside(other), "ip", "link", "set", port, "up", *([] if at else ["master", "br0"]))
        # The kernel of the sender leaves the checksum to a device that veth does not have.
        run(*self.command("ethtool", "-K", "eth0", "tx", "off"))
        for address in addresses:
            more = (f"{address}/{PREFIX_BITS_V6}", "nodad") if ":" in address else (f"{address}/{PREFIX_BITS}",)
            run(*inside(self.name), "ip", "address", "add", *more, "dev", "eth0")
        for interface in ("lo", "eth0"):
            run(*inside(self.name), "ip", "link", "set", interface, "up")

    def masquerade(self, port, inner):
        """Give an inner host a private address, and hide it behind this host's own (RFC 4787: address and port dependent filtering)."""
        run(*self.command("ip", "address", "add", "10.77.0.1/24", "dev", port))
        run(*self.command("ethtool", "-K", port, "tx", "off"))
        run(*self.command("sysctl", "-qw", "net.ipv4.ip_forward=1"))
        run(*inner.command("ip", "address", "add", f"{PRIVATE}/24", "dev", "eth0"))
        run(*inner.command("ip", "route", "add", "default", "via", "10.77.0.1"))
        run(*self.command("nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; "
                                 "add rule ip nat post oifname eth0 meta l4proto udp masquerade to :20000-29999"))

    def cannot_reach(self, *addresses):
        """Nothing leaves this host for these addresses: what arrives there went through the edge."""
        for address in addresses:
            run(*self.command("ip", "route", "add", "unreachable", address))

    def lose(self, percent):
        """So many of a hundred UDP datagrams are lost on their way in, and as many on their way out. By nftables: not every kernel has tc's netem. Those that
        go out are dropped behind the cable, since whoever sends would be told by the output hook."""
        rule = f"ip protocol udp numgen random mod 100 < {percent} counter drop"
        for place, family, hook in ((self.name, "ip", "input"), (self.switch, "netdev", f"ingress device {self.port}")):
            table = f"{family} lost_{self.port}"
            run(*inside(place), "nft", f"add table {table}; add chain {table} way {{ type filter hook {hook} priority 0; }}; add rule {table} way {rule}")

    def lost(self):
        """Datagrams lost so far, on their way in and out."""
        lists = [json.loads(run(*inside(place), "nft", "-j", "list", "table", family, f"lost_{self.port}")) for place, family in ((self.name, "ip"), (self.switch, "netdev"))]
        return [part["counter"]["packets"] for rules in lists for entry in rules["nftables"] for part in entry.get("rule", {}).get("expr", []) if "counter" in part]

    def command(self, *words):
        """The words that run a command here."""
        return [*inside(self.name), *map(str, words)]

    @property
    def mac(self):
        return json.loads(self.run("ip", "-json", "link", "show", "eth0"))[0]["address"]

    def neighbour(self, address, mac):
        """A static ARP entry."""
        run(*inside(self.name), "ip", "neighbour", "replace", address, "lladdr", mac, "dev", "eth0", "nud", "permanent")

    def run(self, *words, timeout=60, check=True, **options):
        """Run a command here to its end; returns its output."""
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=timeout, check=False, **options)
        assert not check or done.returncode == 0, f"{' '.join(map(str, words))}: {done.returncode}: {done.stdout}"
        return done.stdout

    def start(self, *words, **options):
        """Start a process here that lives until the lab is removed."""
        process = start_process(self.command(*words), **options)
        self.processes.append(process)
        return process

    def daemon(self, config):
        """A viaductd here, as a context."""
        return Daemon(config, self.command())

    def udp(self, address, port, timeout_s=5.0):
        """A UDP socket of this namespace, usable from the test itself."""
        link = self._socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        link.settimeout(timeout_s)
        link.bind((address, port))
        return link

    def tcp(self, timeout_s=5.0):
        """A TCP socket of this namespace, usable from the test itself."""
        link = self._socket(socket.AF_INET, socket.SOCK_STREAM)
        link.settimeout(timeout_s)
        return link

    def packets(self, kind=0, device="eth0"):
        """A socket that sends whole frames out of a device, and receives those of an Ethernet type there (0: none, 3: all)."""
        link = self._socket(socket.AF_PACKET, socket.SOCK_RAW)
        link.bind((device, kind))
        return link

    def ping(self, address, wait_s=3.0):
        """Ask for an echo from this host's kernel. Whether it came back."""
        is_v6 = ":" in address
        link = self._socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if is_v6 else socket.IPPROTO_ICMP)
        request, reply = (128, 129) if is_v6 else (8, 0)
        rest = bytes([0, 7, 0, 1])
        checksum = 0xFFFF ^ frames.ones_sum(bytes([request, 0, 0, 0]) + rest)   # of ICMPv6 the kernel's own replaces it
        end = time.monotonic() + wait_s
        link.sendto(bytes([request, 0]) + checksum.to_bytes(2, "big") + rest, (address, 0))
        while (left := end - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                octets = link.recv(2048)[0 if is_v6 else 20:]
            except TimeoutError:
                return False
            if octets[0] == reply and octets[4:8] == rest:
                return True
        return False

    def _socket(self, family, kind, protocol=0):
        """A socket stays in the namespace where it was made."""
        made = []

        def make():
            descriptor = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {self.name}")
                made.append(socket.socket(family, kind, protocol))
            finally:
                os.close(descriptor)

        # setns moves one thread: this one ends here, the test's own stays where it is.
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        assert made, f"no socket in {self.name}"
        self.lab.sockets.append(made[0])
        return made[0]


class Lab:
    """A switch and the hosts plugged into it. A context: all of it is gone afterwards."""

    def __init__(self):
        self.prefix = f"vd-{os.getpid()}"
        self.switch = f"{self.prefix}-switch"
        self.hosts = {}
        self.made = []
        self.sockets = []

    def __enter__(self):
        try:
            remove_leftovers()
            self.made.append(self.switch)
            run("ip", "netns", "add", self.switch)
            run(*inside(self.switch), "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            run(*inside(self.switch), "ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
            run(*inside(self.switch), "ip", "link", "set", "br0", "up")
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def host(self, name, *addresses):
        """Plug in a host. Without addresses the kernel there stays silent: that is where a viaductd takes eth0."""
        self.hosts[name] = Host(self, name, addresses)
        return self.hosts[name]

    def behind_nat(self, name, outside):
        """A host with a private address, behind another one whose address is `outside`."""
        router = self.host(f"{name}gw", outside)
        inner = self.cabled(name, router)
        router.masquerade(inner.port, inner)
        return inner

    def cabled(self, name, other, *addresses):
        """A host on a cable of its own to another one."""
        self.hosts[name] = Host(self, name, addresses, at=other)
        return self.hosts[name]

    def remove(self):
        for link in self.sockets:
            link.close()
        processes = [process for host in self.hosts.values() for process in host.processes]
        for process in processes:   # all at once: some take their time
            if process.poll() is None:
                process.terminate()
        for process in processes:
            end_process(process, timeout_s=5)
        for name in reversed(self.made):
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
        self.made.clear()
