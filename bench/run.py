# SPDX-License-Identifier: Apache-2.0
"""One area measured and told: a report for people, or one flat JSON object."""
import importlib
import json
import signal
import sys

import node

# The module of each area. (tests/e2e, which node.py looks into, has a module named sip.)
MODULES = {area: area for area in ("path", "micro", "registrar", "balance", "watchers", "sipp", "peers", "gate")} | {"sip": "sip_core", "assign": "assignment"}


def stop(number, _):
    """As an exception, so that every namespace and process is cleaned up on the way out."""
    sys.exit(128 + number)


def main(area, as_json):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    module = importlib.import_module(MODULES[area])
    node.say(f"on {node.machine()}")
    figures = module.run()
    if as_json:
        print(json.dumps(figures, indent=2), flush=True)
    lines, passed = module.report(figures)
    if not as_json:
        print("\n".join(lines))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--json" in sys.argv[2:]))
