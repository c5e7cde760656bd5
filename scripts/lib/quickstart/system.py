# SPDX-License-Identifier: Apache-2.0
"""How the quickstart runs commands: bounded in time, in a namespace when asked, and never outliving it."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess

COMMAND_S = 30
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something was not as expected; the text says what to a reader who has not seen this code."""


class Interrupted(Exception):
    """A signal asks for the end; its number is the argument."""


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interruptible():
    """From here on a signal raises Interrupted, once."""
    def interrupt(number, _):
        uninterruptible()
        raise Interrupted(number)

    for number in SIGNALS:
        signal.signal(number, interrupt)


def uninterruptible():
    """From here on nothing disturbs the cleaning up."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def die_with_parent():
    """Run in a child before exec: however the quickstart ends, its processes end too."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def popen(words, **options):
    """Start a process in a session of its own: a Ctrl-C is for the quickstart, which ends its processes in order."""
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent, **options)


def end_children():
    """End what was just being started when a signal came, and is in nobody's list: it would write into folders that are removed."""
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid, parent = status.parent.name, status.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                os.kill(int(pid), signal.SIGKILL)
                os.waitpid(int(pid), 0)


def end(process, timeout_s=10):
    """SIGTERM, then SIGKILL when that does not help. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def run(*words, timeout_s=COMMAND_S, **options):
    """Run a command to its end. Returns its exit status and what it printed."""
    process = popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)
    try:
        output, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise Failure(f"{words[0]} has not ended after {timeout_s} s: {' '.join(map(str, words))}") from None
    finally:
        end(process)
    return process.returncode, output


def must(*words, **options):
    """Run a command that has to succeed. Returns what it printed."""
    status, output = run(*words, **options)
    if status != 0:
        raise Failure(f"{' '.join(map(str, words))}: exit {status}: {output.strip()}")
    return output


def in_namespace(name):
    """The words before a command that make it run there. nsenter, not `ip netns exec`: it needs no mount, so a bare chroot will do."""
    return ["nsenter", f"--net={pathlib.Path('/run/netns') / name}", "--"]
