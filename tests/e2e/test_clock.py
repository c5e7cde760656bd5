# SPDX-License-Identifier: Apache-2.0
"""The machine's clock is set while a node runs, by hours, in both directions: what lasts for a time lasts that long all the same, also over a restart."""
import re
import struct
import time

import daemon as daemons
import frames
import pytest
from daemon import Daemon, make_config
from test_moves import apply_drain, plan, wait_for_plan

HOMES = [{"name": name, "address": f"198.18.1.{i}:5060"} for i, name in enumerate(("north", "south", "west"), 1)]
NEIGHBOURS = [{"address": f"198.18.1.{i}", "mac": f"02:00:00:00:01:0{i}"} for i in (1, 2, 3)]


class Clock:
    """What a daemon under it takes for the time of day: the machine's, and so many seconds more as it is set to. Its monotonic clock is the machine's."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.set(0)

    def set(self, ahead_s):
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", ahead_s))

    def prefix(self):
        return ["env", f"LD_PRELOAD={daemons.BUILD / 'tests/e2e/libset_clock.so'}", f"SET_CLOCK={self.file}"]


def hour_of(line):
    return int(re.match(r"\[\d+-\d+-\d+ (\d+):", line)[1])


def set_clock(daemon, clock, ahead_s):
    """Set it, and wait until the daemon goes by it: its log does."""
    clock.set(ahead_s)

    def goes_by_it():
        daemon.ask("homes.down", name="west")
        daemon.ask("homes.up", name="west")
        hour = hour_of(daemon.log.read_text().splitlines()[-1])
        return (hour - time.localtime(time.time() + ahead_s).tm_hour) % 24 in (0, 23)

    daemons.wait_for("the daemon to go by another clock", goes_by_it)


@pytest.fixture(params=[7 * 3600, -7 * 3600], ids=["forward", "back"])
def set_s(request):
    return request.param


def node(folder, clients, balance):
    frames.write_pcap(folder / "in.pcap", [])
    return make_config(folder, clients, dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}, home=HOMES, neighbour=NEIGHBOURS,
                       assign={"policy": "explicit"}, balance={"auto": "off"} | balance)


USERS = [(f"u{i}@example.com", "north") for i in range(4)]


def test_moves_keep_their_deadlines(folder, set_s):
    clock = Clock(folder)
    config = node(folder, USERS, {"deadline_s": 8, "cooldown_s": 3600})
    with Daemon(config, clock.prefix()) as daemon:
        number = apply_drain(daemon)
        began = time.monotonic()
        wait_for_plan(daemon, number, "on way", lambda p: p["moved"] == 4)
        set_clock(daemon, clock, set_s)
        time.sleep(1)
        assert plan(daemon, number)["unconfirmed"] == 0
    with Daemon(config, clock.prefix()) as daemon:
        assert plan(daemon, number)["unconfirmed"] == 0, "nor after a restart"
        wait_for_plan(daemon, number, "over", lambda p: p["unconfirmed"] == 4, 20)
        assert 7 < time.monotonic() - began < 20
        assert not daemon.ask("plan.create", target=1.0)["ok"], "who has moved rests"


def test_registrations_keep_their_time(folder, set_s):
    clock = Clock(folder)
    here = [*HOMES[:2], {"name": "here", "address": "198.18.0.2:5060", "local": True}, HOMES[2]]
    frames.write_pcap(folder / "in.pcap", [])
    config = make_config(folder, [("alice@example.com", "here")], dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"}, home=here, neighbour=NEIGHBOURS)

    def left_s(daemon):
        return [b["expires_in_s"] for b in daemon.ask("client.show", aor="alice@example.com")["bindings"]]

    with Daemon(config, clock.prefix()) as daemon:
        assert daemon.ask("client.bind", aor="alice@example.com", uri="sip:alice@198.18.0.50:5070", expires_s=1800)["ok"]
        set_clock(daemon, clock, set_s)
        assert 1700 < left_s(daemon)[0] <= 1800
        time.sleep(3)
    with Daemon(config, clock.prefix()) as daemon:
        assert 1700 < left_s(daemon)[0] <= 1800, "nor after a restart"
