"""The surface of the package: descriptions, mixtures, runs, problems, learning."""

import importlib.util
import pathlib
import pickle
import re
import shutil
import subprocess
import sys
import types

import gmdiff as gd
import numpy as np
import pytest
from gmdiff import _core

NORMAL = gd.Mixture([1.0], [[0.5, -0.5]], gd.Covariance.full([[[1.0, 0.3], [0.3, 0.6]]]))
OBSERVATION = gd.LinearObservation([[1.0, 0.0]], [1.5], 0.1)
MAPPED = gd.NonlinearObservation(gd.ElementwiseMap("tanh", [[1.0, 0.5]]), [0.3], noise_covariance=[[0.04]])
# A trained sampler has no text without its file.
NAMES = [name for name in gd.sampler_names() if name != "learned"]
DESCRIPTIONS = [
    *(gd.parse_sampler(name) for name in NAMES),
    gd.Learned(model="m.npz", reweight=True),
    gd.Ddim(eta=0.5, churn=2),
    gd.Dps(zeta=0.5, integrator=gd.Ddim(eta=1.0)),
    gd.Mala(step=0.1, output="trace", start_mean=[1.0, 2.0], preconditioner=[[1.0, 0.0], [0.5, 1.0]]),
    gd.Vp(beta=gd.CosineBeta()),
    gd.SubVp(beta=gd.LinearBeta(0.1, 20)),
    gd.Ddpm(betas=[0.1, 0.2]),
    gd.Ddpm(steps=10, first=1e-4, last=0.02),
    gd.Ve(sigma_max=10),
    gd.Edm(),
    gd.Ou(),
    gd.RectifiedFlow(),
    gd.UniformGrid(300, t_end=0.01),
    gd.KarrasGrid(20),
    gd.LogSnrGrid(10, t_end=0.1),
    gd.DdimGrid(10, spacing="quadratic"),
    gd.McgdiffGrid(21),
    gd.ListGrid([1.0, 0.5, 0.0]),
    gd.Banana(curvature=0.1),
    gd.Logistic([[1.0, 2.0], [0.5, 1.0]], [0, 1]),
    gd.ExpressionTarget("-a*x^2", parameters={"a": 2.0}),
    gd.Regularised(gd.SparsePrior(weight=2.0), MAPPED),
    NORMAL,
    OBSERVATION,
    MAPPED,
    gd.Level(0.6, 0.8),
    gd.Problem(NORMAL, gd.Edm(), gd.KarrasGrid(5), OBSERVATION, gd.Tmp()),
    gd.NonlinearProblem(NORMAL, observation=MAPPED),
    gd.TargetProblem(gd.Banana(), gd.Hmc(leapfrogs=3)),
    gd.DynamicsProblem(gd.Dynamics("sin(t) - x", [0.5], steps=20)),
]


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda d: type(d).__name__)
def test_descriptions_can_be_pickled_and_compared(description):
    copy = pickle.loads(pickle.dumps(description))
    assert copy is not description
    assert copy == description
    assert description != "another thing"
    assert repr(copy) == repr(description)


def test_descriptions_with_other_numbers_differ():
    assert gd.Ddim(eta=0.5) != gd.Ddim(eta=0.25)
    assert len({gd.Ddim(eta=0.5), gd.Ddim(eta=0.5), gd.Ddim()}) == 2
    assert OBSERVATION != gd.LinearObservation([[1.0, 0.0]], [1.5], 0.2)


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_samplers(name):
    sampler = gd.parse_sampler(name)
    assert sampler.name == name
    assert gd.sampler_text(sampler) == name


def test_the_text_of_a_description_makes_it_again():
    sampler = gd.Dps(zeta=0.5, integrator=gd.Ddim(eta=1.0), start="exact")
    assert repr(sampler) == "Dps(zeta=0.5, integrator=Ddim(eta=1.0), start='exact')"
    assert eval(repr(sampler), vars(gd)) == sampler
    assert sampler == gd.Dps(zeta=0.5, integrator="ddim", eta=1.0, start="exact")
    assert sampler == gd.parse_sampler("dps:zeta=0.5:integrator=ddim:eta=1:start=exact")


def test_attributes_of_descriptions():
    assert gd.Ddim(0.5).eta == 0.5
    assert gd.Vp(gd.LinearBeta(0.1, 20)).beta.max == 20
    assert gd.Hmc().step is None
    assert gd.Heun(variable="n").variable == "n"
    with pytest.raises(AttributeError):
        gd.Ddim().eta = 1.0


def test_every_class_and_function_is_documented():
    public = [getattr(gd, name) for name in gd.__all__]
    undocumented = [thing for thing in public if callable(thing) and not thing.__doc__]
    assert not undocumented
    assert "eta in [0, 1]" in gd.Ddim.__doc__


def test_mixtures(prior):
    x = np.array([[0.3, -0.2], [2.0, 1.0]])
    densities = [
        np.exp(-0.5 * ((x - m) ** 2).sum(1) / v) / (2 * np.pi * v) for m, v in (([0, 0], 0.5), ([2, 2], 0.8))
    ]
    exact = 0.6 * densities[0] + 0.4 * densities[1]
    assert np.allclose(prior.pdf(x), exact, rtol=1e-14)
    assert np.allclose(prior.log_pdf(x), np.log(exact), rtol=1e-14)
    assert np.allclose(prior.responsibilities(x)[:, 0], 0.6 * densities[0] / exact, rtol=1e-14)
    level = gd.Level(0.6, 0.8)
    assert np.allclose(
        prior.denoiser(x, level), (x + level.sigma**2 * prior.score(x, level)) / level.alpha, atol=1e-14
    )
    assert np.allclose(prior.score(x, (0.6, 0.8)), prior.diffuse(level).score(x), rtol=1e-13)
    assert np.allclose(prior.mean(), [0.8, 0.8])
    assert prior.posterior_covariance(x, level).shape == (2, 2, 2)
    assert prior.marginal([1]).dim == 1


def test_covariances_in_every_form():
    S = np.array([[1.0, 0.3], [0.3, 0.6]])
    values, vectors = np.linalg.eigh(S)
    C = gd.Covariance
    forms = [
        C.full([S]),
        C.tied(S),
        C.full_eigen([vectors], [values]),
        C.tied_eigen(vectors, values),
        C.common_basis(vectors, [values]),
        C.full_cholesky([np.linalg.cholesky(S)]),
        C.tied_cholesky(np.linalg.cholesky(S)),
    ]
    for form in forms:
        mixture = gd.Mixture([2.0], [[0.0, 0.0]], form)
        assert np.allclose(mixture.component_covariance(0), S, atol=1e-15)
        assert mixture.weights == [1.0]


@pytest.mark.parametrize("kind", ["spherical", "diag", "tied", "full"])
def test_mixtures_of_sklearn(kind):
    covariances = {
        "spherical": [0.5, 0.8],
        "diag": [[0.5, 0.6], [0.8, 0.9]],
        "tied": np.eye(2),
        "full": [np.eye(2)] * 2,
    }
    fitted = types.SimpleNamespace(
        weights_=[0.25, 0.75],
        means_=[[0.0, 0.0], [1.0, 1.0]],
        covariance_type=kind,
        covariances_=np.array(covariances[kind]),
    )
    mixture = gd.Mixture.from_sklearn(fitted)
    assert mixture.covariance_type == kind
    assert np.array_equal(mixture.weights, [0.25, 0.75])


def test_mixtures_that_sklearn_fitted():
    mixture = pytest.importorskip("sklearn.mixture")
    x = np.random.default_rng(0).normal(size=(200, 2))
    fitted = mixture.GaussianMixture(2, random_state=0).fit(x)
    assert np.allclose(gd.Mixture.from_sklearn(fitted).log_pdf(x), fitted.score_samples(x))


def test_processes_and_grids():
    process = gd.ForwardProcess(gd.RectifiedFlow())
    assert (process.alpha(0.25), process.sigma(0.25), process.level(0.25)) == (
        0.75,
        0.25,
        gd.Level(0.75, 0.25),
    )
    assert gd.ForwardProcess(gd.Edm(T=5.0)).T == 5.0
    grid = gd.TimeGrid(process, gd.UniformGrid(4))
    assert np.array_equal(grid.times, [1.0, 0.75, 0.5, 0.25, 0.0])
    assert len(grid.levels) == grid.num_steps + 1


def test_sample_of_the_posterior(prior, observation, process):
    options = {"count": 50, "seed": 7}
    x = gd.sample(prior, process, gd.UniformGrid(20), gd.Ddim(), observation=observation, **options)
    assert x.shape == (50, 2)
    exact = gd.posterior(prior, observation)
    assert exact.log_evidence == pytest.approx(-1.666679648)
    same = gd.sample(exact.mixture, gd.ForwardProcess(process), gd.UniformGrid(20), "ddim", **options)
    assert np.array_equal(x, same)
    assert np.array_equal(x, gd.Session("cpu:1").sample(same_problem(prior, process, observation), **options))


def same_problem(prior, process, observation):
    return gd.Problem(prior, process, gd.UniformGrid(20), observation)


@pytest.mark.filterwarnings("ignore:gaussian start:gmdiff.RunWarning")
@pytest.mark.parametrize("sampler", [gd.Ddim(), gd.Dps(), gd.Bootstrap(particles=8)])
def test_many_observations_at_once(prior, process, sampler):
    observations = [gd.LinearObservation([[1.0, 0.0]], [y], 0.5) for y in (0.5, 1.5)]
    grid, options = gd.UniformGrid(8), {"count": 5, "seed": 2}
    batch = gd.sample(prior, process, grid, sampler, observation=observations, **options)
    assert batch.shape == (2, 5, 2)
    seeds = batch.provenance["problem_seeds"]
    for observation, seed, x in zip(observations, seeds, batch, strict=True):
        alone = gd.sample(prior, process, grid, sampler, observation=observation, count=5, seed=seed)
        assert np.array_equal(x, alone)


def test_a_posterior_is_a_law(prior, observation, process):
    exact = gd.posterior(prior, observation)
    draws = gd.draw(exact, count=5, seed=1)
    assert np.array_equal(draws, gd.draw(exact.mixture, count=5, seed=1))
    assert gd.judge(draws, exact, seed=2)[0].value == gd.judge(draws, exact.mixture, seed=2)[0].value
    again = gd.sample(exact, process, gd.UniformGrid(5), gd.Ddim(), count=5, seed=1)
    assert np.array_equal(
        again, gd.sample(exact.mixture, process, gd.UniformGrid(5), gd.Ddim(), count=5, seed=1)
    )
    assert np.allclose(gd.evaluate(exact, draws)["score"], exact.mixture.score(draws), rtol=1e-12)


def test_many_mixtures_at_once(prior, process):
    batch = gd.sample([prior, prior.diffuse((0.5, 0.5))], process, gd.UniformGrid(8), count=5)
    assert batch.shape == (2, 5, 2)


def test_warnings_of_a_run(prior, process):
    with pytest.warns(gd.RunWarning, match="gaussian start"):
        x = gd.sample(prior, process, gd.UniformGrid(8), gd.Ddim(start="gaussian"), count=3)
    assert len(x.warnings) == 1


def test_start_sets_the_count(prior, process):
    assert gd.sample(prior, process, gd.UniformGrid(8), start=np.zeros((4, 2))).shape == (4, 2)


def test_evaluate(prior):
    x = [[0.3, -0.2]]
    values = gd.evaluate(prior, x, (0.6, 0.8))
    assert values["score"] == pytest.approx(prior.score(x, (0.6, 0.8)), rel=1e-12)
    assert set(gd.evaluate(prior, x, quantities=["score"])) == {"score"}
    assert set(gd.evaluate(gd.Banana(), x)) == {"log_density", "gradient"}


def test_judgements(prior):
    exact, shifted = gd.draw(prior, count=2000, seed=1), gd.draw(prior, count=2000, seed=1).numpy() + 1.0
    # The floor is the mean of exact draws; three times as much happens to none.
    assert gd.judge(exact, prior)[0].ratio < 3.0 < gd.judge(shifted, prior)[0].ratio
    assert [j.quantity for j in gd.judge(exact, gd.Problem(prior), ["modes", "energy"])] == [
        "total_variation",
        "energy_distance",
    ]


def test_comparisons_with_pandas(prior, process):
    pandas = pytest.importorskip("pandas")
    table = gd.compare(gd.Problem(prior, process, gd.UniformGrid(8)), ["ddim", "draw"], count=50).to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert list(table["sampler"]) == ["ddim", "draw"]


def test_problem_files(tmp_path, prior, observation):
    problem = gd.Problem(prior, observation=observation, sampler="dps:zeta=0.5")
    gd.dump(problem, tmp_path / "p.json")
    assert gd.load_problem(tmp_path / "p.json") == problem
    assert gd.parse_problem(gd.dump(problem)) == problem
    with pytest.raises(FileExistsError):
        gd.dump(problem, tmp_path / "p.json")
    gd.dump(problem, str(tmp_path / "p.json"), overwrite=True)


@pytest.mark.parametrize("name", gd.problem_names())
def test_ready_made_problems(name):
    assert gd.ready_made_problem(name).to_json().startswith("{")


def test_learned_denoisers(tmp_path, prior):
    losses = []
    half = gd.train_denoiser(
        prior, iterations=10, batch=32, hidden=8, progress=lambda i, n, loss: losses.append(loss)
    )
    assert len(losses) == 10
    assert half.settings["hidden"] == 8
    half.save(tmp_path / "d.npz")
    read = gd.read_denoiser(tmp_path / "d.npz")
    assert np.array_equal(read.averaged, half.averaged)
    denoiser = read.denoiser()
    x = gd.sample(denoiser, gd.Edm(), gd.KarrasGrid(5), gd.Ddim(start="gaussian"), dim=2, count=3)
    own = gd.Denoiser(lambda x, level: denoiser(x, level))
    assert np.array_equal(
        x, gd.sample(own, gd.Edm(), gd.KarrasGrid(5), gd.Ddim(start="gaussian"), dim=2, count=3)
    )


def test_trained_samplers(tmp_path):
    target = gd.Banana(scale=1.0)
    training = gd.train_sampler(target, iterations=3, batch=16, steps=8, components=2, hidden=8)
    training.save(tmp_path / "s.npz")
    x, log_weights = gd.read_sampler(tmp_path / "s.npz").sampler(target).draws(5, seed=1)
    assert x.shape == (5, 2)
    assert np.array_equal(log_weights, training.sampler(target).draws(5, seed=1)[1])


@pytest.mark.skipif(importlib.util.find_spec("tqdm") is None, reason="needs tqdm")
def test_a_bar_of_tqdm(prior, process, capsys):
    gd.sample(prior, process, gd.UniformGrid(8), count=50, progress=True)
    assert "50/50" in capsys.readouterr().err


def test_a_bar_needs_tqdm(prior, process, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="progress: True needs the package tqdm"):
        gd.sample(prior, process, gd.UniformGrid(8), count=50, progress=True)


def test_stubs_are_installed():
    folder = importlib.util.find_spec("gmdiff").submodule_search_locations[0]
    stubs = (pathlib.Path(folder) / "_core.pyi").read_text(encoding="utf-8")
    assert "class Ddim:" in stubs
    assert "def __init__(self, eta: float = ..., churn: float = ..." in stubs
    assert "__version__: str" in stubs
    compile(stubs, "_core.pyi", "exec")


@pytest.mark.parametrize(
    "name", ["log_pdf", "pdf", "score", "denoiser", "responsibilities", "posterior_covariance"]
)
def test_signatures_name_what_a_function_returns(prior, name):
    result = getattr(prior, name)([[0.0, 1.0]])
    assert isinstance(result, np.ndarray)
    assert getattr(gd.Mixture, name).__nb_signature__[0][0].endswith("-> numpy.ndarray")


def test_import_is_quick():
    """The package imports NumPy at most."""
    optional = {"torch", "jax", "pandas", "matplotlib", "tqdm", "sklearn"}
    program = f"import sys, gmdiff; print(sorted({optional} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_distances(prior):
    x, y = gd.draw(prior, count=200, precision="f64"), gd.draw(prior, count=200, seed=1, precision="f64")
    assert gd.sliced_wasserstein(x, x) == 0.0 < gd.sliced_wasserstein(x, y) <= gd.max_sliced_wasserstein(x, y)
    assert gd.sliced_wasserstein(x, prior, seed=8) == gd.judge(x, prior, seed=8)[0].value
    assert gd.energy_distance(x, x, form="v") == pytest.approx(0.0, abs=1e-14)
    a, b = x.numpy(), y.numpy()

    def kernel(u, v):
        return np.exp(-((u[:, None] - v) ** 2).sum(-1) / 2)

    n = len(a)
    exact = (kernel(a, a).sum() - n + kernel(b, b).sum() - n) / (n * (n - 1)) - 2 * kernel(a, b).mean()
    assert gd.mmd_squared(x, y, bandwidth=1.0) == pytest.approx(exact, rel=1e-10)
    assert gd.sinkhorn_divergence(x, x)["value"] == pytest.approx(0.0, abs=1e-6)  # the tolerance
    assert gd.moment_errors(x, prior)["mean"] == pytest.approx(np.linalg.norm(a.mean(0) - prior.mean()))
    assert gd.mode_frequencies(x, prior)["frequencies"].sum() == pytest.approx(1.0)
    value, error = gd.kl_divergence(x, prior, prior)
    assert (value, error) == (0.0, 0.0)


def test_answers_about_laws(prior, process):
    normal = gd.ExpressionTarget("-x^2/2 + 1")
    exact = 1.0 + 0.5 * np.log(2 * np.pi)
    assert gd.quadrature(normal).log_normalizer == pytest.approx(exact, rel=1e-12)
    assert gd.modes(normal).log_normalizer == pytest.approx(exact, rel=1e-12)
    proposal = gd.modes(normal).laplace_mixture()
    assert gd.importance(normal, proposal, count=50).log_normalizer == pytest.approx(exact, rel=1e-12)
    flow = gd.probability_flow(prior, process, [[0.3, -0.2]], 0.5)
    velocity, divergence = flow.velocity, flow.divergence
    level = gd.ForwardProcess(process).level(0.5)
    forward = gd.ForwardProcess(process)
    assert velocity == pytest.approx(
        forward.p(0.5) * np.array([[0.3, -0.2]]) + forward.q(0.5) * prior.denoiser([[0.3, -0.2]], level)
    )
    assert divergence.shape == (1,)
    assert gd.generator(gd.Dynamics("-x", 1.0), gd.Expression("x^2"), [2.0]) == pytest.approx(
        [-2 * 2.0**2 + 1.0]
    )
    draws = np.random.default_rng(0).normal(size=(200, 4))
    assert gd.chain_diagnostics(draws).rhat < 1.05 < gd.chain_diagnostics(draws + np.arange(4)).rhat


def test_the_module_needs_libraries_of_manylinux_alone():
    """A wheel is installed where nothing else need be; the list is that of auditwheel's policies."""
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("needs readelf")
    table = subprocess.run([readelf, "-d", _core.__file__], capture_output=True, text=True, check=True).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", table))
    assert "libc.so.6" in needed
    allowed = {"libz", "libstdc++", "libgcc_s", "libc", "libm", "libdl", "librt", "libpthread"}
    assert {name.split(".so")[0] for name in needed} <= {*allowed, "ld-linux-x86-64"}
