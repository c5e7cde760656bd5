# SPDX-License-Identifier: Apache-2.0
"""A cluster of etcd, one server in each of some namespaces, and what stands in it."""
import os
import subprocess

from daemon import end_process, wait_for

PORT = 2379
PEER_PORT = 2380


def url(address, port):
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


class EtcdCluster:
    """It is ready when it is made. Its servers end with the lab, if not before; what they keep stands in `folder`."""

    def __init__(self, folder, hosts):
        """One server on each host, at the first of its addresses."""
        self.folder = folder
        self.hosts = hosts
        self.addresses = [host.addresses[0] for host in hosts]
        self.processes = [None] * len(hosts)
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(len(hosts)):
            self._start(index)
        self.wait()

    @property
    def endpoints(self):
        """As a node's configuration names them."""
        return [url(address, PORT).removeprefix("http://") for address in self.addresses]

    def kill(self, index):
        """As the loss of its machine, but for its disk."""
        process = self.processes[index]
        self.processes[index] = None
        process.kill()
        process.wait()

    def restart(self, index):
        """Start a server that was killed, or end it and start it again. It is not waited for: wait() does when a majority should be there."""
        self._end(index)
        self._start(index)

    def stop(self):
        for index in range(len(self.hosts)):
            self._end(index)

    def wait(self):
        """Until a majority answers."""
        wait_for(f"etcd: {self.folder}/*.log", lambda: any(self._ask(index, "get", "none").returncode == 0 for index in self._alive()), timeout_s=20)

    def get(self, key):
        """The value of a key as a majority has it, or None."""
        lines = self._asked("get", key)
        return lines.split("\n", 1)[1].removesuffix("\n") if lines else None

    def keys(self, prefix):
        """The keys that begin so, in order."""
        return self._asked("get", "--prefix", "--keys-only", prefix).split()

    def put(self, key, value):
        self._asked("put", "--", key, value)

    def erase(self, prefix):
        """All keys that begin so."""
        self._asked("del", "--prefix", prefix)

    def _alive(self):
        return [index for index, process in enumerate(self.processes) if process]

    def _asked(self, *words):
        """What the first server that is there and has its quorum says."""
        for index in self._alive():
            done = self._ask(index, *words)
            if done.returncode == 0:
                return done.stdout
        raise AssertionError(f"etcd: no server answers: {done.stderr if self._alive() else 'none is there'}")

    def _ask(self, index, *words):
        command = self.hosts[index].command("etcdctl", "--endpoints", url(self.addresses[index], PORT), "--command-timeout", "2s", *words)
        return subprocess.run(command, env=os.environ | {"ETCDCTL_API": "3"}, capture_output=True, text=True, errors="replace", timeout=20, check=False)

    def _start(self, index):
        client, peer = url(self.addresses[index], PORT), url(self.addresses[index], PEER_PORT)
        cluster = ",".join(f"s{i}={url(address, PEER_PORT)}" for i, address in enumerate(self.addresses))
        with open(self.folder / f"s{index}.log", "ab") as log:
            self.processes[index] = self.hosts[index].start(
                "etcd", "--name", f"s{index}", "--data-dir", self.folder / f"s{index}", "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", cluster, "--heartbeat-interval", 50,
                "--election-timeout", 500, "--logger", "zap", "--log-outputs", "stderr", stdout=log, stderr=log)

    def _end(self, index):
        process = self.processes[index]
        self.processes[index] = None
        if process:
            end_process(process, timeout_s=5)
