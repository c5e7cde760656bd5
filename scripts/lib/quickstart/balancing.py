# SPDX-License-Identifier: Apache-2.0
"""The quickstart's last act: some clients of one home become eager, and a plan evens it out. Every figure is measured while SIPp's traffic flows."""
import random
import time

from fleet import ADDRESSES, EDGE, HOMES, WINDOW_S
from system import Failure

EAGER, TIMES = 300, 12   # so many clients of the first home refresh so many times as often as everybody else
REFRESHES_PER_S = 600
WINDOWS_SEEN = 2         # the first that closes began before what it is to show
WINDOWS_LEARNT = 4       # until most of what is known of clients is of this traffic, and not of the crowd's
COME = 0.9               # of those who move: the few who have registered but once do not come in time
EVEN = 1.2               # max/mean at most, in the end: the plan's 1.05, and what a window of a few seconds may be off
PLAN_S = 40
BAR = 32


class Balancing:
    """Plays the act with the story's hands, and adds what its clients saw to the story's counts."""

    def __init__(self, story, say, crowd):
        self.story, self.say, self.crowd = story, say, crowd
        self.edge = story.fleet[EDGE]

    def tell(self):
        self.say(f"Now {EAGER} clients of {HOMES[0]} refresh {TIMES} times as often as the others: SIPp, {REFRESHES_PER_S} registrations a second in all.")
        with self.story.clients.traffic("refresh", ADDRESSES[EDGE], self.schedule(), REFRESHES_PER_S) as traffic:
            self.wait_for_windows(WINDOWS_LEARNT)
            before = self.measure()
            self.say("What the homes bear now, seen by the edge: viaduct load\n")
            self.say(self.edge.says("load"))
            if self.carry_out():
                after = self.measure()
                self.say()
                self.draw(before, after)
        self.count(traffic)

    def schedule(self):
        """Users in the order in which they refresh: the same in each run, and again from the start when it is through."""
        eager = self.crowd[::len(HOMES)][:EAGER]
        users = self.crowd + eager * (TIMES - 1)
        random.Random(1).shuffle(users)
        return users

    def measure(self):
        """The load of a whole window from now on, and how many registrations the homes say they have answered while it was seen."""
        began, answered = time.monotonic(), self.answered()
        load = self.wait_for_windows(WINDOWS_SEEN)
        seconds = time.monotonic() - began
        seen = {home["name"]: home["load_per_s"] for home in load["homes"]}
        for home, count in self.answered().items():
            own = (count - answered[home]) / seconds
            self.story.expect(abs(own - seen[home]) < 0.25 * max(seen.values()), f"{home} answered {own:.0f} registrations a second, and the edge saw {seen[home]:.0f}")
        return seen, load["max_over_mean"]

    def wait_for_windows(self, count):
        """Returns the edge's word about the last one."""
        first, stop = self.edge.ask("load")["window"], time.monotonic() + (count + 2) * WINDOW_S
        while (load := self.edge.ask("load"))["window"] < first + count:
            if time.monotonic() > stop:
                raise Failure("the edge measures no load")
            time.sleep(0.1)
        return load

    def answered(self):
        return {home: self.story.fleet[home].ask("counters")["registrar"]["answered"] for home in HOMES}

    def carry_out(self):
        """Returns whether the plan was carried out."""
        plan = self.edge.ask("plan", "create")["plan"]
        self.say("A plan to even it out, and what it will do: viaduct plan create\n")
        self.say(self.edge.says("plan", "show", plan["id"]))
        state = self.edge.ask("plan", "apply", plan["id"])["plan"]["state"]
        self.story.expect(state == "running", f"plan {plan['id']} should be running, and is {state}")
        if state != "running":
            return False
        self.say("It is carried out; each client comes over at his next refresh: viaduct plan apply, plan show --watch\n")
        self.edge.shows("plan", "show", plan["id"], "--watch", timeout_s=PLAN_S)
        done = self.edge.ask("plan", "show", plan["id"])["plan"]
        self.story.expect(done["state"] == "done" and done["moved"] == done["clients"] > 0 and done["confirmed"] >= COME * done["moved"],
                          f"all {done['clients']} clients should be at their new home, and {done['confirmed']} are; the plan is {done['state']}")
        return True

    def draw(self, before, after):
        (loads, uneven), (loads_after, even) = before, after
        largest = max(*loads.values(), *loads_after.values())
        for home in HOMES:
            self.say("  " + "   ".join([f"{home}  before {bar(loads[home], largest)} {loads[home]:6.1f}/s", f"after {bar(loads_after[home], largest)} {loads_after[home]:6.1f}/s"]))
        self.say(f"\n  max/mean {uneven:.2f} -> {even:.2f}")
        self.story.expect(even < uneven and even <= EVEN, f"the load should be even, at most {EVEN}, and is {even:.2f}")

    def count(self, traffic):
        """A client who was not redirected, and was registered, was proxied: once, while he moved."""
        redirected, registered = traffic.received.get(302, 0), traffic.received.get(200, 0)
        self.story.add(redirected=redirected, proxied=registered - redirected, registered=registered, lost=traffic.failed)
        self.story.expect(traffic.failed == 0, f"{traffic.failed} refreshes failed: {traffic.why}")
        self.say(f"\n  {registered:,} refreshes meanwhile: {redirected:,} redirected, {registered - redirected:,} proxied, {traffic.failed} lost\n")


def bar(load, largest):
    return ("#" * round(BAR * load / largest)).ljust(BAR)
