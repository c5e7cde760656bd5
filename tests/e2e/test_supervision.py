# SPDX-License-Identifier: Apache-2.0
"""Who watches over a node: a monitoring system by HTTP, read by Prometheus's own parser, and systemd by its notifications."""
import http.client
import os
import signal
import socket
import time

from prometheus_client.parser import text_string_to_metric_families

import rig
from daemon import Daemon
from rig import sip

KERNEL = "198.18.9.1"   # of the edge's kernel
EVERY_S = 0.4


def get(host, target):
    """From the edge's own kernel: what comes by the wire is counted, too."""
    link = host.tcp()
    link.connect((KERNEL, 9100))
    connection = http.client.HTTPConnection(KERNEL, 9100)
    connection.sock = link
    connection.request("GET", target)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers["Content-Type"]


def metrics(host):
    """{(sample, labels): value}."""
    status, text, kind = get(host, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(text))
    assert all(family.documentation for family in families), [family.name for family in families if not family.documentation]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def test_a_monitoring_system_sees_every_counter_and_state(lab, folder):
    edge, clients = lab.host("edge", KERNEL), lab.host("clients", "198.18.0.10")
    homes = [{"name": name, "address": f"{rig.HOMES[name]}:5060"} for name in rig.HOMES] + [{"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]
    directory = {"directory": {"nameservers": "ns.example.net", "socket": folder / "names.sock"},
                 "directory.edge": [{"name": "edge-1.example.com", "address": rig.EDGE}]}
    config = rig.make_config(folder, home=homes, dpdk=rig.af_packet(), neighbour=[], metrics={"listen": f"{KERNEL}:9100"}, redirect={"policy": "always"},
                             assignments=[(sip.aor("alice"), "north"), (sip.aor("bob"), "here")], **directory)
    with edge.daemon(config) as daemon:
        link = clients.udp("198.18.0.10", 5060)
        for user in ("alice", "bob", "bob"):
            link.sendto(bytes(sip.register(user)), rig.SERVICE)
            link.recv(65535)
        assert daemon.ask("homes.drain", name="south")["ok"]
        daemon.settled(3)
        seen, told = metrics(edge), daemon.counters()
        worker = ("worker", "0")
        assert seen["viaduct_worker_rx_pkts_total", (worker,)] == told["workers"][0]["rx_pkts"] >= 3
        for verdict, count in told["workers"][0]["verdicts"].items():
            assert seen["viaduct_verdicts_total", (("verdict", verdict), worker)] == count
        for reason, count in told["workers"][0]["drops"].items():
            assert seen["viaduct_drops_total", (("reason", reason), worker)] == count
        for part in ("control", "registrar", "watchers", "directory"):
            assert {name for name, _ in seen if name.startswith(f"viaduct_{part}_")} == {f"viaduct_{part}_{name}_total" for name in told[part]}
        assert seen["viaduct_registrar_answered_total", ()] == 2
        assert seen["viaduct_bindings", ()] == 1 and seen["viaduct_ready", ()] == 1
        states = {labels: value for (name, labels), value in seen.items() if name == "viaduct_home_state"}
        assert len(states) == 12 and sum(states.values()) == 3
        assert states[("home", "south"), ("state", "draining")] == states[("home", "here"), ("state", "up")] == 1
        assert seen["viaduct_home_requests_total", (("home", "here"), ("kind", "REGISTER"))] == 2
        assert seen["viaduct_edge_state", (("edge", "edge-1.example.com"), ("state", "up"))] == 1
        assert get(edge, "/healthz")[:2] == (200, "alive\n") and get(edge, "/readyz")[:2] == (200, "ready\n")
        assert get(edge, "/")[0] == 404


def test_systemd_hears_that_a_node_is_ready_reloads_lives_and_stops(folder):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(folder / "notify"))
    listener.settimeout(30)
    empty = folder / "none.pcap"
    rig.frames.write_pcap(empty, [])
    config = rig.make_config(folder, dpdk={"rx_pcap": empty, "tx_pcap": folder / "out.pcap"})
    daemon = Daemon(config, ["env", f"NOTIFY_SOCKET={folder / 'notify'}", f"WATCHDOG_USEC={int(EVERY_S * 1e6)}"])

    def hears(what):
        while (said := listener.recv(4096).decode()) != what and not said.startswith(what):
            assert said == "WATCHDOG=1", said
        return said

    with daemon:
        hears("READY=1")
        begun = time.monotonic()
        for _ in range(5):
            assert listener.recv(4096) == b"WATCHDOG=1"
        assert 4 * EVERY_S / 2 * 0.5 < time.monotonic() - begun < 20
        os.kill(daemon.process.pid, signal.SIGHUP)
        reloading = hears("RELOADING=1\nMONOTONIC_USEC=")
        assert abs(int(reloading.rsplit("=")[-1]) / 1e6 - time.monotonic()) < 20
        hears("READY=1")
    hears("STOPPING=1")
    listener.settimeout(0.1)
    try:
        assert not listener.recv(4096), "nothing comes after the stop"
    except TimeoutError:
        pass
