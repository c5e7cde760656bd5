# SPDX-License-Identifier: Apache-2.0
"""A softphone that people really use, without a sound card: baresip, which does not follow a redirect."""
import pathlib
import re

from daemon import wait_for

BARESIP_MODULES = pathlib.Path("/usr/lib/baresip/modules")


class Baresip:
    """One account in a namespace; it answers calls by itself and shows its messages. `commands` are typed at the start."""

    def __init__(self, host, user, address, proxy, folder, commands=(), port=5060):
        self.folder = folder
        self.log_path = folder / "baresip.log"
        folder.mkdir(parents=True)
        modules = ["account", "menu", "g711", "aubridge", "uuid"]
        literal = f"[{address}]" if ":" in address else address
        (folder / "config").write_text("\n".join([
            f"module_path {BARESIP_MODULES}", *(f"module {name}.so" for name in modules), f"sip_listen {literal}:{port}", "call_max_calls 4",
            "audio_player aubridge,x", "audio_source aubridge,x", "audio_alert aubridge,x", ""]))
        (folder / "accounts").write_text(f'<sip:{user}@example.com>;outbound="sip:{proxy}";regint=600;answermode=auto;auth_pass=x\n')
        (folder / "contacts").write_text("")
        words = ["stdbuf", "-oL", "baresip", "-s", "-f", folder, "-6" if ":" in address else "-4"]
        for command in commands:
            words += ["-e", command]
        with open(self.log_path, "wb") as log:
            self.process = host.start(*words, stdout=log, stderr=log)

    @property
    def log(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log_path.read_text(errors="replace"))

    def says(self, pattern, timeout_s):
        return wait_for(f"baresip to say {pattern}: {self.log_path}", lambda: re.search(pattern, self.log), timeout_s)

