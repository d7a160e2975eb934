"""Wrong calls: the type of the exception, and the argument that its message names."""

import gmdiff as gd
import numpy as np
import pytest
from gpu_tensor import GpuTensor

PRIOR = gd.Mixture([0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], gd.Covariance.spherical([0.5, 0.8]))
OBSERVATION = gd.LinearObservation([[1.0, 0.0]], [1.5], 0.1)
VP, GRID = gd.Vp(gd.LinearBeta(0.02, 7.0)), gd.UniformGrid(4)
POINT = [[0.0, 0.0]]
SPHERICAL = gd.Covariance.spherical([1.0])


def sampled(*arguments, **keywords):
    return lambda: gd.sample(*arguments, **keywords)


def on_gpu(x):
    return lambda: gd.Denoiser(lambda x, level: x, device="cuda")(x, (1.0, 0.5))


def by_function(function, **keywords):
    return sampled(gd.Denoiser(function, id="f", **keywords), VP, GRID, dim=2, count=3)


# call, exception, part of its message
CASES = [
    # mixtures and arrays
    (lambda: gd.Mixture([1.0], POINT), TypeError, "Mixture: the argument covariance is missing"),
    (lambda: gd.Mixture([1.0], POINT, 3), TypeError, "Mixture: covariance: expected a Covariance"),
    (lambda: gd.Mixture([1.0], POINT, SPHERICAL, 4), TypeError, "Mixture: takes at most 3 arguments"),
    (lambda: gd.Mixture([-1.0], POINT, SPHERICAL), ValueError, "Mixture: weight 0 is -1"),
    (
        lambda: gd.Mixture([1.0], [0.0], SPHERICAL),
        ValueError,
        "Mixture: means: expected an array of shape (K, d), given (1,)",
    ),
    (
        lambda: gd.Mixture(["a"], POINT, SPHERICAL),
        TypeError,
        "Mixture: weights: expected an array of real numbers",
    ),
    (lambda: gd.Mixture([1.0], POINT, SPHERICAL, means=POINT), TypeError, "Mixture: "),
    (
        lambda: gd.Mixture([1.0], POINT, means=POINT, covariance=SPHERICAL),
        TypeError,
        "Mixture: means is given twice",
    ),
    (
        lambda: gd.Mixture.from_sklearn(3),
        TypeError,
        "Mixture.from_sklearn: fitted: expected a fitted GaussianMixture",
    ),
    (
        lambda: gd.Covariance.full(np.eye(2)),
        ValueError,
        "Covariance.full: covariances: expected an array of shape (K, d, d)",
    ),
    (
        lambda: PRIOR.log_pdf([0.0, 0.0]),
        ValueError,
        "Mixture.log_pdf: x: expected points of shape (n, 2), given shape (2,)",
    ),
    (
        lambda: gd.Target(gd.Banana()).gradient([[0.0]]),
        ValueError,
        "Target.gradient: x: expected points of shape (n, 2), given shape (1, 1)",
    ),
    (
        lambda: gd.evaluate(PRIOR, [[0.0]]),
        ValueError,
        "evaluate: x: expected points of shape (n, 2), given shape (1, 1)",
    ),
    (
        lambda: PRIOR.log_pdf([[1j, 0.0]]),
        TypeError,
        "Mixture.log_pdf: x: expected an array of real numbers, at most float64; given dtype complex128",
    ),
    (
        lambda: PRIOR.log_pdf(np.array([[None, 1.0]])),
        TypeError,
        "Mixture.log_pdf: x: expected an array of real numbers",
    ),
    (lambda: PRIOR.score([[1.0], [1.0, 2.0]]), ValueError, "Mixture.score: x: expected an array of numbers"),
    (lambda: PRIOR.score(np.zeros((1, 2), np.longdouble)), TypeError, "given dtype "),
    (
        lambda: PRIOR.score([[0.0, 0.0, 0.0]]),
        ValueError,
        "Mixture.score: x: expected points of shape (n, 2), given shape (1, 3)",
    ),
    (lambda: PRIOR.score([[np.nan, 0.0]]), ValueError, "finite"),
    (
        lambda: PRIOR.denoiser(POINT, 3),
        TypeError,
        "Mixture.denoiser: level: expected a Level or a pair (alpha, sigma), given 3",
    ),
    (
        lambda: PRIOR.denoiser(POINT, (1.0, "a")),
        TypeError,
        "Mixture.denoiser: level: sigma: expected a number, given 'a'",
    ),
    (lambda: PRIOR.denoiser(POINT, (1.0, -1.0)), ValueError, "sigma"),
    (lambda: PRIOR.component_covariance(2), ValueError, "k: expected an integer from 0 to 1, given 2"),
    (lambda: PRIOR.cdf([0.0]), ValueError, "dim"),
    # descriptions
    (lambda: gd.Ddim(eta="a"), TypeError, "Ddim: eta: expected a number, given 'a'"),
    (lambda: gd.Ddim(etaa=0.5), TypeError, 'Ddim: unknown argument "etaa"'),
    (lambda: gd.Ddim(True), TypeError, "Ddim: eta: expected a number"),
    (lambda: gd.Heun(variable="s"), ValueError, 'Heun: variable: expected one of "t", "n", given \'s\''),
    (lambda: gd.Hmc(leapfrogs=0), ValueError, "Hmc: leapfrogs: expected an integer from 1 to 1000, given 0"),
    (lambda: gd.Hmc(leapfrogs=1.5), TypeError, "Hmc: leapfrogs: expected an integer, given 1.5"),
    (lambda: gd.Vp(), TypeError, "Vp: the argument beta is missing"),
    (lambda: gd.Vp(beta=3), TypeError, "Vp: beta: expected LinearBeta or CosineBeta, given 3"),
    (lambda: gd.Ddpm(betas=[0.1], steps=3), ValueError, "Ddpm: betas and steps exclude each other"),
    (lambda: gd.Dps(integrator="ddmi"), ValueError, 'Dps: integrator: unknown integrator "ddmi"'),
    (
        lambda: gd.Dps(integrator=3),
        TypeError,
        "Dps: integrator: expected a reverse-time sampler or its name, given 3",
    ),
    (
        lambda: gd.ExpressionTarget("x", parameters={"a": "b"}),
        TypeError,
        'ExpressionTarget: parameters["a"]: expected a number',
    ),
    (lambda: gd.Mala(steps=10**9), ValueError, "Mala: steps: expected an integer from 1 to 10000000"),
    # observations
    (
        lambda: gd.LinearObservation([[1.0]], [1.0]),
        ValueError,
        "LinearObservation: expected either noise_std or noise_covariance, given none",
    ),
    (lambda: gd.LinearObservation([[1.0]], [1.0, 2.0], 0.1), ValueError, "A is 1x1 but y has 2 entries"),
    (
        lambda: gd.LinearObservation([1.0], [1.0], 0.1),
        ValueError,
        "LinearObservation: A: expected an array of shape (dy, d)",
    ),
    (lambda: gd.NonlinearObservation(3, [1.0], 0.1), TypeError, "NonlinearObservation: map: expected a map"),
    (lambda: gd.ElementwiseMap("cube", [[1.0]]), ValueError, "ElementwiseMap: function: expected one of"),
    (lambda: gd.ExpressionMap("x", 1), TypeError, "ExpressionMap: texts: expected a sequence of texts"),
    (
        lambda: gd.posterior(PRIOR, 3),
        TypeError,
        "posterior: observation: expected a LinearObservation, given 3",
    ),
    # runs
    (
        sampled(3, VP, GRID),
        TypeError,
        "sample: law: expected a Mixture, a list of them, a problem, a target or a Denoiser, given 3",
    ),
    (sampled(PRIOR), TypeError, "sample: the argument process is missing"),
    (sampled(PRIOR, 3, GRID), TypeError, "sample: process: expected a process"),
    (
        sampled(PRIOR, VP, 300),
        TypeError,
        "sample: grid: expected a grid, such as UniformGrid(100), given 300",
    ),
    (sampled(PRIOR, VP, GRID, 3), TypeError, "sample: sampler: expected a sampler"),
    (sampled(PRIOR, VP, GRID, "ddmi"), ValueError, "sample: sampler: "),
    (sampled(PRIOR, VP, GRID, gd.Ddim(eta=7.0)), ValueError, "eta"),
    (sampled(PRIOR, VP, GRID, gd.Dps()), ValueError, "dps"),
    (sampled(PRIOR, VP, GRID, observation=3), TypeError, "sample: observation: expected a LinearObservation"),
    (sampled(PRIOR, VP, GRID, cuont=3), TypeError, 'sample: unknown argument "cuont"'),
    (sampled(PRIOR, VP, GRID, count=0), ValueError, "sample: count: expected an integer >= 1, given 0"),
    (sampled(PRIOR, VP, GRID, count="many"), TypeError, "sample: count: expected an integer, given 'many'"),
    (sampled(PRIOR, VP, GRID, seed=-1), ValueError, "sample: seed: expected an integer from 0 to 2^64 - 1"),
    (
        sampled(PRIOR, VP, GRID, seed=2**64),
        ValueError,
        "sample: seed: expected an integer from 0 to 2^64 - 1",
    ),
    (sampled(PRIOR, VP, GRID, precision=np.int32), TypeError, 'sample: precision: expected "f32", "f64"'),
    (sampled(PRIOR, VP, GRID, precision="f16"), ValueError, 'sample: precision: expected "f32" or "f64"'),
    (sampled(PRIOR, VP, GRID, device="gpu"), ValueError, "sample: device: "),
    (sampled(PRIOR, VP, GRID, device="cuda:99"), gd.DeviceUnavailable, "cuda"),
    (sampled(PRIOR, VP, GRID, start=[[0.0]]), ValueError, "start"),
    (sampled(PRIOR, VP, GRID, history=9), ValueError, "history"),
    (sampled(PRIOR, VP, GRID, progress=3), TypeError, "sample: progress: expected a function, given 3"),
    (
        sampled(PRIOR, VP, GRID, keep_on_device=1),
        TypeError,
        "sample: keep_on_device: expected True or False, given 1",
    ),
    (sampled(PRIOR, VP, GRID, dim=2), ValueError, "sample: dim has no meaning for a mixture"),
    (sampled([], VP, GRID), ValueError, "sample: law: the list is empty"),
    (sampled(gd.Banana(), VP, sampler=gd.Mala()), ValueError, "sample: process has no meaning for a target"),
    (sampled(gd.Banana(), sampler=gd.Ddim()), ValueError, "sample: sampler: expected Markov chains"),
    (sampled(PRIOR, sampler=gd.Ula(step=1e9, steps=5)), gd.NonFiniteError, "not finite"),
    (
        sampled(gd.Problem(PRIOR), observation=OBSERVATION),
        ValueError,
        "sample: observation has no meaning for a problem",
    ),
    (lambda: gd.draw(3), TypeError, "draw: law: expected a Mixture"),
    (lambda: gd.forward(gd.TargetProblem(gd.Banana())), ValueError, "forward: law: has a target"),
    (lambda: gd.forward(gd.Dynamics("y")), ValueError, "drift"),
    (
        lambda: gd.evaluate(PRIOR, POINT, quantities="pdf"),
        ValueError,
        "evaluate: quantities: expected one of",
    ),
    (lambda: gd.Session("tpu"), ValueError, "Session: device: "),
    # functions
    (lambda: gd.Denoiser(3), TypeError, "Denoiser: function: expected a function, given 3"),
    (lambda: gd.Denoiser(len, kind="velocity"), ValueError, "Denoiser: kind: expected one of"),
    (lambda: gd.Denoiser(len, device="gpu"), ValueError, 'Denoiser: device: expected one of "cpu", "cuda"'),
    (
        lambda: gd.Denoiser(len, vjp=len, device="cuda"),
        ValueError,
        "Denoiser: vjp: guided samplers take denoisers in host memory",
    ),
    (
        lambda: gd.CustomTarget(len, 2, device="gpu"),
        ValueError,
        'CustomTarget: device: expected one of "cpu", "cuda"',
    ),
    (
        lambda: gd.CustomTarget(len, 2, hessian_vp=len, device="cuda"),
        ValueError,
        "CustomTarget: hessian_vp: products with the Hessian are used together with values in host memory",
    ),
    (
        lambda: gd.CustomTarget(len, 2, device="cuda")(POINT),
        TypeError,
        "CustomTarget: x: expected a tensor of a GPU with __dlpack__",
    ),
    (
        lambda: gd.CustomTarget(lambda x: (x, x), 3)(POINT),
        ValueError,
        "CustomTarget: x: expected points of shape (n, 3)",
    ),
    (on_gpu(POINT), TypeError, "Denoiser: x: expected a tensor of a GPU with __dlpack__"),
    (
        on_gpu(GpuTensor(np.zeros(2))),
        ValueError,
        "Denoiser: x: expected a tensor of shape (n, d), given 1 axes",
    ),
    (
        on_gpu(GpuTensor(np.zeros((1, 2), int))),
        ValueError,
        "Denoiser: x: expected numbers of the type float32 or float64",
    ),
    (
        lambda: gd.Problem(PRIOR, denoiser=gd.Denoiser(len, device="cuda")),
        ValueError,
        "Problem: denoiser: expected a denoiser in host memory",
    ),
    (
        lambda: gd.denoiser_errors(3, PRIOR, [1.0]),
        TypeError,
        "denoiser_errors: denoiser: expected a Denoiser or a LearnedDenoiser, given 3",
    ),
    (lambda: gd.Denoiser(len, id=""), ValueError, "Denoiser: id: expected a text that is not empty"),
    (
        by_function(lambda x, level: x[:, :1]),
        ValueError,
        'denoiser "f": the result has shape (3, 1), expected (3, 2)',
    ),
    (
        by_function(lambda x, level: None),
        TypeError,
        'denoiser "f": the result: expected an array of numbers, given None',
    ),
    (
        by_function(lambda x, level: 1j * x),
        TypeError,
        'denoiser "f": the result: expected an array of real numbers',
    ),
    (by_function(lambda x: x), TypeError, "positional argument"),
    (
        sampled(gd.Denoiser(len), VP, GRID, gd.Mcgdiff(start="gaussian"), dim=2),
        ValueError,
        "a sampler of the posterior: the observation has the dimension",
    ),
    (
        sampled(
            gd.Denoiser(len),
            VP,
            GRID,
            gd.Bootstrap(start="gaussian", kernel="exact"),
            observation=gd.NonlinearObservation(gd.RangeMap([[1.0, 0.0]]), [0.5], 0.5),
        ),
        ValueError,
        "the exact kernel is the transition of a mixture; the sampler needs kernel = ddim",
    ),
    (
        sampled(gd.Denoiser(len), VP, GRID, gd.Mala()),
        ValueError,
        "mala takes the law itself, not a denoiser",
    ),
    (sampled(gd.Denoiser(len), VP, GRID), TypeError, "sample: the argument dim is missing"),
    (
        sampled(gd.CustomTarget(lambda x: x, 2, id="t"), sampler=gd.Ula(step=0.1)),
        TypeError,
        'target "t": expected a pair',
    ),
    # problems, judging, learning
    (lambda: gd.Problem(OBSERVATION), TypeError, "Problem: prior: expected a Mixture"),
    (lambda: gd.load_problem("no such file.json"), ValueError, "no such file.json: no such file"),
    (lambda: gd.load_problem(3), TypeError, "load_problem: file: expected a path, given 3"),
    (lambda: gd.parse_problem("{"), ValueError, "problem: "),
    (lambda: gd.ready_made_problem("turorial"), ValueError, "turorial"),
    (lambda: gd.dump(3), TypeError, "dump: problem: expected a problem"),
    (
        lambda: gd.dump(gd.Problem(PRIOR, denoiser=gd.Denoiser(len, id="f"))),
        ValueError,
        'the denoiser "f" of the problem is a function',
    ),
    (lambda: gd.judge(POINT, 3), TypeError, "judge: law: expected a Mixture, a target or a problem, given 3"),
    (lambda: gd.judge(POINT, PRIOR, "kl"), ValueError, 'judge: metrics: expected one of "sw"'),
    (lambda: gd.judge(POINT, PRIOR, slices=0), ValueError, "judge: slices: expected an integer from 1 to"),
    (lambda: gd.compare(PRIOR, "draw"), TypeError, "compare: problems: expected a problem"),
    (lambda: gd.compare(gd.Problem(PRIOR), 3), TypeError, "compare: samplers: "),
    (lambda: gd.train_denoiser(PRIOR, hiden=3), TypeError, 'train_denoiser: unknown argument "hiden"'),
    (lambda: gd.train_denoiser(PRIOR, weight="w"), ValueError, "train_denoiser: weight: expected one of"),
    (lambda: gd.train_sampler(PRIOR), TypeError, "train_sampler: target: expected a target"),
]


@pytest.mark.filterwarnings("ignore::gmdiff.RunWarning")
@pytest.mark.parametrize(("call", "exception", "message"), CASES, ids=range(len(CASES)))
def test_the_message_names_the_argument(call, exception, message):
    with pytest.raises(exception) as raised:
        call()
    assert type(raised.value) is exception
    assert message in str(raised.value)
