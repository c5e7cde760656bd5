# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked on the control socket: one request a line has one answer, a wrong one a refusal, and the node lives."""
import json
import pathlib
import re
import socket
import subprocess

import daemon as daemons
import sip
from daemon import Daemon
from test_store import quiet, viaduct

ROOT = pathlib.Path(__file__).resolve().parents[2]

AOR = ("aor",)
PLAN = ("without", "with_weight", "loads", "target", "moves_max", "force", "mode")
# What each verb heeds.
ARGUMENTS = {
    "status": (), "homes": (), "directory": (), "fleet": (), "counters": ("what",),
    "reload": (), "rules": (), "rules.reload": (), "plan.history": (), "clients.stats": (), "clients.verify": (),
    "homes.add": ("name", "address", "public", "weight", "local", "zone", "why"), "homes.set": ("name", "weight", "control", "why"),
    "homes.remove": ("name", "why"), "homes.drain": ("name", "why"), "homes.leaving": ("name",), "homes.down": ("name", "why"),
    "homes.ready": ("name", "why"), "homes.up": ("name", "why"),
    "load": ("measure_ms",), "load.clients": ("most",), "trace": ("what", "for_s"),
    "subs.list": ("aor", "most"), "subs.show": ("id",), "subs.terminate": ("aor", "id", "reason", "retry_after_s"),
    "plan.create": PLAN, "plan.simulate": PLAN, "plan.show": ("id",), "plan.diff": ("id", "most"), "plan.apply": ("id", "rate", "mode"),
    "plan.pause": ("id",), "plan.resume": ("id",), "plan.abort": ("id",),
    "client.show": AOR, "client.explain": AOR + ("vias",), "client.bind": AOR + ("uri", "expires_s"), "client.deregister": AOR + ("rejected",),
    "client.history": AOR, "client.assign": AOR + ("home", "pin", "why"), "client.unassign": AOR + ("why",),
    "clients.import": ("kind", "home", "dry_run", "skip_rejected", "why"), "clients.export": ("home", "prefix", "pin"),
}
WRONG = (None, -1, 1.5, 2**64, "x", [], {}, [1])


def first_line(node, request):
    """What a request is answered first; for a verb that takes a file it is an empty one."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(30)
        link.connect(str(node.socket))
        link.sendall(json.dumps(request).encode() + b"\n")
        link.shutdown(socket.SHUT_WR)
        with link.makefile("rb") as answers:
            return json.loads(answers.readline())


def test_each_verb_answers_without_arguments_and_with_wrong_ones(folder):
    verbs = re.findall(r'Verb\{"([^"]+)"', (ROOT / "src/api/verbs.cpp").read_text())
    assert sorted(verbs) == sorted(ARGUMENTS), "a verb without its arguments here"
    with Daemon(quiet(folder)) as node:
        for verb, names in ARGUMENTS.items():
            rest = {"aor": "alice@example.com"} if "aor" in names else {}
            for request in [{}] + [rest | {name: value} for name in names for value in WRONG]:
                answer = first_line(node, {"verb": verb} | request)
                assert isinstance(answer, dict) and ("ok" in answer or "phase" in answer), (verb, request, answer)
        assert node.ask("status")["ok"]


def names_in(counters):
    """The names of counters, deep; of a list those of its rows."""
    if isinstance(counters, list):
        return set().union(*map(names_in, counters))
    return set().union(*({f"{name}/{below}" for below in names_in(one)} if isinstance(one, dict) else {name} for name, one in counters.items()))


def test_each_counter_says_what_it_counts(folder):
    with Daemon(quiet(folder)) as node:
        answer = node.ask("counters", what=True)
        assert "what" not in node.ask("counters")
    assert answer["directory"] is None, "it is none"
    for part, what in answer["what"].items():
        assert part == "directory" or names_in(what) == names_in(answer[part]) - ({"name"} if part == "ports" else set()), part
    assert answer["what"].keys() == {"total", "control", "registrar", "watchers", "directory", "ports"}
    sentences = json.dumps(answer["what"])
    assert '""' not in sentences and "frame shorter than its headers" in sentences


def test_what_is_missing_or_of_another_type_is_refused(folder):
    with Daemon(quiet(folder)) as node:
        for verb in ("show", "explain", "bind", "history", "assign", "unassign", "deregister"):
            for request in ({}, {"aor": None}, {"aor": 1}):
                assert node.ask(f"client.{verb}", **request)["ok"] is False, (verb, request)
        for request in ({}, {"home": 3}):
            assert node.ask("client.assign", aor="alice@example.com", **request)["ok"] is False, request
        for request in ({"prefix": 1}, {"home": 1}, {"pin": "x"}):
            assert node.ask("clients.export", **request)["ok"] is False, request
        for verb in ("subs.list", "subs.terminate"):
            assert node.ask(verb, aor=1)["ok"] is False


# What is beyond the bounds, whatever its lowest 32 bits would be.
BEYOND = [
    ("client.bind", {"uri": "sip:a@198.18.0.9", "expires_s": value}, "1 to 4294967295") for value in (2**32 + 61, 0, -1, 100.9, "60")] + [
    ("client.explain", {"vias": value}, "1 to 64") for value in (2**32 + 1, 0, 65, 1.5)] + [
    ("plan.create", {"mode": "x"}, "lazy, paced or evacuate"), ("plan.create", {"target": -1}, "0.001 to 1"), ("plan.create", {"moves_max": 1.1}, "0 to 1"),
    ("plan.simulate", {"with_weight": -1}, "1 to 65535"), ("plan.show", {"id": 2**32 + 1}, "0 to 4294967295"), ("plan.show", {"id": -1}, "0 to 4294967295"),
    ("subs.list", {"most": -1}, "1 to 100000"), ("subs.terminate", {"retry_after_s": -1}, "0 to 86400"),
    ("trace", {"what": "x", "for_s": 2**32 + 1}, "1 to 3600"), ("load", {"measure_ms": -1}, "0 to 60000"), ("load.clients", {"most": 2**64}, "1 to 10000")]


def test_a_number_beyond_its_bounds_is_refused_with_them(folder):
    home = [{"name": "here", "address": "198.18.0.2:5060", "local": True}]
    with Daemon(quiet(folder, home=home)) as node:
        for verb, arguments, bounds in BEYOND:
            of_one = {} if verb == "subs.list" else {"aor": "alice@example.com"}
            answer = node.ask(verb, **of_one, **arguments)
            assert answer["ok"] is False and answer["error"].endswith(bounds), (verb, arguments, answer)
        assert node.ask("client.show", aor="alice@example.com")["bindings"] == []
        made = node.ask("client.bind", aor="alice@example.com", uri="sip:a@198.18.0.9", expires_s=600)
        assert 0 < made["bindings"][0]["expires_in_s"] <= 600


def test_a_rate_that_no_plan_can_have_is_refused(folder):
    with Daemon(quiet(folder, assignments=[("alice@example.com", "north")])) as node:
        made = node.ask("plan.create", without="north", force=True)["plan"]
        for rate in (-1, 0, 10**7, "2"):
            answer = node.ask("plan.apply", id=made["id"], rate=rate)
            assert answer["ok"] is False and answer["error"] == "rate: a number, 0.001 to 1000000", answer
        assert node.ask("plan.apply", id=made["id"], mode="x")["error"] == "mode: lazy, paced or evacuate"
        assert node.ask("plan.show")["plan"]["state"] == "proposed"


def test_an_explanation_names_its_source_which_is_one_that_is_heeded(folder):
    trusting = {"from": ["198.18.0.0/24"], "trusted_proxies": ["198.18.7.0/24"]}
    with Daemon(quiet(folder, redirect=trusting)) as node:
        direct, proxied = (node.ask("client.explain", aor="alice@example.com", vias=vias) for vias in (1, 2))
        assert (direct["verdict"], direct["source"]) == ("redirected", "198.18.0.0")
        assert (proxied["verdict"], proxied["source"]) == ("proxied", "198.18.7.0") and "several" in proxied["why"][1].lower()
    with Daemon(quiet(folder)) as node:
        assert node.ask("client.explain", aor="alice@example.com")["source"] == "192.0.2.1"


def test_an_explanation_comes_from_a_source_that_can_be_one(folder):
    with Daemon(quiet(folder, redirect={"from": ["0.0.0.0/0"], "trusted_proxies": ["0.0.0.0/1"]})) as node:
        direct, proxied = (node.ask("client.explain", aor="alice@example.com", vias=vias) for vias in (1, 2))
        assert (direct["verdict"], direct["source"]) == ("redirected", "192.0.2.1")
        assert (proxied["verdict"], proxied["source"]) == ("proxied", "0.0.0.1")


def test_a_node_of_ipv6_alone_explains_what_its_clients_meet(folder):
    homes = [{"name": "north", "address": "[2001:db8:1::1]:5060"}, {"name": "south", "address": "[2001:db8:1::2]:5060"}]
    config = quiet(folder, node={"listen": ["[2001:db8::2]:5060"]}, network={"prefix": ["2001:db8::/32"]}, home=homes, neighbour=[],
                   redirect={"from": ["198.18.0.0/24", "2001:db8:7::/48"]})
    with Daemon(config) as node:
        told = node.ask("client.explain", aor="alice@example.com")
        assert (told["verdict"], told["source"]) == ("redirected", "2001:db8:7::"), told
    (folder / "register.sip").write_bytes(bytes(sip.register("alice")))
    config = quiet(folder, node={"listen": ["[2001:db8::2]:5060"]}, network={"prefix": ["2001:db8::/32"]}, home=homes, neighbour=[])
    done = subprocess.run([daemons.VIADUCT, "--json", "explain", folder / "register.sip", "--config", config], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["verdict"] == "redirected", done.stdout


def test_there_is_no_plan_zero(folder):
    with Daemon(quiet(folder, assignments=[("alice@example.com", "north")])) as node:
        assert node.ask("plan.create", without="north", force=True)["ok"]
        done = subprocess.run([daemons.VIADUCT, "--socket", node.socket, "plan", "abort", "0"], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0 and node.ask("plan.show")["plan"]["state"] == "proposed", done


def test_a_home_goes_back_to_no_zone_and_no_control_address(folder):
    def north(node):
        return next(home for home in node.ask("homes")["homes"] if home["name"] == "north")

    with Daemon(quiet(folder)) as node:
        viaduct(node, "homes", "set", "north", "--zone", "hall-1", "--viaduct", "--control", "198.18.1.1:8060")
        assert (north(node)["zone"], north(node)["control"]) == ("hall-1", "198.18.1.1:8060")
        viaduct(node, "homes", "set", "north", "--zone", "", "--control", "")
        assert (north(node)["zone"], north(node)["control"]) == ("", None)
        viaduct(node, "homes", "set", "north", "--public", "[2001:db8::9]")
        assert north(node)["public"] == ["[2001:db8::9]:5060"]
