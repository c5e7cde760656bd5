# SPDX-License-Identifier: Apache-2.0
"""Who watches registrations at their home: RFC 6665 and RFC 3680 step by step, over real UDP."""
import time

import rig
from rig import sip
from test_home import HERE, PLACED, credentials, die
from watcher import Watcher, authorized

FLOOR_S = 5.0   # RFC 3680 4.10
SERVER, CALLER, CALLEE = ("198.18.0.50", 5070), ("198.18.0.10", 5062), ("198.18.0.11", 5064)
TRUSTED = {"prefixes": [f"{SERVER[0]}/32"]}


def configured(folder, watchers=None, assignments=PLACED, **more):
    tables = {"home": [HERE], "neighbour": [], "dpdk": rig.af_packet(), "watchers": TRUSTED | (watchers or {})} | more
    return rig.make_config(folder, assignments=assignments, **tables)


def start(lab, folder, watchers=None, **more):
    return lab.host("edge").daemon(configured(folder, watchers, **more))


def server(lab):
    """A watcher that may watch everybody, as a presence server may."""
    return Watcher(lab.host("server", SERVER[0]), "server", SERVER)


def phone(lab, user="callee", address=CALLEE):
    return Watcher(lab.host(user, address[0]), user, address)


def total(daemon):
    return daemon.ask("subs.list")["total"]


# --- a subscription's life

def test_a_subscription_begins_with_the_full_state_and_ends_when_asked_to(lab, folder):
    with start(lab, folder) as daemon:
        watcher, callee = server(lab), phone(lab)
        callee.register()
        subscription = watcher.subscription("callee", headers=[("Accept", "application/reginfo+xml")])
        answer = subscription.subscribe(600)
        assert answer.status == 200 and answer.one("expires") == "600" and answer.one("contact") == f"<sip:{rig.EDGE}:5060>"
        first = subscription.told()
        assert first.state == "active" and 590 <= int(first.parameters["expires"]) <= 600
        assert first.document.is_full and first.document.state == "active" and subscription.uris == [callee.contact]
        assert 3590 <= int(first.document.contacts[0]["expires"]) <= 3600
        assert total(daemon) == 1
        answer = subscription.subscribe(0)
        assert answer.status == 200 and answer.one("expires") == "0"
        last = subscription.told()
        assert (last.state, last.parameters["reason"]) == ("terminated", "timeout") and last.document.is_full
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)
        assert subscription.subscribe(600).status == 481
        subscription.quiet_for(1.0)


def test_a_client_without_contacts_is_init_and_may_be_watched(lab, folder):
    with start(lab, folder):
        subscription = server(lab).watch("callee")
        assert subscription.uris == [] and subscription.registration


def test_a_question_is_answered_once_and_leaves_nothing(lab, folder):
    with start(lab, folder) as daemon:
        watcher, callee = server(lab), phone(lab)
        callee.register()
        question = watcher.subscription("callee")
        assert question.subscribe(0).one("expires") == "0"
        told = question.told()
        assert told.state == "terminated" and told.parameters["reason"] == "timeout" and question.uris == [callee.contact]
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)


def test_a_refresh_tells_everything_again_and_lasts_anew(lab, folder):
    with start(lab, folder) as daemon:
        subscription = server(lab).watch("callee", expires=100)
        answer = subscription.subscribe(2000)
        assert answer.status == 200 and answer.one("expires") == "2000"
        told = subscription.told()
        assert told.document.is_full and int(told.parameters["expires"]) > 1900 and total(daemon) == 1
        assert subscription.subscribe(None).one("expires") == "3761", "the default of RFC 3680 4.4"
        subscription.told()


def test_a_subscription_that_is_not_refreshed_ends_by_itself(lab, folder):
    with start(lab, folder, {"expires_min_s": 2}) as daemon:
        subscription = server(lab).watch("callee", expires=2)
        begun = time.monotonic()
        last = subscription.told(timeout_s=6)
        assert (last.state, last.parameters["reason"]) == ("terminated", "timeout") and 1.0 < last.at_s - begun < 4.0
        rig.wait_for("the subscription to be gone", lambda: total(daemon) == 0)


def test_a_subscribe_that_comes_again_is_answered_alike_and_makes_no_second_dialog(lab, folder):
    with start(lab, folder) as daemon:
        watcher = server(lab)
        subscription = watcher.subscription("callee")
        request = subscription.request(3600)
        answers = [watcher.ask(request) for _ in range(3)]
        subscription.learn(answers[0].parameter(answers[0].one("to"), "tag"), answers[0].one("contact"))
        assert subscription.told().document.version == 0
        answers.append(watcher.ask(request))
        without_expires = [[(name, value) for name, value in answer.headers if name != "expires"] for answer in answers]
        assert all(headers == without_expires[0] for headers in without_expires) and {answer.status for answer in answers} == {200}
        subscription.quiet_for(1.0)
        assert total(daemon) == 1
        late = subscription.request(3600).cseq(0)
        assert watcher.ask(late).status == 500, "a CSeq below the last one, RFC 3261 12.2.2"


# --- what is told

def test_every_change_is_told_in_part_and_not_faster_than_the_floor(lab, folder):
    with start(lab, folder, registrar={"expires_min_s": 1}) as daemon:
        watcher, callee = server(lab), phone(lab)
        second = f"sip:callee@{CALLEE[0]}:5999"
        subscription = watcher.watch("callee")
        begun = time.monotonic()
        callee.register(cseq=1)
        registered = subscription.told(FLOOR_S + 2)
        assert not registered.document.is_full and registered.document.state == "active"
        assert registered.document.events == {callee.contact: "registered"}
        callee.register(cseq=2)
        callee.register(cseq=1, contact=second, expires=2, call_id="another")
        refreshed = subscription.told(FLOOR_S + 2)
        assert not refreshed.document.is_full and refreshed.document.events[callee.contact] == "refreshed"
        assert subscription.uris == [callee.contact] or second in subscription.uris
        expired = subscription.told(FLOOR_S + 2) if refreshed.document.events[second] == "registered" else refreshed
        assert expired.document.events[second] == "expired"
        callee.register(cseq=3, expires=0)
        gone = subscription.told(FLOOR_S + 2)
        assert gone.document.events == {callee.contact: "unregistered"} and gone.document.state == "terminated" and subscription.uris == []
        times = sorted({begun, registered.at_s, refreshed.at_s, expired.at_s, gone.at_s})
        assert all(later - earlier > FLOOR_S - 0.3 for earlier, later in zip(times, times[1:])), times
        assert daemon.counters()["watchers"]["unanswered"] == 0


def test_changes_between_two_documents_come_together(lab, folder):
    with start(lab, folder):
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        contacts = [f"sip:callee@{CALLEE[0]}:{port}" for port in range(6001, 6006)]
        for cseq, contact in enumerate(contacts, 1):
            callee.register(cseq=cseq, contact=contact)
        told = subscription.told(FLOOR_S + 2)
        assert told.document.events == dict.fromkeys(contacts, "registered") and subscription.uris == contacts
        subscription.quiet_for(1.0)


def test_an_operator_ends_registrations_and_subscriptions(lab, folder):
    with start(lab, folder) as daemon:
        watcher, callee = server(lab), phone(lab)
        callee.register()
        one, another = watcher.watch("callee"), watcher.watch("callee")
        assert daemon.ask("client.deregister", aor="callee@example.com")["removed"] == 1
        for subscription in (one, another):
            assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "deactivated"}
        identity = daemon.ask("subs.list", aor="callee@example.com")["subscriptions"][0]["id"]
        assert daemon.ask("subs.terminate", id=identity, reason="probation", retry_after_s=7)["ended"] == 1
        probed = one if identity == one.remote_tag else another
        told = probed.told()
        assert told.parameters == {"reason": "probation", "retry-after": "7"} and told.document.is_full
        assert daemon.ask("subs.terminate", aor="callee@example.com")["ended"] == 1
        told = (another if probed is one else one).told()
        assert told.parameters == {"reason": "deactivated"}
        rig.wait_for("all to be gone", lambda: total(daemon) == 0)


def test_an_operator_makes_a_binding_that_is_called_and_refreshed_as_any(lab, folder):
    config, edge = configured(folder, node={"name": "edge"}), lab.host("edge")
    aor = "callee@example.com"
    with edge.daemon(config) as daemon:
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.watch("callee")
        assert daemon.ask("client.bind", aor=aor, uri="sip:callee@host.example.com")["error"].endswith("or it is this node's own")
        assert daemon.ask("client.bind", aor=aor, uri=callee.contact, expires_s=1)["error"] == "expires: at least 60 s"
        begun = time.time()
        assert daemon.ask("client.bind", aor=aor, uri=callee.contact, expires_s=600)["bindings"][0]["expires_in_s"] == 600
        assert subscription.told(FLOOR_S + 2).document.events == {callee.contact: "created"}
        watcher.send(sip.request("OPTIONS", "callee").via(watcher.via()))
        assert callee.hear(lambda m: m.status is None).uri == callee.contact
        rig.written_behind(daemon, "bindings", since=begun)
        die(daemon)
    with edge.daemon(config) as daemon:
        watcher.forget()
        assert [row["contact"] for row in daemon.ask("client.show", aor=aor)["bindings"]] == [callee.contact]
        again = watcher.watch("callee")
        assert {contact["event"] for contact in again.contacts.values()} == {"created"}
        callee.register(expires=1200)
        assert again.told(FLOOR_S + 2).document.events == {callee.contact: "refreshed"}
        assert 1190 < daemon.ask("client.show", aor=aor)["bindings"][0]["expires_in_s"] <= 1200


def test_the_subscribers_own_rate_is_kept_and_said(lab, folder):
    with start(lab, folder):
        watcher, callee = server(lab), phone(lab)
        subscription = watcher.subscription("callee", event="reg;id=slow;max-rate=0.125")
        subscription.subscribe()
        first = subscription.told()
        assert float(first.parameters["max-rate"]) == 0.125
        callee.register(cseq=1)
        callee.register(cseq=2)
        told = subscription.told(10)
        assert 7.7 < told.at_s - first.at_s < 9.0 and told.document.events == {callee.contact: "refreshed"}


def test_what_the_subscriber_knows_is_not_told_again(lab, folder):
    """RFC 5839: 204 and no NOTIFY within a dialog, an empty NOTIFY at the beginning of another."""
    with start(lab, folder):
        watcher, callee = server(lab), phone(lab)
        callee.register()
        subscription = watcher.subscription("callee")
        subscription.subscribe()
        tag = subscription.told().message.one("sip-etag")
        known = [("Suppress-If-Match", tag)]
        for condition in (known, [("Suppress-If-Match", "*")]):
            answer = subscription.subscribe(3600, condition)
            assert answer.status == 204 and answer.one("expires") == "3600"
        subscription.quiet_for(1.0)
        other = watcher.subscription("callee")
        assert other.subscribe(3600, known).status == 200
        told = other.told()
        assert told.document is None and told.state == "active" and told.message.one("sip-etag") == tag and not told.message.all("content-type")
        callee.register(cseq=2, contact=f"sip:callee@{CALLEE[0]}:5999")
        changed = subscription.told(FLOOR_S + 2)
        assert changed.message.one("sip-etag") != tag
        assert subscription.subscribe(3600, known).status == 200
        assert subscription.told().document.is_full


# --- who is refused

def test_what_cannot_be_served_is_refused_with_its_reason(lab, folder):
    with start(lab, folder) as daemon:
        watcher = server(lab)

        def refusal(user="callee", expires=3600, event="reg", **changes):
            request = watcher.subscription(user, event=event).request(expires)
            for name, value in changes.items():
                getattr(request, name)(*value)
            return watcher.ask(request)

        assert refusal(expires=5).status == 423 and refusal(expires=5).one("min-expires") == "60"
        for event in ("reg.winfo", None):
            answer = refusal(event=event)
            assert answer.status == 489 and "reg" in answer.values("allow-events"), event
        assert refusal(header=("Accept", "application/pidf+xml")).status == 406
        assert refusal(header=("Accept", "*/*;q=0")).status == 406
        assert refusal(contact=()).status == 400
        assert refusal(contact=("<sip:a@198.18.0.50>", "<sip:b@198.18.0.50>")).status == 400
        assert refusal(to=("<sip:callee@example.com>;tag=nobody",), request_uri=(f"sip:{rig.EDGE}:5060",)).status == 481
        assert total(daemon) == 0 and daemon.counters()["watchers"]["subscribed"] == 0


def test_who_says_to_somebody_else_than_he_asks_for_gets_no_dialog_that_nobody_finds(lab, folder):
    """The client of a dialog is found by its To."""
    with start(lab, folder) as daemon:
        watcher = server(lab)
        for to in ("sip:hotline@example.com", "sip:callee@elsewhere.org"):
            assert watcher.ask(watcher.subscription("callee").request(600).to(f"<{to}>")).status == 403, to
        assert watcher.ask(watcher.subscription("callee").request(600).to("<sips:callee@example.com;user=phone>")).status == 200, "another spelling"
        assert total(daemon) == 1


def test_strangers_watch_nobody_and_owners_watch_themselves(lab, folder):
    with start(lab, folder) as daemon:
        caller, callee = phone(lab, "caller", CALLER), phone(lab)
        caller.register()
        assert caller.subscription("callee").subscribe().status == 403, "another's registrations"
        assert callee.subscription("callee").subscribe().status == 403, "his own, but from a place that has not shown that it is his"
        callee.register()
        subscription = callee.watch("callee")
        assert subscription.uris == [callee.contact]
        forged = Watcher(lab.hosts["caller"], "callee", (CALLER[0], 5999))
        assert forged.subscription("callee").subscribe().status == 403
        assert total(daemon) == 1


def test_a_password_proves_whose_the_registrations_are(lab, folder):
    with start(lab, folder, registrar={"credentials": credentials(folder / "credentials"), "algorithms": ["SHA-256", "MD5"]}) as daemon:
        callee = phone(lab)

        def ask(password, user="callee"):
            subscription = callee.subscription(user)
            challenge = callee.ask(subscription.request(3600))
            assert challenge.status == 401 and "SHA-256" in challenge.all("www-authenticate")[0]
            request = authorized(subscription.request(3600), challenge, user, password)
            return subscription, callee.ask(request)

        assert ask("wrong")[1].status == 401
        subscription, answer = ask("secret")
        assert answer.status == 200, answer.octets
        assert subscription.told().document.is_full and total(daemon) == 1
        assert callee.subscription("caller").subscribe().status == 403


def test_who_is_behind_the_same_proxy_is_not_the_client(lab, folder):
    """All who come through a proxy come from its address: a From is written by anybody, and only a password shows whose it is."""
    with start(lab, folder, registrar={"credentials": credentials(folder / "credentials"), "algorithms": ["MD5"]}) as daemon:
        proxy = phone(lab)   # what it sends on comes from telephones behind it

        def behind(request, telephone):
            return request.via(proxy.via(), sip.via(f"{telephone}:5060", f"z9hG4bKt{proxy.transactions}"))

        register = behind(sip.register("callee").contact("<sip:callee@198.18.0.41>"), "198.18.0.41")
        challenge = proxy.ask(register)
        register = authorized(behind(register.cseq(2), "198.18.0.41"), challenge, "callee", "secret")
        assert proxy.ask(register).status == 200
        stranger = proxy.subscription("callee")
        challenge = proxy.ask(behind(stranger.request(3600), "198.18.0.42"))
        assert challenge.status == 401 and total(daemon) == 0
        own = authorized(behind(stranger.request(3600), "198.18.0.41"), challenge, "callee", "secret")
        assert proxy.ask(own).status == 200 and stranger.told().document.is_full


def test_no_more_than_the_limits_allow(lab, folder):
    with start(lab, folder, {"per_client_max": 2, "subscriptions_max": 3}):
        watcher = server(lab)
        for user in ("callee", "callee", "caller"):
            watcher.watch(user)
        answer = watcher.subscription("caller").subscribe()
        assert answer.status == 503 and 1 <= int(answer.one("retry-after")) <= 60
        full = watcher.subscription("callee").subscribe()
        assert full.status in (403, 503)
