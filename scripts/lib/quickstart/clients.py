# SPDX-License-Identifier: Apache-2.0
"""The SIP clients of the quickstart: sipsak and SIPp, run in the clients' namespace."""
import csv
import pathlib
import subprocess
import time

from network import CLIENTS_ADDRESS, SIP_PORT
from system import Failure, end, in_namespace, popen, run

SCENARIOS = pathlib.Path(__file__).resolve().parent / "scenarios"
EXPIRES_S = 600
ANSWER_MS = 5000
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
        """One call a user, without retransmissions, so that what is lost is seen; `meanwhile` is called twice a second.

        Returns how many calls failed, and why the first did.
        """
        folder = self.folder / f"sipp-{users[0]}"
        folder.mkdir()
        (folder / "users.csv").write_text("SEQUENTIAL\n" + "".join(f"{user}\n" for user in users))
        with open(folder / "output", "wb") as output:
            process = popen([*self.inside, "sipp", f"{address}:{SIP_PORT}", "-sf", SCENARIOS / f"{scenario}.xml", "-inf", "users.csv", "-i", CLIENTS_ADDRESS,
                             "-r", rate, "-m", len(users), "-nr", "-recv_timeout", ANSWER_MS, "-timeout", RUN_S, "-nostdin",
                             "-trace_stat", "-stf", "statistics.csv", "-trace_err", "-error_file", "errors.log"],
                            stdout=output, stderr=output, cwd=folder)
        try:
            wait(process, meanwhile)
        finally:
            end(process)
        return outcome(folder)


def wait(process, meanwhile):
    stop = time.monotonic() + RUN_S + 5
    while time.monotonic() < stop:
        try:
            process.wait(0.5)
            return
        except subprocess.TimeoutExpired:
            if meanwhile:
                meanwhile()
    raise Failure(f"SIPp has not ended after {RUN_S + 5} s")


def outcome(folder):
    """From SIPp's statistics; without them it has not run."""
    try:
        with open(folder / "statistics.csv", newline="", encoding="ascii") as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
    except (OSError, IndexError):
        raise Failure(f"SIPp did not run: {(folder / 'output').read_text(errors='replace')[-1000:]}") from None
    errors = folder / "errors.log"
    return int(last["FailedCall(C)"]), errors.read_text(errors="replace")[:500] if errors.exists() else ""
