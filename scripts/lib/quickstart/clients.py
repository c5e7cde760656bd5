# SPDX-License-Identifier: Apache-2.0
"""The SIP clients of the quickstart: sipsak and SIPp, run in the clients' namespace."""
import csv
import pathlib
import signal
import subprocess
import time

from network import CLIENTS_ADDRESS, SIP_PORT
from system import Failure, end, in_namespace, popen, run

SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"
EXPIRES_S = 600
ANSWER_MS = 5000
# Of SIPp's own 64 KiB a busy machine leaves answers to a tenth of a second; the kernel gives what it allows.
BUFFER_BYTES = 4 << 20
RUN_S = 30


class Clients:
    """Hands for the two programs. Files that SIPp reads and writes lie in `folder`."""

    def __init__(self, network, folder):
        self.inside = in_namespace(network.clients)
        self.folder = folder

    @staticmethod
    def sipsak_words(user, address):
        """REGISTER with usrloc mode; -i: with a Via; -H: the address to put into it, else it resolves this machine's name."""
        return ["sipsak", "-U", "-i", "-v", "-H", CLIENTS_ADDRESS, "-x", EXPIRES_S, "-s", f"sip:{user}@{address}"]

    def sipsak(self, user, address):
        """Register a user at an address, following redirects."""
        status, output = run(*self.inside, *self.sipsak_words(user, address), timeout_s=RUN_S)
        if status != 0:
            raise Failure(f"sipsak did not register {user}: exit {status}: {output.strip()}")

    def sipp(self, scenario, address, users, rate=10, meanwhile=None):
        """One call a user; `meanwhile` is called twice a second. Returns how many calls failed, and why the first did."""
        with Traffic(self, scenario, address, users, rate, ["-m", len(users), "-timeout", RUN_S]) as traffic:
            wait(traffic.process, meanwhile)
        return traffic.failed, traffic.why

    def traffic(self, scenario, address, users, rate):
        """Calls of these users, again from the first after the last, for as long as the context lasts."""
        return Traffic(self, scenario, address, users, rate, [])


class Traffic:
    """SIPp at work, without retransmissions, so that what is lost is seen. A context: after it, what became of its calls is known."""

    def __init__(self, clients, scenario, address, users, rate, until):
        self.folder = clients.folder / f"sipp-{scenario}-{users[0]}"
        self.words = [*clients.inside, "sipp", f"{address}:{SIP_PORT}", "-sf", SCENARIOS / f"{scenario}.xml", "-inf", "users.csv", "-i", CLIENTS_ADDRESS,
                      "-r", rate, *until, "-nr", "-recv_timeout", ANSWER_MS, "-buff_size", BUFFER_BYTES, "-nostdin", "-trace_stat", "-stf", "statistics.csv", "-trace_counts",
                      "-trace_err", "-error_file", "errors.log"]
        self.users = users
        self.process = None
        self.failed, self.why = 0, ""
        self.received = {}   # responses by status

    def __enter__(self):
        self.folder.mkdir()
        (self.folder / "users.csv").write_text("SEQUENTIAL\n" + "".join(f"{user}\n" for user in self.users))
        with open(self.folder / "output", "wb") as output:
            self.process = popen(self.words, stdout=output, stderr=output, cwd=self.folder)
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None and self.process.poll() is None:
                self.process.send_signal(signal.SIGUSR1)   # no further calls; those under way are brought to their end
                wait(self.process)
        finally:
            end(self.process)
        if kind is None:
            self.read_outcome()

    def read_outcome(self):
        """From SIPp's statistics; without them it has not run."""
        statistics = last_row(self.folder / "statistics.csv")
        counts = [last_row(file) for file in self.folder.glob("*_counts.csv")]
        if statistics is None or not counts:
            raise Failure(f"SIPp did not run: {(self.folder / 'output').read_text(errors='replace')[-1000:]}")
        self.failed = int(statistics["FailedCall(C)"])
        for name, count in counts[0].items():   # as 2_302_Recv: the step of the scenario, what came, and what it is counted for
            _, what, kind = (name or "").split("_", 2) if (name or "").count("_") == 2 else ("", "", "")
            if kind == "Recv" and what.isdigit():
                self.received[int(what)] = self.received.get(int(what), 0) + int(count)
        errors = self.folder / "errors.log"
        self.why = errors.read_text(errors="replace")[:500] if errors.exists() else ""


def wait(process, meanwhile=None):
    stop = time.monotonic() + RUN_S + 5
    while time.monotonic() < stop:
        try:
            process.wait(0.5)
            return
        except subprocess.TimeoutExpired:
            if meanwhile:
                meanwhile()
    raise Failure(f"SIPp has not ended after {RUN_S + 5} s")


def last_row(file):
    """Of a table with a head, as a dict; None where there is none."""
    try:
        with open(file, newline="", encoding="ascii") as table:
            return list(csv.DictReader(table, delimiter=";"))[-1]
    except (OSError, IndexError):
        return None
