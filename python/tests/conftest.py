"""What the tests share."""

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
