# SPDX-License-Identifier: Apache-2.0
"""Instructions of the path, counted by valgrind: a finite capture through the real daemon, empty polls taken out again."""
import collections
import re
import time

import node

BURST = "viaduct::edge::Path::burst()"
FEW, MANY = 1000, 3000

# What is called once a message or once a burst, each in a library file of its own, so that no compiler merges it into its caller.
STAGES = {
    "receive": ["viaduct::edge::Inlet::receive("],
    "frame": ["viaduct::edge::Path::look("],
    "index": ["viaduct::edge::index("],
    "identify": ["viaduct::edge::identify_but_key(", "viaduct::sip::client_keys("],
    "tag": ["viaduct::sip::marks("],
    "placement": ["viaduct::assign::Assignment::prefetch(", "viaduct::assign::Assignment::find("],
    "judge": ["viaduct::edge::judge("],
    "followers": ["viaduct::edge::Followers::hear(", "viaduct::edge::Followers::redirected(", "viaduct::edge::agent_class("],
    "act": ["viaduct::edge::Actor::act("],
    "send": ["viaduct::edge::WireOutlet::flush("],
}


class Profile:
    """A callgrind file: all instructions collected, and calls and inclusive instructions by function."""

    def __init__(self, path):
        self.calls = collections.Counter()
        self.inclusive = collections.Counter()
        names, callee, after_calls = {}, None, False
        for line in open(path, encoding="utf-8"):
            if after_calls:
                self.inclusive[callee] += int(line.split()[1])
                after_calls = False
            elif match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
                if match[2]:
                    names[match[1]] = match[2].strip()
                callee = names[match[1]]
            elif match := re.match(r"calls=(\d+)", line):
                self.calls[callee] += int(match[1])
                after_calls = True
            elif match := re.match(r"(?:totals|summary): (\d+)", line):
                self.total = int(match[1])

    def of(self, prefixes):
        """Calls and inclusive instructions of the functions that begin so."""
        names = [name for name in self.calls if name.startswith(tuple(prefixes))]
        return sum(self.calls[name] for name in names), sum(self.inclusive[name] for name in names)

    @property
    def bursts(self):
        return self.of(STAGES["receive"])[0]


def profile(folder, messages, redirect):
    """Run that many messages through a node under callgrind, until each has its verdict."""
    dpdk = {"profile": node.PCAP_ONCE, "rx_pcap": node.pcap(messages), "pretend_checksum_offload": True}
    path = node.config(folder, dpdk, redirect, entries=100_000, idle="adaptive")
    out = folder / f"callgrind-{redirect}-{messages}"
    # Addresses that differ from run to run would change which path a memcpy takes.
    valgrind = ["setarch", "-R", "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={BURST}"]
    with node.Node(path, valgrind) as running:
        counters = running.settled(messages)
        time.sleep(0.2)  # some empty polls in any case: they are what is subtracted
    verdict = {"always": "redirected", "never": "proxied"}[redirect]
    if counters["total"]["verdicts"][verdict] != messages:
        raise RuntimeError(f"not every message was {verdict}: {counters['total']}")
    return Profile(out)


class Counter:
    """Instructions a message: what 2,000 messages more cost, less the polls that brought nothing."""

    def __init__(self, folder):
        self.folder = folder
        self.empty = profile(folder, 0, "always")

    def per_message(self, few, many, prefixes=None):
        """Of the functions that begin so, or of all."""

        def cost(one):
            return one.of(prefixes)[1] if prefixes else one.total

        empty_poll = cost(self.empty) / self.empty.bursts
        return (cost(many) - cost(few) - (many.bursts - few.bursts) * empty_poll) / (MANY - FEW)

    def count(self, redirect):
        """Of the whole path, and by stage."""
        node.say(f"counting instructions, redirect = {redirect}")
        few, many = (profile(self.folder, messages, redirect) for messages in (FEW, MANY))
        total = self.per_message(few, many)
        stages = {name: self.per_message(few, many, prefixes) for name, prefixes in STAGES.items()}
        return total, stages | {"rest": total - sum(stages.values())}
