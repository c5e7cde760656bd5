# SPDX-License-Identifier: Apache-2.0
"""A telephone played by the test, message by message, and a call between two of them."""
import copy

import rig
from rig import sip


class Phone:
    """A telephone that knows nothing but the edge: it registers, and keeps the dialog that it is told to keep."""

    def __init__(self, host, user, address, contact=None, timeout_s=5.0, service=rig.SERVICE):
        self.link = host.udp(*address, timeout_s)
        self.user = user
        self.service = service
        self.sent_by = f"{address[0]}:{address[1]}"
        self.contact = contact or f"<sip:{user}@{self.sent_by}>"
        self.transactions = 0
        self.remote = self.routes = None

    def line(self, user):
        """Another line of the same telephone, on its socket."""
        other = copy.copy(self)
        other.user, other.contact = user, f"<sip:{user}@{self.sent_by}>"
        return other

    def via(self):
        self.transactions += 1
        return sip.via(self.sent_by, f"z9hG4bK{self.user}{self.transactions}", rport=None)

    def send(self, request):
        self.link.sendto(bytes(request), self.service)

    def heard(self):
        return sip.Message(self.link.recv(65535))

    def hear(self, *expected):
        """The next message, which is one of those statuses or methods; a 100 of the home's is passed over."""
        while (message := self.heard()).status == 100 and 100 not in expected:
            pass
        assert (message.status or message.method) in expected, message.octets
        return message

    def register(self, cseq=1):
        self.send(sip.register(self.user).via(self.via()).cseq(cseq).contact(self.contact).header("Supported", "path"))
        answer = self.hear(200)
        assert any(value.split(";expires")[0] == self.contact for value in answer.values("contact")), answer.octets
        return answer

    def invite(self, user):
        request = sip.request("INVITE", user).via(self.via()).from_(f"<sip:{self.user}@example.com>;tag=tag-{self.user}").contact(self.contact)
        self.send(request)
        return request

    def cancel(self, invite):
        """Take an INVITE back (RFC 3261 9.1)."""
        cancel = sip.Request("CANCEL", invite.uri, invite.uri).via(*invite.via_values).from_(invite.from_value).to(invite.to_value)
        self.send(cancel.call_id(invite.call_id_value))

    def answer(self, request, status, **more):
        extra = [("Record-Route", value) for value in request.all("record-route")] + [("Contact", self.contact)]
        self.link.sendto(sip.answer(request.octets, status, to_tag=f"tag-{self.user}", extra=extra, **more), self.service)

    def learn(self, message, as_caller):
        """The dialog of a 2xx, or for the callee of the INVITE (RFC 3261 12.1)."""
        self.remote = message.one("contact").strip("<>")
        routes = message.values("record-route")
        self.routes = routes[::-1] if as_caller else routes
        self.call_id, ends = message.one("call-id"), (message.one("from"), message.one("to"))
        self.ends = ends if as_caller else ends[::-1]
        if not as_caller and ";tag=" not in self.ends[0]:
            self.ends = (self.ends[0] + f";tag=tag-{self.user}", self.ends[1])

    def inside(self, method, cseq):
        """A request inside the dialog, by its route set."""
        request = sip.request(method, self.user).request_uri(self.remote).via(self.via()).from_(self.ends[0]).to(self.ends[1]).call_id(self.call_id).cseq(cseq)
        if method == "INVITE":
            request.contact(self.contact)
        for route in self.routes:
            request.header("Route", route)
        self.send(request)
        return request


def rotate_keys(daemon):
    """A new fleet key signs, the one before verifies."""
    text = daemon.config.read_text()
    daemon.config.write_text(text.replace('keys = ["', 'keys = ["b:202122232425262728292a2b2c2d2e2f", "'))
    assert daemon.ask("reload")["ok"]


def cancel_over_a_rotation(daemon, caller, callee):
    """It rings, the keys rotate, and the caller hangs up: of what comes then one CANCEL and one ACK are of the INVITE's transaction."""
    invite = caller.invite("callee")
    offered = callee.hear("INVITE")
    callee.answer(offered, 180)
    caller.hear(180)
    rotate_keys(daemon)
    caller.cancel(invite)
    while (taken_back := callee.hear("CANCEL")).values("via")[0] != offered.values("via")[0]:
        callee.answer(taken_back, 481)
    callee.answer(taken_back, 200)
    callee.answer(offered, 487)
    while (refused := caller.hear(200, 404, 481, 487)).status != 487:
        pass
    ack = sip.request("ACK", "callee").via(*invite.via_values).from_(invite.from_value).to(refused.one("to")).call_id(invite.call_id_value)
    caller.send(ack)
    while (heard := callee.hear("ACK", "CANCEL")).method != "ACK" or heard.values("via")[0] != offered.values("via")[0]:
        pass


def call(caller, callee):
    """INVITE, 180, 200, ACK; both know their dialog then."""
    caller.invite("callee")
    offered = callee.hear("INVITE")
    callee.learn(offered, as_caller=False)
    callee.answer(offered, 180)
    caller.hear(180)
    callee.answer(offered, 200)
    caller.learn(caller.hear(200), as_caller=True)
    caller.inside("ACK", 1)
    callee.hear("ACK")
    return offered
