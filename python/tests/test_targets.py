"""Targets: built-in ones, texts, posteriors, sparse priors and functions of Python."""

import math

import gmdiff as gd
import numpy as np
import pytest
from gpu_tensor import GpuTensor

RANGE = gd.NonlinearObservation(gd.RangeMap([[-1.0, 0.0], [1.0, 0.0]]), [1.5, 1.25], 0.25)
PRIOR = gd.Mixture([0.3, 0.7], [[0.5, 0.0], [-0.5, 1.0]], gd.Covariance.spherical([0.5, 1.0]))
IMAGE = gd.NonlinearObservation(gd.ElementwiseMap("identity", np.eye(3)), [1.0, 0.0, -1.0], 0.5)
TARGETS = {
    "sin-gaussian": gd.SinGaussian(dim=2),
    "banana": gd.Banana(scale=2.0, curvature=0.1),
    "funnel": gd.Funnel(dim=3),
    "many-well": gd.ManyWell(wells=1, dim=2),
    "student-t-mixture": gd.StudentTMixture(components=3, dim=2, nu=3.0),
    "logistic": gd.Logistic([[1.0, 0.5], [0.0, -1.0], [2.0, 1.0]], [1, 0, 1]),
    "expression": gd.ExpressionTarget("-(x1^2 + a*x2^4)/2", dim=2, parameters={"a": 3.0}),
    "observed": gd.ObservedMixture(PRIOR, RANGE),
    "sparse": gd.Regularised(
        gd.SparsePrior(weight=2.0, operator="gradient", smoothing="pseudo-huber"), IMAGE
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_gradient_and_hessian_are_derivatives(name):
    """Central differences of l and of its gradient; their error is of order h^2 = 1e-10 times a third derivative."""
    target = gd.Target(TARGETS[name])
    x = np.random.default_rng(1).normal(size=(4, target.dim))
    v = np.random.default_rng(2).normal(size=x.shape)
    h = 1e-5
    along = (target.log_density(x + h * v) - target.log_density(x - h * v)) / (2 * h)
    assert np.allclose((target.gradient(x) * v).sum(1), along, rtol=1e-6, atol=1e-6)
    along = (target.gradient(x + h * v) - target.gradient(x - h * v)) / (2 * h)
    assert np.allclose(target.hessian_vp(x, v), along, rtol=1e-6, atol=1e-6)


def test_normaliser_and_moments_in_closed_form():
    target = gd.Target(gd.SinGaussian())
    mean, variance = target.moments
    # The density of the course, by closed form (docs/mathematics.md §13).
    assert math.isclose(target.log_normalizer, 0.9804899855713053, rel_tol=1e-12)
    assert math.isclose(mean[0], -2.5634846e-06, rel_tol=1e-6)
    assert math.isclose(variance[0], 0.9999566705022, rel_tol=1e-12)
    assert gd.Target(gd.ExpressionTarget("-x^4")).moments is None


@pytest.mark.parametrize("target", [gd.Banana(), gd.SinGaussian(amplitude=0.5)])
def test_draws_are_numbered(target):
    target = gd.Target(target)
    whole = target.draws(10, seed=5)
    assert np.array_equal(whole[4:], target.draws(6, seed=5, first=4))
    assert np.array_equal(whole, gd.draw(target, count=10, seed=5, precision="f64"))


def test_the_law_of_a_target():
    law = gd.TargetLaw(gd.ExpressionTarget("-x^2/8"))
    assert math.isclose(law.log_normalizer, 0.5 * math.log(8 * math.pi), rel_tol=1e-9)
    assert np.allclose(law.covariance, [[4.0]], rtol=1e-7)
    assert not law.has_exact_draws
    assert law.draws(5, seed=1).shape == (5, 1)
    assert not gd.TargetLaw(gd.StudentTMixture(components=2, dim=2)).has_moments


def test_locations_of_students_mixture():
    given = gd.StudentTMixture(components=2, dim=2, locations=[[0.0, 1.0], [2.0, 3.0]])
    assert np.array_equal(gd.student_t_locations(given), [[0.0, 1.0], [2.0, 3.0]])
    assert np.abs(gd.student_t_locations(gd.StudentTMixture(components=5, dim=3))).max() <= 10.0


def normal(x):
    return -0.5 * (x * x).sum(1), -x


def test_chains_of_a_function_do_not_depend_on_the_split():
    target = gd.CustomTarget(normal, 3, id="normal")
    chains = {"sampler": gd.Mala(step=0.5, steps=20), "seed": 9, "precision": "f64"}
    whole = gd.sample(target, count=12, **chains)
    halves = [gd.sample(target, first=first, count=6, device="cpu:1", **chains).numpy() for first in (0, 6)]
    assert np.array_equal(whole, np.concatenate(halves))
    assert any("normal" in note for note in whole.notes + whole.warnings)


def test_an_error_of_a_target_is_raised_unchanged():
    error = LookupError("outside")

    def fail(x):
        raise error

    with pytest.raises(LookupError) as raised:
        gd.sample(gd.CustomTarget(fail, 2), sampler=gd.Ula(step=0.1, steps=5), count=4)
    assert raised.value is error


def test_a_hessian_of_python():
    own = gd.Target(gd.CustomTarget(normal, 2, hessian_vp=lambda x, v: -v))
    assert own.has_exact_hessian
    assert np.array_equal(own.hessian_vp([[1.0, 2.0]], [[3.0, 4.0]]), [[-3.0, -4.0]])


X = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]], np.float32)
L = np.zeros(3, np.float32)


def test_a_target_of_a_gpu():
    def on_gpu(x):
        l, g = normal(x.array)
        return GpuTensor(l.astype(np.float64), x.index), GpuTensor(g, x.index)

    target = gd.CustomTarget(on_gpu, 2, device="cuda", id="normal")
    assert repr(target) == '<CustomTarget "normal" in dimension 2 on a GPU>'
    l, g = target(GpuTensor(X, index=3))
    host = gd.CustomTarget(normal, 2)
    assert repr(host) == '<CustomTarget "test_targets.normal" in dimension 2>'
    assert np.array_equal(l.array, host(X)[0])
    assert np.array_equal(g.array, host(X)[1])
    message = 'custom target "normal": works in the memory of a GPU, so the plan needs the device cuda'
    with pytest.raises(ValueError, match=message):
        gd.sample(target, sampler=gd.Ula(step=0.1, steps=5), count=4, device="cpu")
    with pytest.raises(ValueError, match=message):
        gd.Target(target).log_density([[0.0, 0.0]])


def test_a_target_of_torch_on_a_gpu():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")

    def on_gpu(x):
        x = torch.from_dlpack(x)
        return -0.5 * (x * x).sum(1).double(), -x

    chains = {"sampler": gd.Mala(step=0.5, steps=20), "count": 100, "seed": 9, "precision": "f64"}
    for device in ("cuda", "cpu"):
        found = gd.sample(gd.CustomTarget(on_gpu, 2, device=device, id="n"), device="cuda", **chains)
        expected = gd.sample(gd.CustomTarget(normal, 2, id="n"), **chains)
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (3.0, TypeError, r"expected a pair \(log-densities, gradients\)"),
        ((L, GpuTensor(X)), ValueError, "the log-density: expected a tensor of a GPU with __dlpack__"),
        ((GpuTensor(L), 3.0), TypeError, "the gradient: expected a tensor of a GPU with __dlpack__"),
        ((GpuTensor(L, index=1), GpuTensor(X)), ValueError, "the log-density is on GPU 1, expected GPU 0"),
        ((GpuTensor(L[:2]), GpuTensor(X)), ValueError, r"the log-density has shape \(2\), expected \(3\)"),
        ((GpuTensor(X), GpuTensor(X)), ValueError, r"the log-density has shape \(3, 2\), expected \(3\)"),
        (
            (GpuTensor(L.astype(int)), GpuTensor(X)),
            ValueError,
            "the log-density: expected numbers of the type float32 or float64",
        ),
        (
            (GpuTensor(np.zeros(6)[::2]), GpuTensor(X)),
            ValueError,
            "the log-density: expected numbers one after the other",
        ),
        ((GpuTensor(L), GpuTensor(X[:2])), ValueError, r"the gradient has shape \(2, 2\), expected \(3, 2\)"),
    ],
)
def test_wrong_results_of_a_target_of_a_gpu(result, error, message):
    target = gd.CustomTarget(lambda x: result, 2, id="f", device="cuda")
    with pytest.raises(error, match='target "f": ?' + message):
        target(GpuTensor(X))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.CustomTarget(normal, 0), ValueError, "CustomTarget: dim"),
        (lambda: gd.CustomTarget(3, 2), TypeError, "CustomTarget: function"),
        (lambda: gd.Target(gd.CustomTarget(lambda x: 3, 2)).log_density([[0.0, 0.0]]), TypeError, "pair"),
        (
            lambda: gd.Target(gd.CustomTarget(lambda x: (x, x), 2)).gradient([[0.0, 0.0]]),
            ValueError,
            "the log-density has shape",
        ),
        (
            lambda: gd.Target(gd.CustomTarget(normal, 2)).hessian_vp([[0.0, 0.0]], [[1.0, 0.0]]),
            ValueError,
            "hessian",
        ),
        (lambda: gd.Target(gd.Banana()).draws(0), ValueError, "Target.draws: count"),
        (lambda: gd.Target(gd.Banana()).draws(3, seed=-1), ValueError, "Target.draws: seed"),
        (lambda: gd.Target(gd.Banana()).draws(3, first="a"), TypeError, "Target.draws: first"),
        (lambda: gd.Target(gd.ExpressionTarget("-x^4")).draws(3), ValueError, "draws"),
        (lambda: gd.Target(gd.ExpressionTarget("x +")), ValueError, "column 4"),
        (lambda: gd.TargetLaw(gd.Banana()).draws(2.5), TypeError, "TargetLaw.draws: count"),
        (lambda: gd.TargetLaw(gd.ExpressionTarget("-x1^2-x2^2-x3^2", dim=3)), ValueError, "dimension"),
        (
            lambda: gd.Target(gd.Banana()).log_density([[1.0]]),
            ValueError,
            r"x: expected points of shape \(n, 2\)",
        ),
    ],
)
def test_bad_targets(call, error, message):
    with pytest.raises(error, match=message):
        call()
