# SPDX-License-Identifier: Apache-2.0
"""The quickstart from the first namespace to the last: what stands when, what is said, and that nothing is left. Its story is story.py's.

demo.py BUILD-FOLDER [--stay]
"""
import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import time

from clients import Clients
from fleet import ADDRESSES, EDGE, HOMES, Fleet, aor
from network import CLIENTS_ADDRESS, Network
from story import Story, assignments, say
from system import Failure, Interrupted, end_children, interruptible

PICTURE = f"""\
A SIP edge and a fleet of two homes: each is a viaductd with a DPDK port, in a network namespace of its own.

  clients {CLIENTS_ADDRESS} --+-- {EDGE}   {ADDRESSES[EDGE]}   knows every client's home: sends it there, or proxies for it
                        +-- {HOMES[0]} {ADDRESSES[HOMES[0]]}   registers its clients
                        +-- {HOMES[1]} {ADDRESSES[HOMES[1]]}   registers its clients
"""


def stay(network, fleet, build):
    """Leave everything running until a signal comes; fails when a node ends by itself."""
    edge = fleet[EDGE]
    sipsak = " ".join(map(str, Clients.sipsak_words("frank", ADDRESSES[EDGE])))
    say(f"""
It stays until Ctrl-C. In another terminal, as root:
  {build}/viaduct --socket {edge.socket} status
  {build}/viaduct --socket {edge.socket} top
  {build}/viaduct --socket {edge.socket} client explain {aor("alice")} --vias 2
  nsenter --net=/run/netns/{network.clients} {sipsak}
The other nodes' sockets, and every node's configuration and log, are in {edge.folder}""")
    while True:
        time.sleep(0.5)
        for node in fleet:
            if not node.is_alive:
                raise Failure(f"{node.name} has ended by itself")


def demonstrate(build, stays, folder):
    """Returns whether all was as expected."""
    say(PICTURE)
    with Network(ADDRESSES) as network:
        say(f"made the namespaces {network.prefix}-{{{','.join(['clients', *ADDRESSES])}}}")
        with Fleet(network, folder, build, assignments()) as fleet:
            say(f"started {len(ADDRESSES)} nodes: " + ", ".join(f"{node.name} READY" for node in fleet) + "\n")
            story = Story(network, fleet, Clients(network, folder))
            say(story.tell())
            if story.wrong:
                say("not as it should be:\n" + "\n".join(f"  - {text}" for text in story.wrong))
                show_logs(folder)
            if stays:
                with contextlib.suppress(Interrupted):
                    stay(network, fleet, build)
    return not story.wrong


def show_logs(folder):
    for log in sorted(folder.glob("*.log")):
        say(f"--- the end of {log.name}\n{log.read_text(errors='replace')[-2000:]}")


def main():
    build, stays = pathlib.Path(sys.argv[1]).resolve(), "--stay" in sys.argv[2:]
    # Not below TMPDIR: the path of a Unix socket has at most 107 octets.
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"viaduct-{os.getpid()}-", dir="/tmp"))
    try:
        interruptible()
        return 0 if demonstrate(build, stays, folder) else 1
    except Failure as failure:
        say(f"quickstart: {failure}")
        show_logs(folder)
        return 1
    except Interrupted as interrupted:
        say("interrupted; everything is removed")
        return 128 + interrupted.args[0]
    finally:
        end_children()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
