# SPDX-License-Identifier: Apache-2.0
"""A disk of a few megabytes, to be filled."""
import contextlib
import subprocess


@contextlib.contextmanager
def small_disk(folder, size):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def fill(path):
    """With one file, which leaves nothing for others."""
    with open(path, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
