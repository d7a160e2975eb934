"""What the tests share."""

import os
import shutil

import gmdiff as gd
import numpy as np
import pytest


@pytest.fixture
def prior():
    return gd.Mixture([0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], gd.Covariance.spherical([0.5, 0.8]))


@pytest.fixture
def observation():
    return gd.LinearObservation(np.array([[1.0, 0.0]]), [1.5], 0.1)


@pytest.fixture
def process():
    return gd.Vp(gd.LinearBeta(0.02, 7.0))


@pytest.fixture(scope="session")
def command():
    """The command gmdiff of the same tree: the variable GMDIFF_COMMAND, or the program of that name."""
    path = os.environ.get("GMDIFF_COMMAND") or shutil.which("gmdiff")
    if path is None:
        pytest.skip("needs the command gmdiff: set GMDIFF_COMMAND")
    return path
