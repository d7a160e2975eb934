"""Writes the comments `///` of the public headers as a table of C++ strings: name, text.

    docstrings.py OUTPUT HEADER...

Names are `Class`, `Class::member`, and the plain names of free functions. Members that the headers explain elsewhere
have their text in attributes.json; `*::member` is that of every class without another.
"""

import json
import pathlib
import re
import sys

ATTRIBUTES = pathlib.Path(__file__).with_name("attributes.json")
REPLACEMENTS = {
    "std::invalid_argument": "ValueError",
    "std::domain_error": "ValueError",
    "std::runtime_error": "RuntimeError",
    "std::bad_alloc": "MemoryError",
    "@throws": "Raises",
    "@returns": "Returns",
}


def clean(lines):
    text = " ".join(line.strip() for line in lines if line.strip())
    text = re.sub(r"@param (\w+)", r"\1:", text)
    for old, new in REPLACEMENTS.items():
        text = text.replace(old, new)
    text = re.sub(r"\bthrow(s?)\b", r"raise\1", text)
    # Members without arguments are attributes, and options are arguments.
    text = re.sub(r"\b(dim|times|num_steps|log_weights)\(\)", r"\1", text)
    text = re.sub(r"\b(?:Options::|options\.)(\w+)", r"\1", text)
    return re.sub(r"(\w)::(\w)", r"\1.\2", text)


def entries(text):
    scope, pending, member = None, [], None
    for line in text.splitlines():
        code = line.strip()
        if code.startswith("///"):
            comment = code[3:].removeprefix("<")
            if code.startswith("///<") or not member:
                pending.append(comment)
            continue
        trailing = re.match(r"(.*?)///<(.*)", code)
        top = re.match(r"(?:struct|class|enum class) (\w+)(?: [:{].*)?$", line)
        if top:
            # A definition on one line has no members to document.
            scope = top.group(1) if line.endswith("{") else None
            if pending:
                yield top.group(1), clean(pending)
        elif line.startswith("}"):
            scope = None
        elif trailing and scope:
            names = re.findall(r"(\w+)(?: = [^,;]*)?[,;]", trailing.group(1))
            for name in names:
                yield f"{scope}::{name}", clean([*pending, trailing.group(2)])
        elif pending and scope and line.startswith("  ") and not line.startswith("   "):
            name = re.search(r"(\w+)\(|(\w+)(?: = [^;]*|\{\})?;", code)
            if name:
                yield f"{scope}::{name.group(1) or name.group(2)}", clean(pending)
        elif pending and not scope and re.match(r"\w", line):
            name = re.search(r"(\w+)\(", code)
            if name:
                yield name.group(1), clean(pending)
        if code and not code.startswith("template"):
            pending = []


def main(output, *headers):
    table = {}
    for header in headers:
        for name, text in entries(pathlib.Path(header).read_text(encoding="utf-8")):
            table.setdefault(name, text)
    for name, text in json.loads(ATTRIBUTES.read_text(encoding="utf-8")).items():
        table.setdefault(name.replace(".", "::"), text)
    lines = [
        f"{{{json.dumps(name)}, {json.dumps(text, ensure_ascii=False)}}},\n"
        for name, text in sorted(table.items())
    ]
    pathlib.Path(output).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
