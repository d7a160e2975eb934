"""Settings of Sphinx for the reference of the Python package: `sphinx-build -W docs/api build/api`."""

import pathlib
import re

import gmdiff
from sphinx.ext.napoleon import GoogleDocstring

project = "gmdiff"
author = "the gmdiff authors"
version = release = gmdiff.__version__
extensions = ["sphinx.ext.autodoc"]
exclude_patterns = []
html_theme = "furo"
html_title = f"gmdiff {version}"
html_show_copyright = False
nitpicky = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "undoc-members": True, "inherited-members": False}
autodoc_typehints = "none"

CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def plain(line):
    """A line of a docstring as reStructuredText: code between backticks, no other markup."""
    parts = CODE.split(line)
    for i, part in enumerate(parts):
        parts[i] = f"``{part}``" if i % 2 else re.sub(r"([*|\\]|(?<=\w)_(?!\w))", r"\\\1", part)
    return "".join(parts)


def process_docstring(app, what, name, obj, options, lines):
    # nanobind begins the text of a property with the signature of its function.
    if lines and re.match(r"\w*\(self[^)]*\) -> ", lines[0]):
        del lines[0]
    lines[:] = [plain(line) for line in lines]
    if name.startswith("gmdiff.plot"):
        lines[:] = GoogleDocstring(lines, what=what, name=name, obj=obj).lines()


MODULES = re.compile(r"\b(typing|collections\.abc|numpy|gmdiff\._core)\.")


def process_signature(app, what, name, obj, options, signature, annotation):
    """Types without the names of their modules; `Any` says nothing that the text does not."""
    if signature is None:
        return None
    short = re.sub(r"(\w+): (?:Any|object)\b(?: \| None)?", r"\1", MODULES.sub("", signature))
    result = MODULES.sub("", annotation or "")
    return re.sub(r"^\(self(?:, )?", "(", short), None if result in ("", "object", "Any") else result


def prepare(cls):
    """Shows what nanobind knows in the places where Sphinx looks."""
    constructor = re.match(r"__init__(\(.*\)) -> None", cls.__init__.__doc__ or "")
    if constructor:
        cls.__doc__ = f"{cls.__name__}{constructor[1]}\n\n{cls.__doc__}"
    for name, member in list(vars(cls).items()):
        if type(member).__name__ == "nb_func":  # A static method, which looks like data.

            def wrapped(*arguments, **named):
                raise NotImplementedError

            wrapped.__name__, wrapped.__doc__ = name, member.__doc__
            setattr(cls, name, staticmethod(wrapped))


def add_others(app, docname, source):
    """Lists the names of the package that no page has at the end of the page `others`."""
    if docname != "others":
        return
    pages = "".join(page.read_text(encoding="utf-8") for page in pathlib.Path(app.srcdir).glob("*.rst"))
    placed = set(re.findall(r"^\.\. auto\w+:: (\w+)$", pages, re.MULTILINE)) | {"__version__", "plot"}
    for name in sorted(set(gmdiff.__all__) - placed):
        member = getattr(gmdiff, name)
        is_error = isinstance(member, type) and issubclass(member, BaseException)
        kind = "autoexception" if is_error else "autoclass" if isinstance(member, type) else "autofunction"
        source[0] += f".. {kind}:: {name}\n"


def setup(app):
    for member in vars(gmdiff).values():
        if type(type(member)).__name__ == "nb_meta":
            prepare(member)
    app.connect("source-read", add_others)
    app.connect("autodoc-process-docstring", process_docstring)
    app.connect("autodoc-process-signature", process_signature)
