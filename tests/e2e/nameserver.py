# SPDX-License-Identifier: Apache-2.0
"""PowerDNS as a name server in front of a node's directory, and what it is asked with dig."""
import subprocess

from daemon import end_process, wait_for


class PowerDns:
    """A name server at an address of a host, whose zones are a node's."""

    def __init__(self, host, address, socket, folder):
        """`socket`: the node's, for PowerDNS."""
        self.host, self.address, self.folder = host, address, folder
        folder.mkdir(parents=True)
        self.words = ["pdns_server", "--no-config", "--launch=remote", f"--remote-connection-string=unix:path={socket},timeout=2000", f"--local-address={address}",
                      f"--socket-dir={folder}", "--daemon=no", "--guardian=no", "--disable-syslog", "--write-pid=no", "--security-poll-suffix=",
                      "--cache-ttl=0", "--query-cache-ttl=0", "--negquery-cache-ttl=0", "--allow-axfr-ips=0.0.0.0/0"]
        self.start()

    def start(self):
        with open(self.folder / "pdns.log", "ab") as log:
            self.process = self.host.start(*self.words, stdout=log, stderr=log)
        wait_for(f"PowerDNS to answer: {self.folder / 'pdns.log'}", lambda: "status: REFUSED" in self._dig("nobodys.example.net", "SOA"), 20)

    def stop(self):
        end_process(self.process)

    def _dig(self, *words):
        """Whatever it prints, also when nobody answers."""
        command = self.host.command("dig", f"@{self.address}", "+norecurse", "+tries=1", "+time=2", *words)
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False).stdout

    def ask(self, name, kind):
        """Records of that name as lines without their first columns, in order; they are not there when a server says so."""
        answer = self._dig("+noall", "+comments", "+answer", name, kind)
        assert "status: NOERROR" in answer or "status: NXDOMAIN" in answer, answer
        return sorted(" ".join(line.split()[4:]) for line in answer.splitlines() if line and not line.startswith(";") and line.split()[3] == kind)

    def status(self, name, kind):
        answer = self._dig("+noall", "+comments", name, kind)
        return answer.split("status: ")[1].split(",")[0] if "status: " in answer else answer

    def ttl(self, name, kind):
        return int(self._dig("+noall", "+answer", name, kind).split()[1])

    def transfer(self, zone):
        """All records of a zone: (name, type) in order."""
        return sorted(tuple(line.split()[0:4:3]) for line in self._dig("+noall", "+answer", "+tcp", zone, "AXFR").splitlines() if line and not line.startswith(";"))
