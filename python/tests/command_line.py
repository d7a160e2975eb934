"""Answers of the command gmdiff, with which those of Python are compared."""

import json
import subprocess

import gmdiff as gd
import numpy as np


def answer(command, *arguments):
    """What the command prints as JSON."""
    done = subprocess.run(
        [command, *map(str, arguments), "--json", "--quiet"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def archive(command, folder, verb, problem, *flags):
    """The arrays that a verb writes about a problem, and what it prints."""
    file, out = folder / "problem.json", folder / "out.npz"
    gd.dump(problem, file)
    printed = answer(command, verb, file, "--out", out, *flags)
    with np.load(out) as arrays:
        return dict(arrays), printed


def assert_same_bytes(found, expected):
    """Both are arrays of the same type, shape and values."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()
