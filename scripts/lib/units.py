# SPDX-License-Identifier: Apache-2.0
"""What the compiler is given of src/: files by themselves, and files that Meson joins to one (`unity`).

units.py ROOT BUILD [FILE...]   the units of BUILD/compile_commands.json that compile something of src/, or one of FILEs; one a line
Exit 1, with a line on standard error, when nothing compiles a FILE, or nothing is compiled at all.
"""
import dataclasses
import json
import pathlib
import re
import sys

JOINED = re.compile(r'^#include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Unit:
    file: pathlib.Path  # what the compiler is called with
    sources: tuple  # files below src/
    object: pathlib.Path


def units(root, build):
    """Yield each unit that compiles something of root/src."""
    for command in json.loads((build / "compile_commands.json").read_text()):
        folder = pathlib.Path(command["directory"])
        file = (folder / command["file"]).resolve()
        sources = (file,)
        if file.is_relative_to(build.resolve()):
            sources = tuple(pathlib.Path(named).resolve() for named in JOINED.findall(file.read_text()))
        if sources and all(source.is_relative_to(root / "src") for source in sources):
            yield Unit(file, sources, folder / command["output"])


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    root, build = (pathlib.Path(folder).resolve() for folder in arguments[:2])
    built = list(units(root, build))
    wanted = {pathlib.Path(file).resolve() for file in arguments[2:]} or {source for unit in built for source in unit.sources}
    for unit in built:
        if wanted.intersection(unit.sources):
            print(unit.file)
    missing = wanted.difference(*(unit.sources for unit in built))
    for file in sorted(missing):
        print(f"{file}: no target compiles it", file=sys.stderr)
    if not built:
        print(f"{build}: nothing of {root / 'src'} is compiled", file=sys.stderr)
    return 1 if missing or not built else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
