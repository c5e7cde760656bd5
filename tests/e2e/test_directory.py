# SPDX-License-Identifier: Apache-2.0
"""The directory: a client that only knows its domain finds an edge by DNS, from a real PowerDNS, or by HTTP; and what it is told follows how the edges are."""
import http.client
import json
import signal
import threading
import time
import urllib.parse

import rig
from nameserver import PowerDns
from rig import sip
from softphones import Baresip

DNS, CLIENTS = "198.18.0.53", "198.18.0.10"
SECOND = "198.18.0.3"
CONTROL = "198.18.9.2"          # of the second edge's kernel
SOCKET = "names.sock"
SRV = "_sip._udp.example.com"
QUICK = {"enabled": True, "interval_ms": 200, "timeout_ms": 150, "down_after": 3, "up_after": 2}
EDGES = [{"name": "edge-1.example.com", "address": ["198.18.0.2:5060", "[2001:db8::2]:5060"]},
         {"name": "edge-2.example.com", "address": f"{SECOND}:5060", "weight": 50}]


def make_config(folder, edges=EDGES, directory=(), **more):
    """A directory that is the first edge."""
    return rig.make_config(folder, dpdk=rig.af_packet(), neighbour=[], health=QUICK,
                           directory={"socket": folder / SOCKET, "nameservers": "ns.example.net"} | dict(directory), **{"directory.edge": edges}, **more)


def second_edge(folder, **more):
    (folder / "second").mkdir()
    return rig.make_config(folder / "second", node={"listen": [f"{SECOND}:5060"]}, dpdk=rig.af_packet(), neighbour=[], **more)


def name_server(lab, folder):
    return PowerDns(lab.host("dns", DNS), DNS, folder / SOCKET, folder / "pdns")


def rewrite(daemon, *changes):
    """Other texts in its configuration, and a reload."""
    text = daemon.config.read_text()
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    daemon.config.write_text(text)
    answer = daemon.ask("reload")
    assert answer["ok"] and not answer["needs_restart"], answer


def edge_row(daemon, name):
    return next(row for row in daemon.ask("directory")["edges"] if row["name"] == name)


def test_a_domain_has_its_records(lab, folder):
    with lab.host("edge").daemon(make_config(folder, sip={"domains": ["example.com"], "aliases.\"example.org\"": "example.com"},
                                             directory={"zones": ["example.com", "_udp.example.org"], "ttl_s": 17})) as daemon:
        dns = name_server(lab, folder)
        assert dns.ask("example.com", "NAPTR") == ['10 50 "s" "SIP+D2U" "" _sip._udp.example.com.']
        assert dns.ask("EXAMPLE.com", "SRV") == []
        rig.wait_for("the second edge, which nobody has started, to be left out", lambda: len(dns.ask(SRV, "SRV")) == 1)
        assert dns.ask(SRV, "SRV") == dns.ask("_SIP._udp.Example.com", "SRV")
        assert dns.ask("_sip._udp.example.org", "SRV") == dns.ask(SRV, "SRV"), "an alias is a domain, too"
        assert dns.ask("example.com", "A") == ["198.18.0.2"], "for who asks for nothing else"
        assert dns.ask("example.com", "AAAA") == ["2001:db8::2"]
        assert dns.ask("edge-1.example.com", "A") == ["198.18.0.2"] and dns.ask("edge-1.example.com", "AAAA") == ["2001:db8::2"]
        assert dns.ask("edge-2.example.com", "A") == [SECOND], "also while it is down: its name may be known from before"
        assert dns.ask("example.com", "NS") == ["ns.example.net."]
        serial = dns.ask("example.com", "SOA")[0].split()[2]
        assert dns.ask("example.com", "SOA") == [f"ns.example.net. hostmaster.example.com. {serial} 17 17 604800 17"]
        assert int(serial) == daemon.ask("directory")["serial"]
        assert dns.ttl(SRV, "SRV") == 17
        assert dns.status("_udp.example.com", "SRV") == "NOERROR", "a name in between is there"
        assert dns.status("no.example.com", "A") == "NXDOMAIN"
        assert dns.status("example.org", "A") == "REFUSED", "only a part of it is a zone here"
        assert ("_sip._udp.example.com.", "SRV") in dns.transfer("example.com") and len(dns.transfer("example.com")) > 8
        answer = daemon.ask("counters", what=True)
        counted = answer["directory"]
        assert counted.keys() == answer["what"]["directory"].keys()
        assert counted["dns_questions"] > 10 and 0 < counted["dns_nothing"] < counted["dns_questions"]


def test_what_dns_says_follows_how_the_edges_are(lab, folder):
    second = lab.host("second")
    homes = [{"name": "here", "address": f"{SECOND}:5060", "local": True}]
    with lab.host("edge").daemon(make_config(folder)) as daemon, second.daemon(second_edge(folder, home=homes)) as other:
        dns = name_server(lab, folder)

        def says(*records):
            rig.wait_for(f"{records}, not {dns.ask(SRV, 'SRV')}", lambda: dns.ask(SRV, "SRV") == sorted(records), 20)

        one, two = "100 5060 edge-1.example.com.", "50 5060 edge-2.example.com."
        says(f"10 {one}", f"10 {two}")
        rig.wait_for("its first answer", lambda: edge_row(daemon, "edge-2.example.com").get("round_trip_us", 0) > 0)
        assert edge_row(daemon, "edge-1.example.com")["own"]
        # It does not answer: out. It answers again: back.
        other.process.send_signal(signal.SIGSTOP)
        says(f"10 {one}")
        assert "directory: edge edge-2.example.com is down, was up" in daemon.log.read_text()
        other.process.send_signal(signal.SIGCONT)
        says(f"10 {one}", f"10 {two}")
        # Its home is to get nobody new, and so is the edge, which says so in its answers: last choice.
        assert other.ask("homes.drain", name="here")["ok"]
        says(f"10 {one}", f"20 {two}")
        assert dns.ask("example.com", "A") == ["198.18.0.2"], "the first choice only"
        assert other.ask("homes.up", name="here")["ok"]
        says(f"10 {one}", f"10 {two}")
        serial = daemon.ask("directory")["serial"]
        # By hand, and another weight.
        rewrite(daemon, ('weight = 50', 'weight = 70\ndraining = true'))
        says(f"10 {one}", "20 70 5060 edge-2.example.com.")
        assert daemon.ask("directory")["serial"] > serial
        control = daemon.counters()["control"]
        assert control["edge_probes_sent"] >= control["edge_probes_answered"] > 5 and control["edge_probes_timed_out"] >= 3


def test_when_all_look_down_all_are_offered(lab, folder):
    elsewhere = [{"name": f"edge-{i}.example.com", "address": f"198.18.0.{10 * i}:5070"} for i in (2, 3)]
    with lab.host("edge").daemon(make_config(folder, edges=elsewhere)) as daemon:
        dns = name_server(lab, folder)
        rig.wait_for("both to be down", lambda: [edge["state"] for edge in daemon.ask("directory")["edges"]] == ["down", "down"])
        assert dns.ask(SRV, "SRV") == [f"10 100 5070 edge-{i}.example.com." for i in (2, 3)]
        assert dns.ask("example.com", "A") == [], "whoever asks for an address only goes to port 5060"


def test_who_is_busy_weighs_less(lab, folder):
    """The directory hears of a node's time by a sealed call; its own it knows. Here it has to do with a flood of OPTIONS."""
    second, flooder = lab.host("second", CONTROL), lab.host("flooder", CLIENTS)
    edges = [EDGES[0], EDGES[1] | {"weight": 1000, "control": f"{CONTROL}:8080"}]
    edge = lab.host("edge", "198.18.9.1")
    with edge.daemon(make_config(folder, edges=edges)) as daemon, second.daemon(second_edge(folder, control={"listen": f"{CONTROL}:8080"})):
        dns = name_server(lab, folder)
        rig.wait_for("the second edge to have told of itself", lambda: edge_row(daemon, "edge-2.example.com")["busy_ratio"] is not None, 20)
        link, over = flooder.udp(CLIENTS, 5060), threading.Event()

        def flood():
            question = bytes(sip.options(f"sip:{SECOND}"))
            while not over.is_set():
                for _ in range(200):
                    link.sendto(question, (SECOND, 5060))

        flooding = threading.Thread(target=flood)
        flooding.start()
        try:
            row = rig.wait_for("the second edge to be busy", lambda: (row := edge_row(daemon, "edge-2.example.com"))["busy_ratio"] > 0.08 and row, 60)
            assert row["weight"] <= 950 and row["weight"] % 50 == 0, row
            rig.wait_for("DNS to say so", lambda: any(int(record.split()[1]) <= 950 for record in dns.ask(SRV, "SRV") if "edge-2" in record))
        finally:
            over.set()
            flooding.join()
        rig.wait_for("the second edge to have time again", lambda: edge_row(daemon, "edge-2.example.com")["weight"] > row["weight"], 60)
        assert edge_row(daemon, "edge-1.example.com")["weight"] >= 90


def test_who_sleeps_between_two_messages_is_not_busy(lab, folder):
    client = lab.host("clients", CLIENTS)
    with lab.host("edge").daemon(make_config(folder)) as daemon:
        link, before = client.udp(CLIENTS, 5060), daemon.counters()["total"]["busy_ms"]
        for _ in range(300):
            link.sendto(bytes(sip.options(f"sip:{rig.EDGE}")), rig.SERVICE)
            time.sleep(0.003)
        assert daemon.settled(300)["total"]["busy_ms"] - before < 150, "a tenth of a millisecond each, and whatever else runs here"


def get(host, target):
    """A GET at the directory from inside a host."""
    link = host.tcp()
    link.connect(("198.18.9.1", 8053))
    connection = http.client.HTTPConnection("198.18.9.1", 8053)
    connection.sock = link
    connection.request("GET", target)
    answer = connection.getresponse()
    octets = answer.read()
    return answer.status, json.loads(octets) if octets else None, answer.headers


def test_http_tells_edges_and_homes(lab, folder):
    edge, clients = lab.host("edge", "198.18.9.1"), lab.host("clients", CLIENTS)
    with edge.daemon(make_config(folder, directory={"listen": "198.18.9.1:8053"}, assignments=[(sip.aor("alice"), "north")])) as daemon:
        rig.wait_for("the second edge to be left out", lambda: edge_row(daemon, "edge-2.example.com")["state"] == "down")
        status, answer, headers = get(clients, "/v1/edges?domain=Example.COM")
        assert (status, headers["Cache-Control"]) == (200, "max-age=30")
        assert answer["edges"] == [{"name": "edge-1.example.com", "addresses": ["198.18.0.2", "2001:db8::2"], "port": 5060, "transport": "udp", "priority": 10, "weight": 100}]
        assert [get(clients, target)[0] for target in ("/v1/edges?domain=example.net", "/v1/edges", "/v1/home", "/v1/home?aor=alice@example.net", "/")] == [404] * 5

        def home_of(aor):
            status, answer, _ = get(clients, "/v1/home?aor=" + urllib.parse.quote(aor))
            assert status == 200, answer
            return answer["home"], answer["uris"]

        assert home_of("sip:alice@example.com") == ("north", [f"sip:{rig.HOMES['north']}:5060"])
        assert daemon.ask("client.assign", aor=sip.aor("alice"), home="south")["ok"]
        assert home_of("sip:alice@EXAMPLE.com;transport=udp") == ("south", [f"sip:{rig.HOMES['south']}:5060"])
        assert daemon.ask("homes.down", name="south")["ok"]
        assert home_of("alice@example.com")[0] == "north", "who is up in the place of a home that is down"
        assert daemon.ask("homes.down", name="north")["ok"]
        assert get(clients, "/v1/home?aor=alice@example.com")[0] == 503
        counted = daemon.counters()["directory"]
        assert (counted["http_edges"], counted["http_homes"]) == (3, 6)


def test_a_telephone_that_knows_nothing_but_its_domain_registers(lab, folder):
    """Baresip asks for NAPTR, SRV and A; the one edge it finds is the one that answers."""
    homes = [{"name": "here", "address": f"{rig.EDGE}:5060", "local": True}]
    with lab.host("edge").daemon(make_config(folder, home=homes)) as daemon:
        dns = name_server(lab, folder)
        rig.wait_for("one edge to be left", lambda: len(dns.ask(SRV, "SRV")) == 1)
        alice = Baresip(lab.host("alice", "198.18.0.11"), "alice", "198.18.0.11", None, folder / "alice", name_server=DNS)
        alice.says("200 OK", 30)
        assert len(daemon.ask("client.show", aor=sip.aor("alice"))["bindings"]) == 1


def test_the_name_server_and_the_node_start_again_in_any_order(lab, folder):
    config = make_config(folder)
    edge = lab.host("edge")
    with edge.daemon(config):
        dns = name_server(lab, folder)
        dns.stop()
        dns.start()
        assert dns.ask("edge-1.example.com", "A") == ["198.18.0.2"]
    assert dns.status("edge-1.example.com", "A") == "SERVFAIL"
    with edge.daemon(config):
        rig.wait_for("PowerDNS to find the node again", lambda: dns.status("edge-1.example.com", "A") == "NOERROR", 20)


def test_a_group_may_ask(lab, folder):
    config = make_config(folder, directory={"group": "nogroup"})
    with lab.host("edge").daemon(config):
        found = (folder / SOCKET).stat()
        assert (found.st_gid, found.st_mode & 0o777) == (65534, 0o660)


def test_edges_and_zones_are_reloaded_and_sockets_are_not(lab, folder):
    with lab.host("edge").daemon(make_config(folder)) as daemon:
        rewrite(daemon, ('nameservers = "ns.example.net"', 'nameservers = "ns.example.net"\nzones = "sip.example.com"'), ("edge-2.example.com", "edge-3.example.com"))
        answer = daemon.ask("directory")
        assert answer["zones"] == ["sip.example.com"] and [edge["name"] for edge in answer["edges"]] == ["edge-1.example.com", "edge-3.example.com"]
        daemon.config.write_text(daemon.config.read_text().replace(SOCKET, "other.sock"))
        assert daemon.ask("reload")["needs_restart"] == ["directory.socket, group, listen"]
        daemon.config.write_text("\n".join(line for line in daemon.config.read_text().split("[directory]")[0].splitlines()) + "\n")
        assert daemon.ask("reload")["needs_restart"] == ["directory.socket, group, listen"]
        assert len(daemon.ask("directory")["edges"]) == 2, "it stays a directory until it is started again"
