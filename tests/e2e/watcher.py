# SPDX-License-Identifier: Apache-2.0
"""A watcher played by the test: SUBSCRIBE and NOTIFY message by message, and the table of contacts that RFC 3680 5.2 makes of the documents.

Each NOTIFY is held against its dialog (RFC 6665 4.1.3, RFC 3261 12.2.2), its document against the schema; what does not fit fails the test there.
"""
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import re
import subprocess
import time
import xml.etree.ElementTree

import rig
from rig import sip

SCHEMAS = pathlib.Path(__file__).resolve().parents[1] / "notifier"
NAMESPACE = "{urn:ietf:params:xml:ns:reginfo}"
PATIENCE_S = 20.0   # for what is to come: a node that makes something durable first shares its disk
T1_S, T2_S, TIMER_F_S = 0.5, 4.0, 32.0


def validate(document):
    done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", SCHEMAS / "reginfo.xsd", "-"], input=document, capture_output=True, check=False,
                          env=os.environ | {"XML_CATALOG_FILES": str(SCHEMAS / "catalog.xml")})
    assert done.returncode == 0, f"{document!r}: {done.stderr.decode()}"


@dataclasses.dataclass
class Document:
    """One application/reginfo+xml about one address-of-record."""
    version: int
    is_full: bool
    aor: str
    registration_id: str
    state: str
    contacts: list   # dictionaries of attributes, and "uri"

    @staticmethod
    def read(octets):
        validate(octets)
        root = xml.etree.ElementTree.fromstring(octets)
        registrations = root.findall(f"{NAMESPACE}registration")
        assert len(registrations) == 1, octets
        contacts = [node.attrib | {"uri": node.findtext(f"{NAMESPACE}uri")} for node in registrations[0]]
        whole = registrations[0].attrib
        return Document(int(root.attrib["version"]), root.attrib["state"] == "full", whole["aor"], whole["id"], whole["state"], contacts)

    @property
    def events(self):
        """What each contact named went through, by its URI."""
        return {contact["uri"]: contact["event"] for contact in self.contacts}


@dataclasses.dataclass
class Told:
    """One NOTIFY, taken."""
    message: sip.Message
    at_s: float
    state: str             # of the subscription
    parameters: dict       # of Subscription-State
    document: Document     # None when there is no body

    @property
    def branch(self):
        return branch_of(self.message)


def branch_of(message):
    return message.parameter(message.values("via")[0], "branch")


class Watcher:
    """A user agent at one address. Whatever comes for one of its subscriptions waits there until it is asked for."""

    def __init__(self, host, user, address, contact=None):
        self.link = host.udp(*address)
        self.user = user
        self.sent_by = f"{address[0]}:{address[1]}"
        self.contact = contact or f"sip:{user}@{self.sent_by}"
        self.transactions = 0
        self.waiting = []       # messages that came while another was wanted
        self.answered = {}      # branch of a NOTIFY: the octets of its answer
        self.repetitions = 0    # NOTIFYs that came again

    def forget(self):
        """What has come until now, read or not."""
        self.waiting.clear()
        self.link.settimeout(0)   # as whoever reads next sets it for himself
        with contextlib.suppress(BlockingIOError):
            while self.link.recv(65535):
                pass

    def via(self):
        self.transactions += 1
        return sip.via(self.sent_by, f"z9hG4bKw{self.user}{self.transactions}", rport=None)

    def send(self, octets):
        self.link.sendto(bytes(octets), rig.SERVICE)

    def hear(self, is_wanted, timeout_s=PATIENCE_S, what="a message"):
        """The next message that is wanted; others are kept. A NOTIFY that was answered before is answered again and passed over."""
        end = time.monotonic() + timeout_s
        # One that came twice while another message was wanted is answered once.
        self.waiting = [message for message in self.waiting if message.status is not None or branch_of(message) not in self.answered]
        for i, message in enumerate(self.waiting):
            if is_wanted(message):
                return self.waiting.pop(i)
        while (left := end - time.monotonic()) > 0:
            self.link.settimeout(left)
            try:
                message = sip.Message(self.link.recv(65535))
            except TimeoutError:
                break
            if message.status is None and (old := self.answered.get(branch_of(message))):
                self.repetitions += 1
                self.send(old)
            elif is_wanted(message):
                return message
            else:
                self.waiting.append(message)
        raise TimeoutError(f"no {what} within {timeout_s} s; waiting: {[m.start_line for m in self.waiting]}")

    def nothing_for(self, seconds):
        """No request comes that has not been answered before. (A request of our own that was sent twice may be answered twice.)"""
        try:
            message = self.hear(lambda m: m.status is None, seconds)
        except TimeoutError:
            return
        raise AssertionError(message.octets)

    def ask(self, request, timeout_s=TIMER_F_S):
        """A request's final answer; it is sent again by timer E (RFC 3261 17.1.2.2)."""
        branch = re.search(r"branch=([^;]*)", request.via_values[0])[1]
        end, interval = time.monotonic() + timeout_s, T1_S
        while time.monotonic() < end:
            self.send(request)
            try:
                return self.hear(lambda m: m.status is not None and m.status >= 200 and branch_of(m) == branch, interval)
            except TimeoutError:
                interval = min(2 * interval, T2_S)
        raise TimeoutError(f"{request.method}: no answer within {timeout_s} s")

    def register(self, expires=3600, cseq=1, contact=None, call_id=None):
        """Register this user agent itself: then it may watch itself."""
        request = sip.register(self.user).via(self.via()).contact(f"<{contact or self.contact}>").cseq(cseq).call_id(call_id or f"reg-{self.user}")
        request.extra = [("Expires", str(expires))]
        answer = self.ask(request)
        assert answer.status == 200, answer.octets
        return answer

    def subscription(self, user, **more):
        return Subscription(self, user, **more)

    def watch(self, user, expires=3600, **more):
        """A subscription that stands: 200, the first NOTIFY and its 200."""
        subscription = Subscription(self, user, **more)
        answer = subscription.subscribe(expires)
        assert answer.status == 200, answer.octets
        first = subscription.told()
        assert first.document.is_full and first.state == "active", first.message.octets
        return subscription


class Subscription:
    """One subscription and its dialog, as its subscriber has it."""

    def __init__(self, watcher, user, event="reg", headers=()):
        serial = f"{watcher.user}-{user}-{time.monotonic_ns()}"
        self.watcher = watcher
        self.user = user
        self.event = event
        self.headers = list(headers)
        self.call_id = f"sub-{serial}@{watcher.sent_by}"
        self.tag = f"t{serial}"
        self.cseq = 0
        self.remote_tag = self.remote_target = None
        self.remote_cseq = None
        self.routes = []          # as NOTIFYs bring them, in the order of our requests: the reverse of what a NOTIFY's sender has
        self.version = None
        self.contacts = {}        # by id: what the documents have said so far
        self.registration = None  # its id and state

    def request(self, expires, headers=()):
        """The next SUBSCRIBE; `expires` None leaves the header out."""
        self.cseq += 1
        aor = sip.aor(self.user)
        request = sip.Request("SUBSCRIBE", self.remote_target or aor, aor).via(self.watcher.via()).call_id(self.call_id).cseq(self.cseq)
        request.from_(f"<{sip.aor(self.watcher.user)}>;tag={self.tag}").to(f"<{aor}>" + (f";tag={self.remote_tag}" if self.remote_tag else ""))
        request.contact(f"<{self.watcher.contact}>")
        for name, value in [("Event", self.event), *self.headers, *headers, *([] if expires is None else [("Expires", str(expires))])]:
            if value is not None:
                request.header(name, value)
        return request

    def subscribe(self, expires=3600, headers=()):
        """Ask, and learn the dialog from a 2xx (RFC 6665 4.4.1). Returns the answer."""
        request = self.request(expires, headers)
        self.last = request
        answer = self.watcher.ask(request)
        if answer.status // 100 == 2:
            self.learn(answer.parameter(answer.one("to"), "tag"), answer.one("contact"))
            assert int(answer.one("expires")) <= (expires if expires is not None else 3761), answer.octets
        return answer

    def learn(self, tag, contact):
        assert tag and self.remote_tag in (None, tag), f"another dialog: {tag}, not {self.remote_tag}"
        self.remote_tag, self.remote_target = tag, re.search(r"<([^>]*)>", contact)[1]

    def is_for_us(self, message):
        return message.status is None and message.method == "NOTIFY" and message.one("call-id") == self.call_id

    def hear(self, timeout_s=PATIENCE_S):
        """The next NOTIFY of this subscription, not answered yet."""
        return self.watcher.hear(self.is_for_us, timeout_s, f"NOTIFY of {self.call_id}")

    def answer(self, message, status=200, extra=()):
        octets = sip.answer(message.octets, status, to_tag=self.tag, extra=extra)
        self.watcher.answered[branch_of(message)] = octets
        self.watcher.send(octets)

    def told(self, timeout_s=PATIENCE_S, status=200, extra=()):
        """The next NOTIFY, looked at and answered."""
        message = self.hear(timeout_s)
        told = self.look_at(message)
        self.answer(message, status, extra)
        return told

    def quiet_for(self, seconds):
        """No NOTIFY of this subscription comes."""
        try:
            message = self.hear(seconds)
        except TimeoutError:
            return
        raise AssertionError(message.octets)

    def look_at(self, message, skips=False):
        """What it says, when it is one of this dialog's; `skips`: numbers may have advanced by more than one, as after a restart."""
        at_s = time.monotonic()
        self.check_dialog(message, skips)
        state, *rest = message.one("subscription-state").split(";")
        parameters = dict(piece.split("=") for piece in rest)
        assert state in ("active", "terminated"), message.octets
        assert ("expires" in parameters) == (state == "active") and ("reason" in parameters) == (state == "terminated"), message.octets
        document = None
        if message.body:
            assert message.one("content-type") == "application/reginfo+xml"
            document = Document.read(message.body)
            self.take(document, skips)
        assert int(message.one("content-length")) == len(message.body)
        return Told(message, at_s, state, parameters, document)

    def check_dialog(self, message, skips):
        assert message.uri == self.watcher.contact, message.octets
        self.learn(message.parameter(message.one("from"), "tag"), message.one("contact"))
        assert message.parameter(message.one("to"), "tag") == self.tag, message.octets
        assert re.search(r"<([^>]*)>", message.one("from"))[1] == sip.aor(self.user), message.octets
        assert message.one("event").replace(" ", "") == ";".join(re.findall(r"^[^;]*|id=[^;]*", self.event)), message.octets
        assert branch_of(message).startswith("z9hG4bK") and int(message.one("max-forwards")) > 0
        number = int(message.one("cseq").split()[0])
        if self.remote_cseq is not None:
            assert number > self.remote_cseq if skips else number == self.remote_cseq + 1, f"CSeq {number} after {self.remote_cseq}"
        self.remote_cseq = number

    def take(self, document, skips):
        """RFC 3680 5.2: a full document replaces the table, a partial one must be the next and changes it."""
        assert document.aor == sip.aor(self.user)
        assert self.registration is None or self.registration == document.registration_id, "the id of a registration is one for ever"
        self.registration = document.registration_id
        if self.version is not None and not (skips and document.is_full):
            assert document.version == self.version + 1, f"version {document.version} after {self.version}"
        self.version = document.version
        named = {contact["id"]: contact for contact in document.contacts}
        assert len(named) == len(document.contacts)
        for contact in document.contacts:
            old = self.contacts.get(contact["id"])
            assert old is None or old["uri"] == contact["uri"], "the id of a contact is one for ever"
            assert (contact["state"] == "active") == (contact["event"] in ("registered", "created", "refreshed", "shortened")), contact
        self.contacts = named if document.is_full else self.contacts | named
        # What is terminated is shown once.
        self.contacts = {key: contact for key, contact in self.contacts.items() if contact["state"] == "active"}

    @property
    def uris(self):
        return sorted(contact["uri"] for contact in self.contacts.values())


def authorized(request, challenge, user, password):
    """The same request once more, with the credentials that the challenge asks for (RFC 7616 3.4, qop=auth)."""
    parts = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.all("www-authenticate")[0]))   # the strongest first
    function = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[parts["algorithm"]]

    def digest(text):
        return hashlib.new(function, text.encode()).hexdigest()

    secret, what = digest(f"{user}:{parts['realm']}:{password}"), digest(f"{request.method}:{request.uri}")
    response = digest(f"{secret}:{parts['nonce']}:00000001:cn:auth:{what}")
    return request.header("Authorization", f'Digest username="{user}", realm="{parts["realm"]}", nonce="{parts["nonce"]}", uri="{request.uri}", '
                                           f'algorithm={parts["algorithm"]}, qop=auth, nc=00000001, cnonce="cn", response="{response}"')
