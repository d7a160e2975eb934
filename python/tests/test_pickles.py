"""Pickles and copies: of results and descriptions, and refusals of what holds a function or threads."""

import copy
import inspect
import multiprocessing
import pickle
import tempfile
import warnings

import gmdiff as gd
import numpy as np
import pytest

PRIOR = gd.Mixture([0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], gd.Covariance.spherical([0.5, 0.8]))
OBSERVATION = gd.LinearObservation([[1.0, 0.0]], [1.5], 0.1)
MAPPED = gd.NonlinearObservation(gd.RangeMap([[-1.0, 0.0], [1.0, 0.0]]), [1.5, 1.25], 0.25)
LINE = gd.Mixture([0.5, 0.5], [[-1.0], [1.0]], gd.Covariance.spherical([0.5, 0.5]))
PROCESS, GRID = gd.Vp(gd.LinearBeta(0.02, 7.0)), gd.UniformGrid(4)
OPTIONS = {"count": 6, "seed": 3, "device": "cpu"}


def chains(output):
    return gd.sample(gd.Banana(), sampler=gd.Mala(step=0.5, steps=20, output=output), **OPTIONS)


def paths():
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model.npz"
        trained_sampler().save(model)
        return gd.sample(gd.Banana(), sampler=gd.Learned(model=model), **OPTIONS)


def smc():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few particles disagree on the evidence
        sampler = gd.Bootstrap(particles=8, output="particles")
        return gd.sample(PRIOR, PROCESS, GRID, sampler, observation=OBSERVATION, smc_history=True, **OPTIONS)


def trained_sampler():
    options = {"iterations": 2, "batch": 8, "steps": 4, "components": 2, "refine_every": 1}
    return gd.train_sampler(gd.Banana(), **options)


CELLS = gd.CellGrid([-4.0, -3.0], [4.0, 3.0], [8, 6])
EXAMPLES = {
    "Samples": lambda: gd.sample(PRIOR, PROCESS, GRID, gd.Ddim(), history=2, **OPTIONS),
    "Samples f64": lambda: gd.sample(PRIOR, PROCESS, GRID, precision="f64", **OPTIONS),
    "Samples of chains": lambda: chains("trace"),
    "Samples with steps": lambda: gd.sample(
        gd.Banana(), sampler=gd.Mala(warmup=20, steps=5, adapt="chain"), **OPTIONS
    ),
    "Samples with moments": lambda: chains("moments"),
    "Samples with velocities": lambda: gd.sample(
        gd.Banana(), sampler=gd.Baoab(step=0.3, steps=5), velocities=True, **OPTIONS
    ),
    "SmcSamples": smc,
    "PathSamples": paths,
    "Covariance": lambda: gd.Covariance.full_eigen([np.eye(2)] * 2, [[1.0, 2.0], [3.0, 4.0]]),
    "Posterior": lambda: gd.posterior(PRIOR, OBSERVATION),
    "ForwardProcess": lambda: gd.ForwardProcess(PROCESS),
    "ElementwiseMap": lambda: gd.ElementwiseMap("tanh", [[1.0, 2.0]], [0.5]),
    "RangeMap": lambda: gd.RangeMap([[1.0, 2.0]]),
    "ExpressionMap": lambda: gd.ExpressionMap(["x1*a", "x2"], 2, parameters={"a": 0.5}),
    "ObservedMixture": lambda: gd.ObservedMixture(PRIOR, MAPPED),
    "Target": lambda: gd.Target(gd.ObservedMixture(PRIOR, MAPPED)),
    "TargetLaw": lambda: gd.TargetLaw(gd.ExpressionTarget("-x^2/8")),
    "Expression": lambda: gd.Expression("a*x1 + t*x2", 2, parameters={"a": 0.1}, time=True),
    "Dynamics": lambda: gd.Dynamics(["sin(t) - x1"], [0.5], steps=20),
    "Dynamics by name": lambda: gd.langevin_dynamics(gd.Banana(), t_end=2.0, steps=20),
    "GaussianStart": lambda: gd.GaussianStart([0.1, 0.2], 0.5),
    "CellGrid": lambda: CELLS,
    "Judgement": lambda: gd.judge(gd.draw(PRIOR, count=50), PRIOR)[0],
    "Judgement with spread": lambda: gd.judge(gd.draw(PRIOR, count=50), PRIOR, spread=True)[0],
    "Judgement of mmd": lambda: gd.judge(gd.draw(PRIOR, count=50), PRIOR, "mmd")[0],
    "Comparison": lambda: gd.compare(
        gd.Problem(PRIOR, PROCESS, GRID), ["ddim", "draw"], count=50, kept_samples=3, runs=2
    ),
    "ChainDiagnostics": lambda: gd.chain_diagnostics(np.random.default_rng(1).normal(size=(40, 4))),
    "Diagnosis": lambda: gd.diagnose(
        np.random.default_rng(1).normal(size=(4, 40, 2)), PRIOR, estimates=["x1^2"]
    ),
    "PooledMoments": lambda: gd.pooled(chains("moments")),
    "LinearTransition": lambda: gd.linear_transition(-np.eye(2), [0.1, 0.2], np.eye(2), 0.5),
    "ProbabilityFlow": lambda: gd.probability_flow(PRIOR, PROCESS, [[0.1, 0.2]], 0.5),
    "GridMoments": lambda: gd.grid_moments(np.full(CELLS.size, 1.0 / CELLS.size), CELLS),
    "DensityEvolution": lambda: gd.fokker_planck(LINE, times=[0.0, 1.0], cells=50),
    "DensityEvolution without gap": lambda: gd.fokker_planck(
        LINE, times=[1.0], cells=50, boundary="absorbing"
    ),
    "Quadrature": lambda: gd.quadrature(gd.Banana()),
    "ImportanceResult": lambda: gd.importance(gd.Banana(), PRIOR, 20),
    "Modes": lambda: gd.modes(gd.Banana(), [[0.0, 0.0]]),
    "GaussianFit": lambda: gd.gaussian_fit(gd.Banana(), PRIOR),
    "GaussianBound": lambda: gd.gaussian_bound(gd.Banana(), [0.0, 0.0], np.eye(2)),
    "DenoiserTraining": lambda: gd.train_denoiser(PRIOR, iterations=2, hidden=4, batch=8),
    "SamplerTraining": trained_sampler,
    "DenoiserError": lambda: gd.denoiser_errors(gd.Denoiser(lambda x, level: x, id="x"), PRIOR, [1.0])[0],
    "PathSummary": lambda: gd.forward_summary([0.1, 0.2, -0.3]),
    "Picture": lambda: gd.density_picture(PRIOR),
}


def attributes(thing):
    """Values of the attributes that are no methods; those of results are nested."""
    names = [name for name in dir(type(thing)) if not name.startswith("_") and name != "on_device"]
    values = {name: getattr(thing, name) for name in names}
    return {name: value for name, value in values.items() if not callable(value)}


def assert_equal(a, b, path):
    assert type(a) is type(b), path
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, path
        assert np.array_equal(a, b, equal_nan=True), path
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            assert_equal(a[key], b[key], f"{path}[{key}]")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for i, (left, right) in enumerate(zip(a, b, strict=True)):
            assert_equal(left, right, f"{path}[{i}]")
    elif type(a).__module__.startswith("gmdiff"):
        assert repr(a) == repr(b), path
        if type(a).__eq__ is not object.__eq__:
            assert a == b, path
        else:
            assert_equal(attributes(a), attributes(b), path)
    else:
        assert a == b or (a != a and b != b), path  # NaN


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_pickle_has_every_attribute(name):
    given = EXAMPLES[name]()
    assert_equal(pickle.loads(pickle.dumps(given)), given, name)
    assert_equal(copy.deepcopy(given), given, name)
    if isinstance(given, gd.Samples):
        loaded = pickle.loads(pickle.dumps(given))
        assert_equal(loaded.numpy(), given.numpy(), name)
        assert not loaded.numpy().flags.writeable
        assert copy.deepcopy(given) is given


def test_pickles_are_as_useful_as_the_originals():
    def copied(thing):
        return pickle.loads(pickle.dumps(thing))

    assert gd.Mixture([0.5, 0.5], [[0.0], [1.0]], copied(gd.Covariance.spherical([1.0, 2.0]))) == gd.Mixture(
        [0.5, 0.5], [[0.0], [1.0]], gd.Covariance.spherical([1.0, 2.0])
    )
    chains = smc()
    assert copied(chains).mean_log_evidence() == chains.mean_log_evidence()
    expression, x = EXAMPLES["Expression"](), [[1.0, 2.0]]
    assert np.array_equal(copied(expression).value(x, 0.3), expression.value(x, 0.3))
    grid = copied(CELLS)
    assert np.array_equal(grid.axis_centres(1), CELLS.axis_centres(1))
    training = gd.train_denoiser(PRIOR, iterations=2, hidden=4, batch=8)
    level = gd.Level(0.6, 0.8)
    assert np.array_equal(copied(training).denoiser()(x, level), training.denoiser()(x, level))
    longer = {"resume": copied(EXAMPLES["SamplerTraining"]())}
    assert copied(gd.train_sampler(gd.Banana(), **longer)).iteration == 2
    law = EXAMPLES["TargetLaw"]()
    assert np.array_equal(copied(law).draws(5, seed=1), law.draws(5, seed=1))


FUNCTION = gd.CustomTarget(lambda x: (x[:, 0], x), 2, id="f")
REFUSED = {
    "Denoiser": (lambda: gd.Denoiser(lambda x, level: x, id="f"), "holds a function"),
    "CustomTarget": (lambda: FUNCTION, "holds a function"),
    "CustomMap": (lambda: gd.CustomMap(len, len, 2, 1, id="f"), "holds a function"),
    "CustomField": (lambda: gd.CustomField(len, 1, id="f"), "holds a function"),
    "CustomProcess": (lambda: gd.CustomProcess(lambda t: 1 - t, lambda t: t), "holds functions"),
    "VectorField": (lambda: gd.VectorField("-x"), "keeps its texts as operations only"),
    "TimeGrid": (lambda: gd.TimeGrid(PROCESS, GRID), "does not keep its process"),
    "Session": (lambda: gd.Session("cpu"), "holds threads or a GPU"),
    "LearnedDenoiser": (
        lambda: gd.train_denoiser(PRIOR, iterations=1, hidden=4, batch=8).denoiser(),
        "pickle its DenoiserTraining",
    ),
    "TrainedSampler": (lambda: trained_sampler().sampler(gd.Banana()), "pickle its SamplerTraining"),
    "FokkerPlanck": (
        lambda: gd.FokkerPlanck.langevin(PRIOR, CELLS),
        "is assembled from a grid and fields",
    ),
    "ImplicitEuler": (
        lambda: gd.ImplicitEuler(REFUSED["FokkerPlanck"][0](), 0.1),
        "holds a factorisation",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_pickle_cannot_keep_says_so(name):
    make, reason = REFUSED[name]
    given = make()
    with pytest.raises(TypeError, match=f"{name}: .*{reason}"):
        pickle.dumps(given)
    if name != "Session":
        assert copy.deepcopy(given) is given


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (gd.Target(FUNCTION), "CustomTarget: holds a function"),
        (gd.TargetProblem(FUNCTION, gd.Ula(step=0.1)), "function"),
        (gd.Problem(PRIOR, denoiser=gd.Denoiser(lambda x, level: x, id="f")), "denoiser"),
        (gd.NonlinearObservation(gd.CustomMap(len, len, 2, 1, id="f"), [1.0], 0.1), "function"),
        (gd.Dynamics(gd.CustomField(len, 1, id="f")), "function"),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_descriptions_with_functions_are_refused(thing, message):
    with pytest.raises(TypeError, match=message):
        pickle.dumps(thing)


def test_every_class_has_a_test_of_its_pickle():
    """The descriptions are in test_package.py, and classes of exceptions have Python's own pickles."""
    named = {name.split()[0] for name in EXAMPLES} | REFUSED.keys()
    nested = {"Mode", "MarginalDensity", "QuadratureErrors", "QuantityFigures", "SamplerRow"}
    for name in set(gd.__all__) - named - nested:
        made = getattr(gd, name)
        if not inspect.isclass(made) or issubclass(made, Exception):
            continue
        assert "__getstate__" in vars(made) or "__reduce__" in vars(made), name


def test_an_interrupted_run_keeps_its_samples():
    error = gd.Interrupted("stopped")
    error.finished = EXAMPLES["Samples"]()
    loaded = pickle.loads(pickle.dumps(error))
    assert str(loaded) == "stopped"
    assert np.array_equal(loaded.finished, error.finished)


def posterior_samples(observation):
    return gd.sample(PRIOR, PROCESS, GRID, observation=observation, **OPTIONS)


def test_results_of_other_processes():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (found,) = pool.map(posterior_samples, [OBSERVATION])
    assert_equal(found.numpy(), posterior_samples(OBSERVATION).numpy(), "samples")
