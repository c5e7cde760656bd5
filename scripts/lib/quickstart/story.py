# SPDX-License-Identifier: Apache-2.0
"""The quickstart's story: five clients and a crowd register, then load is evened out; what became of them is asked from the nodes, and compared with what should have."""
import dataclasses

from balancing import Balancing
from fleet import ADDRESSES, EDGE, HOMES, aor
from system import Failure

CROWD = [f"user-{number}" for number in range(1, 4001)]
CROWD_PER_S = 2000
# Verdicts that do not decide about a client's request.
BY_THE_WAY = ("controlled", "returned")
# The kernel's IPv6 chatter, where it cannot be switched off.
NO_LOSS = ("frame_type",)


def assignments():
    """The assignments file: users to homes. Who does not stand here has a slot."""
    named = {"alice": "home-1", "bob": "home-1", "carol": "home-2", "dave": "home-1"}
    return named | {user: HOMES[index % len(HOMES)] for index, user in enumerate(CROWD)}


def say(text=""):
    print(text, flush=True)


@dataclasses.dataclass
class Row:
    """What became of a client: every field is what was seen or asked, none what was expected."""
    client: str
    home: str
    vias: str
    verdict: str
    answer: str
    holder: str


def print_table(rows):
    lines = [("client", "home", "Vias", "verdict", "answer", "binding held by"), *(dataclasses.astuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


class Story:
    """Plays the clients' parts one after another. What is not as it should be is kept in `wrong`, and the story goes on."""

    def __init__(self, network, fleet, clients):
        self.network = network
        self.fleet = fleet
        self.clients = clients
        self.rows = []
        self.wrong = []
        self.lost = 0
        self.seen = {"redirected": 0, "proxied": 0, "registered": 0}   # by the clients, to be compared with the nodes' counters

    def expect(self, condition, text):
        if not condition:
            self.wrong.append(text)
            say(f"  WRONG: {text}")

    def add(self, lost=0, **seen):
        """What clients saw."""
        self.lost += lost
        for what, count in seen.items():
            self.seen[what] += count

    # --- one client

    def client(self, user, play, *, at, home, verdict, path):
        """Let a client play its part at the node `at`; then ask the nodes what became of it, and compare with what should have.

        `path` is the way of its messages, as (source, destination, status or 0 for a request).
        """
        before = self.fleet[at].verdicts()
        with self.network.tap() as tap:
            try:
                play()
            except Failure as failure:
                self.expect(False, str(failure))
            messages = tap.messages()
        for message in messages:
            say(f"  {message.source:>7} -> {message.destination:<7}  {describe(message)}")
        after = self.fleet[at].verdicts()
        got = [name for name in after if after[name] > before[name] and name not in BY_THE_WAY]
        self.add_row(user, at, messages, got)
        self.expect(got == [verdict], f"{at} should have {verdict} {user}, and has {' and '.join(got) or 'done nothing'}")
        self.expect([(m.source, m.destination, m.status) for m in messages] == path, f"the messages of {user} should have been {as_text(path)}")
        self.expect(list(self.fleet.holders(user)) == [home], f"{user} should be held by {home} alone")
        say()

    def add_row(self, user, at, messages, got):
        requests = [m for m in messages if m.source == "clients"]
        answers = [m for m in messages if m.destination == "clients"]
        self.add(lost=len(requests) - len(answers), redirected=sum(m.status == 302 for m in answers), registered=sum(m.status == 200 for m in answers),
                 proxied=sum(m.source == EDGE and not m.is_response for m in messages))
        where = self.fleet[at].ask("client", "show", aor(user))
        holders = self.fleet.holders(user)
        self.rows.append(Row(user, f"{where['home']} ({where['layer']})", str(requests[0].via_count) if requests else "-", f"{' and '.join(got)} by {at}",
                             ", then ".join(str(m.status) for m in answers) or "none",
                             "; ".join(f"{home}: {binding['contact']}" for home, found in holders.items() for binding in found) or "nobody"))

    def sipp(self, scenario, user, at=EDGE):
        failed, why = self.clients.sipp(scenario, ADDRESSES[at], [user])
        if failed:
            raise Failure(f"SIPp did not register {user}: {why}")

    def alice(self):
        say("alice: sipsak knows only the edge; the assignments file names home-1 as her home. One Via: she can go there herself.")
        self.client("alice", lambda: self.clients.sipsak("alice", ADDRESSES[EDGE]), at=EDGE, home="home-1", verdict="redirected",
                    path=redirect_path("home-1"))

    def bob(self):
        say("bob: the nodes' file says home-1, but the edge's operator has just given it another: viaduct clients assign home-2 FILE")
        say("  home-2 does not know that. SIPp brings the redirect's vh parameter, the edge's signed word, and home-2 takes him in.")
        rows = self.fleet[EDGE].folder / "to-home-2.csv"
        rows.write_text(aor("bob") + "\n", encoding="utf-8")
        self.fleet[EDGE].says("clients", "assign", "home-2", rows)
        self.client("bob", lambda: self.sipp("follow", "bob"), at=EDGE, home="home-2", verdict="redirected",
                    path=redirect_path("home-2"))
        still = self.fleet["home-2"].ask("client", "show", aor("bob"))["home"]
        self.expect(still == "home-1", f"home-2's own table should still name home-1 for bob, and names {still}")

    def carol(self):
        say("carol: her phone sits behind a proxy, so her REGISTER has two Vias, and she may not reach a home herself: the edge proxies it.")
        self.client("carol", lambda: self.sipp("register-behind-proxy", "carol"), at=EDGE, home="home-2", verdict="proxied",
                    path=[("clients", EDGE, 0), (EDGE, "home-2", 0), ("home-2", EDGE, 200), (EDGE, "clients", 200)])

    def dave(self):
        say("dave: SIPp asks home-1 straight away, and that is his home: a client of the local home is registered at once.")
        self.client("dave", lambda: self.sipp("register", "dave", "home-1"), at="home-1", home="home-1", verdict="registered",
                    path=[("clients", "home-1", 0), ("home-1", "clients", 200)])

    def erin(self):
        home = self.fleet[EDGE].ask("client", "show", aor("erin"))["slot_home"]
        say(f"erin: nobody has assigned her. Her slot, one of 131,072 that the homes were dealt, belongs to {home}.")
        self.client("erin", lambda: self.clients.sipsak("erin", ADDRESSES[EDGE]), at=EDGE, home=home, verdict="redirected", path=redirect_path(home))

    # --- the crowd

    def crowd(self):
        say(f"a crowd: SIPp with {len(CROWD):,} users, {CROWD_PER_S:,} a second; each follows its redirect and registers at its home.")
        before = self.progress()

        def gained():
            return {name: count - before[name] for name, count in self.progress().items()}

        def tell():
            say("  " + ", ".join(f"{count:,} {name}" for name, count in gained().items()))

        failed, why = self.clients.sipp("follow", ADDRESSES[EDGE], CROWD, CROWD_PER_S, tell)
        tell()
        after = gained()
        self.add(lost=failed, redirected=len(CROWD) - failed, registered=len(CROWD) - failed)
        redirected = after.pop("redirected")
        self.rows.append(Row(f"{len(CROWD):,} users", "as the file says", "1", f"{redirected:,} redirected by {EDGE}", f"302, then 200: {len(CROWD) - failed:,}",
                             ", ".join(f"{home.removeprefix('at ')}: {count:,}" for home, count in after.items())))
        self.expect(failed == 0, f"{failed} of the crowd were not registered: {why}")
        for index, home in enumerate(HOMES):
            held, wanted = after[f"at {home}"], len(CROWD[index::len(HOMES)])
            self.expect(held == wanted, f"{home} should hold {wanted} of the crowd, and holds {held}")
        say()

    def progress(self):
        """Redirects by the edge, and bindings at each home."""
        redirected = self.fleet[EDGE].ask("counters")["total"]["verdicts"]["redirected"]
        return {"redirected": redirected} | {f"at {home}": self.fleet[home].ask("status")["registrar"]["bindings"] for home in HOMES}

    # --- the end

    def tell(self):
        for act in (self.alice, self.bob, self.carol, self.dave, self.erin, self.crowd):
            act()
        say("Who holds whom in the end, asked from each home with: viaduct client show AOR --json")
        say()
        print_table(self.rows)
        say()
        Balancing(self, say, CROWD).tell()
        return self.sums()

    def sums(self):
        """Every node's counters must add up, and all of them to what the clients saw. Returns the last line."""
        sums = dict.fromkeys(self.seen, 0)
        for node in self.fleet:
            total = node.settled_counters()["total"]
            verdicts, drops = total["verdicts"], {name: count for name, count in total["drops"].items() if count and name not in NO_LOSS}
            say(f"  {node.name:<7} {sum(verdicts.values()):>6,} packets, one verdict each: " + ", ".join(f"{count:,} {name}" for name, count in verdicts.items() if count))
            self.expect(not drops, f"{node.name} has dropped packets: {drops}")
            for name in sums:
                sums[name] += verdicts[name]
        for name, count in self.seen.items():
            self.expect(sums[name] == count, f"the nodes have {name} {sums[name]}, the clients saw {count}")
        self.expect(self.lost == 0, f"{self.lost} requests were not answered as they should have been")
        say()
        return ", ".join(f"{name} {count}" for name, count in sums.items()) + f", lost {self.lost}"


def describe(message):
    vias = message.via_count
    if not message.is_response:
        return f"{message.start_line.removesuffix(' SIP/2.0')}  ({vias} Via{'s' if vias > 1 else ''})"
    contact = message.header("Contact")
    return message.start_line.removeprefix("SIP/2.0 ") + (f"  Contact: {contact}" if contact else "")


def as_text(path):
    return ", ".join(f"{source} -> {destination} {status or 'REGISTER'}" for source, destination, status in path)


def redirect_path(home):
    return [("clients", EDGE, 0), (EDGE, "clients", 302), ("clients", home, 0), (home, "clients", 200)]
