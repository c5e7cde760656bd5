# SPDX-License-Identifier: Apache-2.0
"""scripts/hugepages against a made-up sysfs tree of two NUMA nodes."""
import os
import threading

import pytest


def pages(node, kibibytes=2048):
    return f"devices/system/node/node{node}/hugepages/hugepages-{kibibytes}kB"


@pytest.fixture
def two_nodes(machine):
    for node in (0, 1):
        for kibibytes in (2048, 1048576):
            machine.write(f"{pages(node, kibibytes)}/nr_hugepages", "0\n")
            machine.write(f"{pages(node, kibibytes)}/free_hugepages", "0\n")
    return machine


def kernel_giving(file, count):
    """Stand in for the kernel on one nr_hugepages file: 0 pages at first, `count` after any request."""
    file.unlink()
    os.mkfifo(file)
    asked = []

    def serve():
        file.write_text("0\n")
        asked.append(int(file.read_text()))
        file.write_text(f"{count}\n")

    threading.Thread(target=serve, daemon=True).start()
    return asked


def test_show_has_a_row_for_each_node_and_size(two_nodes):
    two_nodes.write(f"{pages(1)}/nr_hugepages", "512\n")
    two_nodes.write(f"{pages(1)}/free_hugepages", "500\n")
    done = two_nodes.run("hugepages", "show")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert ["0", "1G", "0", "0"] in rows
    assert ["1", "2M", "512", "500"] in rows


def test_reserve_on_one_node_leaves_the_other_alone(two_nodes):
    done = two_nodes.run("hugepages", "reserve", "--node", "1", "256")
    assert done.returncode == 0, done.stdout
    assert two_nodes.read(f"{pages(1)}/nr_hugepages") == "256\n"
    assert two_nodes.read(f"{pages(0)}/nr_hugepages") == "0\n"
    assert "node 1: 256 pages of 2M (before: 0)" in done.stdout


def test_reserve_without_node_serves_every_node(two_nodes):
    done = two_nodes.run("hugepages", "reserve", "--size", "1G", "2")
    assert done.returncode == 0, done.stdout
    assert [two_nodes.read(f"{pages(n, 1048576)}/nr_hugepages") for n in (0, 1)] == ["2\n", "2\n"]
    assert two_nodes.read(f"{pages(0)}/nr_hugepages") == "0\n"


def test_less_than_asked_for_is_reported_and_fails(two_nodes):
    asked = kernel_giving(two_nodes.sysfs / pages(0) / "nr_hugepages", 300)
    done = two_nodes.run("hugepages", "reserve", "--node", "0", "512")
    assert asked == [512]
    assert done.returncode == 1
    assert "asked for 512 pages of 2M, the kernel gave 300" in done.stdout


def test_refusal_by_the_kernel_fails(two_nodes):
    file = two_nodes.sysfs / pages(0) / "nr_hugepages"
    file.unlink()
    file.symlink_to("/proc/self/oom_score")  # a number to read, an error to write
    done = two_nodes.run("hugepages", "reserve", "--node", "0", "512")
    assert done.returncode == 1
    assert "cannot write" in done.stdout


def test_release_gives_back_both_sizes_of_every_node(two_nodes):
    for node in (0, 1):
        for kibibytes in (2048, 1048576):
            two_nodes.write(f"{pages(node, kibibytes)}/nr_hugepages", "7\n")
    done = two_nodes.run("hugepages", "release")
    assert done.returncode == 0, done.stdout
    for node in (0, 1):
        for kibibytes in (2048, 1048576):
            assert two_nodes.read(f"{pages(node, kibibytes)}/nr_hugepages") == "0\n"


@pytest.mark.parametrize("arguments", [[], ["reserve"], ["reserve", "many"], ["reserve", "--size", "4K", "1"], ["reserve", "--node"], ["release", "5"]])
def test_wrong_call_exits_with_2_and_changes_nothing(two_nodes, arguments):
    done = two_nodes.run("hugepages", *arguments)
    assert done.returncode == 2
    assert two_nodes.read(f"{pages(0)}/nr_hugepages") == "0\n"


def test_unknown_node_is_an_error(two_nodes):
    done = two_nodes.run("hugepages", "reserve", "--node", "7", "1")
    assert done.returncode == 1
    assert "no NUMA node 7" in done.stdout
