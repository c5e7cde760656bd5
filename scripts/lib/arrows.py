# SPDX-License-Identifier: Apache-2.0
"""Proves that each area uses only areas it may use: by the #include lines and names in its files, and by the symbols its objects want.

arrows.py sources ROOT        the #include lines and the DPDK names, no compiler needed
arrows.py objects ROOT BUILD  the undefined symbols of the objects that BUILD/compile_commands.json lists
Each offence is a line `file:line: what` (or `source (object): what`); exit 1 when there is one.
"""
import pathlib
import re
import subprocess
import sys

import units

FLOORS = [
    {"base"},
    {"balance", "directory", "store", "share", "sip", "net", "nic", "kernel"},
    {"assign", "screen"},
    {"site"},
    {"location", "notifier", "registrar", "control", "config", "edge"},
    {"migration"},
    {"api"},
    {"main"},
]
# Sideways arrows, each with its reason.
SIDEWAYS = {
    "nic": {"net"},  # the frame's enums: what a device says of checksums
    "notifier": {"location"},  # it tells of bindings
    "edge": {"config"},
    "registrar": {"config", "location", "notifier"},  # a shard has both
    "control": {"config", "edge", "registrar", "location", "notifier"},  # it starts the cores and asks them
}
# Narrower than the floors.
ONLY = {
    "assign": {"base", "sip", "net", "balance", "store", "share"},  # tables know no ports
    "screen": {"base", "share"},  # rules know no message
    "directory": {"base"},  # records know no node
    "cli": {"base", "sip"},  # the command stands apart
}
DPDK_AREAS = {"nic", "share"}
NO_EXCEPTIONS = {"sip", "net", "assign", "screen", "balance", "site", "edge"}


def allowed_of():
    """Area -> the areas it may use."""
    allowed, below = {}, set()
    for floor in FLOORS:
        for area in floor:
            allowed[area] = below | SIDEWAYS.get(area, set())
        below = below | floor
    return allowed | ONLY


ALLOWED = allowed_of()
# Not by listing what is known to be wrong: what is not allowed is forbidden, and an area without a floor may use nothing.
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
DPDK_NAME = re.compile(r"\b(?:rte|RTE)_\w+")
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
# The nested name at the head of an Itanium-mangled name: function, vtable, typeinfo, static of a function, guard.
OWNER = re.compile(r"^_Z(?:TV|TT|TI|TS|GV|TW|TH)?(?:Z)?N[KVRO]*7viaduct(\d+)([a-z_]+)")
EXCEPTION = re.compile(r"^(?:__cxa_(?:throw|rethrow|allocate_exception|begin_catch)|__gxx_personality_v0)$")
DPDK_SYMBOL = re.compile(r"^(?:__)?rte_|^per_lcore_")


def area_files(root):
    """Yield (area, file) of the contract headers and of the sources."""
    for top in (root / "include" / "viaduct", root / "src"):
        for folder in sorted(p for p in top.glob("*") if p.is_dir()):
            for file in sorted(folder.rglob("*")):
                if file.suffix in (".h", ".cpp"):
                    yield folder.name, file


def without_comments_and_strings(text):
    """The text with the same line numbers; #include lines lose what stands in quotes, so they are read from the original."""
    return COMMENT_OR_STRING.sub(lambda found: "\n" * found.group().count("\n"), text)


def include_offence(root, area, file, target):
    """Why `file` of `area` must not include `target`, or None."""
    if pathlib.PurePath(target).name.startswith("rte_"):
        return None if area in DPDK_AREAS else f"area '{area}' names DPDK: <{target}>"
    owner = None
    if target.startswith("viaduct/"):
        owner = pathlib.PurePath(target).parts[1]
    else:
        for start in (file.parent, root / "src"):
            found = (start / target).resolve()
            if found.is_file() and found.is_relative_to(root / "src"):
                owner = found.relative_to(root / "src").parts[0]
                if owner != area:
                    return f"'{target}' is private to area '{owner}'"
    if owner is None or owner == area or owner in ALLOWED.get(area, set()):
        return None
    return f"area '{area}' must not use area '{owner}': {target}"


def source_offences(root):
    for area, file in area_files(root):
        name = file.relative_to(root)
        if area not in ALLOWED:
            yield f"{name}:1: area '{area}' has no floor"
        text = file.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            include = INCLUDE.match(line)
            offence = include_offence(root, area, file, include[1]) if include else None
            if offence:
                yield f"{name}:{number}: {offence}"
        if area in DPDK_AREAS:
            continue
        for number, line in enumerate(without_comments_and_strings(text).splitlines(), 1):
            found = None if INCLUDE.match(line) else DPDK_NAME.search(line)
            if found:
                yield f"{name}:{number}: area '{area}' names DPDK: {found[0]}"


def area_objects(root, build):
    """Yield (area, what is compiled, object) of everything below src/ that the build compiles: a file, or the folder of files that are compiled as one."""
    for unit in units.units(root, build):
        area = unit.sources[0].relative_to(root / "src").parts[0]
        yield area, unit.sources[0] if len(unit.sources) == 1 else root / "src" / area, unit.object


def undefined_symbols(object_file):
    listing = subprocess.run(["nm", "--undefined-only", "--format=posix", object_file], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in listing.splitlines()]


def owner_of(symbol):
    """The area that a mangled name of ours belongs to, or None: `main` has names of its own directly in viaduct."""
    found = OWNER.match(symbol)
    name = found[2][: int(found[1])] if found else None
    return name if name in ALLOWED else None


def symbol_offence(area, symbol):
    if DPDK_SYMBOL.match(symbol) and area not in DPDK_AREAS:
        return f"area '{area}' links DPDK: {symbol}"
    if EXCEPTION.match(symbol) and area in NO_EXCEPTIONS:
        return f"area '{area}' is built with exceptions: {symbol}"
    owner = owner_of(symbol)
    if owner and owner != area and owner not in ALLOWED.get(area, set()):
        return f"area '{area}' links area '{owner}': {readable(symbol)}"
    return None


def readable(symbol):
    return subprocess.run(["c++filt", symbol], check=True, capture_output=True, text=True).stdout.strip()


def object_offences(root, build):
    built = list(area_objects(root, build))
    for area in {area for area, file in area_files(root) if file.suffix == ".cpp"} - {area for area, _, _ in built}:
        yield f"src/{area}:1: nothing of area '{area}' is built"
    for area, source, object_file in built:
        name = source.relative_to(root)
        if not object_file.exists():
            yield f"{name}:1: not built: {object_file} is missing"
            continue
        for symbol in undefined_symbols(object_file):
            offence = symbol_offence(area, symbol)
            if offence:
                yield f"{name} ({object_file.name}): {offence}"


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "sources":
        offences = list(source_offences(pathlib.Path(arguments[1]).resolve()))
    elif len(arguments) == 3 and arguments[0] == "objects":
        offences = list(object_offences(pathlib.Path(arguments[1]).resolve(), pathlib.Path(arguments[2]).resolve()))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
