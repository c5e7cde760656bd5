# SPDX-License-Identifier: Apache-2.0
"""Homes that say how much they want (RFC 7339, RFC 7415), played by hand and by an overloaded Viaduct; and how long homes take to answer."""
import collections
import contextlib
import heapq
import threading
import time

import pytest
import rig
from daemon import wait_for
from rig import sip

NORTH = rig.HOMES["north"]
OFFER = b';oc;oc-algo="loss"'
PATIENCE_S = 5.0   # for an answer that is due


class Home:
    """A home that answers everything with 200 after a delay, and says `says` in the edge's Via."""

    def __init__(self, host, says="", delay_s=0.0):
        self.socket = host.udp(NORTH, 5060, timeout_s=0.01)
        self.says, self.delay_s, self.offers, self.last = says, delay_s, 0, b""
        self.methods = collections.Counter()
        self.running = threading.Event()

    @property
    def received(self):
        return sum(self.methods.values())

    def __enter__(self):
        self.running.set()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running.clear()
        self.thread.join()

    def serve(self):
        due = []
        while self.running.is_set():
            with contextlib.suppress(TimeoutError):
                octets, source = self.socket.recvfrom(65535)
                self.methods[octets.split(b" ", 1)[0].decode()] += 1
                self.offers += OFFER in octets
                self.last = octets
                heapq.heappush(due, (time.monotonic() + self.delay_s, octets, source))
            while due and due[0][0] <= time.monotonic():
                _, octets, source = heapq.heappop(due)
                answer = sip.answer(octets, 200)
                self.socket.sendto(answer.replace(OFFER, self.says.encode(), 1) if self.says else answer, source)


class Crowd:
    """Requests for clients at north, evenly in time, and what is answered."""

    def __init__(self, host):
        self.socket = host.udp("198.18.0.10", 5060, timeout_s=PATIENCE_S)
        self.number = 0
        self.sent_at, self.longest_s = {}, 0.0   # by Call-ID; until the answer was there

    def send(self, count, rate=500, method="REGISTER", **headers):
        begin, answers = time.monotonic(), collections.Counter()
        for i in range(count):
            self.number += 1
            user = f"user{self.number}"
            request = sip.register(user) if method == "REGISTER" else sip.request(method, user)
            for name, value in headers.items():
                request.header(name, value)
            self.sent_at[request.call_id_value] = time.monotonic()
            self.socket.sendto(bytes(request), rig.SERVICE)
            while (left := begin + (i + 1) / rate - time.monotonic()) > 0:
                self.hear(answers, left)
        while sum(answers.values()) < count and self.hear(answers, PATIENCE_S):
            pass
        return answers

    def hear(self, answers, patience_s):
        self.socket.settimeout(patience_s)
        try:
            answer = sip.Message(self.socket.recv(65535))
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(PATIENCE_S)
        answers[answer.status] += 1
        if begun := self.sent_at.pop(answer.one("call-id"), None):
            self.longest_s = max(self.longest_s, time.monotonic() - begun)
        if answer.status == 500:
            assert 5 <= int(answer.one("retry-after")) <= 60
        return True


@contextlib.contextmanager
def fleet(lab, folder, **home):
    """An edge before one home, and the clients' host."""
    edge, client = lab.host("edge"), lab.host("client", "198.18.0.10")
    config = rig.make_config(folder, home=[{"name": "north", "address": f"{NORTH}:5060"}], neighbour=[], assign={"policy": "slots"}, dpdk=rig.af_packet(),
                             redirect={"policy": "never"})
    with Home(lab.host("north", NORTH), **home) as north, edge.daemon(config) as daemon:
        yield daemon, north, Crowd(client)


def north_of(answer):
    return {home["name"]: home for home in answer["homes"]}["north"]


def counted(daemon, name):
    return daemon.ask("counters")["total"][name]


def test_a_home_is_offered_to_say_how_much_it_wants_and_a_telephone_is_not(pcap):
    placed = [("sip:alice@example.com", "north")]
    proxy = ("198.18.0.101", 5070)
    sent = pcap.run([rig.datagram(sip.register("alice").vias(2), source=proxy), rig.datagram(sip.request("INVITE", "alice"), source=proxy)], assignments=placed)
    assert all(m.values("via")[0].endswith(OFFER.decode()) and OFFER.decode() not in "".join(m.values("via")[1:]) for m in sent.messages)
    path = sip.Message(sent.datagrams[0].payload).one("path")
    token = path[path.index("<") + 1:path.index(">")]
    back = pcap.run([rig.datagram(sip.Request("OPTIONS", "sip:alice@198.18.0.10", "sip:alice@example.com").header("Route", f"<{token}>"), source=(NORTH, 5060))],
                    assignments=placed, neighbour=[{"address": proxy[0], "mac": "02:00:00:00:00:65"}])
    assert OFFER.decode() not in sip.Message(back.only().payload).values("via")[0]


def test_a_loss_is_left_out_until_its_time_is_over(lab, folder):
    with fleet(lab, folder) as (daemon, north, crowd):
        assert crowd.send(50) == {200: 50}
        assert north.offers == north.received == 50
        assert north_of(daemon.ask("load"))["asks"] is None and counted(daemon, "overload_reports") == 0
        north.says = ';oc=50;oc-algo="loss";oc-validity=1500'
        crowd.send(20)
        asks = north_of(daemon.ask("load"))["asks"]
        assert (asks["algorithm"], asks["value"]) == ("loss", 50) and 0 < asks["for_ms"] <= 1500
        assert north_of(daemon.ask("homes"))["asks"]["value"] == 50
        before = north.received
        answers = crowd.send(600)
        assert 240 <= north.received - before == answers[200] <= 360 and answers[500] == 600 - answers[200]
        assert crowd.send(30, method="INVITE")[200] > 20, "calls go last"
        assert north_of(daemon.ask("load"))["shed_asked"] == counted(daemon, "requests_shed_asked") == counted(daemon, "requests_shed") > 0
        north.says = ""
        time.sleep(1.6)
        assert north_of(daemon.ask("load"))["asks"] is None
        assert crowd.send(50) == {200: 50}, "its time is over"


def test_a_rate_is_kept_and_ends_when_the_home_says_so(lab, folder):
    with fleet(lab, folder, says=';oc=100;oc-algo="rate";oc-validity=5000;oc-seq=10.1') as (daemon, north, crowd):
        crowd.send(20)
        before, begin = north.received, time.monotonic()
        crowd.send(900, rate=450)
        passed, seconds = north.received - before, time.monotonic() - begin
        assert 30 * seconds <= passed <= 105 * seconds + 5, (passed, seconds)   # what a stall of the machine leaves unused is lost
        north.says = ';oc=100;oc-algo="rate";oc-validity=0;oc-seq=10.2'
        crowd.send(20)
        assert crowd.send(200, rate=450) == {200: 200}
        north.says = ';oc=1;oc-algo="rate";oc-validity=5000;oc-seq=10.15'
        assert crowd.send(100, rate=450) == {200: 100}, "that was said before"
        assert counted(daemon, "overload_outdated") == 100


def test_what_cannot_be_meant_is_not_heard(lab, folder):
    with fleet(lab, folder) as (daemon, north, crowd):
        for says in (';oc=200;oc-algo="loss"', ';oc=50;oc-algo="loss,rate"', ';oc=-1;oc-algo="rate"', ';oc=99999999999;oc-algo="rate"'):
            north.says = says
            assert crowd.send(30) == {200: 30}
        assert counted(daemon, "overload_nonsense") == 120 and counted(daemon, "overload_reports") == 0


def test_what_somebody_else_says_is_not_heard(lab, folder):
    with fleet(lab, folder) as (daemon, north, crowd):
        stranger = lab.host("stranger", "198.18.0.66").udp("198.18.0.66", 5060)
        assert crowd.send(1) == {200: 1}
        # As good as it can be forged: the answer to what the home has got, sent from elsewhere. It is returned, and not believed.
        stranger.sendto(sip.answer(north.last, 200).replace(OFFER, b';oc=100;oc-algo="loss";oc-validity=60000'), rig.SERVICE)
        assert sip.Message(crowd.socket.recv(65535)).status == 200
        assert counted(daemon, "overload_reports") == counted(daemon, "overload_nonsense") == 0
        assert crowd.send(50) == {200: 50}


def test_who_has_credentials_goes_before_who_has_none(lab, folder):
    with fleet(lab, folder, says=';oc=40;oc-algo="loss";oc-validity=5000') as (_, north, crowd):
        passed = collections.Counter()
        for _ in range(60):
            passed["first"] += crowd.send(5)[200]
            passed["refresh"] += crowd.send(5, **{"Authorization": 'Digest username="x"'})[200]
        assert passed["refresh"] >= 290 and passed["first"] <= 120, passed


@pytest.mark.alone
def test_an_overloaded_viaduct_tells_its_edge_and_is_spared(lab, folder):
    edge, home, client = lab.host("edge"), lab.host("north"), lab.host("client", "198.18.0.10")
    at = {"name": "north", "address": f"{NORTH}:5060"}
    behind = rig.make_config(folder, node={"name": "behind", "listen": [f"{NORTH}:5060"]}, home=[at | {"local": True}], neighbour=[], dpdk=rig.af_packet(),
                             assign={"policy": "slots"}, fleet={"edges": [f"{rig.EDGE}/32"]}, limits={"ring_slots": 64}, registrar={"bindings_max": 100_000})
    front = rig.make_config(folder, home=[at | {"viaduct": True}], neighbour=[], assign={"policy": "slots"}, dpdk=rig.af_packet(), redirect={"policy": "never"})
    with home.daemon(behind) as north, edge.daemon(front) as daemon:
        crowd = Crowd(client)
        assert crowd.send(50, rate=100) == {200: 50} and counted(daemon, "overload_reports") == 0
        begin, number = time.monotonic(), 0
        while counted(daemon, "requests_shed_asked") == 0 and time.monotonic() < begin + 20:
            storm = [bytes(sip.register(f"storm{number + i}")) for i in range(2000)]
            number += len(storm)
            for request in storm:
                crowd.socket.sendto(request, rig.SERVICE)
        assert counted(daemon, "overload_reports") > 0 and counted(daemon, "overload_nonsense") == 0
        assert counted(north, "registrations_put_off") > 0
        wait_for("the storm to be over", lambda: north_of(daemon.ask("load"))["asks"] is None)
        with contextlib.suppress(TimeoutError):
            while crowd.socket.recv(65535):
                pass
        assert counted(daemon, "requests_shed_asked") == north_of(daemon.ask("load"))["shed_asked"] > 0, "told twice, when no more comes"
        assert crowd.send(50, rate=100) == {200: 50}


def test_the_time_that_a_home_takes_is_seen(lab, folder):
    with fleet(lab, folder, delay_s=0.05) as (daemon, north, crowd):
        crowd.send(800, rate=400)
        seen = north_of(daemon.ask("load"))
        times = seen["answers"]
        assert 25 <= times["timed"] <= 90 and times["timed"] == sum(row["answers"] for row in seen["answer_times"])
        assert 32 <= times["p50_ms"] <= times["p95_ms"] <= times["p99_ms"] <= 2 * 1000 * crowd.longest_s, "classes reach from a power of two to the next"
        assert all(row["from_us"] >= 32768 for row in seen["answer_times"]), "none came before"
