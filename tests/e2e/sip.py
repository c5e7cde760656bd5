# SPDX-License-Identifier: Apache-2.0
"""SIP messages for the tests: a fluent builder of requests as clients really write them, and a slow, obvious reader of what comes back.

Nothing here shares code with the product: the reader is the tests' own idea of RFC 3261 section 7.
"""
import itertools
import re

COMPACT = {"via": "v", "from": "f", "to": "t", "call-id": "i", "contact": "m", "content-length": "l", "content-type": "c", "supported": "k",
           "subject": "s", "event": "o", "allow-events": "u"}
LONG = {short: name for name, short in COMPACT.items()}
DOMAIN = "example.com"
CLIENT = "198.18.0.10:5060"

_serial = itertools.count(1)


class Request:
    """A request under construction: each method changes one thing and returns the request; bytes(request) is the message."""

    def __init__(self, method, uri, aor):
        serial = next(_serial)
        self.method = method
        self.uri = uri
        self.via_values = [via(CLIENT, f"z9hG4bKc{serial}")]
        self.max_forwards_value = 70
        self.from_value = f"<{aor}>;tag=f{serial}"
        self.to_value = f"<{aor}>"
        self.call_id_value = f"call-{serial}@client"
        self.cseq_number = 1
        self.contacts = []
        self.extra = []
        self.body_octets = b""
        self.is_compact = self.is_folded = self.is_joined = self.is_scattered = self.is_shouted = False
        self.line_end = b"\r\n"

    # --- what the message says

    def vias(self, count):
        """`count` Via values: the client's own below, those of proxies on its way above."""
        return self.via(*[via(f"198.18.0.{100 + i}:5060", f"z9hG4bKp{i}-{self.call_id_value.split('@')[0]}") for i in range(count - 1, 0, -1)],
                        self.via_values[-1])

    def via(self, *values):
        self.via_values = list(values)
        return self

    def branch(self, text):
        """Another branch in the top Via: another transaction."""
        self.via_values[0] = re.sub(r"branch=[^;]*", f"branch={text}", self.via_values[0])
        return self

    def from_(self, value):
        self.from_value = value
        return self

    def to(self, value):
        self.to_value = value
        return self

    def call_id(self, text):
        self.call_id_value = text
        return self

    def cseq(self, number):
        self.cseq_number = number
        return self

    def max_forwards(self, number):
        """None leaves the header out."""
        self.max_forwards_value = number
        return self

    def request_uri(self, uri):
        self.uri = uri
        return self

    def contact(self, *values):
        self.contacts = list(values)
        return self

    def expires(self, seconds):
        return self.header("Expires", str(seconds))

    def user_agent(self, text):
        return self.header("User-Agent", text)

    def header(self, name, value):
        self.extra.append((name, value))
        return self

    def body(self, octets, content_type="application/sdp"):
        self.body_octets = octets
        return self.header("Content-Type", content_type)

    # --- how it is written

    def compact(self):
        """Header names in their compact form."""
        self.is_compact = True
        return self

    def folded(self):
        """Via, From, To and Contact continue on a second line, RFC 3261 7.3.1."""
        self.is_folded = True
        return self

    def joined(self):
        """All Via values in one line, separated by commas."""
        self.is_joined = True
        return self

    def scattered(self):
        """Via lines first, in the middle and last, as some clients and proxies leave them."""
        self.is_scattered = True
        return self

    def shouted(self):
        """Header names in capitals."""
        self.is_shouted = True
        return self

    def bare_lf(self):
        self.line_end = b"\n"
        return self

    def _lines(self):
        vias = [("Via", ", ".join(self.via_values))] if self.is_joined else [("Via", value) for value in self.via_values]
        rest = [] if self.max_forwards_value is None else [("Max-Forwards", str(self.max_forwards_value))]
        rest += [("From", self.from_value), ("To", self.to_value), ("Call-ID", self.call_id_value), ("CSeq", f"{self.cseq_number} {self.method}")]
        rest += [("Contact", value) for value in self.contacts] + self.extra
        if self.is_scattered:
            middle = len(rest) // 2
            lines = vias[:1] + rest[:middle] + vias[1:2] + rest[middle:] + vias[2:]
        else:
            lines = vias + rest
        return lines + [("Content-Length", str(len(self.body_octets)))]

    def _written(self, name, value):
        if self.is_compact:
            name = COMPACT.get(name.lower(), name)
        if self.is_shouted:
            name = name.upper()
        if self.is_folded and name.lower() in ("via", "v", "from", "f", "to", "t", "contact", "m"):
            value = value.replace(";", f"{self.line_end.decode()} ;", 1)
        return f"{name}: {value}".encode()

    def __bytes__(self):
        lines = [f"{self.method} {self.uri} SIP/2.0".encode()] + [self._written(*line) for line in self._lines()]
        return self.line_end.join(lines) + 2 * self.line_end + self.body_octets


def via(sent_by, branch, **parameters):
    return f"SIP/2.0/UDP {sent_by};branch={branch}" + "".join(f";{k}" if v is None else f";{k}={v}" for k, v in parameters.items())


def aor(user, domain=DOMAIN):
    return f"sip:{user}@{domain}"


def register(user, domain=DOMAIN):
    return Request("REGISTER", f"sip:{domain}", aor(user, domain)).contact(f"<sip:{user}@{CLIENT}>").expires(3600)


def request(method, user, domain=DOMAIN):
    """An initial request for a user: INVITE, MESSAGE, SUBSCRIBE, ..."""
    return Request(method, aor(user, domain), aor(user, domain)).from_(f"<sip:caller@{domain}>;tag=caller")


def options(uri):
    return Request("OPTIONS", uri, uri).from_(f"<sip:caller@{DOMAIN}>;tag=caller")


class Message:
    """A message as read back."""

    def __init__(self, octets):
        head, separator, self.body = octets.partition(b"\r\n\r\n")
        assert separator, f"no empty line in {octets!r}"
        self.octets = octets
        self.start_line, *lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode("utf-8", "surrogateescape").split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((LONG.get(name, name), value.strip()))

    @property
    def status(self):
        """The status code, or None of a request."""
        return int(self.start_line.split()[1]) if self.start_line.startswith("SIP/2.0 ") else None

    @property
    def method(self):
        return self.start_line.split()[0] if self.status is None else self.one("cseq").split()[1]

    @property
    def uri(self):
        return self.start_line.split()[1]

    def all(self, name):
        """The values of a header line by line."""
        return [value for key, value in self.headers if key == name]

    def values(self, name):
        """The values of a list header, over repeated lines and commas."""
        return [value for line in self.all(name) for value in split_list(line)]

    def one(self, name):
        values = self.all(name)
        assert len(values) == 1, f"{len(values)} {name} lines in {self.octets!r}"
        return values[0]

    def parameter(self, header_value, name):
        """A parameter behind a value: its text, '' for a flag, None when it is not there."""
        for piece in re.sub(r"<[^>]*>", "", header_value).split(";")[1:]:
            key, _, value = piece.partition("=")
            if key.strip().lower() == name:
                return value.strip()
        return None


def split_list(line):
    """Values of a line at the commas that stand outside quotes and angle brackets."""
    values, depth, quoted, current, escaped = [], 0, False, "", False
    for char in line:
        if quoted:
            escaped, quoted = (char == "\\" and not escaped), (char != '"' or escaped)
        elif char == '"':
            quoted = True
        elif char in "<>":
            depth += 1 if char == "<" else -1
        if char == "," and not quoted and depth == 0:
            values.append(current.strip())
            current = ""
        else:
            current += char
    return [value for value in [*values, current.strip()] if value]


def answer(octets, status, reason="Answer", to_tag="home", extra=()):
    """The response that a server writes to a request that reached it, RFC 3261 8.2.6."""
    asked = Message(octets)
    lines = [f"SIP/2.0 {status} {reason}"] + [f"Via: {value}" for value in asked.all("via")]
    to_value = asked.one("to")
    if asked.parameter(to_value, "tag") is None:
        to_value += f";tag={to_tag}"
    lines += [f"From: {asked.one('from')}", f"To: {to_value}", f"Call-ID: {asked.one('call-id')}", f"CSeq: {asked.one('cseq')}"]
    lines += [f"{name}: {value}" for name, value in extra] + ["Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()
