# SPDX-License-Identifier: Apache-2.0
"""Clients whose REGISTER has `Event: registration` ([MS-SIPREGE]): told once, in the dialog of that REGISTER, when the server takes their registration away."""
import contextlib
import re
import time

import rig
from rig import sip
from test_balance import Fleet
from test_by_hand import move_of, wait_until_moved
from test_edge_notifier import configured as before_third_party, start_kamailio
from test_home import HERE, PLACED, credentials, die
from test_moves import apply_drain
from test_watchers import CALLEE, FLOOR_S, configured, server, start, total
from watcher import PATIENCE_S, T1_S, Watcher, authorized, branch_of

AOR = "callee@example.com"


class Communicator(Watcher):
    """A client that asks with each REGISTER to be told of its end, and keeps the dialog."""

    def __init__(self, host, user, address, contact=None):
        super().__init__(host, user, address, contact)
        self.cseq = 0
        self.call_id, self.tag = f"ms-{user}", f"epid-{user}"
        self.remote_tag = None

    def request(self, expires=3600, event="registration"):
        self.cseq += 1
        request = sip.register(self.user).via(self.via()).contact(f"<{self.contact}>").cseq(self.cseq).call_id(self.call_id)
        request.from_(f"<{sip.aor(self.user)}>;tag={self.tag}")
        request.extra = [("Event", event), ("Supported", "path"), ("Expires", str(expires))]
        return request

    def learn(self, answer):
        assert answer.status == 200 and not answer.all("event"), answer.octets
        self.remote_tag = answer.parameter(answer.one("to"), "tag")

    def enrol(self, expires=3600):
        self.learn(self.ask(self.request(expires)))

    def hear_end(self, timeout_s=PATIENCE_S):
        return self.hear(lambda m: m.status is None and m.method == "NOTIFY", timeout_s, "NOTIFY")

    def look_at(self, message, event, error, cseq=1):
        assert message.uri == self.contact, message.octets
        assert message.one("from") == f"<{sip.aor(self.user)}>;tag={self.remote_tag}", message.octets
        assert message.one("to") == f"<{sip.aor(self.user)}>;tag={self.tag}"
        assert (message.one("call-id"), message.one("cseq")) == (self.call_id, f"{cseq} NOTIFY")
        assert (message.one("event"), message.one("subscription-state")) == ("registration-notify", "terminated;expires=0")
        assert message.one("content-type") == "text/registration-event" and message.body.decode() == f"deregistered;event={event}"
        assert re.fullmatch(rf'{error};reason="[^"]+"', message.one("ms-diagnostics-public")), message.octets

    def answer(self, message, status=200):
        octets = sip.answer(message.octets, status)
        self.answered[branch_of(message)] = octets
        self.send(octets)

    def told(self, event, error, timeout_s=PATIENCE_S, **more):
        """The end of the registration, looked at and answered."""
        message = self.hear_end(timeout_s)
        self.look_at(message, event, error, **more)
        self.answer(message)
        return message


def communicator(lab, user="callee", address=CALLEE):
    return Communicator(lab.host(user, address[0]), user, address)


def wait_until_over(daemon):
    rig.wait_for("the subscription to be over", lambda: total(daemon) == 0)


def test_who_is_deregistered_is_told_and_who_unregisters_is_not(lab, folder):
    with start(lab, folder) as daemon:
        callee = communicator(lab)
        callee.enrol()
        row = daemon.ask("subs.list")["subscriptions"][0]
        assert (row["event"], row["id"], row["subscriber"]) == ("registration", callee.remote_tag, sip.aor("callee"))
        callee.enrol()
        callee.nothing_for(1.0)
        assert daemon.ask("client.deregister", aor=AOR)["removed"] == 1
        callee.told("unregistered", 4140)
        wait_until_over(daemon)
        callee.enrol()
        callee.enrol(expires=0)
        assert total(daemon) == 0
        callee.nothing_for(1.0)
        counters = daemon.counters()["watchers"]
        assert (counters["subscribed"], counters["ended"], counters["notified"]) == (2, 2, 1)


def test_the_dialog_is_that_of_the_latest_register(lab, folder):
    with start(lab, folder) as daemon:
        callee = communicator(lab)
        callee.enrol()
        callee.call_id, callee.tag = "another", "another-epid"
        callee.enrol()
        daemon.ask("client.deregister", aor=AOR)
        callee.told("unregistered", 4140)
        wait_until_over(daemon)


def test_one_who_knows_nothing_of_it_is_told_no_more(lab, folder):
    with start(lab, folder) as daemon:
        callee = communicator(lab)
        callee.enrol()
        daemon.ask("client.deregister", aor=AOR)
        callee.answer(callee.hear_end(), 481)
        wait_until_over(daemon)
        callee.nothing_for(2.0)
        assert daemon.counters()["watchers"]["failed"] == 1


def test_a_lost_notify_comes_again(lab, folder):
    with start(lab, folder) as daemon:
        callee = communicator(lab)
        callee.enrol()
        daemon.ask("client.deregister", aor=AOR)
        lost, begun = callee.hear_end(), time.monotonic()
        again = callee.hear_end()
        assert again.octets == lost.octets and T1_S - 0.05 <= time.monotonic() - begun <= T1_S + 5
        callee.answer(again)
        wait_until_over(daemon)
        callee.nothing_for(2.0)


def test_a_restart_forgets_neither_the_subscription_nor_the_notify(lab, folder):
    config, edge = configured(folder, node={"name": "edge"}), lab.host("edge")
    callee = communicator(lab)
    with edge.daemon(config) as daemon:
        begun = time.time()
        callee.enrol()
        rig.written_behind(daemon, "bindings", "subscriptions", since=begun)
        die(daemon)
    with edge.daemon(config) as daemon:
        assert total(daemon) == 1
        begun = time.time()
        daemon.ask("client.deregister", aor=AOR)
        lost = callee.hear_end()
        rig.written_behind(daemon, "bindings", "subscriptions", since=begun)
        die(daemon)
    callee.forget()
    with edge.daemon(config) as daemon:
        again = callee.told("unregistered", 4140)
        assert branch_of(again) == branch_of(lost)
        wait_until_over(daemon)


def test_another_event_is_ignored(lab, folder):
    with start(lab, folder) as daemon:
        callee = communicator(lab)
        assert callee.ask(callee.request(event="reg")).status == 200
        assert total(daemon) == 0
        daemon.ask("client.deregister", aor=AOR)
        callee.nothing_for(1.0)


def test_beyond_the_bounds_he_is_registered_without_being_told(lab, folder):
    with start(lab, folder, {"subscriptions_max": 1}) as daemon:
        callee, caller = communicator(lab), communicator(lab, "caller", ("198.18.0.10", 5062))
        callee.enrol()
        caller.enrol()
        assert total(daemon) == 1 and daemon.ask("client.deregister", aor="caller@example.com")["removed"] == 1
        caller.nothing_for(1.0)


def test_who_has_a_password_proves_himself_with_each_register(lab, folder):
    with start(lab, folder, registrar={"credentials": credentials(folder / "credentials")}) as daemon:
        callee = communicator(lab)
        challenge = callee.ask(callee.request())
        assert challenge.status == 401 and total(daemon) == 0
        callee.learn(callee.ask(authorized(callee.request(), challenge, "callee", "secret")))
        daemon.ask("client.deregister", aor=AOR)
        callee.told("unregistered", 4140)
        wait_until_over(daemon)


def test_a_forged_register_brings_nobody_more_than_three_notifies(lab, folder):
    """No reflector: neither the Contact nor a stranger's Path leads anywhere; all octets on the victim's wire are counted."""
    with start(lab, folder) as daemon:
        victim = lab.host("victim", "198.18.0.66").udp("198.18.0.66", 5060)
        liar = Communicator(lab.host("callee", CALLEE[0]), "callee", CALLEE, contact="sip:callee@198.18.0.66:5060")

        def heard(request):
            """What comes by the word of one REGISTER, without an answer to any of it."""
            liar.learn(liar.ask(request))
            assert daemon.ask("client.deregister", aor=AOR)["removed"] == 1
            octets, end = [], time.monotonic() + 4
            while (left := end - time.monotonic()) > 0:
                liar.link.settimeout(left)
                with contextlib.suppress(TimeoutError):
                    octets.append(liar.link.recv(65535))
            return octets

        request = liar.request()
        notifies = heard(request)
        assert len(notifies) == 3 and sum(map(len, notifies)) < 3 * 2 * len(bytes(request)), [len(octets) for octets in notifies]
        assert len(heard(liar.request().header("Path", "<sip:198.18.0.66:5060;lr>"))) == 3, "by his own flow: the Path goes along as Routes"
        victim.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            raise AssertionError(victim.recv(65535))


def test_behind_an_edge_he_is_told_by_the_path(lab, folder):
    home_address = rig.HOMES["north"]
    homes = [{"name": "here", "address": f"{home_address}:5060", "viaduct": True}]
    edge_config = rig.make_config(folder, assignments=PLACED, home=homes, neighbour=[], dpdk=rig.af_packet(), redirect={"policy": "never"})
    home_config = rig.make_config(folder, assignments=PLACED, home=[{"name": "here", "address": f"{home_address}:5060", "local": True}], neighbour=[],
                                  dpdk=rig.af_packet(), node={"name": "home-node", "listen": [f"{home_address}:5060"]}, fleet={"edges": [f"{rig.EDGE}/32"]})
    with lab.host("edge").daemon(edge_config), lab.host("north", home_address).daemon(home_config) as home:
        callee = communicator(lab)
        lab.hosts["callee"].cannot_reach(home_address)
        callee.enrol()
        assert home.ask("client.deregister", aor=AOR)["removed"] == 1
        told = callee.told("unregistered", 4140)
        assert len(told.values("via")) == 2 and not told.all("route")
        wait_until_over(home)


def test_the_edge_of_a_third_party_home_implies_nothing(lab, folder):
    north = start_kamailio(lab, folder)
    with lab.host("edge").daemon(before_third_party(folder, redirect={"policy": "never"})) as daemon:
        callee = communicator(lab)
        callee.ask(callee.request())
        assert north.contacts("callee") == [callee.contact] and total(daemon) == 0


def test_who_is_rejected_is_told_so_and_his_watchers_too(lab, folder):
    with start(lab, folder) as daemon:
        callee, watcher = communicator(lab), server(lab)
        callee.enrol()
        subscription = watcher.watch("callee")
        assert daemon.ask("client.deregister", aor=AOR, rejected=True)["removed"] == 1
        callee.told("rejected", 4141)
        told = subscription.told(FLOOR_S + 2)
        assert told.document.events == {callee.contact: "rejected"} and told.state == "active"


# --- a client that moves

def moving(lab, folder, stack):
    """An edge before two Viaduct homes, and a client of the first one's, who is told of his end."""
    fleet = Fleet(lab, folder, stack, names=("v1", "v2"), balance={"auto": "off", "settled_s": 2})
    daemon = stack.enter_context(fleet.start_edge())
    user = fleet.of("v1")[0]
    client = Communicator(lab.host("phone", CALLEE[0]), user, CALLEE)
    client.enrol()
    assert total(fleet.v1) == 1
    return fleet, daemon, client


def test_moved_by_hand_he_is_asked_to_register_again_and_comes_to_the_new_home(lab, folder):
    with contextlib.ExitStack() as stack:
        fleet, daemon, client = moving(lab, folder, stack)
        aor = sip.aor(client.user)
        assert daemon.ask("client.assign", aor=aor, home="v2")["move"]["from"] == "v1"
        client.told("deactivated", 4142, timeout_s=65.0)
        assert move_of(daemon, aor)["state"] == "committed", "the move is durable and visible before he is told, and waits for him"
        client.enrol()
        wait_until_moved(daemon, aor)
        client.nothing_for(1.0)
        assert (total(fleet.v1), total(fleet.v2)) == (0, 1)


def test_moved_by_a_lazy_plan_he_is_told_by_the_old_home_once_he_is_at_the_new_one(lab, folder):
    with contextlib.ExitStack() as stack:
        fleet, daemon, client = moving(lab, folder, stack)
        apply_drain(daemon, "v1", mode="lazy")
        rig.wait_for("him to be on his way", lambda: (move_of(daemon, sip.aor(client.user)) or {}).get("state") == "committed")
        old = client.remote_tag
        client.nothing_for(1.0)
        client.enrol()
        new, client.remote_tag = client.remote_tag, old
        assert new != old, "another node's dialog"
        client.told("deactivated", 4142, timeout_s=15.0)
        rig.wait_for("the old home to be done", lambda: total(fleet.v1) == 0)
        assert total(fleet.v2) == 1


def test_evacuated_he_is_sent_away_within_the_minute(lab, folder):
    with contextlib.ExitStack() as stack:
        fleet, daemon, client = moving(lab, folder, stack)
        apply_drain(daemon, "v1", mode="evacuate")
        client.told("deactivated", 4142, timeout_s=65.0)
        client.enrol()
        wait_until_moved(daemon, sip.aor(client.user))
        assert (total(fleet.v1), total(fleet.v2)) == (0, 1)


def test_who_registers_at_the_new_home_is_not_sent_away_by_the_move_that_brought_him(lab, folder):
    start_kamailio(lab, folder)
    homes = [{"name": "north", "address": f"{rig.HOMES['north']}:5060"}, HERE]
    with lab.host("edge").daemon(before_third_party(folder, home=homes, redirect={"policy": "never"}, balance={"settled_s": 2})) as daemon:
        client, watcher = communicator(lab), server(lab)
        client.enrol()
        before = watcher.watch("callee")
        assert daemon.ask("client.assign", aor=AOR, home="here")["ok"]
        client.enrol()
        while (told := before.told(FLOOR_S + 5)).state != "terminated":
            pass
        assert told.parameters == {"reason": "deactivated"}
        client.nothing_for(3.0)
        listed = daemon.ask("subs.list")["subscriptions"]
        assert [(s["event"], s["elsewhere"], s["ending"]) for s in listed] == [("registration", False, None)], listed
