# SPDX-License-Identifier: Apache-2.0
"""The quickstart's nodes: their configuration, their life from READY to SIGTERM, and what they say when asked."""
import json
import os
import secrets
import select
import subprocess
import time

from network import ADDRESS_BITS, SIP_PORT
from system import Failure, end, in_namespace, must, popen, uninterruptible

DOMAIN = "viaduct.example"
EDGE = "edge"
HOMES = ("home-1", "home-2")
ADDRESSES = {EDGE: "198.18.0.2", "home-1": "198.18.1.1", "home-2": "198.18.1.2"}
WINDOW_S = 4
READY_S = 30
SETTLED_S = 5


def aor(user):
    return f"sip:{user}@{DOMAIN}"


def configuration(node, folder, secret):
    """The TOML of a node. What does not stand here keeps its default.

    All nodes share seed, keys and assignments; the aliases let a client name its domain by the address that it was given, as sipsak does.
    """
    lines = ["[node]", f'name = "{node}"', f'listen = ["{ADDRESSES[node]}:{SIP_PORT}"]', f'runtime_dir = "{folder}"',
             "[network]", f'prefix = ["{ADDRESSES[EDGE]}/{ADDRESS_BITS}"]',
             "[dpdk]", 'profile = "af_packet"', 'interface = "eth0"', "hugepages = false",
             "[sip]", f'domains = ["{DOMAIN}"]', "[sip.aliases]", *(f'"{address}" = "{DOMAIN}"' for address in ADDRESSES.values()),
             "[redirect]", 'policy = "always"',
             "[fleet]", f'seed = "{secret["seed"]}"', f'keys = ["a:{secret["key"]}"]', f'edges = ["{ADDRESSES[EDGE]}/32"]',
             "[health]", "enabled = false",   # each message that is shown is a client's
             # Seconds for minutes, so that there is something to see; and no plan but the one that is asked for.
             "[balance]", 'auto = "off"', f"window_s = {WINDOW_S}", f"half_life_s = {2 * WINDOW_S}", f"deadline_s = {5 * WINDOW_S}",
             "[assign]", f'file = "{folder}/assignments.csv"',
             "[store]", f'path = "{folder}/{node}.store"']
    for home in HOMES:
        lines += ["[[home]]", f'name = "{home}"', f'address = "{ADDRESSES[home]}:{SIP_PORT}"', "viaduct = true"]
        if home == node:
            lines.append("local = true")
    return "\n".join(lines) + "\n"


class Node:
    """One viaductd in its namespace."""

    def __init__(self, name, folder, build, namespace):
        self.name = name
        self.folder = folder
        self.build = build
        self.namespace = namespace
        self.socket = folder / f"{name}.sock"
        self.log = folder / f"{name}.log"
        self.process = None

    def start(self):
        # EAL keeps its files in RUNTIME_DIRECTORY when there is one: nothing of this run is written elsewhere.
        environment = os.environ | {"RUNTIME_DIRECTORY": str(self.folder)}
        with open(self.log, "wb") as log:
            self.process = popen([*in_namespace(self.namespace), self.build / "viaductd", "--config", self.folder / f"{self.name}.toml"],
                                 stdout=subprocess.PIPE, stderr=log, env=environment)

    def wait_ready(self):
        """The line READY comes once the workers poll."""
        stop, seen = time.monotonic() + READY_S, b""
        while b"READY\n" not in seen:
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, stop - time.monotonic()))
            octets = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not octets:
                raise Failure(f"{self.name} is not READY after {READY_S} s" if not readable else f"{self.name} ended before it was READY")
            seen += octets

    @property
    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Returns the exit status."""
        if self.process is None:
            return 0
        status = end(self.process)
        self.process.stdout.close()
        return status

    def ask(self, *words):
        """What the operator's command answers about this node."""
        return json.loads(must(self.build / "viaduct", "--socket", self.socket, *words, "--json"))

    def says(self, *words):
        """The same in words."""
        return must(self.build / "viaduct", "--socket", self.socket, *words)

    def shows(self, *words, timeout_s):
        """The same while it changes, until it is over: on the reader's own terminal."""
        process = popen([self.build / "viaduct", "--socket", self.socket, *words])
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"viaduct {' '.join(map(str, words))} has not ended after {timeout_s} s") from None
        finally:
            end(process)
        if status != 0:
            raise Failure(f"viaduct {' '.join(map(str, words))}: exit {status}")

    def verdicts(self):
        """The verdicts of all packets so far, once none is in a worker's hands."""
        return self.settled_counters()["total"]["verdicts"]

    def settled_counters(self):
        """Fails when the counters do not add up: each packet has one verdict, each drop one reason."""
        stop = time.monotonic() + SETTLED_S
        while True:
            counters = self.ask("counters")
            total, registrar = counters["total"], counters["registrar"]
            if (total["rx_pkts"] + total["second_homes"] == sum(total["verdicts"].values()) + total["handed_over"]
                    and total["verdicts"]["dropped"] == sum(total["drops"].values())
                    and total["verdicts"]["registered"] == registrar["received"] == registrar["answered"] + registrar["refused"] + registrar["dropped"]):
                return counters
            if time.monotonic() > stop:
                raise Failure(f"{self.name}: the counters do not add up: {counters}")
            time.sleep(0.02)

    def bindings(self, user):
        return self.ask("client", "show", aor(user))["bindings"]


class Fleet:
    """All nodes. A context: they are READY inside, and have ended after it."""

    def __init__(self, network, folder, build, assignments):
        """`assignments` maps users to homes."""
        (folder / "assignments.csv").write_text("aor,home\n" + "".join(f"{aor(user)},{home}\n" for user, home in assignments.items()))
        secret = {"seed": secrets.token_hex(16), "key": secrets.token_hex(16)}
        self.nodes = {}
        for name in ADDRESSES:
            file = folder / f"{name}.toml"
            file.touch(mode=0o600)  # it holds the fleet's secrets
            file.write_text(configuration(name, folder, secret))
            self.nodes[name] = Node(name, folder, build, network.namespace(name))

    def __enter__(self):
        try:
            for node in self.nodes.values():
                node.start()
            for node in self.nodes.values():
                node.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, *_):
        bad = {name: status for name, status in self.stop().items() if status != 0}
        if bad and kind is None:
            raise Failure(f"not every node ended in order: {bad}")

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    def stop(self):
        """Exit statuses by name."""
        uninterruptible()
        return {name: node.stop() for name, node in self.nodes.items()}

    def holders(self, user):
        """Which homes hold a binding of the user, by their own word: name -> its bindings."""
        return {home: found for home in HOMES if (found := self[home].bindings(user))}
