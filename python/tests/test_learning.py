"""Learned denoisers and trained samplers."""

import signal

import gmdiff as gd
import numpy as np
import pytest
from command_line import answer, assert_same_bytes

LAW = gd.Mixture([0.3, 0.7], [[-1.0, 0.0], [1.0, 0.5]], gd.Covariance.spherical([0.1, 0.2]))
SMALL = {"iterations": 12, "batch": 32, "hidden": 8, "layers": 1, "seed": 3}
FLAGS = [word for key, value in SMALL.items() for word in (f"--{key}", value)]
TARGET = gd.Funnel(dim=2)
PATHS = {
    "iterations": 6,
    "batch": 16,
    "hidden": 8,
    "layers": 1,
    "seed": 3,
    "method": "dis",
    "components": 2,
    "steps": 4,
}


@pytest.fixture(scope="module")
def training():
    return gd.train_denoiser(LAW, **SMALL)


@pytest.fixture(scope="module")
def paths():
    return gd.train_sampler(TARGET, **PATHS)


def arrays_of(file):
    with np.load(file) as arrays:
        return dict(arrays)


def assert_same_files(a, b):
    a, b = arrays_of(a), arrays_of(b)
    assert a.keys() == b.keys()
    for name, array in a.items():
        assert_same_bytes(array, b[name])


@pytest.mark.parametrize("data", [False, True])
def test_a_denoiser_has_the_file_of_the_command(command, tmp_path, data):
    rows, out = tmp_path / "rows.npy", tmp_path / "command.npz"
    np.save(rows, gd.draw(LAW, count=50, seed=1).numpy())
    problem = tmp_path / "problem.json"
    gd.dump(gd.Problem(LAW), problem)
    answer(command, "train", *(["--data", rows] if data else [problem]), "--out", out, *FLAGS)
    gd.train_denoiser(np.load(rows) if data else LAW, **SMALL).save(tmp_path / "python.npz")
    assert_same_files(tmp_path / "python.npz", out)
    assert np.array_equal(
        gd.read_denoiser(out).parameters, gd.read_denoiser(tmp_path / "python.npz").parameters
    )


def test_a_sampler_has_the_file_and_the_draws_of_the_command(command, tmp_path, paths):
    problem, out, draws = (tmp_path / name for name in ("problem.json", "command.npz", "draws.npz"))
    gd.dump(gd.TargetProblem(TARGET), problem)
    flags = [
        "--sampler",
        "dis:components=2:steps=4",
        "--iterations",
        6,
        "--batch",
        16,
        "--hidden",
        8,
        "--layers",
        1,
    ]
    printed = answer(
        command, "train", problem, "--out", out, "--seed", 3, "--count", 40, "--draws", draws, *flags
    )
    paths.save(tmp_path / "python.npz")
    assert_same_files(tmp_path / "python.npz", out)
    sampler = paths.sampler(TARGET)
    x, log_weights = sampler.draws(40, 3)
    expected = arrays_of(draws)
    assert_same_bytes(x, expected["x"])
    assert_same_bytes(log_weights, expected["log_weights"])
    forward = gd.forward_summary(log_weights)
    backward = gd.backward_summary(sampler.backward_log_weights(gd.Target(TARGET).draws(40, seed=3), 3))
    for found, of, bound in ((forward, printed["forward"], "elbo"), (backward, printed["backward"], "eubo")):
        assert [found.bound, found.log_z, found.ess] == [of[bound], of["log_z"], of["ess"]]
        assert [found.bound_error, found.log_z_error, found.ess_error] == [
            of[bound + "_error"],
            of["log_z_error"],
            of["ess_error"],
        ]


def test_draws_of_a_sampler_are_numbered(paths):
    sampler = paths.sampler(gd.Target(TARGET))
    whole, weights = sampler.draws(10, 1)
    part, own_weights = sampler.draws(6, 1, 4)
    assert np.array_equal(whole[4:], part)
    assert np.array_equal(weights[4:], own_weights)


def test_progress_and_continued_trainings(tmp_path, training):
    seen = []
    first = gd.train_denoiser(LAW, progress=lambda *report: seen.append(report), **SMALL)
    assert [report[:2] for report in seen] == [(i, 12) for i in range(1, 13)]
    assert all(np.isfinite(report[2]) for report in seen)
    first.save(tmp_path / "a.npz")
    again = gd.read_denoiser(tmp_path / "a.npz")
    # A file has the weights that the parametrisation implies.
    assert again.settings == first.settings | {"weight": "edm"}
    assert np.array_equal(again.parameters, training.parameters)
    assert gd.train_denoiser(LAW, resume=again).iteration == 12


def test_a_bar_as_progress(monkeypatch):
    seen = []
    monkeypatch.setattr("gmdiff._progress.Bar", lambda: lambda done, total: seen.append((done, total)))
    gd.train_sampler(TARGET, progress=True, **PATHS)
    gd.train_denoiser(LAW, progress=False, **SMALL)
    assert seen == [(i, 6) for i in range(1, 7)]


class Stop:
    """Interrupts the training after some iterations, as Ctrl-C does."""

    def __init__(self, iteration):
        self.iteration = iteration

    def __call__(self, iteration, iterations, loss):
        if iteration == self.iteration:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupted_training_can_be_continued(training, paths):
    with pytest.raises(KeyboardInterrupt) as raised:
        gd.train_denoiser(LAW, progress=Stop(5), **SMALL)
    begun = raised.value.training
    assert 5 <= begun.iteration < 12
    assert np.array_equal(gd.train_denoiser(LAW, resume=begun).parameters, training.parameters)
    with pytest.raises(KeyboardInterrupt) as raised:
        gd.train_sampler(TARGET, progress=Stop(2), **PATHS)
    begun = raised.value.training
    assert 2 <= begun.iteration < 6
    continued = gd.train_sampler(TARGET, resume=begun)
    assert np.array_equal(continued.parameters, paths.parameters)
    assert np.array_equal(continued.networks, paths.networks)


def test_an_error_of_progress_is_raised_unchanged():
    error = LookupError("no screen")

    def fail(*report):
        raise error

    with pytest.raises(LookupError) as raised:
        gd.train_denoiser(LAW, progress=fail, **SMALL)
    assert raised.value is error


def test_a_learned_denoiser_in_samplers(process, training):
    denoiser = training.denoiser()
    x = np.random.default_rng(1).normal(size=(5, 2))
    assert denoiser(x, (0.8, 0.6)).shape == (5, 2)
    options = {"count": 30, "seed": 1, "precision": "f64"}
    sampler = gd.Ddim(start="gaussian")
    by_prior = gd.sample(LAW, process, gd.UniformGrid(5), sampler, denoiser=denoiser, **options).numpy()
    own = gd.Denoiser(denoiser, id=denoiser.id)
    by_function = gd.sample(own, process, gd.UniformGrid(5), sampler, dim=2, **options).numpy()
    assert np.array_equal(by_prior, by_function)


def test_errors_of_denoisers(training):
    """The exact denoiser has no excess; the error of a learned one is its excess above the floor."""
    exact, learned = (
        gd.denoiser_errors(d, LAW, [0.5, 2.0], count=400)
        for d in (gd.Denoiser(LAW.denoiser), training.denoiser())
    )
    for row, other in zip(exact, learned, strict=True):
        assert row.excess == 0.0
        assert row.floor == other.floor > 0
        assert other.excess > 5 * other.excess_error > 0
        assert np.isclose(other.loss, other.floor + other.excess + other.unresolved, rtol=1e-12)
    assert [row.n for row in learned] == [0.5, 2.0]


def test_weights_correct_a_sampler(paths):
    """E[w] = Z = 1 of the funnel: the mean of w in its standard errors; without the weights the bias shows."""
    x, log_w = paths.sampler(TARGET).draws(4000, 9)
    summary = gd.forward_summary(log_w)
    w = np.exp(log_w)
    assert np.isclose(summary.log_z, np.log(w.mean()), rtol=1e-10, atol=1e-12)
    assert np.isclose(summary.bound, log_w.mean(), rtol=1e-10)
    assert summary.bound < summary.log_z
    assert np.isclose(summary.ess, w.sum() ** 2 / (w**2).sum() / len(w), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.train_denoiser("rows"), TypeError, "train_denoiser: data"),
        (lambda: gd.train_denoiser(LAW, hidden=1), ValueError, "hidden"),
        (lambda: gd.train_denoiser(LAW, hiden=8), TypeError, "hiden"),
        (lambda: gd.train_denoiser(LAW, resume=LAW), TypeError, "train_denoiser: resume"),
        (lambda: gd.train_denoiser(LAW, progress=3), TypeError, "train_denoiser: progress"),
        (
            lambda: gd.train_sampler(TARGET, resume=gd.train_sampler(TARGET, **PATHS), seed=3),
            ValueError,
            "train_sampler: seed: a training that goes on has its own settings",
        ),
        (lambda: gd.train_sampler(LAW), TypeError, "train_sampler: target"),
        (lambda: gd.train_sampler(TARGET, method="disco"), ValueError, "train_sampler: method"),
        (
            lambda: gd.train_sampler(TARGET, device="reference", **PATHS),
            ValueError,
            "trained sampler: a training runs on cpu or on one GPU, got reference",
        ),
        (lambda: gd.read_denoiser("none.npz"), (OSError, ValueError), "none.npz"),
        (lambda: gd.read_sampler(3), TypeError, "read_sampler: file"),
        (lambda: gd.forward_summary([np.nan]), ValueError, "log_w|weight"),
        (lambda: gd.forward_summary("a"), TypeError, "forward_summary: log_w"),
        (lambda: gd.backward_summary([[0.0]]), ValueError, "backward_summary: log_w"),
        (lambda: gd.denoiser_errors(3, LAW, [1.0]), TypeError, "denoiser_errors: denoiser"),
        (lambda: gd.denoiser_errors(gd.Denoiser(LAW.denoiser), LAW, [-1.0]), ValueError, "level"),
        (lambda: gd.denoiser_errors(gd.Denoiser(LAW.denoiser), LAW, [1.0], count=1), ValueError, "count"),
    ],
)
def test_bad_trainings(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bad_draws(paths):
    sampler = paths.sampler(TARGET)
    with pytest.raises(ValueError, match="TrainedSampler.draws: count"):
        sampler.draws(0)
    with pytest.raises(ValueError, match="x must have 2 columns, got 3"):
        sampler.backward_log_weights([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="target"):
        paths.sampler(gd.Banana())
