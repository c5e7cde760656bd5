# SPDX-License-Identifier: Apache-2.0
"""Real SIP peers on both sides, in namespaces over AF_PACKET: sipsak and SIPp as clients, Kamailio as a third-party home, a viaductd as our own."""
import os
import threading
import time

import pytest
import rig
from rig import sip

NORTH = rig.HOMES["north"]


def start_home(lab, folder, name, address, **more):
    """A viaductd that is the home `name`, and knows the edge."""
    host = lab.host(name)
    homes = [{"name": name, "address": f"{address}:5060", "local": True}, {"name": "elsewhere", "address": "198.18.2.2:5060"}]
    config = rig.make_config(folder, node={"listen": [f"{address}:5060"]}, home=homes, neighbour=[], dpdk=rig.af_packet(), fleet={"edges": [f"{rig.EDGE}/32"]} | more)
    return host.daemon(config)


def test_a_register_with_two_vias_is_proxied_to_kamailio_and_its_answer_comes_back(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north")
    config = rig.make_config(folder, assignments=[("alice@example.com", "north")], neighbour=[], dpdk=rig.af_packet())
    with edge.daemon(config) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        request = sip.register("alice").vias(2)
        client.sendto(bytes(request), rig.SERVICE)
        answer = sip.Message(client.recv(65535))
        assert answer.status == 200 and len(answer.values("via")) == 2
        assert home.contacts("alice") == ["sip:alice@198.18.0.10:5060"]
        counters = daemon.settled(2)
        assert counters["control"]["arp_asked"] >= 1, "the home's address was resolved while the REGISTER waited"
        for method in ("MESSAGE", "SUBSCRIBE"):
            client.sendto(bytes(sip.request(method, "alice")), rig.SERVICE)
            assert sip.Message(client.recv(65535)).status == 200, method


def test_sipsak_follows_the_redirect_to_its_home(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    home = rig.Kamailio(lab.host("north", NORTH), NORTH, folder / "north")
    # sipsak resolves the domain that it registers in: the edge's own address is an alias of the domain.
    config = rig.make_config(folder, assignments=[("alice@example.com", "north")], neighbour=[], dpdk=rig.af_packet(), **{"sip.aliases": {f'"{rig.EDGE}"': "example.com"}})
    with edge.daemon(config) as daemon:
        output = clients.run("sipsak", "-vv", "-U", "-i", "-H", "198.18.0.10", "-C", "sip:alice@198.18.0.10:5070", "-s", f"sip:alice@{rig.EDGE}", "-l", "5070", "-x", "600", timeout=30)
        assert "302" in output or "redirect" in output, output
        assert home.contacts("alice"), output
        daemon.settled(1)


def test_a_client_brings_its_vh_parameter_home(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    with start_home(lab, folder, "north", NORTH) as home:
        homes = [{"name": "north", "address": f"{NORTH}:5060", "viaduct": True}, {"name": "south", "address": f"{rig.HOMES['south']}:5060"}]
        config = rig.make_config(folder, assignments=[("alice@example.com", "north")], home=homes, neighbour=[], dpdk=rig.af_packet())
        with edge.daemon(config) as daemon:
            client = clients.udp("198.18.0.10", 5060)
            client.sendto(bytes(sip.register("alice")), rig.SERVICE)
            told = sip.Message(client.recv(65535)).one("contact").strip("<>")
            assert ";vh=" in told
            client.sendto(bytes(sip.register("alice").request_uri(told).cseq(2)), (NORTH, 5060))
            assert sip.Message(client.recv(65535)).status == 200
            assert [b["contact"] for b in home.ask("client.show", aor="alice@example.com")["bindings"]] == ["sip:alice@198.18.0.10:5060"]
            client.sendto(bytes(sip.register("bob").vias(2)), rig.SERVICE)
            daemon.settled(2)


def test_a_register_proxied_to_a_viaduct_home_is_registered_there(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    with start_home(lab, folder, "north", NORTH) as home:
        homes = [{"name": "north", "address": f"{NORTH}:5060", "viaduct": True}]
        with edge.daemon(rig.make_config(folder, home=homes, neighbour=[], dpdk=rig.af_packet())) as daemon:
            client = clients.udp("198.18.0.10", 5060)
            client.sendto(bytes(sip.register("alice").vias(2)), rig.SERVICE)
            answer = sip.Message(client.recv(65535))
            assert answer.status == 200 and not answer.all("x-viaduct-home")
            assert len(home.ask("client.show", aor="alice@example.com")["bindings"]) == 1
            daemon.settled(2)


@pytest.mark.alone
def test_a_reload_under_traffic_loses_nothing_and_is_seen_within_10_ms(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), assignments=[("alice@example.com", "north")])
    text = config.read_text()
    with edge.daemon(config) as daemon:
        stop = threading.Event()
        reloads = []

        def reload_for_ever():
            while not stop.is_set():
                # the configuration's domains and the address of a home change back and forth
                config.write_text(text.replace('domains = ["example.com"]', 'domains = ["example.com", "example.org"]') if len(reloads) % 2 == 0 else text)
                reloads.append(daemon.ask("reload"))
                reloads.append(daemon.ask("homes.set", name="north", address="198.18.1.77:5060" if len(reloads) % 4 == 1 else f"{NORTH}:5060"))
                time.sleep(0.01)

        thread = threading.Thread(target=reload_for_ever)
        thread.start()
        try:
            rig.sipp(clients, "register-302", f"{rig.EDGE}:5060", address="198.18.0.10", rate=1000, calls=3000)
        finally:
            stop.set()
            thread.join()
        assert len(reloads) > 20 and all(r["ok"] for r in reloads), reloads[-1]
        daemon.settled(3000)


def test_what_is_answered_is_what_every_worker_goes_by(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    users = iter([f"user{i}" for i in range(100)])   # each comes once: who comes back after a redirect is proxied
    config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), assignments=[(sip.aor(f"user{i}"), "north") for i in range(100)])
    text = config.read_text()
    with edge.daemon(config) as daemon:
        client = clients.udp("198.18.0.10", 5060)

        def answer():
            client.sendto(bytes(sip.register(next(users))), rig.SERVICE)
            return sip.Message(client.recv(65535))

        for i in range(50):
            is_served = i % 2 != 0
            config.write_text(text if is_served else text.replace('domains = ["example.com"]', 'domains = ["example.org"]'))
            assert daemon.ask("reload")["ok"]
            assert (answer().status == 302) == is_served, f"reload {i}"
            if is_served:
                address = f"198.18.1.{100 + i}"
                assert daemon.ask("homes.set", name="north", address=f"{address}:5060")["ok"]
                assert address in answer().one("contact"), f"change {i}"
        daemon.settled(75)


def test_a_faulty_reload_changes_nothing_and_says_where(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), assignments=[("alice@example.com", "north")])
    text = config.read_text()
    with edge.daemon(config) as daemon:
        config.write_text(text.replace("[redirect]", "[redirect]\nstatus = 307"))
        refused = daemon.ask("reload")
        assert not refused["ok"] and "redirect.status" in refused["error"] and str(config) in refused["error"]
        config.write_text(text.replace("[node]", "[node]\nworkers = 2"))
        answer = daemon.ask("reload")
        assert answer["ok"] and any("workers" in key for key in answer["needs_restart"])
        os.kill(int(daemon.ask("status")["pid"]), 1)  # SIGHUP does the same
        rig.wait_for("the log", lambda: " in force" in daemon.log.read_text())
        client = clients.udp("198.18.0.10", 5060)
        client.sendto(bytes(sip.register("alice")), rig.SERVICE)
        assert NORTH in sip.Message(client.recv(65535)).one("contact")
        daemon.settled(1)


def test_a_reload_that_prepares_a_restart_leaves_what_runs_as_it_is(lab, folder):
    edge, clients, north = lab.host("edge"), lab.host("clients", "198.18.0.10"), lab.host("north", NORTH).udp(NORTH, 5060)
    ports = [{"name": "a", "interface": "eth0"}, {"name": "b", "interface": "eth1"}]
    of_two_ports = {"node": {"listen": [f"{rig.EDGE}:5060 on a"]}, "network": {"prefix": ["198.18.0.0/15 on b"]}, "dpdk.port": ports}
    of_the_kernel = {"network": {"routes": "kernel", "prefix": None}, "exception": {"tap": "viaduct0"}}

    def configure(node=None, home=(), **tables):
        homes = home or [{"name": "north", "address": f"{NORTH}:5060"}]
        return rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), home=homes, node={"name": "edge", "workers": 2} | (node or {}), **tables)

    def is_proxied(port):
        link = clients.udp("198.18.0.10", port)
        link.sendto(bytes(sip.register("alice").vias(2)), rig.SERVICE)
        return b"sip:alice@" in north.recv(65535)

    with edge.daemon(configure()) as daemon:
        for port, key, tables in ((5070, "dpdk", of_two_ports), (5080, "network.routes", of_the_kernel), (5090, "node.workers", {"node": {"workers": 1}})):
            configure(**tables)
            answer = daemon.ask("reload")
            assert answer["ok"] and key in answer["needs_restart"], answer
            assert ("network.prefix, route, gateway, neighbour" in answer["needs_restart"]) == (key != "node.workers"), answer
            assert all(is_proxied(port + n) for n in range(8)), "both workers, by the ways that there were"
        configure(network={"prefix": ["198.18.0.0/24"]}, home=[{"name": "near", "address": "198.18.0.11:5060"}])
        refused = daemon.ask("reload")
        assert not refused["ok"] and "home north" in refused["error"] and "network.prefix" in refused["error"], refused
        assert is_proxied(5100)
        daemon.settled(25)


def test_an_operator_moves_a_client_and_the_next_register_shows_it(lab, folder):
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.10")
    config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), assignments=[("alice@example.com", "north")])
    with edge.daemon(config) as daemon:
        client = clients.udp("198.18.0.10", 5060)
        assert daemon.ask("client.show", aor="alice@example.com")["home"] == "north"
        moved = daemon.ask("client.assign", aor="sip:alice@example.com", home="south", pin=True)
        assert (moved["home"], moved["layer"]) == ("south", "pin")
        south = lab.host("south", rig.HOMES["south"]).udp(rig.HOMES["south"], 5060)
        client.sendto(bytes(sip.register("alice")), rig.SERVICE)
        asked, source = south.recvfrom(65535)   # proxied, until the new home has confirmed him
        south.sendto(sip.answer(asked, 200, extra=[("Contact", f"{sip.Message(asked).one('contact')};expires=60")]), source)
        assert sip.Message(client.recv(65535)).status == 200
        rig.wait_for("his move to be over", lambda: daemon.ask("client.show", aor="alice@example.com").get("move") is None)
        client.sendto(bytes(sip.register("alice").cseq(2)), rig.SERVICE)
        assert rig.HOMES["south"] in sip.Message(client.recv(65535)).one("contact")
        why = daemon.ask("client.explain", aor="alice@example.com", vias=2)
        assert why["verdict"] == "proxied" and any("pinned" in w for w in why["why"])
        assert daemon.ask("client.unassign", aor="alice@example.com")["layer"] == "slot"
        daemon.settled(3)
