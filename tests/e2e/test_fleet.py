# SPDX-License-Identifier: Apache-2.0
"""Several edges with one assignment, shared through a real etcd: what one changes all do, whoever is killed meanwhile."""
import concurrent.futures
import contextlib
import json
import shutil
import time

import daemon as daemons
import netns
import pytest
import rig
from etcd import EtcdCluster
from handset import Phone
from rig import sip

NORTH, SOUTH = rig.HOMES["north"], rig.HOMES["south"]
AWAY_S = 10   # docs/operations.md: after so long without the log a node is stale
CLIENT = ("198.18.0.10", 5060)


class Fleet:
    """Edges a, b, ... at 198.18.0.2, .3, ...; each with a cable to a switch of the fleet's own, where etcd is too."""

    def __init__(self, lab, folder, servers=1):
        self.lab, self.folder = lab, folder
        netns_switch(lab)
        self.etcd = EtcdCluster(folder / "etcd", [self.host(f"etcd-{i}", f"10.9.0.{100 + i}") for i in range(servers)])
        self.edges = {}

    def host(self, name, control):
        host = self.lab.host(name)
        plug_in(host, control)
        return host

    def config(self, name, number, **more):
        if name not in self.edges:
            self.edges[name] = self.host(name, f"10.9.0.{number}")
            (self.folder / name).mkdir()
        tables = {"node": {"name": name, "listen": [f"198.18.0.{number}:5060"]}, "dpdk": rig.af_packet(), "neighbour": [],
                  "control": {"listen": f"10.9.0.{number}:7060"}, "etcd": {"endpoints": self.etcd.endpoints}}
        for key, value in more.items():
            tables[key] = value if isinstance(value, list) else tables.get(key, {}) | value if isinstance(value, dict) else value
        return rig.make_config(self.folder / name, **tables)

    def node(self, name, number, **more):
        return self.edges_daemon(name, self.config(name, number, **more))

    def edges_daemon(self, name, config):
        return self.edges[name].daemon(config)


def netns_switch(lab):
    """A second switch beside the lab's, for kernels alone."""
    run_inside(lab.switch, "ip", "link", "add", "br1", "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0")
    run_inside(lab.switch, "ip", "link", "set", "br1", "up")


def run_inside(namespace, *words):
    netns.run(*netns.inside(namespace), *words)


def plug_in(host, address):
    port = f"c{address.rpartition('.')[2]}"
    host.run("ip", "link", "add", "ctl", "type", "veth", "peer", "name", port, "netns", host.lab.switch)
    host.run("ip", "address", "add", f"{address}/24", "dev", "ctl")
    host.run("ip", "link", "set", "ctl", "up")
    run_inside(host.lab.switch, "ip", "link", "set", port, "up", "master", "br1")
    host.addresses = (*host.addresses, address)


def cut(host, is_cut):
    host.run("ip", "link", "set", "ctl", "down" if is_cut else "up")


@pytest.fixture
def fleet(lab, folder):
    one = Fleet(lab, folder)
    yield one
    one.etcd.stop()


def standing(node):
    answer = node.ask("fleet")
    assert answer["ok"], answer
    return answer


def agree(*nodes, at_least=1):
    """Wait until all have the whole log, this change too; returns its last one."""
    def is_so():
        all_ = [standing(n) for n in nodes]
        lasts = {s["last"] for s in all_} | {s["epoch"] for s in all_}
        return len(lasts) == 1 and max(lasts) >= at_least and max(lasts)
    return rig.wait_for("the nodes to have the same", is_so)


def home_of(node, user):
    return node.ask("client.show", aor=f"sip:{user}@example.com")["home"]


def changed_at(node, **change):
    answer = node.ask("client.assign", **change)
    assert answer["ok"], answer
    return answer


def register(client, number, user, cseq):
    client.sendto(bytes(sip.register(user).cseq(cseq)), (f"198.18.0.{number}", 5060))


def test_what_one_edge_is_told_all_do(fleet):
    rows = [(sip.aor(f"user{i}"), ("north", "south")[i % 2]) for i in range(50)]
    with fleet.node("a", 2, assignments=rows) as a, fleet.node("b", 3) as b:
        agree(a, b)
        assert [home_of(b, f"user{i}") for i in range(50)] == [("north", "south")[i % 2] for i in range(50)], "b began empty"
        done = changed_at(b, aor="sip:user0@example.com", home="south")
        rig.wait_for("a to know it", lambda: home_of(a, "user0") == "south")
        assert agree(a, b, at_least=done["epoch"]) == done["epoch"]
        assert a.ask("client.show", aor="sip:user0@example.com")["epoch"] == b.ask("client.show", aor="sip:user0@example.com")["epoch"]
        history = a.ask("client.history", aor="sip:user0@example.com")
        assert history["ok"] and len(history["history"]) >= 2, history
        rig.wait_for("two to be there, and one to lead", lambda: sorted(n["leads"] for n in standing(a)["nodes"]) == [False, True])
        client = fleet.lab.host("client", CLIENT[0]).udp(*CLIENT)
        for number in (2, 3):
            register(client, number, "user1", number)
            answer = sip.Message(client.recv(65535))
            assert answer.status == 302 and SOUTH in "".join(answer.all("contact"))


def test_changes_at_two_edges_at_once_all_happen(fleet):
    with fleet.node("a", 2) as a, fleet.node("b", 3) as b:
        def change(i):
            node = (a, b)[i % 2]
            return changed_at(node, aor=f"sip:user{i // 2}@example.com", home=("north", "south")[i % 2])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(change, range(80)))
        agree(a, b, at_least=max(d["epoch"] for d in done))
        epochs = [d["epoch"] for d in done]
        assert len(epochs) == 80
        for i in range(40):
            shown = [n.ask("client.show", aor=f"sip:user{i}@example.com") for n in (a, b)]
            assert (shown[0]["home"], shown[0]["epoch"]) == (shown[1]["home"], shown[1]["epoch"])
            latest = max(done[2 * i]["epoch"], done[2 * i + 1]["epoch"])
            assert shown[0]["home"] == ("north" if done[2 * i]["epoch"] == latest else "south"), "the one that came last"


def test_without_the_log_nobody_is_redirected_and_nothing_changed(fleet):
    """A redirect by an assignment that is out of date would send a client away for good; a proxied request is looked at where it comes."""
    home = rig.Kamailio(fleet.lab.host("north", NORTH), NORTH, fleet.folder / "north")
    with fleet.node("a", 2, assignments=[(sip.aor("alice"), "north")]) as a:
        client = fleet.lab.host("client", CLIENT[0]).udp(*CLIENT)
        register(client, 2, "alice", 1)
        assert sip.Message(client.recv(65535)).status == 302
        fleet.etcd.kill(0)
        rig.wait_for("it to be stale", lambda: standing(a)["stale"], AWAY_S + 20)
        register(client, 2, "alice", 2)
        assert sip.Message(client.recv(65535)).status == 200 and home.contacts("alice"), "proxied"
        refused = a.ask("client.assign", aor="sip:alice@example.com", home="south")
        assert not refused["ok"] and home_of(a, "alice") == "north"
        why = a.ask("client.explain", aor="sip:alice@example.com")
        assert "log" in json.dumps(why), why
        fleet.etcd.restart(0)
        rig.wait_for("it to be fresh", lambda: not standing(a)["stale"], 30)
        register(client, 2, "bob", 3)
        assert sip.Message(client.recv(65535)).status == 302
        rig.wait_for("a change", lambda: a.ask("client.assign", aor="sip:alice@example.com", home="south")["ok"], 20)


def test_who_was_away_catches_up(fleet):
    with fleet.node("a", 2, assignments=[(sip.aor("alice"), "north")]) as a:
        config = fleet.config("b", 3)
        with fleet.edges_daemon("b", config) as b:
            agree(a, b)
            b.die()
        for i in range(40):
            changed_at(a, aor=f"sip:user{i}@example.com", home="south")
        changed_at(a, aor="sip:alice@example.com", home="south")
        with fleet.edges_daemon("b", config) as b:
            assert home_of(b, "alice") == "south", "as soon as it is ready"
            agree(a, b)
            fleet_b = fleet.edges["b"]
            cut(fleet_b, True)
            changed_at(a, aor="sip:alice@example.com", home="north")
            time.sleep(1)
            assert home_of(b, "alice") == "south"
            cut(fleet_b, False)
            rig.wait_for("it to have what it missed", lambda: home_of(b, "alice") == "north", 30)


def test_one_that_is_new_gets_from_another_what_the_log_does_not_have(fleet):
    """The first node had its assignment for itself before: the fleet's log begins behind that."""
    rows = [(sip.aor(f"user{i}"), ("north", "south")[i % 2]) for i in range(500)]
    alone = fleet.config("a", 2, assignments=rows, etcd={"endpoints": None})
    with fleet.edges_daemon("a", alone) as a:
        changed_at(a, aor="sip:user0@example.com", home="south", pin=True)
        assert not a.ask("fleet")["ok"]
    text = alone.read_text().replace("[etcd]", f"[etcd]\nendpoints = {json.dumps(fleet.etcd.endpoints)}")
    alone.write_text(text)
    with fleet.edges_daemon("a", alone) as a, fleet.node("b", 3, home=[]) as b:
        agree(a, b)
        assert standing(a)["first"] > 1
        for i in range(500):
            shown = [n.ask("client.show", aor=f"sip:user{i}@example.com") for n in (a, b)]
            assert (shown[0]["home"], shown[0]["layer"], shown[0]["epoch"]) == (shown[1]["home"], shown[1]["layer"], shown[1]["epoch"])
        assert {h["name"] for h in b.ask("homes")["homes"]} == {"north", "south"}


def test_a_store_of_another_fleet_is_refused(fleet):
    config = fleet.config("a", 2, etcd={"endpoints": None})
    with fleet.edges_daemon("a", config) as a:
        changed_at(a, aor="sip:alice@example.com", home="south")
    with fleet.node("b", 3):
        config.write_text(config.read_text().replace("[etcd]", f"[etcd]\nendpoints = {json.dumps(fleet.etcd.endpoints)}"))
        with pytest.raises(AssertionError, match="not of the fleet"), fleet.edges_daemon("a", config):
            pass


def states(node):
    return {h["name"]: h["state"] for h in node.ask("homes")["homes"]}


def test_homes_are_the_fleets_and_what_health_sees_each_nodes_own(fleet):
    with fleet.node("a", 2) as a, fleet.node("b", 3) as b:
        agree(a, b)
        assert a.ask("homes.drain", name="north")["ok"]
        rig.wait_for("b to drain it", lambda: states(b) == {"north": "draining", "south": "up"})
        assert b.ask("homes.add", name="east", address="198.18.1.3:5060")["ok"]
        rig.wait_for("a to have it", lambda: states(a).get("east") == "up")
        assert b.ask("homes.ready", name="north")["ok"]
        rig.wait_for("a to have it up", lambda: states(a)["north"] == "up")
        changed_at(a, aor="sip:alice@example.com", home="east")
        rig.wait_for("b to know it", lambda: home_of(b, "alice") == "east")
        refused = b.ask("homes.add", name="west", address="198.18.0.3:5060", local=True)
        assert not refused["ok"] and "local" in refused["error"]


# --- plans and moves

PHONE, CALLER = ("198.18.0.11", 5064), ("198.18.0.12", 5062)
QUICK = {"auto": "off", "clients_per_s": 1000, "receiver_clients_per_s": 1000, "settled_s": 2}
PROXIES = {"redirect": {"policy": "never"}, "balance": QUICK}


def leader_of(*nodes):
    """The one that leads, as it knows itself, and the others."""
    rig.wait_for("one to lead", lambda: sum(standing(n)["leads"] for n in nodes) == 1)
    leader = next(n for n in nodes if standing(n)["leads"])
    return leader, [n for n in nodes if n is not leader]


def test_who_moves_is_at_both_homes_for_every_edge_and_arrives_through_any(fleet):
    """The plan is made at one edge, the telephone's calls and its next REGISTER come through the other."""
    north, south = [rig.Kamailio(fleet.lab.host(name, address), address, fleet.folder / name, proxy=True) for name, address in rig.HOMES.items()]
    rows = [(sip.aor("callee"), "north"), (sip.aor("caller"), "north")]
    with fleet.node("a", 2, assignments=rows, **PROXIES) as a, fleet.node("b", 3, **PROXIES) as b:
        agree(a, b)
        leader, (other,) = leader_of(a, b)
        service = ("198.18.0.3" if other is b else "198.18.0.2", 5060)
        callee = Phone(fleet.lab.host("phone", PHONE[0]), "callee", PHONE, service=service)
        caller = Phone(fleet.lab.host("caller", CALLER[0]), "caller", CALLER, service=service)
        callee.register()
        refused = other.ask("plan.create", without="north")
        assert not refused["ok"] and "plans" in refused["error"], refused
        made = leader.ask("plan.create", without="north")
        assert made["ok"], made
        number = made["plan"]["id"]
        assert leader.ask("plan.apply", id=number)["ok"]
        rig.wait_for("both to be on their way", lambda: leader.ask("plan.show", id=number)["plan"]["moved"] >= 2, 20)
        rig.wait_for("the other edge to know", lambda: home_of(other, "callee") == "south" and standing(other)["moving_for_others"] >= 2)
        assert north.contacts("callee") and not south.contacts("callee")
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert NORTH in offered.octets.decode(), "the call came through the old home"
        callee.answer(offered, 486)
        caller.hear(486)
        callee.hear("ACK")
        callee.register()
        rig.wait_for("the edge with the plan to hear of it", lambda: leader.ask("plan.show", id=number)["plan"]["confirmed"] >= 1)
        assert south.contacts("callee")
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert SOUTH in offered.octets.decode(), "the call came through the new home"


def test_who_moves_still_does_after_a_restart_of_another_edge(fleet):
    rows = [(sip.aor("alice"), "north")]
    config = fleet.config("b", 3, **PROXIES)
    with fleet.node("a", 2, assignments=rows, **PROXIES) as a:
        with fleet.edges_daemon("b", config) as b:
            agree(a, b)
            changed_at(a, aor="sip:alice@example.com", home="south")
            rig.wait_for("b to know", lambda: standing(b)["moving_for_others"] == 1)
            b.die()
        with fleet.edges_daemon("b", config) as b:
            rig.wait_for("b to know again", lambda: standing(b)["moving_for_others"] == 1)
            changed_at(a, aor="sip:alice@example.com", home="north")
            rig.wait_for("him to be where he was", lambda: home_of(b, "alice") == "north" and standing(b)["moving_for_others"] == 0)


def test_when_the_node_that_makes_plans_is_gone_another_does(fleet):
    with fleet.node("a", 2) as a, fleet.node("b", 3) as b:
        agree(a, b)
        leader, (other,) = leader_of(a, b)
        leader.die()
        rig.wait_for("the other to lead", lambda: standing(other)["leads"], AWAY_S + 20)
        rig.wait_for("it to be alone", lambda: len(standing(other)["nodes"]) == 1)


def test_one_of_three_servers_may_be_lost(lab, folder):
    fleet = Fleet(lab, folder, servers=3)
    with contextlib.ExitStack() as ending:
        ending.callback(fleet.etcd.stop)
        with fleet.node("a", 2) as a, fleet.node("b", 3) as b:
            agree(a, b)
            for index in range(3):
                fleet.etcd.kill(index)
                home = ("north", "south")[index % 2]
                rig.wait_for("a change", lambda: a.ask("client.assign", aor="sip:alice@example.com", home=home)["ok"], 20)
                agree(a, b, at_least=a.ask("client.show", aor="sip:alice@example.com")["epoch"])
                assert not standing(a)["stale"] and home_of(b, "alice") == home
                fleet.etcd.restart(index)
                fleet.etcd.wait()


def test_an_import_of_many_at_one_edge_is_there_at_the_other(fleet):
    """200,000 clients: an item of the log in many pieces. What else is changed meanwhile happens before or after it."""
    rows = fleet.folder / "rows.csv"
    rows.write_text("".join(f"sip:client{i}@example.com,{('north', 'south')[i % 2]}\n" for i in range(200_000)))
    with fleet.node("a", 2) as a, fleet.node("b", 3) as b:
        agree(a, b)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            imported = pool.submit(fleet.edges["a"].run, daemons.VIADUCT, "--socket", a.socket, "clients", "import", rows, timeout=120)
            changes = 0
            while not imported.done():
                changed_at(b, aor="sip:other@example.com", home=("north", "south")[changes % 2])
                changes += 1
            assert "200000 clients changed" in imported.result(), imported.result()
        agree(a, b, at_least=a.ask("client.show", aor="sip:client0@example.com")["epoch"])
        for node in (a, b):
            assert node.ask("clients.stats")["clients"] == 200_001
        for i in range(0, 200_000, 9973):
            shown = [n.ask("client.show", aor=f"sip:client{i}@example.com") for n in (a, b)]
            assert shown[0]["home"] == shown[1]["home"] == ("north", "south")[i % 2] and shown[0]["epoch"] == shown[1]["epoch"]


def test_a_plan_knows_what_every_edge_has_seen(fleet):
    """All requests come through one edge, the other makes the plans."""
    for name, address in rig.HOMES.items():
        rig.Kamailio(fleet.lab.host(name, address), address, fleet.folder / name, proxy=True)
    users = [f"user{i}" for i in range(20)]
    rows = [(sip.aor(user), "north") for user in users]
    with fleet.node("a", 2, assignments=rows, **PROXIES) as a, fleet.node("b", 3, **PROXIES) as b:
        agree(a, b)
        leader, (other,) = leader_of(a, b)
        client = fleet.lab.host("client", CLIENT[0]).udp(*CLIENT)
        for cseq in range(1, 31):
            for user in users:
                register(client, 3 if other is b else 2, user, cseq)
                assert sip.Message(client.recv(65535)).status in (200, 500)
        loads = {h["name"]: h["load_per_s"] for h in leader.ask("load")["homes"]}
        assert loads["north"] == 0, "it has seen nothing itself"
        made = leader.ask("plan.simulate", moves_max=1.0, force=True)
        assert made["ok"], made
        assert made["plan"]["clients"] >= 8 and made["plan"]["imbalance_before"] > 1.8 and made["plan"]["imbalance_after"] < 1.3, made["plan"]


# --- what goes wrong

def started(fleet, config, name):
    """Why a node does not start."""
    with pytest.raises(AssertionError) as ended, fleet.edges_daemon(name, config):
        pass
    return str(ended.value)


def test_the_founders_file_is_brought_in_though_it_was_wrong_at_first(fleet):
    config = fleet.config("a", 2, assignments=[(sip.aor("alice"), "north"), (sip.aor("bob"), "nowhere")])
    assert "nowhere: no such home" in started(fleet, config, "a")
    assert not fleet.etcd.keys("viaduct/"), "nothing is founded with it"
    (fleet.folder / "a" / "assignments.csv").write_text(f"{sip.aor('alice')},south\n")
    with fleet.edges_daemon("a", config) as a:
        assert home_of(a, "alice") == "south" and a.ask("client.show", aor="sip:alice@example.com")["layer"] == "override"


def test_a_founder_that_is_killed_before_its_file_is_in_brings_it_in_later(fleet):
    rows = [(sip.aor(f"user{i}"), "south") for i in range(300_000)]
    config = fleet.config("a", 2, assignments=rows)
    founder = fleet.edges["a"].daemon(config)
    for _ in range(5):   # on a busy machine it may be through before it is seen
        with open(founder.log, "wb") as log:
            process = daemons.start_process([*founder.prefix, daemons.VIADUCTD, "--config", config], stdout=log, stderr=log)
        rig.wait_for("the first change", lambda: int(fleet.etcd.get("viaduct/last") or 0) >= 1, 30)
        process.kill()
        process.wait()
        if fleet.etcd.get("viaduct/last") == "1":
            break
        fleet.etcd.erase("viaduct/")
        shutil.rmtree(fleet.folder / "a" / f"{founder.name}.store")
    assert fleet.etcd.get("viaduct/last") == "1", "killed in between"
    with fleet.edges_daemon("a", config) as a:
        assert a.ask("clients.stats")["clients"] == 300_000
        assert agree(a) == 2
    with fleet.edges_daemon("a", config) as a:
        assert agree(a) == 2, "once"


def test_two_founders_at_once(fleet):
    """Another node changes something before the first one's file is in."""
    rows = [(sip.aor(f"user{i}"), "south") for i in range(200_000)]
    config = fleet.config("a", 2, assignments=rows)
    with concurrent.futures.ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as ending:
        first = pool.submit(ending.enter_context, fleet.edges_daemon("a", config))
        rig.wait_for("the first change", lambda: int(fleet.etcd.get("viaduct/last") or 0) >= 1, 30)
        b = ending.enter_context(fleet.node("b", 3))
        for i in range(30):
            changed_at(b, aor="sip:eve@example.com", home=("north", "south")[i % 2])
        a = first.result()
        agree(a, b, at_least=31)
        assert [n.ask("clients.stats")["clients"] for n in (a, b)] == [200_001, 200_001]


@pytest.mark.parametrize(("table", "key", "value"), [("fleet", "seed", "ff" * 16), ("assign", "policy", "explicit")])
def test_who_would_place_clients_otherwise_is_refused(fleet, table, key, value):
    with fleet.node("a", 2):
        assert "is another than that of the fleet" in started(fleet, fleet.config("b", 3, **{table: {key: value}}), "b")


def test_a_log_that_was_lost_is_not_begun_again_by_who_is_behind(fleet):
    with fleet.node("a", 2) as a:
        config = fleet.config("b", 3)
        with fleet.edges_daemon("b", config) as b:
            agree(a, b)
        changed_at(a, aor="sip:alice@example.com", home="south")
        fleet.etcd.erase("viaduct/")
        rig.wait_for("a to see it", lambda: "gone" in str(standing(a)["trouble"]))
        assert "etcd has no log" in started(fleet, config, "b")
        rig.wait_for("a to be stale", lambda: standing(a)["stale"], AWAY_S + 10)


def test_a_node_that_starts_without_etcd_is_stale_from_its_first_packet_on(fleet):
    home = rig.Kamailio(fleet.lab.host("north", NORTH), NORTH, fleet.folder / "north")
    config = fleet.config("a", 2, assignments=[(sip.aor("alice"), "north")])
    with fleet.edges_daemon("a", config):
        pass
    fleet.etcd.kill(0)
    with fleet.edges_daemon("a", config) as a:
        client = fleet.lab.host("client", CLIENT[0]).udp(*CLIENT)
        register(client, 2, "alice", 1)
        assert sip.Message(client.recv(65535)).status == 200 and home.contacts("alice"), "proxied"
        drained = a.ask("homes.drain", name="south")
        assert drained["ok"] and "warning" in drained, drained
        assert states(a)["south"] == "draining"
        assert a.ask("homes.ready", name="south")["ok"] and states(a)["south"] == "up"
        fleet.etcd.restart(0)
        rig.wait_for("it to be fresh", lambda: not standing(a)["stale"], 30)
        time.sleep(3)
        assert states(a) == {"north": "up", "south": "up"} and standing(a)["last"] == 2, "the last word was up, as the fleet has it"
        assert all(h["kept"] for h in a.ask("homes")["homes"])


def test_a_second_up_brings_all_clients_back_at_once(fleet):
    with fleet.node("a", 2, health={"slow_start_s": 600}) as a:
        assert a.ask("homes.down", name="north")["ok"] and a.ask("homes.up", name="north")["ok"]
        assert states(a)["north"] == "returning"
        assert a.ask("homes.up", name="north")["ok"]
        assert states(a)["north"] == "up"


def test_of_two_processes_of_one_name_one_is_refused(fleet):
    config = fleet.config("a", 2)
    with fleet.edges_daemon("a", config) as a:
        other = fleet.config("b", 3, node={"name": a.name.rpartition("-")[0]})
        assert "another process" in started(fleet, other, "b")
        a.die()
    begun = time.monotonic()
    with fleet.edges_daemon("a", config):
        assert time.monotonic() - begun < 5, "its own earlier process is no other's"


def test_who_is_moved_again_by_another_edge_is_called_where_he_is(fleet):
    homes = [rig.Kamailio(fleet.lab.host(name, address), address, fleet.folder / name, proxy=True) for name, address in rig.HOMES.items()]
    rows = [(sip.aor("callee"), "north"), (sip.aor("caller"), "north")]
    with fleet.node("a", 2, assignments=rows, **PROXIES) as a, fleet.node("b", 3, **PROXIES) as b:
        agree(a, b)
        callee, caller = Phone(fleet.lab.host("phone", PHONE[0]), "callee", PHONE), Phone(fleet.lab.host("caller", CALLER[0]), "caller", CALLER)
        callee.register()
        done = changed_at(a, aor="sip:callee@example.com", home="south")
        agree(a, b, at_least=done["epoch"])
        assert standing(b)["moving_for_others"] == 1
        callee.register()
        rig.wait_for("south to have him", lambda: homes[1].contacts("callee"))
        rig.wait_for("b to hear of it", lambda: standing(b)["moving_for_others"] == 0)
        done = changed_at(b, aor="sip:callee@example.com", home="north")
        agree(a, b, at_least=done["epoch"])
        time.sleep(QUICK["settled_s"] + 1.5)   # what the first move meant is over
        assert standing(a)["moving_for_others"] == 1
        caller.invite("callee")
        offered = callee.hear("INVITE")
        assert SOUTH in offered.octets.decode(), "he has not come to the new one yet"
        callee.answer(offered, 486)
        caller.hear(486)
        callee.hear("ACK")
        callee.register()
        rig.wait_for("all to know that he has come", lambda: standing(a)["moving_for_others"] == 0)


def test_who_was_on_his_way_is_known_though_etcd_was_away_at_the_start(fleet):
    config = fleet.config("b", 3, **PROXIES)
    with fleet.node("a", 2, assignments=[(sip.aor("alice"), "north")], **PROXIES) as a:
        with fleet.edges_daemon("b", config) as b:
            agree(a, b)
            done = changed_at(a, aor="sip:alice@example.com", home="south")
            agree(a, b, at_least=done["epoch"])
        fleet.etcd.kill(0)
        with fleet.edges_daemon("b", config) as b:
            assert standing(b)["moving_for_others"] == 0
            fleet.etcd.restart(0)
            rig.wait_for("b to know", lambda: standing(b)["moving_for_others"] == 1, 20)
