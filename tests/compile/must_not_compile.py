# SPDX-License-Identifier: Apache-2.0
"""must_not_compile.py SNIPPET COMPILER...: the snippet compiles as it is, and with -DREFUSED does not, for the reason that it names after `// Refused:`."""
import pathlib
import re
import subprocess
import sys


def compiled(command, snippet, *more):
    return subprocess.run([*command, *more, "-fsyntax-only", snippet], text=True, capture_output=True, check=False)


def main(snippet, command):
    reason = re.search(r"^// Refused: (.+)$", pathlib.Path(snippet).read_text(encoding="utf-8"), re.MULTILINE)[1]
    good = compiled(command, snippet)
    if good.returncode != 0:
        sys.exit(f"{snippet} does not compile even as it should be:\n{good.stderr}")
    refused = compiled(command, snippet, "-DREFUSED")
    if refused.returncode == 0:
        sys.exit(f"{snippet} compiles, and must not: {reason}")
    if not re.search(reason, refused.stderr):
        sys.exit(f"{snippet} is refused for another reason than '{reason}':\n{refused.stderr}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
