# SPDX-License-Identifier: Apache-2.0
"""What each verb asks the daemon, and what it makes of the answer."""
import json

import pytest

STATUS = {
    "ok": True, "node": "edge", "version": "0.1.0", "uptime_s": 93784, "pid": 77, "profile": "af_packet",
    "ports": [{"name": "", "driver": "net_af_packet", "rx_queues": 2, "tx_queues": 2, "rx_checksums": "software", "tx_checksums": "software"},
              {"name": "lan", "driver": "net_vmxnet3", "rx_queues": 2, "tx_queues": 3, "rx_checksums": "device", "tx_checksums": "nobody"}],
    "listen": ["192.0.2.1:5060", "192.0.2.1:5070"],
    "workers": [{"index": 0, "cpu": 1, "rx": 1000, "tx": 990, "bursts": 500, "sleeps": 5},
                {"index": 1, "cpu": 2, "rx": 7, "tx": 7, "bursts": 6, "sleeps": 12345}],
    "epoch": 9, "homes": {"up": 2, "draining": 1, "down": 0},
    "assignment": {"pins": 3, "overrides": 4, "capacity": 1000000, "bytes": 16777216, "policy": "slots"},
    "registrar": {"clients": 5, "bindings": 6, "subscriptions": 7},
    "memory": {"allocated": 1048576, "active": 2097152, "resident": 3145728, "mapped": 4194304},
    "store": {"path": "/var/lib/viaduct/edge", "bytes": 3145728, "read_only": False, "loaded": False, "loaded_ratio": 0.25},
}
HOMES = {"ok": True, "homes": [
    {"name": "north", "address": "192.0.2.11:5060", "public": ["203.0.113.1:5060", "[2001:db8::1]:5060"], "weight": 2, "state": "returning",
     "returned_ratio": 0.37, "by_health": False, "health": {"seen": "up", "in_a_row": 9, "for_s": 3725, "round_trip_us": 1234}, "local": False,
     "viaduct": True, "slots": 87382, "clients": 12, "pins": 3, "unreachable": 7},
    {"name": "east", "address": "192.0.2.13:5060", "public": [], "weight": 1, "state": "down", "returned_ratio": None, "by_health": True,
     "health": {"seen": "down", "in_a_row": 3, "for_s": 5}, "local": False, "viaduct": False, "slots": 0, "clients": 0, "pins": 0, "unreachable": 0},
    {"name": "south-east", "address": "192.0.2.12:5060", "public": [], "weight": 1, "state": "draining", "returned_ratio": None, "by_health": False, "asks": {"algorithm": "rate", "value": 90, "for_ms": 400},
     "health": {"seen": "not asked"}, "local": False, "viaduct": False, "slots": 43690,
     "clients": 0, "pins": 0, "unreachable": 0}]}


def counters(rx=10, redirected=8):
    each = {"rx_pkts": rx, "handed_over": 0, "tx_pkts": redirected, "tx_full": 0, "bursts": 5, "sleeps": 1,
            "verdicts": {"redirected": redirected, "proxied": 0, "dropped": 2}, "drops": {"ip_checksum": 2, "frame_short": 0}}
    return {"ok": True, "workers": [{"index": 0, **each}], "total": each, "control": {"arp_answered": 4, "arp_asked": 0}, "registrar": {"expired": 0},
            "ports": [{"name": "", "rx_missed": 1}], "balanced": True}


def test_status_tells_of_the_node_its_workers_and_its_memory(daemon, viaduct):
    daemon.answers["status"] = STATUS
    done = viaduct("status")
    assert daemon.requests == [{"verb": "status"}]
    assert done.returncode == 0
    assert done.stdout == (
        "node        edge, version 0.1.0, pid 77, up 1d 02:03:04\n"
        "profile     af_packet\n"
        "port        net_af_packet, 2 rx and 2 tx queues, checksums: rx by software, tx by software\n"
        "port lan    net_vmxnet3, 2 rx and 3 tx queues, checksums: rx by device, tx by nobody\n"
        "listen      192.0.2.1:5060, 192.0.2.1:5070\n"
        "homes       2 up, 1 draining, 0 down\n"
        "assignment  policy slots, epoch 9, 3 pins, 4 overrides, room for 1000000 in 16.0 MiB\n"
        "registrar   5 clients, 6 bindings, 7 subscriptions\n"
        "memory      1.0 MiB allocated, 2.0 MiB active, 3.0 MiB resident, 4.0 MiB mapped\n"
        "store       /var/lib/viaduct/edge, 3.0 MiB, loading: 25 %\n"
        "\n"
        "worker  cpu    rx   tx  bursts  sleeps\n"
        "     0    1  1000  990     500       5\n"
        "     1    2     7    7       6   12345\n")


def test_homes_are_a_table(daemon, viaduct):
    daemon.answers["homes"] = HOMES
    done = viaduct("homes")
    assert daemon.requests == [{"verb": "homes"}]
    assert done.stdout == (
        "home        address          public                                weight  state                    health                      local  viaduct  slots  clients  pins  unreachable\n"
        "north       192.0.2.11:5060  203.0.113.1:5060, [2001:db8::1]:5060       2  returning 37 %           up for 0d 01:02:05, 1.2 ms  no     yes      87382       12     3            7\n"
        "east        192.0.2.13:5060  -                                          1  down by health           down for 0d 00:00:05        no     no           0        0     0            0\n"
        "south-east  192.0.2.12:5060  -                                          1  draining, asks for 90/s  not asked                   no     no       43690        0     0            0\n")


def test_counters_leave_out_what_is_zero(daemon, viaduct):
    daemon.answers["counters"] = counters()
    done = viaduct("counters")
    assert daemon.requests == [{"verb": "counters"}]
    assert done.stdout == (
        "counter               worker 0  total\n"
        "rx_pkts                     10     10\n"
        "tx_pkts                      8      8\n"
        "bursts                       5      5\n"
        "sleeps                       1      1\n"
        "verdict: dropped             2      2\n"
        "verdict: redirected          8      8\n"
        "dropped: ip_checksum         2      2\n"
        "\ncontrol       total\narp_answered      4\n"
        "\nport       total\nrx_missed      1\n"
        "\nevery packet has its verdict\n")


def test_counters_with_all_show_zeros_too(daemon, viaduct):
    daemon.answers["counters"] = counters()
    shown = viaduct("counters", "--all").stdout
    for name in ("handed_over", "verdict: proxied", "dropped: frame_short", "arp_asked", "expired"):
        assert name in shown


def test_counters_say_what_they_count_in_place_of_the_workers(daemon, viaduct):
    what = {"total": {"rx_pkts": "packets taken", "verdicts": {"dropped": "packets dropped"}, "drops": {"ip_checksum": "wrong checksum"}},
            "control": {"arp_answered": "ARP requests"}, "ports": {"rx_missed": "packets lost"}}
    daemon.answers["counters"] = counters() | {"what": what}
    done = viaduct("counters", "--what")
    assert daemon.requests == [{"verb": "counters", "what": True}]
    for line in ("counter               total  what\n", "rx_pkts                  10  packets taken\n", "verdict: dropped          2  packets dropped\n",
                 "dropped: ip_checksum      2  wrong checksum\n", "\ncontrol       total  what\narp_answered      4  ARP requests\n",
                 "\nport       total  what\nrx_missed      1  packets lost\n", "tx_pkts                   8  -\n"):
        assert line in done.stdout
    assert "worker" not in done.stdout


def test_counters_say_when_the_equation_does_not_hold(daemon, viaduct):
    daemon.answers["counters"] = {**counters(), "balanced": False}
    assert "not balanced" in viaduct("counters").stdout


def test_client_show_lists_bindings(daemon, viaduct):
    daemon.answers["client.show"] = {
        "ok": True, "aor": "alice@example.com", "key": "00ff", "home": "north", "layer": "pin", "epoch": 3, "slot_home": "south",
        "bindings": [{"contact": "<sip:alice@192.0.2.50>", "registered_ago_s": 3541, "expires_in_s": 59, "flow": "192.0.2.50:5060", "path": "<sip:e>", "cseq": 4}]}
    done = viaduct("client", "show", "sip:alice@example.com")
    assert daemon.requests == [{"verb": "client.show", "aor": "sip:alice@example.com"}]
    assert done.stdout == (
        "aor        alice@example.com\nkey        00ff\nhome       north\nlayer      pin\nepoch      3\nslot_home  south\n\n"
        "contact                 registered s ago  expires in s  flow             path     cseq\n"
        "<sip:alice@192.0.2.50>              3541            59  192.0.2.50:5060  <sip:e>     4\n")


def test_client_show_says_when_there_is_no_binding(daemon, viaduct):
    daemon.answers["client.show"] = {"ok": True, "aor": "a@b", "bindings": []}
    assert viaduct("client", "show", "a@b").stdout.endswith("no binding on this node\n")
    daemon.answers["client.show"]["seen"] = [{"contact": "<sip:a@192.0.2.7>", "registered_ago_s": 0, "expires_in_s": 7, "flow": "192.0.2.7:5060", "path": "", "cseq": 0}]
    assert "no binding on this node\n\nseen of his home" in viaduct("client", "show", "a@b").stdout


def test_client_explain_gives_its_reasons(daemon, viaduct):
    daemon.answers["client.explain"] = {"ok": True, "aor": "a@b", "layer": "slot", "home": "north", "vias": 2, "source": "192.0.2.2", "verdict": "proxied", "effective_home": "south",
                                        "why": ["its slot is north's", "two Vias"]}
    done = viaduct("client", "explain", "a@b", "--vias", "2")
    assert daemon.requests == [{"verb": "client.explain", "aor": "a@b", "vias": 2}]
    assert done.stdout == (
        "aor             a@b\nhome            north\nlayer           slot\nvias            2\nsource          192.0.2.2\nverdict         proxied\neffective_home  south\n"
        "because\n  - its slot is north's\n  - two Vias\n")


def test_client_explain_assumes_one_via(daemon, viaduct):
    daemon.answers["client.explain"] = {"ok": True}
    viaduct("client", "explain", "a@b")
    assert daemon.requests == [{"verb": "client.explain", "aor": "a@b", "vias": 1}]


@pytest.mark.parametrize("words, pin", [([], False), (["--pin"], True)])
def test_client_assign_names_home_and_pin(daemon, viaduct, words, pin):
    daemon.answers["client.assign"] = {"ok": True, "aor": "a@b", "home": "north", "layer": "pin", "epoch": 4, "changed": False}
    done = viaduct("client", "assign", "a@b", "north", *words, "--why", "a test")
    assert daemon.requests == [{"verb": "client.assign", "aor": "a@b", "home": "north", "pin": pin, "why": "a test"}]
    assert done.stdout == "aor    a@b\nhome   north\nlayer  pin\nepoch  4\nnothing to change\n"


def test_client_deregister_says_how_many_bindings_went(daemon, viaduct):
    daemon.answers["client.deregister"] = {"ok": True, "aor": "a@b", "removed": 2}
    assert viaduct("client", "deregister", "a@b").stdout == "a@b: 2 bindings removed\n"
    viaduct("client", "deregister", "a@b", "--rejected")
    assert daemon.requests == [{"verb": "client.deregister", "aor": "a@b"}, {"verb": "client.deregister", "aor": "a@b", "rejected": True}]


def test_client_bind_shows_what_is_bound_then(daemon, viaduct):
    row = {"contact": "sip:a@192.0.2.9", "registered_ago_s": None, "expires_in_s": 60, "flow": "192.0.2.9:5060", "path": "", "cseq": 0}
    daemon.answers["client.bind"] = {"ok": True, "aor": "a@b", "bindings": [row]}
    done = viaduct("client", "bind", "a@b", "sip:a@192.0.2.9", "--expires", "60")
    assert done.stdout == ("a@b\n"
                           "contact          registered s ago  expires in s  flow            path  cseq\n"
                           "sip:a@192.0.2.9                 -            60  192.0.2.9:5060     -     0\n")
    viaduct("client", "bind", "a@b", "sip:a@192.0.2.9")
    assert daemon.requests == [{"verb": "client.bind", "aor": "a@b", "uri": "sip:a@192.0.2.9", "expires_s": 60},
                               {"verb": "client.bind", "aor": "a@b", "uri": "sip:a@192.0.2.9"}]
    assert viaduct("client", "bind", "a@b").returncode != 0


SUBSCRIPTION = {"id": "abcdefghijklm", "event": "reg", "aor": "a@b", "subscriber": "sip:w@b", "target": "sip:w@h", "next": "198.18.0.9:5060", "expires_in_s": 60,
                "cseq": 3, "open": False, "owed": True, "ending": None}


def test_subs_list_asks_for_a_client_or_for_all(daemon, viaduct):
    daemon.answers["subs.list"] = {"ok": True, "subscriptions": [SUBSCRIPTION], "total": 7}
    done = viaduct("subs", "list")
    assert "abcdefghijklm  reg    a@b      sip:w@b" in done.stdout and done.stdout.endswith("7 subscriptions\n")
    viaduct("subs", "list", "a@b", "--most", "5")
    assert daemon.requests == [{"verb": "subs.list", "most": 100}, {"verb": "subs.list", "most": 5, "aor": "a@b"}]


def test_subs_list_says_when_there_are_none(daemon, viaduct):
    daemon.answers["subs.list"] = {"ok": True, "subscriptions": [], "total": 0}
    assert viaduct("subs", "list").stdout == "nobody watches\n"


def test_subs_show_asks_for_one(daemon, viaduct):
    daemon.answers["subs.show"] = {"ok": True} | SUBSCRIPTION
    assert "target        sip:w@h\n" in viaduct("subs", "show", "abcdefghijklm").stdout
    assert daemon.requests == [{"verb": "subs.show", "id": "abcdefghijklm"}]


def test_subs_terminate_names_one_or_a_client_and_why(daemon, viaduct):
    daemon.answers["subs.terminate"] = {"ok": True, "ended": 2}
    assert viaduct("subs", "terminate", "--client", "a@b", "--reason", "probation", "--retry-after", "9").stdout == "2 subscriptions end\n"
    viaduct("subs", "terminate", "abcdefghijklm")
    assert daemon.requests == [{"verb": "subs.terminate", "reason": "probation", "retry_after_s": 9, "aor": "a@b"},
                               {"verb": "subs.terminate", "reason": "deactivated", "retry_after_s": 0, "id": "abcdefghijklm"}]
    assert viaduct("subs", "terminate").returncode != 0


def test_client_unassign_asks_for_the_client_alone(daemon, viaduct):
    daemon.answers["client.unassign"] = {"ok": True, "aor": "a@b", "home": "south", "layer": "slot", "epoch": 5}
    done = viaduct("client", "unassign", "a@b")
    assert daemon.requests == [{"verb": "client.unassign", "aor": "a@b", "why": ""}]
    assert "layer  slot" in done.stdout


def test_reload_tells_what_was_applied_and_what_was_not(daemon, viaduct):
    daemon.answers["reload"] = {"ok": True, "applied": ["redirect.policy"], "needs_restart": ["node.workers"], "differs": ["home north"], "epoch": 6}
    done = viaduct("reload")
    assert daemon.requests == [{"verb": "reload"}]
    assert done.stdout == "in force\n  - redirect.policy\nneeds a restart\n  - node.workers\nnot applied: the store says otherwise\n  - home north\nepoch 6\n"


def test_json_prints_the_answer_as_it_came(daemon, viaduct):
    raw = b'{"ok": true,   "homes":[]}\n'
    daemon.answers["homes"] = raw
    for words in (["--json", "homes"], ["homes", "--json"]):
        assert viaduct(*words).stdout.encode() == raw


def test_a_refusal_ends_with_1_and_its_reason(daemon, viaduct):
    daemon.answers["client.assign"] = {"ok": False, "error": "no home nowhere"}
    done = viaduct("client", "assign", "a@b", "nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "viaduct: no home nowhere\n")
    done = viaduct("--json", "client", "assign", "a@b", "nowhere")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"] == "no home nowhere"


def test_control_characters_of_the_network_do_not_reach_the_terminal(daemon, viaduct):
    daemon.answers["client.show"] = {"ok": True, "aor": "a\x1b[2J@b", "bindings": [{"contact": "<sip:\x07x>", "call_id": "\x9b"}]}
    shown = viaduct("client", "show", "a@b").stdout
    assert "a?[2J@b" in shown and "<sip:?x>" in shown
    assert not any(ord(c) < 32 and c != "\n" or 0x7f <= ord(c) < 0xa0 for c in shown)


def test_an_aor_of_any_octets_becomes_a_request(daemon, viaduct):
    daemon.answers["client.show"] = {"ok": True}
    assert viaduct("client", "show", b"a\xff\"@b").returncode == 0
    assert daemon.requests[0]["aor"] == 'a�"@b'


def test_top_shows_rates_of_a_second_and_ends_after_its_count(daemon, viaduct):
    daemon.answers["status"] = STATUS
    seen = []

    def growing(_):
        seen.append(1)
        return counters(rx=1000 * len(seen), redirected=500 * len(seen))

    daemon.answers["counters"] = growing
    done = viaduct("top", "--count", "1")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.startswith("edge  up 1d 02:03:04  homes 2 up 1 draining 0 down  epoch 9  bindings 6\n")
    worker = lines[3]
    assert worker[:2] == ["0", "1"] and 850 <= int(worker[2]) <= 1001 and 400 <= int(worker[3]) <= 501
    redirected = next(line for line in lines if line[:1] == ["redirected"])
    assert 400 <= int(redirected[1]) <= 501 and redirected[2] == "1000"
    assert "\x1b" not in done.stdout, "no escape sequences but on a terminal"


def test_top_json_prints_the_daemons_counters_a_line_a_second(daemon, viaduct):
    daemon.answers.update(status=STATUS, counters=counters())
    done = viaduct("--json", "top", "--count", "2")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [counters(), counters()]


def test_top_tells_that_the_daemon_has_gone(daemon, viaduct):
    daemon.answers.update(status=STATUS, counters=lambda _: counters() if len(daemon.requests) < 3 else None)
    done = viaduct("top")
    assert done.returncode == 3 and "closed the connection" in done.stderr


def once(*answers):
    """One answer after the other, the last one for good."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_drain_is_watched_until_nothing_is_left(daemon, viaduct):
    daemon.answers["homes.drain"] = {"ok": True, "epoch": 7}
    standing = {"ok": True, "name": "north", "state": "draining", "bindings": 4}
    daemon.answers["homes.leaving"] = once(*({**standing, "clients": clients, "waiting": waiting, "subscriptions": subscriptions}
                                             for clients, waiting, subscriptions in ((10, 0, 2), (0, 4, 2), (0, 4, 2), (0, 0, 1), (0, 0, 0))))
    done = viaduct("homes", "drain", "north", "--watch")
    assert [request["verb"] for request in daemon.requests] == ["homes.drain"] + 5 * ["homes.leaving"]
    assert daemon.requests[1]["name"] == "north"
    lines = done.stdout.splitlines()[1:]
    assert [line.partition(";")[0] for line in lines] == [
        "[........................] 10 clients left, 0 on their way, 2 subscriptions left",
        "[##############..........] 0 clients left, 4 on their way, 2 subscriptions left",
        "[########################] 0 clients left, 0 on their way, 1 subscriptions left",
        "[########################] 0 clients left, 0 on their way, 0 subscriptions left"]
    assert "/s, 0d 00:00:00 to go" in lines[1] and ";" not in lines[0]


def test_a_home_that_says_nothing_of_its_subscriptions_is_empty_without_its_clients(daemon, viaduct):
    daemon.answers["homes.drain"] = {"ok": True, "epoch": 7}
    daemon.answers["homes.leaving"] = {"ok": True, "name": "north", "state": "draining", "clients": 0, "waiting": 0, "subscriptions": None, "bindings": None}
    done = viaduct("homes", "drain", "north", "--watch")
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["[########################] 0 clients left, 0 on their way"])


def test_a_drain_that_is_refused_is_not_watched(daemon, viaduct):
    daemon.answers["homes.drain"] = {"ok": False, "error": "north: no such home"}
    done = viaduct("homes", "drain", "north", "--watch")
    assert (done.returncode, len(daemon.requests)) == (1, 1)


def test_a_plan_is_watched_until_it_is_over(daemon, viaduct):
    counts = {"ok": True}
    daemon.answers["plan.show"] = once(*({**counts, "plan": {"id": 1, "state": state, "clients": 8, "moved": moved, "confirmed": confirmed, "unconfirmed": 0,
                                                             "sticky": 0, "overtaken": 0, "waiting": moved - confirmed, "told": confirmed}}
                                         for state, moved, confirmed in (("running", 4, 0), ("running", 8, 4), ("done", 8, 8))))
    done = viaduct("plan", "show", "--watch")
    lines = done.stdout.splitlines()
    assert [line.partition("]")[0] for line in lines] == ["[" + 24 * ".", "[" + 12 * "#" + 12 * ".", "[" + 24 * "#"]
    assert "to go" in lines[1] and done.returncode == 0


def test_supposed_loads_are_read_from_a_file(daemon, viaduct, tmp_path):
    daemon.answers["plan.simulate"] = {"ok": False, "error": "no"}
    loads = tmp_path / "loads.csv"
    loads.write_text("# the busy hour\nnorth,300\n\nsouth,12.5\n")
    viaduct("plan", "simulate", "--without", "west", "--load-file", loads)
    assert daemon.requests == [{"verb": "plan.simulate", "force": False, "without": "west", "loads": {"north": 300.0, "south": 12.5}}]


@pytest.mark.parametrize("line", ["north", ",3", "north,", "north,3x", "north,-1", "north,nan", "north,inf"])
def test_a_line_that_is_no_load_is_told(daemon, viaduct, tmp_path, line):
    loads = tmp_path / "loads.csv"
    loads.write_text(f"south,1\n{line}\n")
    done = viaduct("plan", "simulate", "--load-file", loads)
    assert (done.returncode, daemon.requests) == (2, []) and f'{loads}:2: "{line}" is no line of home,load' in done.stderr
    assert viaduct("plan", "simulate", "--load-file", tmp_path / "none").returncode == 2


def test_a_folder_has_no_loads(daemon, viaduct, tmp_path):
    done = viaduct("plan", "simulate", "--load-file", tmp_path)
    assert (done.returncode, daemon.requests) == (2, []) and f"{tmp_path}: cannot be read" in done.stderr


@pytest.mark.parametrize("words, asked", [
    (["create", "--max-moves", "0"], {"verb": "plan.create", "force": False, "moves_max": 0}),
    (["simulate", "--add", "3", "--target", "0.1"], {"verb": "plan.simulate", "force": False, "with_weight": 3, "target": 0.1}),
    (["apply", "--rate", "0.5"], {"verb": "plan.apply", "most": 1000, "rate": 0.5})])
def test_a_number_of_a_plan_is_asked_for_as_it_is_given(daemon, viaduct, words, asked):
    viaduct("plan", *words)
    assert daemon.requests == [asked]


@pytest.mark.parametrize("words", [["simulate", "--add", number] for number in ("-5", "0", "nan", "inf", "65536")] +
                         [[verb, "--target", number] for verb in ("create", "simulate") for number in ("nan", "inf", "0", "1.1", "x")] +
                         [["create", "--max-moves", number] for number in ("nan", "-0.1")] + [["apply", "--rate", number] for number in ("nan", "0", "inf")],
                         ids=" ".join)
def test_a_number_beyond_its_range_ends_with_2(daemon, viaduct, words):
    done = viaduct("plan", *words)
    assert (done.returncode, done.stdout, daemon.requests) == (2, "", []) and words[1] in done.stderr, done


@pytest.mark.parametrize("time", ["2h", "0s", "3601", "1d", ""])
def test_a_time_that_no_trace_may_take_is_told_by_its_option(daemon, viaduct, time):
    done = viaduct("trace", "a@b", "--for", time)
    assert (done.returncode, daemon.requests) == (2, []) and f'--for: "{time}" is no time from 1s to 1h' in done.stderr


def test_a_home_is_added_with_public_addresses_of_both_families(daemon, viaduct):
    viaduct("homes", "add", "--public", "203.0.113.1", "--public", "[2001:db8::9]", "--address", "[2001:db8::1]", "north")
    assert daemon.requests == [{"verb": "homes.add", "name": "north", "why": "", "address": "[2001:db8::1]", "public": ["203.0.113.1", "[2001:db8::9]"]}]


def test_an_empty_text_of_a_home_is_its_default_again(daemon, viaduct):
    viaduct("homes", "set", "north", "--zone", "", "--control", "")
    viaduct("homes", "set", "north", "--zone", "hall-1")
    assert daemon.requests == [{"verb": "homes.set", "name": "north", "why": "", "zone": None, "control": None},
                               {"verb": "homes.set", "name": "north", "why": "", "zone": "hall-1"}]


def test_fleet_shows_who_is_there_and_how_far_this_node_is(daemon, viaduct):
    answer = {"ok": True, "endpoints": ["10.0.0.1:2379", "10.0.0.2:2379"], "prefix": "viaduct", "mark": "0" * 32, "first": 5, "last": 17, "epoch": 17, "behind": 0,
              "leader": "edge-1", "leads": False, "stale": False, "heard_ago_s": 0.05, "moving_for_others": 0, "trouble": None,
              "nodes": [{"name": "edge-1", "leads": True, "own": False, "version": "0.1.0", "control": "10.0.0.11:7060", "epoch": 17},
                        {"name": "edge-2", "leads": False, "own": True, "version": "0.1.0", "control": "10.0.0.12:7060", "epoch": None}]}
    daemon.answers["fleet"] = answer
    done = viaduct("fleet")
    assert daemon.requests == [{"verb": "fleet"}]
    assert done.stdout == (
        "log        etcd at 10.0.0.1:2379, 10.0.0.2:2379, viaduct, changes 5 to 17\n"
        "this node  epoch 17\n"
        "plans      made by edge-1\n"
        "\n"
        "node    epoch  leads  control         version\n"
        "edge-1     17  yes    10.0.0.11:7060    0.1.0\n"
        "edge-2      -  no     10.0.0.12:7060    0.1.0\n")
    daemon.answers["fleet"] = answer | {"epoch": 15, "behind": 2, "leader": None, "stale": True, "trouble": "etcd: nobody answers", "nodes": []}
    assert viaduct("fleet").stdout == (
        "log        etcd at 10.0.0.1:2379, 10.0.0.2:2379, viaduct, changes 5 to 17\n"
        "this node  epoch 15, 2 behind, stale: nobody is redirected; etcd: nobody answers\n"
        "plans      made by nobody\n"
        "\n"
        "no node is there\n")


def test_directory_shows_its_edges_and_what_is_said_of_them(daemon, viaduct):
    daemon.answers["directory"] = {
        "ok": True, "zones": ["example.com", "_udp.example.org"], "serial": 1795867200, "ttl_s": 30, "socket": "/run/viaduct/edge-dns.sock", "listen": "192.0.2.1:8053",
        "edges": [{"name": "edge-1.example.com", "own": True, "state": "up", "busy_ratio": 0.126, "offered": True, "priority": 10, "weight": 85},
                  {"name": "edge-2.example.com", "own": False, "state": "draining", "busy_ratio": None, "offered": True, "priority": 20, "weight": 100, "seen": "up",
                   "for_s": 3725, "round_trip_us": 1234, "error": "the node at 192.0.2.2:7060: Connection"},
                  {"name": "edge-3.example.com", "own": False, "state": "down", "busy_ratio": None, "offered": False, "priority": 0, "weight": 0, "seen": "down", "for_s": 5},
                  {"name": "edge-4.example.com", "own": False, "state": "up", "busy_ratio": None, "offered": True, "priority": 10, "weight": 1}]}
    done = viaduct("directory")
    assert daemon.requests == [{"verb": "directory"}]
    assert done.stdout == (
        "zones     example.com, _udp.example.org, serial 1795867200, TTL 30 s\n"
        "asked at  /run/viaduct/edge-dns.sock and http://192.0.2.1:8053\n"
        "\n"
        "edge                state     health                      busy  priority  weight\n"
        "edge-1.example.com  up        this node                   13 %        10      85\n"
        "edge-2.example.com  draining  up for 0d 01:02:05, 1.2 ms  -           20     100\n"
        "edge-3.example.com  down      down for 0d 00:00:05        -            -       -\n"
        "edge-4.example.com  up        not asked                   -           10       1\n"
        "edge-2.example.com: the node at 192.0.2.2:7060: Connection\n")
