"""Problem files."""

import os
import pathlib


def dump(problem, file=None, *, overwrite=False):
    """Writes a problem as a problem file, which `load_problem` and the command gmdiff read.

    Without a file it returns the text. An existing file is an error (FileExistsError) unless `overwrite`.
    """
    if not hasattr(problem, "to_json"):
        raise TypeError(
            f"dump: problem: expected a problem, given an object of type {type(problem).__name__}"
        )
    text = problem.to_json()
    if file is None:
        return text
    path = pathlib.Path(os.fspath(file))
    with path.open("w" if overwrite else "x", encoding="utf-8") as out:
        out.write(text)
    return None
