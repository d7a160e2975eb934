"""Runs the cells of a notebook without Jupyter."""

import ast
import json


def cells(path, kind="code"):
    """Texts of the cells of a kind."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def run(path):
    """Runs the code cells; returns the value of the last expression of each, None where it has none."""
    namespace, values = {"__name__": "__main__"}, []
    for number, text in enumerate(cells(path)):
        tree = ast.parse(text)
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        where = f"{path.name}, code cell {number}"
        exec(compile(tree, where, "exec"), namespace)
        values.append(eval(compile(ast.Expression(shown.value), where, "eval"), namespace) if shown else None)
    return values
