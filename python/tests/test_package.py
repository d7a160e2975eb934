"""The surface of the package: descriptions, mixtures, runs."""

import gmdiff as gd
import numpy as np


def test_sample_of_the_posterior(prior, observation, process):
    x = gd.sample(prior, process, gd.UniformGrid(20), gd.Ddim(), observation=observation, count=50, seed=7)
    assert x.shape == (50, 2)
    assert x.dtype == np.float32
    assert abs(np.mean(x[:, 0]) - 1.5) < 0.2
