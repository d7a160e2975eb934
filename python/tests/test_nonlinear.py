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


def product(x, w):
    """J^T w of the distances."""
    return np.einsum("nij,ni->nj", (x[:, None, :] - ANCHORS) / distances(x)[..., None], w)


def hessian(x, w, v):
    """sum_i w_i (I - J_i J_i^T) v / r_i (docs/mathematics.md §13.2)."""
    r = distances(x)
    J = (x[:, None, :] - ANCHORS) / r[..., None]
    along = np.einsum("nij,nj->ni", J, v)
    return np.einsum("ni,nij->nj", w / r, v[:, None, :] - along[..., None] * J)


def own_observation(**products):
    return gd.NonlinearObservation(gd.CustomMap(distances, product, 2, 2, id="distances", **products), Y, NOISE)


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
    arrays, printed = archive(command, tmp_path, "posterior", problem, "--method", "laplace", "--seed", 3, "--starts", 20)
    found = gd.modes(problem, **starts(problem, 3, 20))
    assert_same_bytes(np.array([mode.x for mode in found.maxima]), arrays["maxima"])
    assert_same_bytes(np.array([mode.log_density for mode in found.maxima]), arrays["log_density"])
    assert_same_bytes(np.array([mode.log_mass for mode in found.maxima]), arrays["log_mass"])
    assert np.array_equal([mode.hessian for mode in found.maxima], [mode["hessian"] for mode in printed["maxima"]])
    assert found.log_normalizer == printed["log_normalizer"]
    assert (found.saddles, found.unfinished, found.outside) == (printed["saddles"], printed["unfinished"], printed["outside"])
    law = gd.laplace_mixture(found)
    assert np.array_equal(law.mean(), printed["mean"])


@pytest.mark.parametrize("proposal", ["laplace", "prior"])
def test_importance_sampling_is_that_of_the_command(command, tmp_path, proposal):
    flags = ["--method", "importance", "--proposal", proposal, "--count", 500, "--seed", 2]
    arrays, printed = archive(command, tmp_path, "posterior", PROBLEM, *flags)
    law = PRIOR if proposal == "prior" else gd.laplace_mixture(gd.modes(PROBLEM, **starts(PROBLEM, 2, 64)), 2.0)
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


@pytest.mark.parametrize("sampler", [gd.Hmc(step=0.1, steps=5), gd.Dps(), gd.Tmp(), "bootstrap:particles=20"])
def test_samplers_take_a_map_of_python(sampler):
    def run(problem):
        problem = gd.NonlinearProblem(problem.prior, grid=gd.UniformGrid(10), observation=problem.observation)
        return gd.sample(problem, sampler=sampler, count=6, seed=2, precision="f64").numpy()

    assert np.abs(run(OWN) - run(PROBLEM)).max() < 1e-9


def test_the_evidence_of_smc_is_that_of_quadrature():
    """Z of every chain is an unbiased estimate, so their mean is normal around Z with their standard error."""
    chains = gd.sample(PROBLEM, sampler="bootstrap:particles=200", grid=gd.UniformGrid(20), count=200, seed=5)
    ratios = np.exp(chains.log_evidence - gd.quadrature(PROBLEM).log_normalizer)
    error = ratios.std(ddof=1) / np.sqrt(len(ratios))
    assert abs(ratios.mean() - 1.0) < 4.5 * error
    assert abs(1.2 * ratios.mean() - 1.0) > 4.5 * error


def test_an_error_of_a_map_is_raised_unchanged():
    error = LookupError("no map")

    def fail(x):
        raise error

    observation = gd.NonlinearObservation(gd.CustomMap(fail, product, 2, 2), Y, NOISE)
    problem = gd.NonlinearProblem(PRIOR, observation=observation)
    for call in (gd.quadrature, gd.modes, lambda problem: gd.sample(problem, sampler=gd.Mala(step=0.1, steps=3), count=2)):
        with pytest.raises(LookupError) as raised:
            call(problem)
        assert raised.value is error


def test_a_sparse_posterior_has_its_maximum_at_zero():
    """The lasso in one dimension: the maximum of -2|x| - (1 - x)^2 / (2 sd^2) is max(1 - 2 sd^2, 0)."""
    for sd, expected in ((0.5, 0.5), (1.0, 0.0)):
        observation = gd.NonlinearObservation(gd.ElementwiseMap("identity", [[1.0]]), [1.0], sd)
        found = gd.modes(gd.Regularised(gd.SparsePrior(weight=2.0, smoothing="none"), observation))
        assert np.isclose(found.maxima[0].x[0], expected, atol=1e-9)
        assert found.maxima[0].hessian.size == 0
        assert np.isnan(found.maxima[0].log_mass)


MODES = gd.modes(PROBLEM, [[0.1, 0.7]], draws=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.quadrature(PRIOR), TypeError, "quadrature: target"),
        (lambda: gd.quadrature(gd.Problem(PRIOR)), ValueError, "quadrature: target: the problem has no target"),
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
        (lambda: gd.importance(PROBLEM, points=[[0.0, 0.0]], log_proposal=[0.0], count=3), ValueError, "importance: count"),
        (lambda: gd.importance(PROBLEM, PRIOR, log_proposal=[0.0]), ValueError, "importance: log_proposal"),
        (lambda: gd.importance(PROBLEM, points=[[0.0, 0.0]], log_proposal=[0.0, 1.0]), ValueError, "importance"),
        (lambda: gd.modes(PROBLEM, [[0.0]]), ValueError, "starts"),
        (lambda: gd.modes(PROBLEM, draws=-1), ValueError, "modes: draws"),
        (lambda: gd.modes(PROBLEM, draws=0), ValueError, "starts"),
        (lambda: gd.modes(PROBLEM, spread=0.0), ValueError, "spread"),
        (lambda: gd.laplace_mixture(MODES, 0.0), ValueError, "scale"),
        (lambda: gd.laplace_mixture(PRIOR), TypeError, "laplace_mixture"),
        (lambda: gd.laplace_mixture(gd.modes(gd.Regularised(gd.SparsePrior(smoothing="none")))), ValueError, "Hessian"),
        (lambda: gd.CustomMap(distances, 3, 2, 2), TypeError, "CustomMap: transposed_product"),
        (lambda: gd.CustomMap(distances, product, 2, 0), ValueError, "CustomMap: outputs"),
    ],
)
def test_bad_questions(call, error, message):
    with pytest.raises(error, match=message):
        call()
