# SPDX-License-Identifier: Apache-2.0
"""Softphones that people really use, without a sound card: baresip, which does not follow a redirect, and linphone, which does."""
import os
import pathlib
import re

from daemon import wait_for

BARESIP_MODULES = pathlib.Path("/usr/lib/baresip/modules")


class Baresip:
    """One account in a namespace; it answers calls by itself and shows its messages. `commands` are typed at the start. Without a proxy it asks `name_server` for its
    domain."""

    def __init__(self, host, user, address, proxy, folder, commands=(), port=5060, name_server=None):
        self.folder = folder
        self.log_path = folder / "baresip.log"
        folder.mkdir(parents=True)
        modules = ["account", "menu", "g711", "aubridge", "uuid"]
        literal = f"[{address}]" if ":" in address else address
        (folder / "config").write_text("\n".join([
            f"module_path {BARESIP_MODULES}", *(f"module {name}.so" for name in modules), f"sip_listen {literal}:{port}", "call_max_calls 4",
            "audio_player aubridge,x", "audio_source aubridge,x", "audio_alert aubridge,x", *([f"dns_server {name_server}:53"] if name_server else []), ""]))
        outbound = f';outbound="sip:{proxy}"' if proxy else ""
        (folder / "accounts").write_text(f"<sip:{user}@example.com>{outbound};regint=600;answermode=auto;auth_pass=x\n")
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


class Linphone:
    """One account of linphonec in a namespace; it answers calls by itself. `call` is made at the start; `password` is for a digest by `algorithm`."""

    def __init__(self, host, user, proxy, folder, call=None, password=None, algorithm="SHA-256"):
        self.log_path = folder / "linphone.log"
        (folder / ".local/share/linphone").mkdir(parents=True)   # its database, without which it does not register
        family = "-6" if proxy.startswith("[") else "-4"
        # It believes that there is a network when there is a way to the world.
        if not host.run("ip", family, "route", "show", "default"):
            host.run("ip", family, "route", "add", "default", "dev", "eth0")
        server = f"<sip:{proxy};transport=udp"
        (folder / "rc").write_text("\n".join([
            "[sip]", "sip_port=5060", "sip_tcp_port=0", "sip_tls_port=0", f"use_ipv6={int(family == '-6')}", "[proxy_0]", f"reg_proxy={server}>",
            f"reg_route={server};lr>", f"reg_identity=sip:{user}@example.com", "reg_expires=600", "reg_sendregister=1", "publish=0",
            *([] if password is None else ["[auth_info_0]", f"username={user}", f"passwd={password}", "realm=example.com", "domain=example.com", f"algorithm={algorithm}"]),
            ""]))
        os.mkfifo(folder / "commands")
        words = ["linphonec", "-c", folder / "rc", "-a", "-d", "5", "-l", folder / "debug.log", *(["-s", call] if call else [])]
        # It ends with its standard input: a FIFO that it opens itself for both has no end.
        with open(self.log_path, "wb") as log:
            self.process = host.start("bash", "-c", 'exec 0<>"$1"; shift; exec "$@"', "linphone", folder / "commands", *words, stdout=log, stderr=log,
                                      env=os.environ | {"HOME": str(folder)})

    def says(self, pattern, timeout_s):
        return wait_for(f"linphone to say {pattern}: {self.log_path}", lambda: re.search(pattern, self.log_path.read_text(errors="replace")), timeout_s)
