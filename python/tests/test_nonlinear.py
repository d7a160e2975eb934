"""Nonlinear inverse problems: quadrature, importance sampling, maxima, and samplers with a map of Python."""

import gmdiff as gd
import numpy as np
import pytest
from command_line import archive, assert_same_bytes

ANCHORS = np.array([[-1.0, 0.0], [1.0, 0.0]])
Y, NOISE = [1.5, 1.25], 0.25
PRIOR = gd.Mixture([0.3, 0.7], [[0.5, 0.0], [-0.5, 1.0]], gd.Covariance.spherical([0.5, 1.0]))
PROBLEM = gd.NonlinearProblem(PRIOR, observation=gd.NonlinearObservation(gd.RangeMap(ANCHORS), Y, NOISE))
BANANA = gd.TargetProblem(gd.Banana(scale=2.0, curvature=0.1))


def distances(x):
    return np.linalg.norm(x[:, None, :] - ANCHORS, axis=2)


def directions(x):
    """Rows of J; 0 at an anchor."""
    r = distances(x)[..., None]
    return (x[:, None, :] - ANCHORS) / np.where(r > 0, r, 1.0)


def product(x, w):
    """J^T w of the distances."""
    return np.einsum("nij,ni->nj", directions(x), w)


def hessian(x, w, v):
    """sum_i w_i (I - J_i J_i^T) v / r_i (docs/mathematics.md §13.2)."""
    r, J = distances(x), directions(x)
    along = np.einsum("nij,nj->ni", J, v)
    return np.einsum("ni,nij->nj", w / np.where(r > 0, r, 1.0), v[:, None, :] - along[..., None] * J)


def own_observation(**products):
    return gd.NonlinearObservation(
        gd.CustomMap(distances, product, 2, 2, id="distances", **products), Y, NOISE
    )


OWN = gd.NonlinearProblem(PRIOR, observation=own_observation(hessian=hessian))


@pytest.mark.parametrize(
    ("problem", "flags", "options"),
    [
        (PROBLEM, [], {}),
        (BANANA, [], {}),
        (gd.TargetProblem(gd.SinGaussian()), ["--box=-5,6"], {"lower": [-5.0], "upper": [6.0]}),
    ],
)
def test_quadrature_is_that_of_the_command(command, tmp_path, problem, flags, options):
    arrays, printed = archive(command, tmp_path, "posterior", problem, *flags)
    found = gd.quadrature(problem, **options)
    for j, marginal in enumerate(found.marginals):
        assert_same_bytes(marginal.points, arrays[f"x{j + 1}"])
        assert_same_bytes(marginal.density, arrays[f"density{j + 1}"])
    assert found.log_normalizer == printed["log_normalizer"]
    assert found.error.log_normalizer == printed["log_normalizer_error"]
    assert np.array_equal(found.mean, printed["mean"])
    assert np.array_equal(found.covariance, printed["covariance"])
    assert np.array_equal(found.error.mean, printed["mean_error"])
    assert np.array_equal([found.lower, found.upper], [printed["box"]["lower"], printed["box"]["upper"]])
    assert found.edge_mass == printed["edge_mass"]


def starts(problem, seed, count):
    """The starts of the command's search: draws of the prior, or of N(0, 9 I)."""
    if not isinstance(problem, gd.NonlinearProblem):
        return {"draws": count, "spread": 3.0, "seed": seed}
    return {"starts": gd.importance(problem, problem.prior, count, seed).points, "draws": 0}


@pytest.mark.parametrize("problem", [PROBLEM, BANANA])
def test_maxima_are_those_of_the_command(command, tmp_path, problem):
    arrays, printed = archive(
        command, tmp_path, "posterior", problem, "--method", "laplace", "--seed", 3, "--starts", 20
    )
    found = gd.modes(problem, **starts(problem, 3, 20))
    assert_same_bytes(np.array([mode.x for mode in found.maxima]), arrays["maxima"])
    assert_same_bytes(np.array([mode.log_density for mode in found.maxima]), arrays["log_density"])
    assert_same_bytes(np.array([mode.log_mass for mode in found.maxima]), arrays["log_mass"])
    assert np.array_equal(
        [mode.hessian for mode in found.maxima], [mode["hessian"] for mode in printed["maxima"]]
    )
    assert found.log_normalizer == printed["log_normalizer"]
    assert (found.saddles, found.unfinished, found.outside) == (
        printed["saddles"],
        printed["unfinished"],
        printed["outside"],
    )
    law = gd.laplace_mixture(found)
    assert np.array_equal(law.mean(), printed["mean"])


@pytest.mark.parametrize("proposal", ["laplace", "prior"])
def test_importance_sampling_is_that_of_the_command(command, tmp_path, proposal):
    flags = ["--method", "importance", "--proposal", proposal, "--count", 500, "--seed", 2]
    arrays, printed = archive(command, tmp_path, "posterior", PROBLEM, *flags)
    law = (
        PRIOR if proposal == "prior" else gd.laplace_mixture(gd.modes(PROBLEM, **starts(PROBLEM, 2, 64)), 2.0)
    )
    found = gd.importance(PROBLEM, law, 500, 2)
    assert_same_bytes(found.points, arrays["points"])
    assert_same_bytes(found.weights, arrays["weights"])
    for name in ("log_normalizer", "log_normalizer_error", "ess", "largest_weight"):
        assert getattr(found, name) == printed[name]
    for name in ("mean", "mean_error", "second_moment", "second_moment_error"):
        assert np.array_equal(getattr(found, name), printed[name])


def test_importance_sampling_of_given_points():
    """The same points and weights as from the mixture that they are draws of."""
    drawn = gd.importance(PROBLEM, PRIOR, 300, 1)
    given = gd.importance(PROBLEM, points=drawn.points, log_proposal=PRIOR.log_pdf(drawn.points))
    assert np.allclose(given.weights, drawn.weights, rtol=1e-12)
    exact = gd.quadrature(PROBLEM)
    # The log normaliser in its own standard errors; the error is normal for 2000 draws.
    found = gd.importance(PROBLEM, PRIOR, 2000, 1)
    assert abs(found.log_normalizer - exact.log_normalizer) < 4.5 * found.log_normalizer_error
    assert np.all(np.abs(found.mean - exact.mean) < 4.5 * found.mean_error)


def test_a_map_of_python_has_the_answers_of_the_built_in_one():
    found, expected = gd.quadrature(OWN), gd.quadrature(PROBLEM)
    assert np.isclose(found.log_normalizer, expected.log_normalizer, rtol=1e-12)
    options = starts(PROBLEM, 0, 10)
    found, expected = gd.modes(OWN, **options), gd.modes(PROBLEM, **options)
    assert len(found.maxima) == len(expected.maxima) > 1
    for own, built_in in zip(found.maxima, expected.maxima, strict=True):
        assert np.allclose(own.x, built_in.x, atol=1e-9)
        assert np.isclose(own.log_mass, built_in.log_mass, rtol=1e-8)
    assert not found.is_gauss_newton
    without = gd.NonlinearProblem(PRIOR, observation=own_observation())
    assert gd.modes(without, **options).is_gauss_newton


@pytest.mark.parametrize("sampler", [gd.Ula(step=0.05, steps=20), gd.Hmc(step=0.1, steps=5)])
def test_chains_take_a_map_of_python(sampler):
    own, built_in = (
        gd.sample(problem, sampler=sampler, count=6, seed=2, precision="f64") for problem in (OWN, PROBLEM)
    )
    assert np.abs(own.numpy() - built_in.numpy()).max() < 1e-9


@pytest.mark.parametrize("sampler", [gd.Dps(), "bootstrap"])
def test_guided_samplers_and_smc_refuse_a_map_of_python(sampler):
    with pytest.raises(ValueError, match="Markov chain"):
        gd.sample(OWN, sampler=sampler, count=2)


def deviation_of_evidence(kernel):
    """Mean of Z_hat / Z over independent chains against 1, in its standard errors: nearly a t-statistic."""
    sampler = gd.Bootstrap(particles=64, kernel=kernel)
    chains = gd.sample(PROBLEM, grid=gd.UniformGrid(12), sampler=sampler, count=300, seed=5, precision="f64")
    ratios = np.exp(chains.log_evidence - gd.quadrature(PROBLEM).log_normalizer)
    return (ratios.mean() - 1.0) / (ratios.std(ddof=1) / np.sqrt(len(ratios)))


def test_the_evidence_of_smc_is_that_of_quadrature():
    # With the exact kernel Z_hat is unbiased; a normal variable is beyond 4.5 with probability 7e-6. The other
    # kernel has the error of its steps.
    assert abs(deviation_of_evidence("exact")) < 4.5
    assert abs(deviation_of_evidence("ddim")) > 4.5


def test_an_error_of_a_map_is_raised_unchanged():
    error = LookupError("no map")

    def fail(x):
        raise error

    observation = gd.NonlinearObservation(gd.CustomMap(fail, product, 2, 2), Y, NOISE)
    problem = gd.NonlinearProblem(PRIOR, observation=observation)
    for call in (
        gd.quadrature,
        gd.modes,
        lambda problem: gd.sample(problem, sampler=gd.Mala(step=0.1, steps=3), count=2),
    ):
        with pytest.raises(LookupError) as raised:
            call(problem)
        assert raised.value is error


def test_an_interrupt_in_a_map_ends_the_call():
    def interrupt(x):
        raise KeyboardInterrupt

    observation = gd.NonlinearObservation(gd.CustomMap(interrupt, product, 2, 2), Y, NOISE)
    problem = gd.NonlinearProblem(PRIOR, observation=observation)
    for call in (gd.modes, lambda problem: gd.importance(problem, PRIOR, 10)):
        with pytest.raises(KeyboardInterrupt):
            call(problem)


def test_a_sparse_posterior_has_its_maximum_at_zero():
    """The lasso in one dimension: the maximum of -2|x| - (1 - x)^2 / (2 sd^2) is max(1 - 2 sd^2, 0)."""
    for sd, expected in ((0.5, 0.5), (1.0, 0.0)):
        observation = gd.NonlinearObservation(gd.ElementwiseMap("identity", [[1.0]]), [1.0], sd)
        found = gd.modes(gd.Regularised(gd.SparsePrior(weight=2.0, smoothing="none"), observation))
        assert np.isclose(found.maxima[0].x[0], expected, atol=1e-9)
        assert found.maxima[0].hessian.size == 0
        assert np.isnan(found.maxima[0].log_mass)


IDENTITY = gd.NonlinearObservation(gd.ElementwiseMap("identity", [[1.0]]), [1.0], 0.5)
MODES = gd.modes(PROBLEM, [[0.1, 0.7]], draws=0)


def test_a_normal_law_is_that_of_the_command(command, tmp_path):
    arrays, printed = archive(command, tmp_path, "posterior", PROBLEM, "--method", "gaussian")
    fit = gd.gaussian_fit(PROBLEM, gd.laplace_mixture(gd.modes(PROBLEM, **starts(PROBLEM, 0, 64))))
    assert_same_bytes(fit.mean, arrays["mean"])
    assert_same_bytes(fit.covariance, arrays["covariance"])
    assert (fit.elbo, fit.elbo_error) == (printed["elbo"], printed["elbo_error"])
    assert fit.elbo < gd.quadrature(PROBLEM).log_normalizer
    bound = gd.gaussian_bound(PROBLEM, fit.mean, fit.covariance)
    assert abs(bound.elbo - fit.elbo) < 1e-10
    assert np.abs(bound.by_mean).max() < 1e-4
    assert np.abs(bound.by_covariance).max() < 1e-4


def test_the_denoiser_of_a_posterior_is_exact():
    A = np.array([[1.0, 0.5]])
    linear = gd.NonlinearObservation(gd.ElementwiseMap("identity", A), [0.5], noise_std=0.5)
    exact = gd.posterior(PRIOR, gd.LinearObservation(A, [0.5], noise_std=0.5)).mixture
    x = np.array([[0.5, -1.0], [2.0, 0.0]])
    found = gd.quadrature_denoiser(gd.ObservedMixture(PRIOR, linear), x, (0.8, 0.6))
    np.testing.assert_allclose(found, exact.denoiser(x, (0.8, 0.6)), rtol=1e-9)


def test_a_map_may_have_its_product_with_the_jacobian():
    def along(x, v):
        return np.einsum("nij,nj->ni", directions(x), v)

    x, v = np.random.default_rng(2).normal(size=(2, 5, 2))
    plain = gd.Target(gd.ObservedMixture(PRIOR, own_observation(hessian=hessian)))
    given = gd.Target(gd.ObservedMixture(PRIOR, own_observation(product=along, hessian=hessian)))
    np.testing.assert_allclose(given.hessian_vp(x, v), plain.hessian_vp(x, v), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.quadrature(PRIOR), TypeError, "quadrature: target"),
        (
            lambda: gd.quadrature(gd.Problem(PRIOR)),
            ValueError,
            "quadrature: target: the problem has no target",
        ),
        (lambda: gd.quadrature(gd.DynamicsProblem(gd.Dynamics("-x"))), ValueError, "quadrature: target"),
        (lambda: gd.quadrature(gd.Funnel(dim=3)), ValueError, "dimension"),
        (lambda: gd.quadrature(PROBLEM, [0.0, 0.0]), ValueError, "upper is missing"),
        (lambda: gd.quadrature(PROBLEM, [0.0], [1.0]), ValueError, "box"),
        (lambda: gd.quadrature(PROBLEM, "a", [1.0]), TypeError, "quadrature: lower"),
        (lambda: gd.importance(PROBLEM), ValueError, "importance: expected either proposal or points"),
        (lambda: gd.importance(PROBLEM, 3), TypeError, "importance: proposal"),
        (lambda: gd.importance(PROBLEM, PRIOR, 0), ValueError, "importance: count"),
        (lambda: gd.importance(PROBLEM, PRIOR, seed=-1), ValueError, "importance: seed"),
        (lambda: gd.importance(PROBLEM, points=[[0.0, 0.0]]), TypeError, "log_proposal"),
        (
            lambda: gd.importance(PROBLEM, points=[[0.0, 0.0]], log_proposal=[0.0], count=3),
            ValueError,
            "importance: count",
        ),
        (lambda: gd.importance(PROBLEM, PRIOR, log_proposal=[0.0]), ValueError, "importance: log_proposal"),
        (
            lambda: gd.importance(PROBLEM, points=[[0.0, 0.0]], log_proposal=[0.0, 1.0]),
            ValueError,
            "importance",
        ),
        (lambda: gd.modes(PROBLEM, [[0.0]]), ValueError, "starts"),
        (lambda: gd.modes(PROBLEM, draws=-1), ValueError, "modes: draws"),
        (lambda: gd.modes(PROBLEM, draws=0), ValueError, "starts"),
        (lambda: gd.modes(PROBLEM, spread=0.0), ValueError, "spread"),
        (lambda: gd.laplace_mixture(MODES, 0.0), ValueError, "scale"),
        (lambda: gd.laplace_mixture(PRIOR), TypeError, "laplace_mixture"),
        (
            lambda: gd.laplace_mixture(gd.modes(gd.Regularised(gd.SparsePrior(smoothing="none"), IDENTITY))),
            ValueError,
            "Hessian",
        ),
        (lambda: gd.quadrature_denoiser(PROBLEM, [[0.0]], (1.0, 1.0)), ValueError, "dimension 1, expected 2"),
        (lambda: gd.gaussian_fit(PROBLEM, [0.0]), TypeError, "gaussian_fit: starts"),
        (lambda: gd.gaussian_fit(gd.Funnel(dim=3), PRIOR), ValueError, "the starts have dimension 2"),
        (lambda: gd.gaussian_fit(PROBLEM, PRIOR, draws=2), ValueError, "gaussian_fit: draws"),
        (lambda: gd.gaussian_bound(PROBLEM, [0.0], np.eye(2)), ValueError, "gaussian_bound: mean"),
        (lambda: gd.CustomMap(distances, product, 2, 2, product=3), TypeError, "CustomMap: product"),
        (lambda: gd.CustomMap(distances, 3, 2, 2), TypeError, "CustomMap: transposed_product"),
        (lambda: gd.CustomMap(distances, product, 2, 0), ValueError, "CustomMap: outputs"),
    ],
)
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()
