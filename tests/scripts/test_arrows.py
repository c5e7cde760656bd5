# SPDX-License-Identifier: Apache-2.0
"""scripts/lib/arrows.py on small made-up trees: each kind of offence is found with its place, and a clean tree passes."""
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Tree:
    def __init__(self, root):
        self.root = root
        self.put("include/viaduct/base/bytes.h", "#pragma once\nnamespace viaduct::base { int sum(int); }\n")
        self.put("include/viaduct/sip/via.h", '#pragma once\n#include "viaduct/base/bytes.h"\nnamespace viaduct::sip { int via_count(int); }\n')
        self.put("src/base/bytes.cpp", '#include "viaduct/base/bytes.h"\nint viaduct::base::sum(int a) { return a; }\n')
        self.put("src/sip/via.cpp", '#include "viaduct/sip/via.h"\nint viaduct::sip::via_count(int a) { return base::sum(a); }\n')

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def sources(self):
        return self.run("sources", self.root)

    def objects(self, *flags, sources=None):
        """Compile the sources, all of them unless they are named, and judge the objects."""
        build = self.root / "build"
        build.mkdir(exist_ok=True)
        commands = []
        for source in sources or sorted((self.root / "src").rglob("*.cpp")):
            output = f"{source.parent.name}_{source.stem}.o"
            subprocess.run(["g++", "-std=c++20", "-O1", *flags, "-I", self.root / "include", "-c", source, "-o", build / output], check=True)
            commands.append({"directory": str(build), "file": str(source), "output": output})
        (build / "compile_commands.json").write_text(json.dumps(commands))
        return self.run("objects", self.root, build)

    @staticmethod
    def run(*arguments):
        return subprocess.run(["/usr/bin/python3", ROOT / "scripts/lib/arrows.py", *arguments], text=True, capture_output=True, timeout=60, check=False)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_clean_tree_passes_both_proofs(tree):
    for done in (tree.sources(), tree.objects("-fno-exceptions")):
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path,line,offence", [
    ("src/base/up.cpp", '#include "viaduct/sip/via.h"', "area 'base' must not use area 'sip'"),
    ("src/sip/sideways.cpp", '#include "viaduct/net/frame.h"', "area 'sip' must not use area 'net'"),
    ("include/viaduct/net/frame.h", '#include "viaduct/nic/nic.h"', "area 'net' must not use area 'nic'"),
    ("src/assign/table.cpp", '#include "viaduct/nic/nic.h"', "area 'assign' must not use area 'nic'"),
    ("src/edge/path.cpp", '#include "viaduct/control/control.h"', "area 'edge' must not use area 'control'"),
    ("src/edge/path.cpp", '#  include <viaduct/registrar/bindings.h>', "area 'edge' must not use area 'registrar'"),
    ("src/config/config.cpp", '#include "viaduct/edge/site.h"', "area 'config' must not use area 'edge'"),
    ("src/cli/main.cpp", '#include "viaduct/config/config.h"', "area 'cli' must not use area 'config'"),
    ("src/sip/scan.cpp", "#include <rte_mbuf.h>", "area 'sip' names DPDK: <rte_mbuf.h>"),
    ("src/edge/path.cpp", "void f() { rte_pause(); }", "area 'edge' names DPDK: rte_pause"),
    ("src/net/frame.cpp", "#include <stdint.h>\nint n = RTE_MAX_LCORE;", "area 'net' names DPDK: RTE_MAX_LCORE"),
    ("src/sip/other.cpp", '#include "../base/inside.h"', "private to area 'base'"),
    ("src/sip/other.cpp", '#include "base/inside.h"', "private to area 'base'"),
    ("src/attic/old.cpp", "int x;", "area 'attic' has no floor"),
])
def test_offence_in_a_source_is_found_with_its_place(tree, path, line, offence):
    tree.put("src/base/inside.h", "")
    tree.put(path, line + "\n")
    done = tree.sources()
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    place, _, what = done.stdout.partition(": ")
    assert place == f"{path}:{len(line.splitlines())}"
    assert offence in what


@pytest.mark.parametrize("path,line", [
    ("src/nic/port.cpp", '#include <rte_ethdev.h>\n#include "viaduct/net/frame.h"\nint n = RTE_MAX_LCORE;'),
    ("src/control/loop.cpp", '#include "viaduct/edge/worker.h"\n#include "viaduct/registrar/bindings.h"'),
    ("src/api/server.cpp", '#include "viaduct/control/control.h"'),
    ("src/edge/path.cpp", "// rte_pause() would be wrong here\n/* nor\n rte_delay */ const char* s = \"rte_x\";"),
    ("src/sip/scan.cpp", '#include "scan.h"\n#include "viaduct/base/bytes.h"'),
])
def test_allowed_use_is_no_offence(tree, path, line):
    tree.put("src/sip/scan.h", "")
    tree.put(path, line + "\n")
    done = tree.sources()
    assert (done.returncode, done.stdout) == (0, "")


def test_symbol_of_a_forbidden_area_is_found_without_an_include(tree):
    tree.put("src/base/sneak.cpp", "namespace viaduct::sip { int via_count(int); }\nint sneak() { return viaduct::sip::via_count(1); }\n")
    done = tree.objects("-fno-exceptions")
    assert done.returncode == 1
    assert done.stdout == "src/base/sneak.cpp (base_sneak.o): area 'base' links area 'sip': viaduct::sip::via_count(int)\n"


def test_files_that_are_compiled_as_one_belong_to_their_area(tree):
    tree.put("src/net/sneak.cpp", "namespace viaduct::share { int size(); }\nint sneak() { return viaduct::share::size(); }\n")
    tree.put("src/net/frame.cpp", "int frame() { return 1; }\n")
    joined = tree.root / "build/src/net/net-unity0.cpp"
    tree.put("build/src/net/net-unity0.cpp", "".join(f"#include<{tree.root}/src/net/{name}.cpp>\n" for name in ("frame", "sneak")))
    done = tree.objects("-fno-exceptions", sources=[joined, *(tree.root / "src" / file for file in ("base/bytes.cpp", "sip/via.cpp"))])
    assert done.returncode == 1
    assert done.stdout == "src/net (net_net-unity0.o): area 'net' links area 'share': viaduct::share::size()\n"


def test_member_function_and_vtable_count_by_their_owner(tree):
    tree.put("src/net/sneak.cpp", "namespace viaduct::share { struct Ring { virtual ~Ring(); int size() const; }; }\n"
             "namespace viaduct::net { int f(viaduct::share::Ring& r) { return r.size(); } void g() { viaduct::share::Ring r; } }\n")
    done = tree.objects("-fno-exceptions")
    assert done.returncode == 1
    assert "viaduct::share::Ring::size() const" in done.stdout
    assert "vtable for viaduct::share::Ring" in done.stdout


def test_foreign_type_in_a_parameter_is_no_use(tree):
    tree.put("src/base/call.cpp", "namespace viaduct::sip { struct Via; }\nnamespace viaduct::base { int take(sip::Via&); int g(sip::Via& v) { return take(v); } }\n")
    assert tree.objects("-fno-exceptions").stdout == ""


def test_name_directly_in_viaduct_is_no_area(tree):
    tree.put("src/main/main.cpp", "namespace viaduct { int explain(int); }\nint main() { return viaduct::explain(1); }\n")
    assert tree.objects("-fno-exceptions").stdout == ""


def test_dpdk_symbol_outside_nic_and_share_is_found(tree):
    tree.put("src/edge/sneak.cpp", 'extern "C" void rte_eal_cleanup();\nvoid f() { rte_eal_cleanup(); }\n')
    tree.put("src/nic/eal.cpp", 'extern "C" void rte_eal_cleanup();\nvoid g() { rte_eal_cleanup(); }\n')
    done = tree.objects("-fno-exceptions")
    assert done.returncode == 1
    assert done.stdout == "src/edge/sneak.cpp (edge_sneak.o): area 'edge' links DPDK: rte_eal_cleanup\n"


def test_throw_in_an_area_without_exceptions_is_found(tree):
    tree.put("src/sip/thrower.cpp", "void f() { throw 1; }\n")
    tree.put("src/config/thrower.cpp", "void g() { throw 1; }\n")
    done = tree.objects()
    assert done.returncode == 1
    assert "src/sip/thrower.cpp (sip_thrower.o): area 'sip' is built with exceptions: __cxa_throw" in done.stdout
    assert "config" not in done.stdout


def test_area_that_is_not_built_is_an_offence(tree):
    tree.put("src/net/frame.cpp", "int x;\n")
    tree.objects("-fno-exceptions")
    tree.put("src/share/ring.cpp", "int y;\n")
    (tree.root / "build/net_frame.o").unlink()
    done = tree.run("objects", tree.root, tree.root / "build")
    assert done.returncode == 1
    assert "src/share:1: nothing of area 'share' is built" in done.stdout
    assert "src/net/frame.cpp:1: not built" in done.stdout
