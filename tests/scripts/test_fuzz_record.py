# SPDX-License-Identifier: Apache-2.0
"""A fuzzing run's line in the documents: one for each target, the newest, in order; the rest of the file stays."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = """before
| target | held against |
| --- | --- |
| `index` | a table of another kind |

| target | seconds | executions | commit |
| --- | --- | --- | --- |
| uri | 5 | 50 | aaaaaaa |

after
"""


def recorded(folder, *runs):
    file = folder / "testing.md"
    file.write_text(TEXT)
    for run in runs:
        subprocess.run([sys.executable, "-B", ROOT / "scripts" / "lib" / "fuzz_record.py", file, *run], check=True, timeout=20)
    return file.read_text()


def test_a_run_is_written_in_its_place(tmp_path):
    assert recorded(tmp_path, ("index", "3600", "7", "bbbbbbb")) == TEXT.replace("| uri |", "| index | 3600 | 7 | bbbbbbb |\n| uri |")


def test_a_later_run_takes_the_place_of_the_earlier(tmp_path):
    text = recorded(tmp_path, ("uri", "60", "9", "ccccccc"), ("uri", "61", "10", "ddddddd"))
    assert text == TEXT.replace("| uri | 5 | 50 | aaaaaaa |", "| uri | 61 | 10 | ddddddd |")


def test_the_documents_have_the_table():
    assert "\n| target | seconds | executions | commit |\n| --- | --- | --- | --- |\n" in (ROOT / "docs" / "testing.md").read_text()
