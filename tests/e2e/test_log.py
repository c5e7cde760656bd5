# SPDX-License-Identifier: Apache-2.0
"""The log goes to standard error, wherever that leads."""
import os
import subprocess

import daemon as daemons
from daemon import Daemon
from test_store import quiet


class PipedDaemon(Daemon):
    """One whose log goes into a pipe."""

    def __enter__(self):
        self.reader, writer = os.pipe()
        self.process = daemons.start_process([daemons.VIADUCTD, "--config", self.config], stdout=subprocess.PIPE, stderr=writer)
        os.close(writer)
        self.log.touch()
        self.wait_ready()
        return self


def test_a_node_outlives_who_reads_its_log(folder):
    with PipedDaemon(quiet(folder)) as node:
        os.close(node.reader)
        for _ in range(3):
            assert node.ask("reload")["ok"]   # says so in the log
        assert node.ask("status")["ok"]
