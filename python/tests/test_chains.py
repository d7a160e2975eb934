"""Markov chains and their diagnostics."""

import gmdiff as gd
import numpy as np
import pytest
from command_line import answer

NORMAL = gd.Target(gd.ExpressionTarget("-(x1^2 + x2^2)/2", dim=2))
TWO = gd.Mixture([0.25, 0.75], [[-10.0], [10.0]], gd.Covariance.spherical([1.0, 1.0]))
FIGURES = ["mean", "sd", "mcse", "rhat", "rhat_split", "ess_bulk", "ess_tail", "ess_mean"]


@pytest.fixture(scope="module")
def trace():
    return gd.sample(NORMAL, sampler=gd.Mala(step=1.0, steps=200, output="trace"), count=4, seed=3)


def test_outputs_of_chains(trace):
    assert trace.shape == (4, 200, 2)
    moments = gd.sample(NORMAL, sampler=gd.Mala(step=1.0, steps=200, output="moments"), count=4, seed=3)
    # The same chains: their moments are those of the trace, whose values are rounded to float32.
    assert np.allclose(moments.moments["mean"], trace.numpy().mean(1), atol=1e-6)
    assert np.allclose(moments.moments["covariance"][0], np.cov(trace[0].T), atol=1e-5)
    batches = trace[:, 8:].reshape(4, 16, 12, 2).mean(2)
    assert np.allclose(moments.moments["batch_means"], batches, atol=1e-6)
    assert np.shares_memory(trace.numpy(), trace.numpy())
    assert np.all((trace.acceptance["probability"] > 0.5) & (trace.acceptance["probability"] < 1.0))


def test_every_chain_adapts_its_step():
    chains = gd.sample(NORMAL, sampler=gd.Mala(warmup=100, steps=20, adapt="chain"), count=3, seed=1)
    steps = chains.acceptance["step"]
    assert steps.shape == (3,)
    assert len(set(steps)) == 3


@pytest.mark.parametrize("sampler", [gd.Ula, gd.Mala])
def test_two_parts_in_time_are_one_run(sampler):
    options = {"count": 5, "seed": 8, "precision": "f64"}
    whole = gd.sample(NORMAL, sampler=sampler(step=0.5, steps=10), **options).numpy()
    first = gd.sample(NORMAL, sampler=sampler(step=0.5, steps=4), **options)
    assert np.array_equal(
        gd.sample(NORMAL, sampler=sampler(step=0.5, steps=6, first_step=4), start=first, **options), whole
    )
    assert not np.array_equal(
        gd.sample(NORMAL, sampler=sampler(step=0.5, steps=6), start=first, **options), whole
    )


@pytest.mark.parametrize("metropolis", [None, False, True])
def test_two_parts_of_kinetic_chains_are_one_run(metropolis):
    def sampler(**run):
        return gd.Baoab(step=0.3, **run) if metropolis is None else gd.Obabo(step=0.3, metropolis=metropolis, **run)

    options = {"count": 5, "seed": 8, "velocities": True}
    whole = gd.sample(NORMAL, sampler=sampler(steps=10), **options)
    first = gd.sample(NORMAL, sampler=sampler(steps=4), **options)
    rest = gd.sample(
        NORMAL, sampler=sampler(steps=6, first_step=4), start=first, start_velocities=first.velocities, **options
    )
    assert np.array_equal(rest, whole)
    assert np.array_equal(rest.velocities, whole.velocities)
    assert gd.sample(NORMAL, sampler=sampler(steps=4), count=5).velocities is None
    with pytest.raises(ValueError, match="continues kinetic chains, and their last velocities are not given"):
        gd.sample(NORMAL, sampler=sampler(steps=6, first_step=4), start=first)
    with pytest.raises(ValueError, match="only chains of baoab and obabo have velocities"):
        gd.sample(NORMAL, sampler=gd.Mala(step=1.0), start=first, start_velocities=first.velocities)


def test_log_density_of_a_trace(trace):
    x = trace.numpy().astype(float)
    assert np.allclose(gd.trace_log_density(trace, NORMAL), -(x**2).sum(2) / 2, rtol=1e-14)
    with pytest.raises(TypeError, match="trace_log_density: trace"):
        gd.trace_log_density(x, NORMAL)
    with pytest.raises(ValueError, match="the trace has dimension 2, the target 1"):
        gd.trace_log_density(trace, TWO)


def test_chains_on_a_posterior(prior, observation):
    """Means of 500 chains against the exact posterior, in standard errors of a normal law."""
    exact = gd.posterior(prior, observation).mixture
    sampler = gd.Mala(warmup=200, steps=100)
    x = gd.sample(prior, sampler=sampler, observation=observation, count=500, seed=2, precision="f64").numpy()
    errors = np.sqrt(np.diag(exact.covariance()) / 500)
    assert np.all(np.abs(x.mean(0) - exact.mean()) < 4.5 * errors)
    assert np.any(np.abs(x.mean(0) - prior.mean()) > 4.5 * errors)


@pytest.mark.parametrize("estimates", [(), ("x1*x2", "norm2(x)")])
def test_diagnose_has_the_figures_of_the_command(command, tmp_path, trace, estimates):
    np.save(tmp_path / "x.npy", trace)
    flags = [word for text in estimates for word in ("--estimate", text)]
    printed = answer(command, "diagnose", tmp_path / "x.npy", *flags)
    found = gd.diagnose(trace, estimates=estimates)
    rows = printed["coordinates"] + printed.get("estimates", [])
    for row, diagnostics in zip(rows, found.coordinates + list(found.estimates.values()), strict=True):
        assert [getattr(diagnostics, name) for name in FIGURES] == [row[name] for name in FIGURES]
    assert found.warnings == printed["warnings"]
    assert list(found.estimates) == list(estimates)


def test_diagnose_shows_a_mode_that_no_chain_visits():
    x = np.random.default_rng(5).normal(10.0, 1.0, size=(4, 500))
    found = gd.diagnose(x, TWO)
    assert found.warnings == []
    assert np.array_equal(found.weights, [0.25, 0.75])
    assert np.array_equal(found.share_of_draws, [0.0, 1.0])
    assert np.array_equal(found.share_of_chains, [0.0, 1.0])
    assert np.array_equal(gd.diagnose(x, gd.Problem(TWO)).share_of_draws, [0.0, 1.0])
    assert gd.diagnose(x).share_of_draws is None


def test_diagnose_warns_of_chains_that_have_not_mixed():
    x = np.random.default_rng(6).normal(size=(4, 50, 1))
    x[0] += 3.0
    warnings = gd.diagnose(x).warnings
    assert any(text.startswith("coordinate 0: R-hat is") and "have not mixed" in text for text in warnings)
    assert "R-hat" in repr(gd.diagnose(x))


def test_nested_rhat_by_its_definition():
    """sqrt(1 + B/W) with the variance B of the superchains' means and the mean variance W inside of them
    (docs/mathematics.md §11), for one draw of each chain."""
    x = np.random.default_rng(7).normal(size=(12, 1, 2)) + np.repeat([0.0, 1.0, 2.0], 4)[:, None, None]
    groups = x[:, 0].reshape(3, 4, 2)
    between, within = groups.mean(1).var(0, ddof=1), groups.var(1, ddof=1).mean(0)
    assert np.allclose(gd.nested_rhat(x, 3), np.sqrt(1 + between / within), rtol=1e-12)


def test_batch_means_by_their_definition():
    x = np.random.default_rng(8).normal(size=103)
    means = x[3:].reshape(10, 10).mean(1)
    mean, error = gd.batch_means(x, 10)
    assert np.isclose(mean, x.mean())
    assert np.isclose(error, means.std(ddof=1) / np.sqrt(10))


def test_pooled_moments():
    chains = gd.sample(NORMAL, sampler=gd.Mala(step=1.0, steps=64, output="moments"), count=20, seed=2)
    pool, moments = gd.pooled(chains), chains.moments
    assert np.allclose(pool.mean, moments["mean"].mean(0), rtol=1e-6, atol=1e-9)
    assert np.allclose(pool.standard_error, moments["mean"].std(0, ddof=1) / np.sqrt(20), rtol=1e-6)
    squares = moments["mean"] ** 2 + moments["variance"] * 63 / 64
    assert np.allclose(pool.square, squares.mean(0), rtol=1e-12)
    assert np.allclose(pool.square_error, squares.std(0, ddof=1) / np.sqrt(20), rtol=1e-9)
    trace = gd.sample(NORMAL, sampler=gd.Mala(step=1.0, steps=64, output="trace"), count=20, seed=2).numpy()
    split = [d.rhat_split for d in gd.diagnose(trace).coordinates]
    assert np.allclose(pool.rhat_split, split, rtol=1e-5)
    # The variance of all states is the mean square inside of the chains and that of their means.
    total = moments["variance"].mean(0) * 63 / 64 + moments["mean"].var(0)
    assert np.allclose(pool.variance, total, rtol=0.02)


def deviation_of_variance(sampler):
    """The mean of x^2 of 4000 chains against 1, in standard errors: of N(0, 1) it has mean 1 and variance 2/n."""
    target, count = gd.ExpressionTarget("-x^2/2"), 4000
    x = gd.sample(target, sampler=sampler, count=count, seed=11, precision="f64").numpy()
    return ((x**2).mean() - 1.0) / np.sqrt(2.0 / count)


def test_mala_is_exact_and_the_bias_of_ula_shows():
    # A normal variable is beyond 4.5 with probability 7e-6. ULA has the variance 1/(1 - h/4) = 4/3.
    assert abs(deviation_of_variance(gd.Mala(step=1.0, steps=60))) < 4.5
    assert deviation_of_variance(gd.Ula(step=1.0, steps=60)) > 4.5


def test_results_of_other_samplers_are_diagnosed():
    x = np.random.default_rng(1).normal(size=(2, 300, 3)).astype(np.float32)
    as_float64 = gd.diagnose(x.astype(np.float64))
    for found, expected in zip(gd.diagnose(x).coordinates, as_float64.coordinates, strict=True):
        assert (found.rhat, found.ess_bulk, found.mean) == (expected.rhat, expected.ess_bulk, expected.mean)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.diagnose(np.zeros(30)), ValueError, "diagnose: x: expected an array of shape"),
        (lambda: gd.diagnose(np.zeros((2, 3))), ValueError, "4 draws"),
        (lambda: gd.diagnose(np.zeros((0, 3))), ValueError, "diagnose: x"),
        (lambda: gd.diagnose("a"), TypeError, "diagnose: x"),
        (lambda: gd.diagnose(np.full((2, 9), np.nan)), ValueError, "not finite"),
        (
            lambda: gd.diagnose(np.zeros((2, 9, 3)), TWO),
            ValueError,
            "diagnose: x: its draws have dimension 3",
        ),
        (lambda: gd.diagnose(np.zeros((2, 9)), gd.Banana()), TypeError, "diagnose: law"),
        (lambda: gd.diagnose(np.zeros((2, 9)), TWO, prior=True), ValueError, "diagnose: prior"),
        (lambda: gd.diagnose(np.zeros((2, 9)), estimates=[3]), TypeError, "diagnose: estimates"),
        (
            lambda: gd.diagnose(np.ones((2, 9)), estimates="1/(x - 1)"),
            ValueError,
            "diagnose: estimates: 1/.x - 1.: it is inf",
        ),
        (lambda: gd.diagnose(np.zeros((2, 9)), estimate="x"), TypeError, "estimate"),
        (lambda: gd.nested_rhat(np.zeros((4, 9)), 3), ValueError, "nested_rhat: 4 chains cannot be 3 groups"),
        (lambda: gd.nested_rhat(np.zeros((4, 9)), 0), ValueError, "nested_rhat: superchains"),
        (lambda: gd.batch_means(np.zeros(9), 1), ValueError, "batches"),
        (lambda: gd.pooled(np.zeros(9)), TypeError, "pooled: samples"),
        (lambda: gd.pooled(gd.draw(TWO, count=3)), ValueError, "pooled: samples"),
    ],
)
def test_bad_diagnoses(call, error, message):
    with pytest.raises(error, match=message):
        call()
