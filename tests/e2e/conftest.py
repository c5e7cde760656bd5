# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: `pcap` for frames through files, `lab` for peers in namespaces, `folder` for a short-named place."""
import pathlib
import shutil
import signal
import tempfile

import pytest

import rig
from netns import Lab


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures what time alone tells; nothing else may run beside it")

    # A terminated run cleans up like an interrupted one.
    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


@pytest.fixture(scope="session")
def short_folder():
    """A folder with a short path: a socket's path has at most 107 octets, and pytest's own folders are longer."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="vd-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(short_folder):
    return pathlib.Path(tempfile.mkdtemp(dir=short_folder))


@pytest.fixture(scope="session")
def pcap(short_folder):
    path = short_folder / "pcap"
    path.mkdir()
    made = rig.PcapRig(path)
    yield made
    made.tshark_pass()


@pytest.fixture
def lab(folder):
    with Lab() as made:
        made.folder = folder
        yield made
