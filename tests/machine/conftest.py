# SPDX-License-Identifier: Apache-2.0
"""Inside the virtual machine: the card that DPDK gets, the peer that the kernel keeps, and the scripts that an operator would use."""
import dataclasses
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import machine  # noqa: E402
import rig  # noqa: E402

PEER = "198.18.0.10"
PEER_V6 = "2001:db8::10"
# Some cards spread UDP by addresses alone.
FLOW_SOURCES = [f"198.18.2.{i}" for i in range(1, 65)]


def run(*words, check=True):
    """Run a command; its exit status and all that it said."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, f"{' '.join(map(str, words))}: {done.returncode}: {done.stdout}"
    return done.returncode, done.stdout


def script(name, *arguments, check=True):
    return run(ROOT / "scripts" / name, *arguments, check=check)


@dataclasses.dataclass
class Card:
    pci: str
    kernel_driver: str

    @property
    def folder(self):
        return pathlib.Path("/sys/bus/pci/devices") / self.pci

    @property
    def driver(self):
        link = self.folder / "driver"
        return link.resolve().name if link.exists() else None

    @property
    def interface(self):
        """The kernel's interface of the card; None while DPDK has it."""
        return interface_with(machine.CARD_MAC)


def interface_with(mac):
    return next((path.name for path in pathlib.Path("/sys/class/net").iterdir() if (path / "address").read_text().strip() == mac), None)


def pages(node, kind="nr_hugepages"):
    """Pages of 2 MiB of a NUMA node."""
    return int(pathlib.Path(f"/sys/devices/system/node/node{node}/hugepages/hugepages-2048kB/{kind}").read_text())


@pytest.fixture(scope="session")
def card():
    path = pathlib.Path("/sys/class/net") / interface_with(machine.CARD_MAC) / "device"
    # Of virtio the interface hangs below a device of its own.
    pci = next(folder for folder in (path.resolve(), path.resolve().parent) if (folder / "vendor").exists() and ":" in folder.name)
    return Card(pci.name, (pci / "driver").resolve().name)


@pytest.fixture(scope="session")
def peer():
    """The other end of the wire, which the kernel keeps: its interface, with the addresses of a client and of a home."""
    interface = interface_with(machine.PEER_MAC)
    run("sysctl", "-qw", f"net.ipv6.conf.{interface}.accept_dad=0")
    for address in (PEER, rig.HOMES["north"], *FLOW_SOURCES):
        run("ip", "address", "add", f"{address}/15", "dev", interface)
    run("ip", "address", "add", f"{PEER_V6}/64", "dev", interface, "nodad")
    run("ip", "link", "set", interface, "up")
    return interface
