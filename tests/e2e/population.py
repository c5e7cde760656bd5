# SPDX-License-Identifier: Apache-2.0
"""Many clients played by the test at one address: each registers again at a pace of its own, and every answer is counted."""
import random
import re
import selectors
import threading
import time

import rig
from rig import sip

ADDRESS = ("198.18.0.10", 5060)
T1_S, TIMER_F_S = 0.5, 8.0   # a client that hears nothing for so long has failed


class Population(threading.Thread):
    """A context: while it lasts, each client refreshes its registration `rates[user]` times a second, at random moments.

    A REGISTER without an answer is sent again by timer E; one that gets none in the end, or another answer than 200, is a failure.
    """

    def __init__(self, host, rates, address=ADDRESS, seed=7):
        super().__init__(daemon=True)
        self.link = host.udp(*address)
        self.link.setblocking(False)
        self.sent_by = f"{address[0]}:{address[1]}"
        self.rates = dict(rates)
        self.random = random.Random(seed)
        self.due = {user: time.monotonic() + self.random.random() * min(2.0, 1 / rate) for user, rate in self.rates.items()}
        self.cseq = dict.fromkeys(self.rates, 0)
        self.open = {}        # branch: [user, octets, next sending, interval, given up at]
        self.registered = set()
        self.sent = self.answered = 0
        self.failures = []
        self.ending = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join()

    def pace(self, factor, users=None):
        """From now on these clients, or all, refresh so much more often."""
        for user in users or self.rates:
            self.rates[user] *= factor
            self.due[user] = min(self.due[user], time.monotonic() + self.random.random() / self.rates[user])

    def everybody_is_registered(self):
        return len(self.registered) == len(self.rates)

    def run(self):
        """Until the end; what ends it before is a failure."""
        try:
            self.play()
        except Exception as error:   # whatever it is, nobody is registering any more
            self.failures.append(("all of them", repr(error)))
            raise

    def play(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.link, selectors.EVENT_READ)
            while not self.ending.is_set():
                if selector.select(0.005):
                    self.hear()
                now = time.monotonic()
                for user, due in list(self.due.items()):
                    if due <= now:
                        self.register(user, now)
                self.repeat(now)

    def register(self, user, now):
        self.due[user] = now + (0.5 + self.random.random()) / self.rates[user]
        if any(attempt[0] == user for attempt in self.open.values()):
            return
        self.cseq[user] += 1
        branch = f"z9hG4bKp{user}n{self.cseq[user]}"
        request = sip.register(user).via(sip.via(self.sent_by, branch, rport=None)).contact(f"<sip:{user}@{self.sent_by}>")
        request.call_id(f"p-{user}@{self.sent_by}").cseq(self.cseq[user]).header("Supported", "path")
        self.open[branch] = [user, bytes(request), now, T1_S, now + TIMER_F_S]

    def repeat(self, now):
        for branch, attempt in list(self.open.items()):
            user, octets, at, interval, end = attempt
            if now >= end:
                self.failures.append((user, "no answer"))
                del self.open[branch]
            elif now >= at:
                self.link.sendto(octets, rig.SERVICE)
                self.sent += 1
                attempt[2:4] = [now + interval, min(2 * interval, 4.0)]

    def hear(self):
        for _ in range(256):
            try:
                octets = self.link.recv(65535)
            except BlockingIOError:
                return
            branch = re.search(rb"branch=([^;\r]*)", octets)
            attempt = self.open.pop(branch[1].decode(), None) if branch and octets.startswith(b"SIP/2.0 ") else None
            if attempt is None:
                self.called(octets)
            elif octets.startswith(b"SIP/2.0 200 "):
                self.answered += 1
                self.registered.add(attempt[0])
            else:
                self.failures.append((attempt[0], octets.split(b"\r\n")[0].decode()))

    def called(self, octets):
        """A call to one of them: it is taken at once, and whoever hangs up is let go."""
        if octets.startswith((b"INVITE ", b"BYE ", b"CANCEL ")):
            extra = [("Record-Route", value) for value in sip.Message(octets).all("record-route")] + [("Contact", f"<sip:any@{self.sent_by}>")]
            self.link.sendto(sip.answer(octets, 200, to_tag="people", extra=extra), rig.SERVICE)
