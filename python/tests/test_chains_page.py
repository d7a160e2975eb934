"""The code blocks of docs/python_chains.md."""

import doctest
import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "python_chains.md"


def failures(text):
    """What doctest prints about the blocks of a page."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    printed = []
    doctest.DocTestRunner().run(example, out=printed.append)
    return "".join(printed)


def test_the_page():
    if not PAGE.exists():
        pytest.skip("needs the documentation of the repository")
    assert failures(PAGE.read_text(encoding="utf-8")) == ""


def test_a_wrong_output_is_found():
    assert "Expected" in failures("```python\n>>> 1 + 1\n3\n```\n")
