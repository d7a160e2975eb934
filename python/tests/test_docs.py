"""The documentation: every block of code of the Python page, the docstrings, and the reference."""

import doctest
import pathlib
import re
import subprocess
import sys

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


def text_of(member):
    """A docstring without the signature that nanobind writes before it."""
    lines = (member.__doc__ or "").splitlines()
    while lines and (re.match(r"\w*\(.*\) -> ", lines[0]) or not lines[0].strip()):
        del lines[0]
    return "\n".join(lines)


def public_members():
    for name in (*gd.__all__, "plot.density", "plot.samples", "plot.paths", "plot.comparison"):
        owner, _, part = name.rpartition(".")
        member = getattr(getattr(gd, owner) if owner else gd, part)
        if name == "__version__":
            continue
        yield name, member.__doc__ if isinstance(member, type) else text_of(member)
        for attribute, value in vars(member).items() if isinstance(member, type) else ():
            if not attribute.startswith("_") and attribute != "name":
                yield f"{name}.{attribute}", text_of(value)


def test_everything_public_has_a_docstring():
    members = dict(public_members())
    assert len(members) > 400
    assert [name for name, text in members.items() if not (text or "").strip()] == []


def test_docstrings_speak_of_python():
    of_cpp = re.compile(r"std::|@\w+|\w::\w|\bOptions\b|\bthrows?\b|#include")
    assert {name: text for name, text in public_members() if of_cpp.search(text)} == {}


def test_a_missing_docstring_is_found():
    assert text_of(lambda: None) == ""
    assert text_of(property(lambda self: None, doc="dim(self) -> int")) == ""
    assert text_of(property(lambda self: None, doc="dim(self) -> int\n\nDimension d.")) == "Dimension d."


def test_a_page_names_what_exists_once():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "api").glob("*.rst"))
    named = re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", pages, re.MULTILINE)
    assert len(named) > 100
    assert sorted(named) == sorted(set(named) & set(gd.__all__))


def test_the_reference_is_built_without_warnings(tmp_path):
    pytest.importorskip("sphinx")
    pytest.importorskip("furo")
    folders = [str(ROOT / "docs" / "api"), str(tmp_path)]
    options = ["-q", "-W", "--keep-going", "-d", str(tmp_path / "trees")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, *folders], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    text = "".join(page.read_text(encoding="utf-8") for page in tmp_path.glob("*.html"))
    assert "gmdiff.Mixture.log_pdf" in text
    absent = [name for name in gd.__all__ if f'id="gmdiff.{name}"' not in text]
    assert sorted(absent) == ["__version__", "plot"]
