# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with a network card for DPDK, and a test of it inside: what no network namespace has, a PCI device behind an IOMMU.

machine.py CARD REPORT [PYTEST OPTION...]: boot a machine with that card, run tests/machine/test_card.py in it, write its junit report; exit as pytest did.

CARD is a card that QEMU emulates and DPDK drives: virtio-net (two queues, RSS), vmxnet3 (of its queues QEMU uses one), e1000e (Intel 82574, one queue). It sits behind a
virtual IOMMU, on a PCI bus of the second of two NUMA nodes, and is wired to a second card, which the machine's kernel keeps: the peer. The wire is a bridge in a network
namespace that ends with the machine.

The kernel is Debian's, unpacked into build-machine/ and not installed (scripts/setup test); all else is this system's own files, read-only, with a layer of memory above
them. The processor is emulated, so that no /dev/kvm is wanted: times mean nothing in there.
"""
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNEL = ROOT / "build-machine" / "kernel"
BOOT_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]
CARDS = {"virtio-net": "virtio-net-pci,disable-legacy=on,iommu_platform=on,mq=on,vectors=6,rss=on", "vmxnet3": "vmxnet3", "e1000e": "e1000e"}
CARD_MAC, PEER_MAC = "02:00:00:00:00:02", "02:00:00:00:00:0a"
TIMEOUT_S = 900
NO_STATUS = 99   # the machine ended before the tests did

# Both cards' cables end in a bridge. The peer's frames come with whole checksums, since its card promises to compute none.
WIRE = """set -e
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link add wire type bridge forward_delay 0 stp_state 0 mcast_snooping 0
ip tuntap add card mode tap $1
ip tuntap add peer mode tap
for port in card peer; do ip link set $port master wire up; done
# A wire looks at no IP header.
if [ -e /proc/sys/net/bridge ]; then sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0; fi
ip link set wire up
shift
exec "$@"
"""

# Shares of this system: `root` is all of it, `modules` the kernel's, `share` a folder for the report.
INIT = """#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module; done
share() { mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=262144,$1 $2 $3; }
share ro root /below
mount -t tmpfs above /above
mkdir /above/files /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/files,workdir=/above/work all /new
for folder in proc sys dev; do mount --move /$folder /new/$folder; done
for folder in tmp run var/lib; do mount -t tmpfs $folder /new/$folder; done
mkdir -p /new/lib/modules /new/run/share
share ro modules /new/lib/modules
share rw share /new/run/share
exec switch_root /new /bin/bash /run/share/inside
"""

INSIDE = """export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONDONTWRITEBYTECODE=1
ip link set lo up
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
for bus in pci virtio; do cat /sys/bus/$bus/devices/*/modalias | xargs modprobe -qab; done
cd {root}
export VIADUCT_BUILD={root}/build
/usr/bin/python3 -m pytest -v --color=no -p no:cacheprovider --tb=short -o junit_family=xunit2 --junitxml=/run/share/report.xml {options} tests/machine
echo $? >/run/share/status
sync
echo o >/proc/sysrq-trigger
while :; do :; done
"""


def command(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def kernel_version():
    versions = sorted(path.name for path in (KERNEL / "lib" / "modules").glob("*"))
    if not versions:
        sys.exit(f"machine.py: no kernel in {KERNEL}: run scripts/setup test")
    return versions[-1]


def boot_modules(version):
    """The modules that reach this system's files, in the order in which they are wanted."""
    needed = {}
    for module in BOOT_MODULES:
        for line in command("/sbin/modprobe", "--dirname", KERNEL, "--set-version", version, "--show-depends", module).splitlines():
            if line.startswith("insmod "):
                needed[line.split()[1]] = None
    return list(needed)


def make_initramfs(folder, version):
    """A first root file system: busybox, those modules, and what mounts the real one."""
    tree = folder / "tree"
    for name in ("bin", "proc", "sys", "dev", "below", "above", "new", "modules"):
        (tree / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin")
    for number, module in enumerate(boot_modules(version)):
        shutil.copy(module, tree / "modules" / f"{number:02}-{pathlib.Path(module).name}")
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    with open(folder / "initramfs", "wb") as out:
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], input=names.encode(), stdout=out, cwd=tree, check=True)
    return folder / "initramfs"


def shared(tag, path, *more):
    return ["-virtfs", ",".join(["local", f"path={path}", f"mount_tag={tag}", "security_model=none", "multidevs=remap", *more])]


def qemu(card, initramfs, share, version):
    """Two NUMA nodes with a CPU and a gigabyte each; a PCI bus that belongs to the second."""
    memory = [word for node in (0, 1) for word in ("-object", f"memory-backend-ram,id=m{node},size=1G", "-numa", f"node,nodeid={node},cpus={node},memdev=m{node}")]
    return ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", 2, "-m", "2G", *memory,
            "-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
            "-kernel", KERNEL / "boot" / f"vmlinuz-{version}", "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1 intel_iommu=on",
            *shared("root", "/", "readonly=on"), *shared("modules", KERNEL / "lib" / "modules", "readonly=on"), *shared("share", share),
            "-device", "intel-iommu", "-device", "pxb-pcie,id=second,bus_nr=128,numa_node=1", "-device", "pcie-root-port,id=socket,bus=second,chassis=1",
            "-netdev", f"tap,id=card,ifname=card,script=no,downscript=no,vhost=off,queues={2 if has_queues(card) else 1}",
            "-netdev", "tap,id=peer,ifname=peer,script=no,downscript=no,vhost=off",
            "-device", f"{CARDS[card]},netdev=card,mac={CARD_MAC},bus=socket",
            "-device", f"virtio-net-pci,netdev=peer,mac={PEER_MAC},bus=pcie.0,csum=off,guest_csum=off"]


def has_queues(card):
    return "mq=on" in CARDS[card]


def run(card, report, options):
    version = kernel_version()
    with tempfile.TemporaryDirectory(prefix="machine-") as name:
        folder = pathlib.Path(name)
        share = folder / "share"
        share.mkdir()
        (share / "inside").write_text(INSIDE.format(root=shlex.quote(str(ROOT)), options=shlex.join(options)))
        words = ["unshare", "--net", "/bin/sh", "-c", WIRE, "wire", "multi_queue" if has_queues(card) else "one_queue",
                 *qemu(card, make_initramfs(folder, version), share, version)]
        subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        if (share / "report.xml").exists():
            shutil.copy(share / "report.xml", report)
        status = share / "status"
        return int(status.read_text()) if status.exists() else NO_STATUS


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in CARDS:
        print(__doc__, file=sys.stderr)
        return 2
    return run(arguments[0], pathlib.Path(arguments[1]).resolve(), arguments[2:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
