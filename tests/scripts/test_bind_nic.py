# SPDX-License-Identifier: Apache-2.0
"""scripts/bind-nic against a made-up PCI bus, with a stand-in for the kernel that binds and unbinds by the files that are written."""
import threading
import time

import pytest

NIC = "0000:01:00.0"
TWIN = "0000:01:00.1"
DISK = "0000:02:00.0"
BRIDGE = "0000:00:01.0"


class Bus:
    """A PCI bus in a made-up sysfs, and the kernel's side of it."""

    def __init__(self, machine):
        self.machine = machine
        self.own_drivers = {}
        self.refuses = set()
        self.running = True
        machine.write("bus/pci/drivers_probe")
        for driver in ("ixgbe", "nvme", "pcieport", "vfio-pci"):
            machine.write(f"bus/pci/drivers/{driver}/unbind")
        machine.command("ip", "exit 0")
        machine.command("modprobe", 'echo "modprobe $*"; exit 1')
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def device(self, address, driver=None, class_code="0x020000", group=None, interface=None, flags=0):
        folder = f"bus/pci/devices/{address}"
        for name, text in (("class", class_code), ("vendor", "0x8086"), ("device", "0x10fb"), ("numa_node", "0"), ("driver_override", "(null)")):
            self.machine.write(f"{folder}/{name}", text + "\n")
        self.own_drivers[address] = driver
        if driver:
            self.machine.link(f"{folder}/driver", f"bus/pci/drivers/{driver}")
        if group is not None:
            self.machine.link(f"{folder}/iommu_group", f"kernel/iommu_groups/{group}")
            self.machine.write(f"kernel/iommu_groups/{group}/devices/{address}")
        if interface:
            self.machine.write(f"{folder}/net/{interface}/flags", f"{flags:#x}\n")
            self.machine.write(f"class/net/{interface}/flags", f"{flags:#x}\n")

    def driver_of(self, address):
        link = self.machine.sysfs / f"bus/pci/devices/{address}/driver"
        return link.readlink().name if link.is_symlink() else None

    def override_of(self, address):
        return self.machine.read(f"bus/pci/devices/{address}/driver_override").strip()

    def take(self, path):
        """What was written to a command file, which is then empty again."""
        file = self.machine.sysfs / path
        text = file.read_text().strip() if file.exists() else ""
        if text:
            self.machine.write(path)
        return text

    def serve(self):
        while self.running:
            for folder in (self.machine.sysfs / "bus/pci/drivers").iterdir():
                address = self.take(f"bus/pci/drivers/{folder.name}/unbind")
                if address:
                    (self.machine.sysfs / f"bus/pci/devices/{address}/driver").unlink()
            address = self.take("bus/pci/drivers_probe")
            if address and not self.driver_of(address):  # a device that has a driver is not probed
                driver = self.override_of(address) or self.own_drivers[address]
                if driver not in self.refuses:
                    self.machine.link(f"bus/pci/devices/{address}/driver", f"bus/pci/drivers/{driver}")
            time.sleep(0.005)

    def run(self, *arguments):
        return self.machine.run("bind-nic", *arguments)


@pytest.fixture
def bus(machine):
    made = Bus(machine)
    made.device(NIC, "ixgbe", group=7, interface="eth7")
    made.thread.start()
    yield made
    made.running = False
    made.thread.join()


def test_bind_hands_an_idle_nic_to_vfio_and_unbind_hands_it_back(bus):
    done = bus.run("bind", NIC)
    assert done.returncode == 0, done.stdout
    assert bus.driver_of(NIC) == "vfio-pci"
    assert (bus.machine.run_dir / "nic" / NIC).read_text() == "ixgbe\n"
    done = bus.run("unbind", NIC)
    assert done.returncode == 0, done.stdout
    assert bus.driver_of(NIC) == "ixgbe"
    assert bus.override_of(NIC) == ""
    assert not (bus.machine.run_dir / "nic" / NIC).exists()


def test_short_address_names_the_same_device(bus):
    assert bus.run("bind", NIC.removeprefix("0000:")).returncode == 0
    assert bus.driver_of(NIC) == "vfio-pci"


def test_dry_run_says_each_step_and_changes_nothing(bus):
    done = bus.run("bind", "--dry-run", NIC)
    assert done.returncode == 0, done.stdout
    for step in ("would remember the driver ixgbe", "would write 'vfio-pci'", f"would write '{NIC}' to", "drivers_probe"):
        assert step in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"
    assert bus.override_of(NIC) == "(null)"
    assert not bus.machine.run_dir.exists()


def test_bind_twice_is_fine_and_keeps_the_first_driver_in_mind(bus):
    assert bus.run("bind", NIC).returncode == 0
    done = bus.run("bind", NIC)
    assert done.returncode == 0
    assert "already" in done.stdout
    assert (bus.machine.run_dir / "nic" / NIC).read_text() == "ixgbe\n"


def test_disk_is_refused(bus):
    bus.device(DISK, "nvme", class_code="0x010802", group=8)
    done = bus.run("bind", DISK)
    assert done.returncode == 1
    assert "not a network device" in done.stdout
    assert bus.driver_of(DISK) == "nvme"


def test_absent_device_is_refused(bus):
    done = bus.run("bind", "0000:7f:00.0")
    assert done.returncode == 1
    assert "no such PCI device" in done.stdout


def test_interface_that_is_up_is_refused_unless_forced(bus):
    bus.machine.write("class/net/eth7/flags", "0x1003\n")
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert "eth7 is up" in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"
    assert bus.run("bind", "--force", NIC).returncode == 0
    assert bus.driver_of(NIC) == "vfio-pci"


@pytest.mark.parametrize("answers,reason", [
    ('[[ $* == *address*eth7* ]] && echo "2: eth7    inet 198.18.0.2/24 scope global eth7"; exit 0', "eth7 has the address 198.18.0.2/24"),
    ('[[ $* == *-4*route*default*eth7* ]] && echo "default via 198.18.0.1"; exit 0', "eth7 carries the default route"),
])
def test_interface_with_an_address_or_the_default_route_is_refused(bus, answers, reason):
    bus.machine.command("ip", answers)
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert reason in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"


def test_interface_in_a_bond_is_refused(bus):
    bus.machine.write("class/net/bond0/flags", "0x0\n")
    bus.machine.link("class/net/eth7/master", "class/net/bond0")
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert "eth7 belongs to bond0" in done.stdout


def test_group_with_another_kernel_driven_device_is_refused_and_listed(bus):
    bus.device(DISK, "nvme", class_code="0x010802", group=7)
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert f"IOMMU group 7 holds {DISK}" in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"


def test_bridge_in_the_group_does_not_matter(bus):
    bus.device(BRIDGE, "pcieport", class_code="0x060400", group=7)
    assert bus.run("bind", NIC).returncode == 0


def test_both_ports_of_a_group_go_in_one_call(bus):
    bus.device(TWIN, "ixgbe", group=7, interface="eth8")
    assert bus.run("bind", NIC).returncode == 1
    done = bus.run("bind", NIC, TWIN)
    assert done.returncode == 0, done.stdout
    assert [bus.driver_of(a) for a in (NIC, TWIN)] == ["vfio-pci", "vfio-pci"]


def test_no_iommu_is_refused_with_the_way_out_and_taken_when_accepted(bus):
    bus.device(TWIN, "ixgbe")
    switch = bus.machine.write("module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n")
    done = bus.run("bind", TWIN)
    assert done.returncode == 1
    assert "enable_unsafe_noiommu_mode" in done.stdout
    assert switch.read_text() == "N\n"
    done = bus.run("bind", "--noiommu", TWIN)
    assert done.returncode == 0, done.stdout
    assert switch.read_text() == "1\n"
    assert bus.driver_of(TWIN) == "vfio-pci"


def test_missing_vfio_is_an_error_before_anything_is_touched(bus):
    (bus.machine.sysfs / "bus/pci/drivers/vfio-pci/unbind").unlink()
    (bus.machine.sysfs / "bus/pci/drivers/vfio-pci").rmdir()
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert "cannot load the module vfio_pci" in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"


def test_device_that_vfio_does_not_take_goes_back_to_its_driver(bus):
    bus.refuses.add("vfio-pci")
    done = bus.run("bind", NIC)
    assert done.returncode == 1
    assert "did not take it" in done.stdout
    assert bus.driver_of(NIC) == "ixgbe"


def test_show_lists_network_devices_only(bus):
    bus.device(DISK, "nvme", class_code="0x010802", group=8)
    bus.machine.write("class/net/eth7/flags", "0x1003\n")
    done = bus.run("show")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert DISK not in rows
    assert rows[NIC].split()[1:] == ["8086:10fb", "ixgbe", "eth7", "7", "0", "eth7", "is", "up"]


def test_unbind_leaves_alone_what_the_kernel_drives(bus):
    """Never bound, or given back already: it may be up with its addresses."""
    done = bus.run("unbind", NIC)
    assert done.returncode == 0 and f"{NIC} has the driver ixgbe already" in done.stdout and "UNBOUND" not in done.stdout, done.stdout
    assert bus.override_of(NIC) == "(null)" and bus.driver_of(NIC) == "ixgbe"
    assert bus.run("bind", NIC).returncode == 0 and bus.run("unbind", NIC).returncode == 0
    assert "already" in bus.run("unbind", NIC).stdout
