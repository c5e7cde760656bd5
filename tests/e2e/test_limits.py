# SPDX-License-Identifier: Apache-2.0
"""Limits through the real daemon: each by its counter, and a flood from made-up sources that leaves those who have registered alone."""
import contextlib
import random
import socket
import threading
import time

import frames
import pytest
import rig
from handset import Phone
from rig import sip

PLACED = [("sip:alice@example.com", "north"), ("sip:bob@example.com", "north")]
# One second's worth is more than a run takes, so that what comes at once is all that passes.
SLOW = {"source_pps": 1, "source_burst": 10}


def burst(count, user="alice", source=rig.CLIENT):
    return [rig.datagram(sip.register(user), source=source) for _ in range(count)]


def test_a_source_is_held_to_its_rate_whatever_its_port_and_others_are_not(pcap):
    items = [datagram for port in range(50) for datagram in burst(1, source=("198.18.0.10", 5000 + port))] + burst(5, source=("198.18.0.11", 5060))
    outcome = pcap.run(items, assignments=PLACED, limits=SLOW)
    assert 10 <= outcome.verdict("redirected") - 5 <= 12
    assert outcome.drop("source_over_limit") == 55 - outcome.verdict("redirected")


def test_friends_are_not_limited(pcap):
    outcome = pcap.run(burst(50), assignments=PLACED, limits=SLOW | {"friends": ["198.18.0.0/24"]})
    assert outcome.verdict("redirected") == 50


def test_what_is_over_is_told_to_come_back_at_different_times(pcap):
    outcome = pcap.run(burst(200), assignments=PLACED, limits=SLOW | {"over": "503"})
    told = [int(m.one("retry-after")) for m in outcome.messages if m.status == 503]
    assert 188 <= len(told) <= 190 and outcome.verdict("rejected") == len(told)
    assert all(10 <= seconds <= 120 for seconds in told) and len(set(told)) > 50


def test_strangers_use_up_one_clients_bucket_and_no_other(pcap):
    items = [datagram for i in range(40) for datagram in burst(1, "alice", ("198.18.0.10", 5000 + i))] + burst(3, "bob")
    outcome = pcap.run(items, assignments=PLACED, limits={"aor_pps": 1, "aor_burst": 5})
    assert 5 + 3 <= outcome.verdict("redirected") <= 7 + 3
    assert outcome.drop("client_over_limit") == 43 - outcome.verdict("redirected")


def test_one_source_makes_us_send_no_more_than_its_budget(pcap):
    outcome = pcap.run(burst(100), assignments=PLACED, limits={"reply_bytes_per_s": 1, "reply_burst_bytes": 10000})
    assert 9000 < sum(len(d.payload) for d in outcome.datagrams) <= 10000
    assert outcome.drop("reply_over_budget") == 100 - len(outcome.datagrams)


def test_who_has_registered_is_no_stranger_to_any_worker(lab, folder):
    """The home's answers come by the flow of the home, to a worker that need not be the client's."""
    users = [f"u{i}" for i in range(24)]
    addresses = [f"198.18.0.{20 + i}" for i in range(len(users))]
    north, clients = rig.HOMES["north"], lab.host("clients", *addresses)
    rig.Kamailio(lab.host("north", north), north, folder / "north", proxy=True)

    def config(**limits):
        return rig.make_config(folder, assignments=[(f"{user}@example.com", "north") for user in users], neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"},
                               node={"name": "edge-w", "workers": 2}, limits={"strangers_pps": 100_000} | limits)

    with lab.host("edge").daemon(config()) as daemon:
        phones = [Phone(clients, user, (address, 5060)) for user, address in zip(users, addresses)]
        for phone in phones:
            phone.register()
        config(strangers_pps=1, strangers_burst=1)
        assert daemon.ask("reload")["ok"]
        for phone in phones:
            phone.register(cseq=2)
        assert daemon.counters()["total"]["drops"]["strangers_over_limit"] == 0


def spared(**more):
    """Homes of which `north` takes one request a second, and sixteen at once."""
    return [{"name": name, "address": f"{address}:5060"} | (more if name == "north" else {}) for name, address in rig.HOMES.items()]


def test_a_home_is_spared_and_who_goes_without_is_told_as_it_fits_him(pcap):
    one_via = [rig.datagram(sip.register("alice")) for _ in range(40)]
    two_vias = [rig.datagram(sip.register("alice").vias(2)) for _ in range(40)]
    calls = [rig.datagram(sip.request("INVITE", "alice")) for _ in range(10)]
    byes = [rig.datagram(sip.request("BYE", "alice")) for _ in range(10)]
    outcome = pcap.run(one_via + two_vias + calls + byes, assignments=PLACED, home=spared(max_per_s=1))
    refused = outcome.counters["total"]["requests_shed"]
    assert outcome.verdict("redirected") == 8, "REGISTERs without credentials leave half of what may come at once to others"
    assert outcome.verdict("proxied") == 8 + 10, "the rest of it is for calls; what belongs to one always passes"
    assert refused == outcome.verdict("rejected") == 40 + 40 + 10 - 8 - 8
    waits = [int(m.one("retry-after")) for m in outcome.messages if m.status == 500]
    assert len(waits) == 32 + 2 and all(5 <= seconds <= 60 for seconds in waits) and len(set(waits)) > 5
    assert sum(m.status == 503 for m in outcome.messages) == 40
    assert not any(m.all("retry-after") for m in outcome.messages if m.status == 503)


def test_a_home_that_is_spared_leaves_the_others_alone(pcap):
    placed = PLACED + [("sip:carol@example.com", "south")]
    outcome = pcap.run(burst(40) + burst(40, "carol"), assignments=placed, home=spared(max_per_s=1))
    assert outcome.verdict("redirected") == 8 + 40


def test_limits_come_and_go_with_a_reload(lab, folder):
    edge, client = lab.host("edge"), lab.host("client", "198.18.0.10")
    config = rig.make_config(folder, assignments=PLACED, neighbour=[], dpdk=rig.af_packet())
    with edge.daemon(config) as running:
        link = client.udp("198.18.0.10", 5060, timeout_s=0.1)

        def answered(count):
            """How many of so many requests are answered within five seconds, and when the last of them was."""
            requests = [sip.register("alice") for _ in range(count)]
            waiting, begun, last_s = {request.call_id_value for request in requests}, time.monotonic(), 0.0
            for request in requests:
                link.sendto(bytes(request), rig.SERVICE)
            while waiting and time.monotonic() - begun < 5:
                with contextlib.suppress(TimeoutError):
                    waiting.remove(sip.Message(link.recv(65535)).one("call-id"))
                    last_s = time.monotonic() - begun
            return count - len(waiting), last_s

        assert answered(30)[0] == 30
        text = config.read_text()
        config.write_text(text.replace("[limits]\n", "[limits]\nsource_pps = 1\nsource_burst = 5\n"))
        assert running.ask("reload")["ok"]
        count, last_s = answered(30)
        assert 5 <= count <= 5 + last_s + 1
        config.write_text(text)
        assert running.ask("reload")["ok"]
        assert answered(30)[0] == 30


# --- a flood

FRIENDS = [f"198.18.0.{100 + i}" for i in range(10)]
HOME_PPS = 400                # what the home manages
FLOOD_PPS = 10 * HOME_PPS     # what comes from made-up sources
STRANGERS_PPS = 100
SECONDS = 3


class SlowHome(threading.Thread):
    """A registrar that answers 200 to so many requests a second, and whose queue is short."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.link = host.udp(rig.HOMES["north"], 5060, timeout_s=0.2)
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.ends = False
        self.answered = 0

    def run(self):
        begun = time.monotonic()
        while not self.ends:
            try:
                octets, source = self.link.recvfrom(65535)
            except TimeoutError:
                continue
            request = sip.Message(octets)
            copied = "".join(f"{name}: {value}\r\n" for name, value in request.headers if name in ("via", "from", "to", "call-id", "cseq"))
            self.link.sendto(f"SIP/2.0 200 OK\r\n{copied}Content-Length: 0\r\n\r\n".encode(), source)
            self.answered += 1
            time.sleep(max(0.0, begun + self.answered / HOME_PPS - time.monotonic()))
            begun = max(begun, time.monotonic() - self.answered / HOME_PPS - 0.05)   # what was not used is not saved up


def register_once(link, user):
    """True when the home's 200 came back in time."""
    request = sip.register(user)
    link.sendto(bytes(request), rig.SERVICE)
    end = time.monotonic() + 1.0
    while (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            answer = sip.Message(link.recv(65535))
        except TimeoutError:
            return False
        if answer.one("call-id") == request.call_id_value:
            return answer.status == 200
    return False


def refresh(link, user, until, results):
    while time.monotonic() < until:
        results.append(register_once(link, user))
        time.sleep(0.1)


def made_up_frames(count, edge_mac):
    chance = random.Random(5)
    for _ in range(count):
        source = (f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}", chance.randrange(1024, 65535))
        yield frames.frame_of(rig.datagram(sip.register(f"x{chance.randrange(100000)}"), source=source, destination_mac=bytes.fromhex(edge_mac.replace(":", ""))))


def flood(link, all_frames):
    """Evenly, in batches of ten milliseconds."""
    begun = time.monotonic()
    for number, frame in enumerate(all_frames):
        link.send(frame)
        if number % (FLOOD_PPS // 100) == 0:
            time.sleep(max(0.0, begun + number / FLOOD_PPS - time.monotonic()))


def share_of_friends_served(lab, folder, limits):
    edge, home = lab.host("edge"), SlowHome(lab.host("home", rig.HOMES["north"]))
    friends, attacker = lab.host("friends", *FRIENDS), lab.host("attacker")
    config = rig.make_config(folder, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"}, limits=limits,
                             home=[{"name": "north", "address": f"{rig.HOMES['north']}:5060"}])
    all_frames = list(made_up_frames(FLOOD_PPS * SECONDS, edge.mac))
    with edge.daemon(config) as running:
        home.start()
        links = [friends.udp(address, 5060) for address in FRIENDS]
        assert all(register_once(link, f"friend{i}") for i, link in enumerate(links)), "before the flood"
        until, results = time.monotonic() + SECONDS, []
        threads = [threading.Thread(target=refresh, args=(link, f"friend{i}", until, results)) for i, link in enumerate(links)]
        for thread in threads:
            thread.start()
        flood(attacker.packets(), all_frames)
        for thread in threads:
            thread.join()
        counters = running.settled(len(all_frames))
        home.ends = True
        home.join()
    assert len(results) >= 20
    return sum(results) / len(results), counters["total"]


@pytest.mark.alone
def test_a_flood_of_ten_times_the_capacity_leaves_who_has_registered_at_99_percent(lab, folder):
    served, total = share_of_friends_served(lab, folder, {"strangers_pps": STRANGERS_PPS, "source_pps": 50})
    assert served >= 0.99, (served, total)
    flooded = FLOOD_PPS * SECONDS
    passed = flooded - total["drops"]["strangers_over_limit"]
    assert total["drops"]["strangers_over_limit"] > 0.9 * flooded, "two seconds' worth at once, then the rate"
    assert passed <= STRANGERS_PPS * (SECONDS + 4), passed


@pytest.mark.alone
def test_without_limits_the_same_flood_drowns_them(lab, folder):
    served, _ = share_of_friends_served(lab, folder, {})
    assert served < 0.9, served
