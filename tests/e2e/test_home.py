# SPDX-License-Identifier: Apache-2.0
"""A node that is a home: clients register, with a password where it asks for one, and are called, also through an edge before it."""
import hashlib
import re
import time

import frames
import pytest
import rig
from handset import Phone, call, cancel_over_a_rotation
from rig import sip
from softphones import Baresip, Linphone
from watcher import Watcher, authorized

CALLER, CALLEE = ("198.18.0.10", 5062), ("198.18.0.11", 5064)
HERE = {"name": "here", "address": f"{rig.EDGE}:5060", "local": True}
USERS = ("alice", "bob", "caller", "callee")
PLACED = [(f"{user}@example.com", "here") for user in USERS]
HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}


def credentials(path, password="secret"):
    rows = [f"{user}@example.com,{name},{hashlib.new(function, f'{user}:example.com:{password}'.encode()).hexdigest()}\n"
            for user in USERS for name, function in HASHES.items()]
    path.write_text("".join(rows))
    return path


def start(lab, folder, proxy=None, **registrar):
    config = rig.make_config(folder, assignments=PLACED, home=[HERE], neighbour=[], dpdk=rig.af_packet(), proxy=proxy or {}, registrar=registrar)
    return lab.host("edge").daemon(config)


def phones(lab):
    return Phone(lab.host("caller", CALLER[0]), "caller", CALLER), Phone(lab.host("callee", CALLEE[0]), "callee", CALLEE)


def hang_up(sender, receiver, cseq):
    sender.inside("BYE", cseq)
    receiver.answer(receiver.hear("BYE"), 200)
    sender.hear(200)


def test_clients_of_one_home_call_each_other_in_both_directions(lab, folder):
    with start(lab, folder) as daemon:
        caller, callee = phones(lab)
        caller.register()
        caller.invite("callee")
        caller.hear(480)
        callee.register()
        offered = call(caller, callee)
        assert offered.uri == callee.contact.strip("<>") and not offered.all("route")
        assert len(offered.values("record-route")) == 2
        for sender, receiver, cseq in ((callee, caller, 10), (caller, callee, 2)):
            sender.inside("INVITE", cseq)
            receiver.answer(receiver.hear("INVITE"), 200)
            sender.hear(200)
            sender.inside("ACK", cseq)
            receiver.hear("ACK")
        hang_up(callee, caller, 11)
        assert daemon.settled(1)["total"]["drops"]["response_foreign"] == 0


def test_answers_come_from_the_address_that_the_request_went_to(lab, folder):
    other = (rig.EDGE, 5080)
    listen = [f"{address}:{port}" for address, port in (rig.SERVICE, other)]
    config = rig.make_config(folder, assignments=PLACED, home=[HERE], neighbour=[], dpdk=rig.af_packet(), node={"listen": listen})
    with lab.host("edge").daemon(config):
        caller = Phone(lab.host("caller", CALLER[0]), "caller", CALLER)
        callee = Phone(lab.host("callee", CALLEE[0]), "callee", CALLEE, service=other)
        callee.register()
        call(caller, callee)
        caller.inside("INVITE", 2)
        callee.answer(callee.hear("INVITE"), 200)
        octets, source = caller.link.recvfrom(65535)
        assert (sip.Message(octets).status, source) == (200, rig.SERVICE)
        callee.inside("BYE", 10)
        caller.answer(caller.hear("BYE"), 200)
        octets, source = callee.link.recvfrom(65535)
        assert (sip.Message(octets).status, source) == (200, other)
        caller.invite("callee")
        callee.answer(callee.hear("INVITE"), 180)
        octets, source = caller.link.recvfrom(65535)
        assert (sip.Message(octets).status, source) == (180, rig.SERVICE)


def test_a_call_is_cancelled_at_the_binding_that_rings(lab, folder):
    with start(lab, folder) as daemon:
        caller, callee = phones(lab)
        callee.register()
        request = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        callee.register()
        cancel = sip.request("CANCEL", "callee").via(*request.via_values).from_(request.from_value).to(request.to_value).call_id(request.call_id_value)
        caller.send(cancel)
        taken_back = callee.hear("CANCEL")
        assert taken_back.values("via")[0] == offered.values("via")[0]
        callee.answer(taken_back, 200)
        callee.answer(offered, 487)
        assert {caller.hear(200, 487).status, caller.hear(200, 487).status} == {200, 487}
        daemon.settled(1)


def test_a_call_is_cancelled_where_it_rings_when_another_device_was_added_meanwhile(lab, folder):
    with start(lab, folder) as daemon:
        caller, callee = phones(lab)
        second = Phone(lab.host("second", "198.18.0.12"), "callee", ("198.18.0.12", 5066))
        callee.register()
        request = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        time.sleep(1.1)   # of two that were added within a second either may be the last
        second.send(sip.register("callee").via(second.via()).call_id("other").contact(second.contact))
        second.hear(200)
        cancel = sip.request("CANCEL", "callee").via(*request.via_values).from_(request.from_value).to(request.to_value).call_id(request.call_id_value)
        caller.send(cancel)
        taken_back = callee.hear("CANCEL")
        assert taken_back.values("via")[0] == offered.values("via")[0] and taken_back.uri == offered.uri
        assert second.hear("CANCEL").uri == second.contact.strip("<>")
        callee.answer(taken_back, 200)
        callee.answer(offered, 487)
        assert {caller.hear(200, 487).status, caller.hear(200, 487).status} == {200, 487}
        assert daemon.settled(1)["total"]["second_homes"] == 1


@pytest.mark.parametrize("is_alone", [True, False], ids=["his-only-one", "one-of-two"])
def test_a_call_is_cancelled_where_it_rings_although_that_device_has_unregistered(lab, folder, is_alone):
    with start(lab, folder) as daemon:
        caller, callee = phones(lab)
        second = Phone(lab.host("second", "198.18.0.12"), "callee", ("198.18.0.12", 5066))
        if not is_alone:
            second.send(sip.register("callee").via(second.via()).call_id("other").contact(second.contact + ";q=0.5"))
            second.hear(200)
        callee.register()
        request = caller.invite("callee")
        offered = callee.hear("INVITE")
        callee.answer(offered, 180)
        caller.hear(180)
        callee.send(sip.register("callee").via(callee.via()).cseq(2).contact(callee.contact + ";expires=0"))
        callee.hear(200)
        caller.cancel(request)
        taken_back = callee.hear("CANCEL")
        assert taken_back.values("via")[0] == offered.values("via")[0] and taken_back.uri == offered.uri
        callee.answer(taken_back, 200)
        callee.answer(offered, 487)
        assert {caller.hear(200, 487).status, caller.hear(200, 487).status} == {200, 487}
        if not is_alone:
            assert second.hear("CANCEL").uri == second.contact.strip("<>")
        assert daemon.settled(1)["total"]["second_homes"] == (0 if is_alone else 1)


def test_calls_reach_a_client_behind_a_nat_by_the_flow_of_its_registration(lab, folder):
    with start(lab, folder):
        inner = lab.behind_nat("inner", CALLEE[0])
        caller, callee = Phone(lab.host("caller", CALLER[0]), "caller", CALLER), Phone(inner, "callee", ("10.77.0.2", 5064))
        callee.register()
        offered = call(caller, callee)
        assert offered.uri == "sip:callee@10.77.0.2:5064"
        hang_up(callee, caller, 5)


@pytest.mark.parametrize("is_behind_nat", [False, True], ids=["public", "behind-a-nat"])
def test_two_lines_of_one_device_call_each_other(lab, folder, is_behind_nat):
    with start(lab, folder):
        host, address = (lab.behind_nat("inner", CALLEE[0]), ("10.77.0.2", 5064)) if is_behind_nat else (lab.host("callee", CALLEE[0]), CALLEE)
        caller = Phone(host, "caller", address)
        callee = caller.line("callee")
        caller.register()
        callee.register()
        assert call(caller, callee).uri == callee.contact.strip("<>")
        caller.inside("INVITE", 2)
        callee.answer(callee.hear("INVITE"), 200)
        caller.hear(200)
        caller.inside("ACK", 2)
        callee.hear("ACK")
        hang_up(callee, caller, 5)
        call(caller, callee)
        hang_up(caller, callee, 2)


def test_a_call_is_kept_and_ended_where_dialogs_are_not_recorded_otherwise(lab, folder):
    with start(lab, folder, proxy={"record_route": False}):
        caller, callee = phones(lab)
        callee.register()
        call(caller, callee)
        hang_up(callee, caller, 5)
        call(caller, callee)
        hang_up(caller, callee, 2)


def test_a_call_is_cancelled_where_it_rings_although_the_keys_have_rotated(lab, folder):
    with start(lab, folder) as daemon:
        caller, callee = phones(lab)
        callee.register()
        cancel_over_a_rotation(daemon, caller, callee)


def test_a_path_of_anybody_s_leads_nowhere_but_through_his_own_flow(lab, folder):
    with start(lab, folder):
        caller, callee = phones(lab)
        path = "<sip:198.18.0.77:7777;lr>"
        callee.send(sip.register("callee").via(callee.via()).contact(callee.contact).header("Path", path))
        callee.hear(200)
        caller.send(sip.request("MESSAGE", "callee").via(caller.via()).body(b"x", "text/plain"))
        message = callee.hear("MESSAGE")
        assert message.values("route") == [path], "RFC 3327 5.3"
        callee.answer(message, 200)
        caller.hear(200)


def test_a_message_that_fits_the_edge_s_link_arrives_behind_a_narrower_one(lab, folder):
    """The telephone's router has a line of DSL behind it: 1,492 octets (RFC 2516 7)."""
    with start(lab, folder):
        inner = lab.behind_nat("inner", CALLEE[0])
        lab.hosts["innergw"].run("ip", "link", "set", inner.port, "mtu", 1492)
        inner.run("ip", "link", "set", "eth0", "mtu", 1492)
        caller, callee = Phone(lab.host("caller", CALLER[0]), "caller", CALLER), Phone(inner, "callee", ("10.77.0.2", 5064))
        callee.register()
        arrived = []
        for octets in range(1340, 1380, 4):
            request = sip.request("MESSAGE", "callee").via(caller.via()).from_("<sip:caller@example.com>;tag=tag-caller").body(b"x")
            request.body_octets = b"x" * (1 + octets - len(bytes(request)))
            caller.send(request)
            arrived.append(len(callee.hear("MESSAGE").octets))
        assert any(1492 < 28 + octets <= 1500 for octets in arrived), arrived


def test_an_edge_before_the_home_is_the_path_to_the_client(lab, folder):
    """Two Viaduct nodes: the edge proxies the REGISTER with its Path, and the home calls back along it."""
    home_address = rig.HOMES["north"]
    homes = [{"name": "here", "address": f"{home_address}:5060", "viaduct": True}]
    edge_config = rig.make_config(folder, assignments=PLACED, home=homes, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"})
    home_config = rig.make_config(folder, assignments=PLACED, home=[{"name": "here", "address": f"{home_address}:5060", "local": True}], neighbour=[],
                                  dpdk=rig.af_packet(), node={"name": "home-node", "listen": [f"{home_address}:5060"]}, fleet={"edges": [f"{rig.EDGE}/32"]})
    with lab.host("edge").daemon(edge_config), lab.host("north", home_address).daemon(home_config) as home:
        caller, callee = phones(lab)
        for name in ("caller", "callee"):
            lab.hosts[name].cannot_reach(home_address)
        answer = caller.register()
        assert f"@{rig.EDGE}:5060;lr;ob>" in answer.one("path")
        callee.register()
        rows = home.ask("client.show", aor="callee@example.com")["bindings"]
        assert rows[0]["flow"] == f"{rig.EDGE}:5060" and f"@{rig.EDGE}:5060;lr;ob>" in rows[0]["path"]
        offered = call(caller, callee)
        assert offered.uri == callee.contact.strip("<>") and not offered.all("route")
        hang_up(callee, caller, 5)
        call(caller, callee)
        hang_up(caller, callee, 2)


def register_device(telephone, i, cseq):
    """A REGISTER of one of many telephones of alice's, as RFC 5626 and RFC 5627 have it."""
    contact = f'<{telephone.contact};ob>;+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6b{i:02x}>";reg-id=1'
    register = sip.register("alice").via(telephone.via()).call_id(f"telephone-{i}").cseq(cseq).contact(contact)
    return register.header("Supported", "path, outbound, gruu")


def test_who_has_proven_who_he_is_has_as_many_telephones_as_are_allowed(lab, folder):
    with start(lab, folder, credentials=credentials(folder / "credentials"), algorithms=["MD5"]) as daemon:
        place = lab.host("clients", CALLER[0])
        for i in range(10):
            telephone = Watcher(place, "alice", (CALLER[0], 5070 + i))
            challenge = telephone.ask(register_device(telephone, i, 1))
            answer = telephone.ask(authorized(register_device(telephone, i, 2), challenge, "alice", "secret"))
            assert (answer.status, len(answer.all("contact"))) == (200, i + 1), answer.octets
        assert len(daemon.ask("client.show", aor="alice@example.com")["bindings"]) == 10


def test_credentials_that_were_seen_on_the_wire_are_of_no_use(lab, folder):
    """Neither is in the digest, Call-ID, CSeq or Contact: who has seen a REGISTER, and sends from its address, has its Authorization line and no more."""
    with start(lab, folder, credentials=credentials(folder / "credentials"), algorithms=["MD5"]) as daemon:
        place = lab.host("clients", CALLER[0])
        telephone, stranger = Watcher(place, "alice", CALLER), Watcher(place, "alice", (CALLER[0], 6666))

        def register(sender, cseq, contact=None, call_id="seen", **more):
            request = sip.register("alice").via(sender.via()).call_id(call_id).cseq(cseq).contact(contact or f"<{sender.contact}>")
            request.extra = list(more.items())
            return request

        def proven(request):
            challenge = telephone.ask(request)
            assert challenge.status == 401
            return authorized(request.via(telephone.via()).cseq(request.cseq_number + 1), challenge, "alice", "secret")

        first = proven(register(telephone, 1))
        assert telephone.ask(first).status == 200
        line = first.extra[-1][1]
        for request in (register(stranger, 1, call_id="other"), register(stranger, 3, "*", Expires="0"), register(stranger, 1, "*", "other", Expires="0")):
            answer = stranger.ask(request.header("Authorization", line))
            assert answer.status == 401 and "stale=true" in answer.all("www-authenticate")[0], answer.octets
        assert [b["contact"] for b in daemon.ask("client.show", aor="alice@example.com")["bindings"]] == [telephone.contact]
        assert len(telephone.ask(first).all("contact")) == 1, "the answer was lost"
        last = proven(register(telephone, 3, Expires="0"))
        assert telephone.ask(last).status == 200
        for old in (first, last):
            answer = telephone.ask(old)
            assert answer.status == 200 and not answer.all("contact"), "it is answered, and changes nothing any more"


def test_sipp_registers_with_its_password(lab, folder):
    """It knows MD5 alone."""
    with start(lab, folder, credentials=credentials(folder / "credentials"), algorithms=["MD5"]) as daemon:
        rig.sipp(lab.host("clients", "198.18.0.20"), "register-digest", f"{rig.EDGE}:5060", address="198.18.0.20", rate=50, calls=100, options=("-s", "alice"))
        counters = daemon.settled(200)
        assert (counters["registrar"]["challenged"], counters["registrar"]["answered"]) == (100, 100)


def test_a_wrong_password_and_an_unknown_client_are_challenged_for_ever(lab, folder):
    with start(lab, folder, credentials=credentials(folder / "credentials", password="other"), algorithms=["MD5"]) as daemon:
        clients = lab.host("clients", "198.18.0.20")
        for count, user in enumerate(("alice", "mallory"), 1):
            with pytest.raises(AssertionError):
                rig.sipp(clients, "register-digest", f"{rig.EDGE}:5060", address="198.18.0.20", rate=10, calls=5, options=("-s", user))
            registrar = daemon.counters()["registrar"]
            assert registrar["answered"] == 0 and registrar["challenged"] == count * 2 * 5, "at first, and with what they answered"
        credentials(folder / "credentials")
        assert daemon.ask("reload")["ok"]
        rig.sipp(lab.hosts["clients"], "register-digest", f"{rig.EDGE}:5060", address="198.18.0.20", rate=10, calls=5, options=("-s", "alice"))
        assert daemon.counters()["registrar"]["answered"] == 5


def test_baresip_registers_with_its_password_and_is_called(lab, folder):
    """Baresip 1.0 gives up at a challenge for an algorithm that it does not know."""
    with start(lab, folder, credentials=credentials(folder / "credentials", password="x"), algorithms=["MD5"]) as daemon:
        bob = Baresip(lab.host("bob", "198.18.0.11"), "bob", "198.18.0.11", rig.EDGE, folder / "bob")
        bob.says("SIP/2.0 200", 20)
        assert daemon.counters()["registrar"]["challenged"] >= 1
        alice = Baresip(lab.host("alice", "198.18.0.10"), "alice", "198.18.0.10", rig.EDGE, folder / "alice", commands=["/dial sip:bob@example.com"])
        alice.says("Call established", 30)
        bob.says("Call established", 30)


@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
def test_linphone_registers_with_its_password_and_is_called(lab, folder, algorithm):
    """It answers the challenge for the algorithm of its account; all three are offered, the strongest first."""
    with start(lab, folder, credentials=credentials(folder / "credentials")) as daemon:

        def phone(user, address, call=None):
            made = Linphone(lab.host(user, address), user, rig.EDGE, folder / user, call, "secret", algorithm)
            rig.wait_for(f"{user} to be registered: {made.log_path}", lambda: bindings(daemon, user), 30)
            return made

        bob = phone("bob", "198.18.0.11")
        counters = daemon.counters()["registrar"]
        assert counters["challenged"] == counters["answered"] == 1
        assert re.search(rf"\nAuthorization:.*[ ,]algorithm={algorithm}[,\s]", (folder / "bob" / "debug.log").read_text(errors="replace"))
        alice = phone("alice", "198.18.0.10", call="sip:bob@example.com")
        for one in (alice, bob):
            one.says("Call 1 with .* connected", 30)


def die(daemon):
    daemon.die()


def bindings(daemon, user):
    return daemon.ask("client.show", aor=f"{user}@example.com")["bindings"]


def test_every_binding_survives_a_stop_and_those_a_second_old_a_kill(lab, folder):
    config = rig.make_config(folder, assignments=PLACED, home=[HERE], neighbour=[], dpdk=rig.af_packet())
    edge = lab.host("edge")
    caller, callee = phones(lab)
    with edge.daemon(config):
        callee.register()
    with edge.daemon(config) as daemon:
        before = bindings(daemon, "callee")
        assert len(before) == 1 and before[0]["expires_in_s"] > 3500
        call(caller, callee)
        hang_up(callee, caller, 5)
        caller.register()
        begun = time.time()
        assert daemon.ask("client.deregister", aor="callee@example.com")["removed"] == 1
        rig.written_behind(daemon, "bindings", since=begun)
        die(daemon)
    with edge.daemon(config) as daemon:
        assert len(bindings(daemon, "caller")) == 1 and not bindings(daemon, "callee")
        assert daemon.ask("status")["registrar"] == {"clients": 1, "bindings": 1, "subscriptions": 0}


def test_a_thousand_registrations_are_there_after_a_kill(lab, folder):
    count = 1000
    config = rig.make_config(folder, assignments=[(f"user{i}@example.com", "here") for i in range(1, count + 1)], home=[HERE], neighbour=[], dpdk=rig.af_packet())
    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.20")
    with edge.daemon(config) as daemon:
        link = clients.udp("198.18.0.20", 5070)
        for i in range(1, count + 1):
            begun = time.time()
            link.sendto(bytes(sip.register(f"user{i}")), rig.SERVICE)
            assert sip.Message(link.recv(4096)).status == 200
        rig.written_behind(daemon, "bindings", since=begun)
        die(daemon)
    with edge.daemon(config) as daemon:
        assert daemon.ask("status")["registrar"] == {"clients": count, "bindings": count, "subscriptions": 0}
        # A retransmission of what was answered before is known still.
        link.sendto(bytes(sip.register("user7")), rig.SERVICE)
        assert sip.Message(link.recv(4096)).status == 200


def test_several_shards_share_the_clients_and_their_number_may_change_at_a_restart(lab, folder):
    count = 200
    placed = PLACED + [(f"user{i}@example.com", "here") for i in range(1, count + 1)]
    made = credentials(folder / "credentials")
    with made.open("a") as rows:
        rows.writelines(f"user{i}@example.com,MD5,{hashlib.md5(f'user{i}:example.com:secret'.encode()).hexdigest()}\n" for i in range(1, count + 1))

    def config(shards, **more):
        return rig.make_config(folder, assignments=placed, home=[HERE], neighbour=[], dpdk=rig.af_packet(), node={"name": "edge"}, registrar={"shards": shards} | more)

    edge, clients = lab.host("edge"), lab.host("clients", "198.18.0.20")
    caller, callee = phones(lab)
    link = clients.udp("198.18.0.20", 5070)

    def answers(cseq):
        out = set()
        for i in range(1, count + 1):
            link.sendto(bytes(sip.register(f"user{i}").cseq(cseq)), rig.SERVICE)
            out.add(sip.Message(link.recv(4096)).status)
        return out

    with edge.daemon(config(3)) as daemon:
        assert answers(1) == {200}
        callee.register()
        call(caller, callee)
        hang_up(callee, caller, 5)
        assert daemon.ask("status")["registrar"] == {"clients": count + 1, "bindings": count + 1, "subscriptions": 0}
        assert daemon.ask("client.deregister", aor="callee@example.com")["removed"] == 1 and not bindings(daemon, "callee")
        assert daemon.counters()["registrar"]["answered"] == count + 1
        # Every shard takes over what a reload brings.
        config(3, credentials=made, algorithms=["MD5"])
        assert daemon.ask("reload")["ok"]
        assert answers(2) == {401}
        daemon.settled(1)
    for shards in (1, 4):
        with edge.daemon(config(shards)) as daemon:
            assert daemon.ask("status")["registrar"] == {"clients": count, "bindings": count, "subscriptions": 0}
            assert all(len(bindings(daemon, f"user{i}")) == 1 for i in (1, 2, 3, count))
            assert answers(1 + shards) == {200}
            assert daemon.ask("status")["registrar"]["bindings"] == count


def test_registrations_that_cannot_be_read_stop_the_start_and_are_not_touched(lab, folder):
    config = rig.make_config(folder, assignments=PLACED, home=[HERE], neighbour=[], dpdk=rig.af_packet())
    edge = lab.host("edge")
    with edge.daemon(config):
        phones(lab)[0].register()
    kept = next(folder.glob("*.store")) / "bindings.mdb"
    kept.write_bytes(kept.read_bytes()[:8192])
    spoilt = kept.read_bytes()
    with pytest.raises(AssertionError, match="is cut off"), edge.daemon(config):
        pass
    assert kept.read_bytes() == spoilt


@pytest.mark.alone
def test_in_a_storm_those_who_are_registered_go_first_and_others_are_told_to_come_back_at_different_times(pcap, folder):
    known, new = [f"known{i}" for i in range(20)], [f"new{i}" for i in range(3000)]
    storm = [rig.datagram(sip.register(user)) for user in new]
    refreshes = {f"{user}-again": rig.datagram(sip.register(user).call_id(f"{user}-again").cseq(2)) for user in known}
    for place, refresh in enumerate(refreshes.values()):
        storm.insert(1000 + 100 * place, refresh)
    first = [rig.datagram(sip.register(user)) for user in known]
    # What a worker hands over in a burst never fills the half that is left. The known ones are so from the beginning.
    node = {"home": [HERE], "neighbour": [], "assign": {"policy": "slots"}, "limits": {"ring_slots": 256}, "store": {"path": folder / "kept.store", "size_max": 1024}}
    assert len(pcap.run(first, **node).messages) == len(first)
    outcome = pcap.run(storm, **node)
    statuses = {m.one("call-id"): m.status for m in outcome.messages}
    assert {statuses[call] for call in refreshes} == {200}
    put_off = [int(m.one("retry-after")) for m in outcome.messages if m.status == 503]
    assert put_off and all(10 <= seconds <= 120 for seconds in put_off)
    assert len(set(put_off)) > min(len(put_off), 50) // 2
    assert outcome.counters["total"]["registrations_put_off"] == len(put_off) == outcome.verdict("rejected")
    assert outcome.counters["registrar"]["answered"] == len(outcome.messages) - len(put_off) == len(storm) - len(put_off)


def test_after_a_restart_with_other_listeners_calls_leave_from_the_one_that_was_registered_at(folder):
    before, other, caller, callee = "198.18.0.2", "198.18.0.3", ("198.18.0.10", 5060), "198.18.0.9"
    neighbours = [{"address": callee, "mac": "02:00:00:00:00:09"}, {"address": caller[0], "mac": "02:00:00:00:00:10"}]

    def start_with(listen, *pkts):
        frames.write_pcap(folder / "in.pcap", [frames.frame_of(p) for p in pkts])
        config = rig.make_config(folder, node={"name": "edge-of-listeners", "listen": [f"{address}:5060" for address in listen]}, assignments=PLACED, home=[HERE | {"address": f"{before}:5060"}],
                                 neighbour=neighbours, dpdk={"rx_pcap": folder / "in.pcap", "tx_pcap": folder / "out.pcap"})
        return rig.Daemon(config)

    with start_with([before]) as daemon:
        assert daemon.ask("client.bind", aor="alice@example.com", uri=f"sip:alice@{callee}:5060", expires_s=3600)["ok"]
    with start_with([other, before], rig.datagram(bytes(sip.request("INVITE", "alice")), source=caller, destination=(before, 5060))) as daemon:
        daemon.settled(1)
    sent = [d for d in map(frames.datagram_of, frames.read_pcap(folder / "out.pcap")) if d and d.destination == (callee, 5060)]
    assert [d.source for d in sent] == [(before, 5060)] and sent[0].payload.startswith(b"INVITE sip:alice@"), sent
