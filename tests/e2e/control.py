# SPDX-License-Identifier: Apache-2.0
"""A node of the fleet played by the test: calls over HTTP with a seal made here (docs/operations.md), not by the code under test."""
import hashlib
import hmac
import http.client
import json
import os
import socket
import time

from daemon import FLEET

BLOCKS = 2 ** 20   # of clients, in the order of their keys
LISTEN = ("127.0.0.1", 7060)   # the kernel of a namespace has nothing else while viaductd has eth0


def control_link(edge, home, number):
    """A cable of its own between the kernels of an edge and of a home: where nodes call each other. Returns the home's control address."""
    near, far = f"10.9.{number}.1", f"10.9.{number}.2"
    edge.run("ip", "link", "add", f"ctl{number}", "type", "veth", "peer", "name", "ctl", "netns", home.name)
    for host, device, address in ((edge, f"ctl{number}", near), (home, "ctl", far)):
        host.run("ip", "address", "add", f"{address}/24", "dev", device)
        host.run("ip", "link", "set", device, "up")
    return f"{far}:8060"


def mac(key, lines, body):
    return hmac.new(key, "".join(f"{line}\n" for line in lines).encode() + body, hashlib.sha256).hexdigest()


class Node:
    """Calls the control address of the viaductd in a host's namespace."""

    def __init__(self, host, key=FLEET["keys"][0]):
        self.host = host
        self.letter, digits = key.split(":")
        self.key = bytes.fromhex(digits)

    def seal(self, target, body, late_s=0):
        when, nonce = str(int(time.time()) - late_s), os.urandom(16).hex()
        return nonce, ".".join((self.letter, when, nonce, mac(self.key, ("viaduct call", "POST", target, when, nonce), body)))

    def post(self, target, body, seal):
        """Status, body and seal of the answer."""
        link = self.host._socket(socket.AF_INET, socket.SOCK_STREAM)
        link.settimeout(20)
        link.connect(LISTEN)
        connection = http.client.HTTPConnection(*LISTEN)
        connection.sock = link
        try:
            connection.request("POST", target, body, {"X-Viaduct-Seal": seal, "Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null"), answer.headers.get("X-Viaduct-Seal")
        finally:
            connection.close()

    def call(self, target, **request):
        """A genuine call; its status and answer, whose seal is proved."""
        body = json.dumps(request).encode()
        nonce, seal = self.seal(target, body)
        link_status, answer, theirs = self.post(target, body, seal)
        # The server's own octets are compact JSON with sorted keys.
        octets = json.dumps(answer, separators=(",", ":"), sort_keys=True).encode()
        assert theirs == mac(self.key, ("viaduct answer", nonce, link_status), octets), answer
        return link_status, answer

    def moved(self, *users, mode="deactivated", **more):
        status, answer = self.call("/v1/moved", epoch=7, mode=mode, clients=[f"{user}@example.com" for user in users], **more)
        assert status == 200, answer
        return answer["told"]

    def standings(self, *users):
        status, answer = self.call("/v1/bindings", clients=[f"{user}@example.com" for user in users])
        assert status == 200, answer
        assert all((row["registered_ago_s"] is not None) == (row["bindings"] > 0) for row in answer["clients"]), answer
        return [(row["bindings"], row["subscriptions"]) for row in answer["clients"]]

    def placements(self, first=0, end=BLOCKS):
        """[aor, home, pin, epoch] of each client of these blocks, call by call."""
        out = []
        while first < end:
            status, answer = self.call("/v1/placements", first=first, end=end)
            assert status == 200 and first < answer["next"] <= end, answer
            out.append(answer["clients"])
            first = answer["next"]
        return out
