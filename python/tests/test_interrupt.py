"""Ctrl-C, leaks and threads, in processes of their own."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import gmdiff as gd
import numpy as np
import pytest

LONG_RUN = """
import gmdiff as gd
prior = gd.Mixture([0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], gd.Covariance.spherical([0.5, 0.8]))
begun = []
def progress(done, total):
    begun or begun.append(print("ready", flush=True))
try:
    {call}
except KeyboardInterrupt as error:
    {after}
"""
LONG_SAMPLE = (
    "gd.sample(prior, gd.Edm(), gd.KarrasGrid(1000), gd.Ddim(), count=10**8, "
    "memory_limit=2**22, device='cpu:1', progress=progress)"
)
LONG_CALLABLE = (
    "gd.sample(gd.Denoiser(prior.denoiser), gd.Edm(), gd.KarrasGrid(200), gd.Ddim(start='gaussian'), dim=2, "
    "count=10**7, memory_limit=2**22, progress=progress)"
)
COUNT_SAMPLES = "print(error.samples.shape[0], error.samples.shape[1], error.samples.numpy().any())"
LONG_COMPARISON = (
    "gd.compare(gd.Problem(prior), {'mine': lambda problem, count, seed: "
    "gd.draw(problem, count=10**4, seed=seed), 'draw': 'draw'}, count=10**4, runs=10**6, progress=progress)"
)


def interrupted(call, after):
    """Output of a program that is interrupted after its first batch."""
    program = LONG_RUN.format(call=call, after=after)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == ""
    return out


def test_an_interrupt_keeps_the_finished_samples():
    count, dim, has_values = interrupted(LONG_SAMPLE, COUNT_SAMPLES).split()
    assert 0 < int(count) < 10**8
    assert dim == "2"
    assert has_values == "True"


@pytest.mark.parametrize("call", [LONG_CALLABLE, LONG_COMPARISON], ids=["callable", "comparison"])
def test_an_interrupt_ends_a_run_of_python_functions(call):
    assert interrupted(call, "print('samples' in error.__dict__)") == "True\n"


def test_an_interrupted_training_can_be_continued():
    call = "gd.train_denoiser(prior, iterations=10**6, batch=64, progress=lambda i, n, loss: progress(i, n))"
    after = "print(0 < error.training.iteration < 10**6)"
    assert interrupted(call, after) == "True\n"


def test_a_run_after_an_interrupt_is_complete():
    after = "print(gd.draw(prior, count=7).shape[0])"
    assert interrupted(LONG_SAMPLE, after) == "7\n"


def test_an_interrupt_does_not_stop_the_next_run():
    """Signals at random moments: those that arrive between runs have no effect on a run."""
    program = textwrap.dedent("""
        import os, random, signal, threading, time
        import gmdiff as gd
        prior = gd.Mixture([1.0], [[0.0, 1.0]], gd.Covariance.spherical([1.0]))
        process, grid = gd.ForwardProcess(gd.Edm()), gd.KarrasGrid(20)
        is_running, is_done = False, threading.Event()
        def handle(number, frame):
            global is_running
            if is_running:
                is_running = False
                raise KeyboardInterrupt
        signal.signal(signal.SIGINT, handle)
        def send():
            while not is_done.wait(random.uniform(0.0005, 0.003)):
                os.kill(os.getpid(), signal.SIGINT)
        thread = threading.Thread(target=send)
        thread.start()
        interrupts, runs, end = 0, 0, time.monotonic() + 0.7
        while time.monotonic() < end:
            try:
                is_running = True
                gd.sample(prior, process, grid, gd.Ddim(), count=3000)
                is_running = False
                runs += 1
            except KeyboardInterrupt:
                interrupts += 1
        is_done.set()
        thread.join()
        print(interrupts > 2 and runs > 2)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout == "True\n"


def test_nothing_leaks():
    """nanobind reports objects that are left at the end."""
    program = textwrap.dedent("""
        import gmdiff as gd, numpy as np
        prior = gd.Mixture([1.0], [[0.0, 1.0]], gd.Covariance.spherical([1.0]))
        denoiser = gd.Denoiser(lambda x, level: prior.denoiser(x, level))
        x = gd.sample(denoiser, gd.Edm(), gd.KarrasGrid(5), gd.Ddim(start="gaussian"), dim=2, count=5)
        target = gd.CustomTarget(lambda x: (-0.5 * (x**2).sum(1), -x), 2)
        chains = gd.sample(target, sampler=gd.Mala(step=0.1, steps=5), count=3, progress=lambda *n: None)
        tensor, view = np.from_dlpack(x), x.numpy()
        problem = gd.Problem(prior, denoiser=denoiser)
        gpu = gd.Denoiser(lambda x, level: x, device="cuda")
        for wrong in (
            lambda: gd.Ddim(eta="a"), lambda: gd.sample(3), lambda: prior.log_pdf([1j]), lambda: gpu(x, 3),
            lambda: gpu(np.zeros((1, 2)), (1.0, 0.5)), lambda: prior.log_pdf(None),
        ):
            try:
                wrong()
            except (TypeError, ValueError) as error:
                kept = error
        gd.compare(problem, {"mine": lambda problem, count, seed: np.zeros((count, 2))}, count=20)
    """)
    assert report_of_leaks(program) == ""


def test_a_leak_is_reported():
    program = "import gmdiff as gd, ctypes; x = gd.Level(); ctypes.pythonapi.Py_IncRef(ctypes.py_object(x))"
    assert "leaked 1 instances" in report_of_leaks(program)


def report_of_leaks(program):
    """What nanobind reports at the end of a program."""
    environment = os.environ | {"GMDIFF_REPORT_LEAKS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_lock_is_released(prior):
    """Another thread of Python works during a run."""
    ticks, is_done = [], threading.Event()

    def tick():
        while not is_done.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    gd.sample(prior, gd.Edm(), gd.KarrasGrid(100), gd.Ddim(), count=300_000, device="cpu:1")
    end = time.perf_counter()
    is_done.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) >= 5


def test_threads_share_a_session(prior):
    session = gd.Session("cpu:2")
    results = [None] * 4

    def work(i):
        denoiser = gd.Denoiser(prior.denoiser)
        sampler = gd.Ddim(start="gaussian")
        results[i] = session.sample(denoiser, gd.Edm(), gd.KarrasGrid(20), sampler, dim=2, count=100).numpy()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(result, results[0]) for result in results)
