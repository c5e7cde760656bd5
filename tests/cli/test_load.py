# SPDX-License-Identifier: Apache-2.0
"""`load` and `top --clients`: what they ask, and the tables and bars that they make of the answers."""
import json


def home(name, load, relative, **more):
    return {"name": name, "state": "up", "weight": 1, "capacity": 0, "clients": 12, "messages_per_s": load, "registers_per_s": load / 2, "load_per_s": load,
            "utilisation": None, "share": load / 400, "relative": relative, "trend": 0, "shed_per_s": 0, "asks": None,
            "answers": None} | more


LOAD = {"ok": True, "window": 3, "seconds": 300.02, "load_per_s": 400, "max_over_mean": 1.5, "samples": {"one_in": 4, "taken": 9, "lost": 2, "clients": 5, "evicted": 0},
        "homes": [home("north", 300, 1.5, utilisation=0.75, trend=0.125, shed_per_s=4.25, asks={"algorithm": "loss", "value": 20, "for_ms": 300},
                       answers={"timed": 9, "p50_ms": 1.25, "p95_ms": 30, "p99_ms": 250.04}),
                  home("south", 100, 0.5, state="draining", trend=-0.5)]}
CLIENTS = {"ok": True, "tracked": 2, "clients": [
    {"aor": "alice@example.com", "key": "00ff", "home": "north", "layer": "pin", "load_per_s": 1.25, "samples": 60.04},
    {"aor": "", "key": "00aa", "home": "south", "layer": "slot", "load_per_s": 0.5, "samples": 1}]}


def test_load_is_a_table_with_bars_by_weight(daemon, viaduct):
    daemon.answers["load"] = LOAD
    done = viaduct("load")
    assert daemon.requests == [{"verb": "load"}]
    assert done.stdout == (
        "home   state     clients  messages/s  REGISTER/s  load/s   used  share   trend  asks for  refused/s  answers ms          load for its weight\n"
        "north  up             12       300.0       150.0   300.0  75.0%  75.0%   12.5%  20% less        4.2  1.2 / 30.0 / 250.0  ########################\n"
        "south  draining       12       100.0        50.0   100.0      -  25.0%  -50.0%  -               0.0  -                   ########\n"
        "\nmax/mean 1.50; window 3, 300 s; one request in 4 is sampled, 2 samples lost\n")


def test_load_before_the_first_window_says_how_long_it_has_been_seen(daemon, viaduct):
    daemon.answers["load"] = LOAD | {"window": 0, "seconds": 12, "samples": {"one_in": 1, "lost": 0}}
    assert viaduct("load").stdout.endswith("max/mean 1.50; 12 s; every request is sampled\n")


def test_load_without_load_has_no_bars(daemon, viaduct):
    daemon.answers["load"] = LOAD | {"homes": [home("north", 0, 0)]}
    assert "#" not in viaduct("load").stdout


def test_load_is_watched_by_measuring_again_and_again(daemon, viaduct):
    daemon.answers["load"] = LOAD
    done = viaduct("load", "--watch", "--count", "2", "--json")
    assert daemon.requests == [{"verb": "load", "measure_ms": 500}] * 2
    assert [json.loads(line) for line in done.stdout.splitlines()] == [LOAD] * 2


def test_top_lists_clients_by_name_or_by_key(daemon, viaduct):
    daemon.answers["load.clients"] = CLIENTS
    done = viaduct("top", "--clients", "--most", "5", "--count", "1")
    assert daemon.requests == [{"verb": "load.clients", "most": 5}]
    assert done.stdout == (
        "client             home   by    load/s  samples\n"
        "alice@example.com  north  pin    1.250     60.0\n"
        "00aa               south  slot   0.500      1.0\n"
        "\n2 clients tracked\n")


def test_a_refusal_ends_what_is_watched(daemon, viaduct):
    daemon.answers["load.clients"] = {"ok": False, "error": "no"}
    done = viaduct("top", "--clients")
    assert (done.returncode, done.stderr) == (1, "viaduct: no\n")
