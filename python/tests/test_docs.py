"""The documentation: every block of code of the Python page, the docstrings, and the reference."""

import doctest
import pathlib
import re

import gmdiff as gd
import pytest

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python.md"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text):
    """(line, language, code) of each fenced block."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, match[1], match[2]


def run(code, line, namespace):
    if ">>>" not in code:
        exec(compile("\n" * (line - 1) + code, str(PAGE), "exec"), namespace)
        return
    example = doctest.DocTestParser().get_doctest(code, namespace, "python.md", str(PAGE), line - 1)
    printed = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    runner.run(example, out=printed.append, clear_globs=False)
    namespace.update(example.globs)
    assert runner.failures == 0, "".join(printed)


@pytest.fixture
def matplotlib_without_screen():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")


def test_every_block_of_the_page(tmp_path, monkeypatch, matplotlib_without_screen):
    monkeypatch.chdir(tmp_path)
    namespace, languages = {"__name__": "python_page"}, set()
    for line, language, code in blocks(PAGE.read_text(encoding="utf-8")):
        languages.add(language)
        if language == "python":
            run(code, line, namespace)
    assert languages == {"python", "text"}


def test_a_wrong_output_is_found():
    with pytest.raises(AssertionError, match="Expected"):
        run(">>> 1 + 1\n3\n", 1, {})


def test_files_that_the_page_links_exist():
    links = re.findall(r"\]\(([^)#]+)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 5
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
