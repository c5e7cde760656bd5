# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests use, in two layers: frames from a file through the real daemon into a file, and real peers in network namespaces."""
import csv
import dataclasses
import pathlib
import shutil
import subprocess

import frames
import sip
from daemon import EDGE, HOMES, Daemon, make_config, wait_for, written_behind
from frames import Datagram

CLIENT = ("198.18.0.10", 5060)
SERVICE = (EDGE, 5060)
HERE = pathlib.Path(__file__).resolve().parent


# --- layer 1: pcap in, pcap out

@dataclasses.dataclass
class Outcome:
    """What a run of the daemon over a list of frames has made."""
    datagrams: list       # Datagram: every UDP frame sent, its lengths and checksums proved
    other_frames: list    # what else was sent: ARP
    counters: dict        # the answer of the verb `counters` after the last frame

    @property
    def assembled(self):
        """The datagrams that were sent in fragments, put together."""
        return frames.put_together(self.other_frames)

    @property
    def messages(self):
        return [sip.Message(d.payload) for d in self.datagrams]

    def only(self):
        """The one datagram sent."""
        assert len(self.datagrams) == 1, f"{len(self.datagrams)} datagrams: {self.datagrams}"
        return self.datagrams[0]

    def to(self, address):
        """Datagrams sent to (address, port)."""
        return [d for d in self.datagrams if d.destination == address]

    def verdict(self, name):
        return self.counters["total"]["verdicts"][name]

    def drop(self, name):
        return self.counters["total"]["drops"][name]


def datagram(message, source=CLIENT, destination=SERVICE, **macs):
    """A message (a sip.Request or octets) as a datagram; it comes from a client to the edge unless said otherwise."""
    return Datagram(bytes(message), source, destination, **macs)


class PcapRig:
    """Runs the daemon on the profile `pcap`; every frame that any run sends is kept for one look of tshark at the end."""

    def __init__(self, folder):
        self.folder = folder
        self.runs = 0
        self.sent = []

    def run(self, items, assignments=(), until=lambda counters: True, **overrides):
        """Send the items through a daemon and return the Outcome: once each has its verdict, and `until` holds for the counters.

        An item is a sip.Request, octets (both become a datagram from the client), a Datagram, or a whole frame as a bytearray.
        `overrides` and `assignments` are those of make_config.
        """
        self.runs += 1
        folder = self.folder / str(self.runs)
        folder.mkdir()
        received = [self.frame(item) for item in items]
        frames.write_pcap(folder / "in.pcap", received)
        dpdk = {"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"} | overrides.pop("dpdk", {})
        with Daemon(make_config(folder, assignments, dpdk=dpdk, **overrides)) as daemon:
            counters = daemon.settled(len(received), until=until)
        return self.judge(frames.read_pcap(folder / "out.pcap"), counters)

    @staticmethod
    def frame(item):
        if isinstance(item, bytearray):
            return bytes(item)
        return frames.frame_of(item if isinstance(item, Datagram) else datagram(item))

    def judge(self, sent, counters):
        self.sent += sent
        datagrams = [(frame, frames.datagram_of(frame)) for frame in sent]
        return Outcome([d for _, d in datagrams if d], [frame for frame, d in datagrams if d is None], counters)

    def tshark_pass(self):
        """A second opinion on every frame sent, from a program that shares nothing with ours."""
        path = self.folder / "all.pcap"
        frames.write_pcap(path, self.sent)
        objections = frames.tshark_objections(path) if self.sent else []
        culprits = [self.sent[int(line.split("\t")[0]) - 1] for line in objections[:3]]
        assert not objections, f"tshark objects to {len(objections)} frames: {objections[:10]}: {culprits}"


# --- layer 2: real peers

def af_packet(**more):
    """The [dpdk] table of a daemon in a namespace; all peers there send good checksums."""
    return {"profile": "af_packet", "interface": "eth0"} | more


KAMAILIO_HEAD = """#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:{address}:5060
loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "siputils.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "kex.so"
loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:{folder}/ctl")
modparam("usrloc", "db_mode", 0)
"""

# An in-memory registrar at one address; answers every other request with 200, so that it is seen to have arrived.
KAMAILIO_CONFIG = KAMAILIO_HEAD + """
modparam("registrar", "use_path", 0)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("ACK")) exit;
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    sl_send_reply("200", "Seen By {address}");
}}
"""

# A registrar and stateful proxy for the domain example.com, as an operator's: Path, loose routing, transactions; Record-Route where the test says so.
KAMAILIO_PROXY_CONFIG = KAMAILIO_HEAD + """
alias="example.com"
loadmodule "tm.so"
loadmodule "rr.so"
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 1)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("REGISTER")) {{ if (!save("location")) sl_reply_error(); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not Here");
        exit;
    }}
    {record_route}
    if (!lookup("location")) {{ sl_send_reply("480", "Not Registered"); exit; }}
    if (!t_relay()) sl_reply_error();
}}
"""


# A server that keeps its own table of others' registrations by watching them: told by a MESSAGE whom, through the edge.
KAMAILIO_WATCHER_CONFIG = KAMAILIO_HEAD + """
loadmodule "tm.so"
loadmodule "db_text.so"
loadmodule "pua.so"
loadmodule "pua_reginfo.so"
modparam("pua", "db_url", "text://{folder}")
modparam("pua_reginfo", "publish_reginfo", 0)
modparam("pua_reginfo", "default_domain", "example.com")
modparam("pua_reginfo", "server_address", "sip:reginfo@{address}:5060")
modparam("pua_reginfo", "outbound_proxy", "sip:""" + EDGE + """:5060")
request_route {{
    if (is_method("NOTIFY")) {{ reginfo_handle_notify("location"); sl_send_reply("200", "OK"); exit; }}
    if (is_method("MESSAGE")) {{ reginfo_subscribe("$ru"); sl_send_reply("200", "OK"); exit; }}
}}
"""


class Kamailio:
    """A third-party home in a namespace, or a server that watches one; its bindings are asked from itself."""

    def __init__(self, host, address, folder, proxy=False, record_route=True, watches=False):
        """A `proxy` looks its clients up and relays to them; one that `watches` is no home; else every request but REGISTER gets a 200."""
        self.folder = folder
        self.host = host
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "kamailio.cfg"
        text = KAMAILIO_WATCHER_CONFIG if watches else KAMAILIO_PROXY_CONFIG if proxy else KAMAILIO_CONFIG
        if watches:
            for table in ("version", "pua"):
                shutil.copy(f"/usr/share/kamailio/dbtext/kamailio/{table}", folder)
        config.write_text(text.format(address=f"[{address}]" if ":" in address else address, folder=folder, record_route="record_route();" if record_route else ""))
        with open(folder / "kamailio.log", "wb") as log:
            self.process = host.start("kamailio", "-f", config, "-DD", "-E", "-m", 64, "-M", 8, "-Y", folder, "-P", folder / "pid", stdout=log, stderr=log)
        wait_for(f"Kamailio at {address}: {folder}/kamailio.log", lambda: self.process.poll() is None and self.answers())

    def command(self, *words):
        return subprocess.run(["kamcmd", "-s", f"unix:{self.folder}/ctl", *words], capture_output=True, text=True, timeout=10, check=False)

    def answers(self):
        return self.command("core.version").returncode == 0

    def contacts(self, user):
        """Contact URIs that this server has for a user."""
        dump = self.command("ul.dump").stdout
        found, current = [], None
        for line in dump.splitlines():
            key, _, value = line.strip().partition(": ")
            if key == "AoR":
                current = value.partition("@")[0]
            elif key == "Address" and current == user:
                found.append(value)
        return found


def sipp(host, scenario, target, *, address, port=6060, rate, calls, timeout_s=60, options=()):
    """One bounded SIPp run of a scenario in tests/e2e/scenarios; returns its last row of statistics. A failed call fails the test."""
    folder = host.lab.folder / f"sipp-{scenario}-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    statistics = folder / "statistics.csv"
    output = host.run("sipp", target, "-sf", HERE / "scenarios" / f"{scenario}.xml", "-i", address, "-p", port, "-r", rate, "-m", calls, "-l", 900, "-nostdin",
                      "-nr", "-recv_timeout", 10_000, "-deadcall_wait", 0, "-timeout", timeout_s, "-trace_stat", "-fd", 1, "-stf", statistics,
                      "-trace_err", "-error_file", folder / "errors.log", "-buff_size", 4194304, *options, check=False, timeout=timeout_s + 10, cwd=folder)
    with open(statistics, newline="", encoding="ascii") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    errors = folder / "errors.log"
    detail = errors.read_text(errors="replace")[:2000] if errors.exists() else output[-2000:]
    assert int(rows[-1]["FailedCall(C)"]) == 0 and int(rows[-1]["SuccessfulCall(C)"]) == calls, detail
    return rows[-1]


__all__ = ["CLIENT", "EDGE", "HOMES", "SERVICE", "Daemon", "Datagram", "Kamailio", "Outcome", "PcapRig", "af_packet", "datagram", "make_config", "sip", "sipp",
           "wait_for", "written_behind"]
