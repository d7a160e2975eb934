"""The programs of examples/ print what is expected of them."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


# logistic_data.py needs arguments; ctest runs it.
PROGRAMS = sorted(path for path in EXAMPLES.glob("*.py") if path.stem != "logistic_data")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_prints_what_is_expected(program):
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout == (EXAMPLES / "expected" / f"{program.stem}.txt").read_text(encoding="utf-8")
