"""The cost of Python: the smallest of many times, so that other work on the machine does not count."""

import time

import gmdiff as gd
import numpy as np


def smallest(call, repeats):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def test_a_short_run_costs_little_more_than_its_work(prior, process):
    """1,000 particles and 10 steps: argument checks, plan and result beside the run."""
    session, run_seconds = gd.Session("cpu"), []
    process = gd.ForwardProcess(process)

    def call():
        samples = session.sample(prior, process, gd.UniformGrid(10), gd.Ddim(), count=1000, seed=7)
        run_seconds.append(samples.provenance["seconds"])

    assert smallest(call, 300) - min(run_seconds) < 100e-6


def test_a_call_of_a_function_costs_microseconds():
    denoiser = gd.Denoiser(lambda x, level: x)
    x, level = np.zeros((1000, 2)), gd.Level(0.6, 0.8)
    assert smallest(lambda: denoiser(x, level), 300) < 30e-6
