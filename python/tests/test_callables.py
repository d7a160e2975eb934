"""Functions of Python that the library calls."""

import gc
import weakref

import gmdiff as gd
import numpy as np
import pytest
from gpu_tensor import GpuTensor

GRID = gd.UniformGrid(20)
EXACT = {"count": 200, "seed": 4, "precision": "f64"}
pytestmark = pytest.mark.filterwarnings("ignore:gaussian start:gmdiff.RunWarning")


def largest_difference(a, b):
    return np.abs(a.numpy() - b.numpy()).max()


def noise(prior):
    return lambda x, level: (x - level.alpha * prior.denoiser(x, level)) / level.sigma


KINDS = {
    "denoiser": lambda prior: prior.denoiser,
    "score": lambda prior: prior.score,
    "eps": noise,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampler", [gd.Ddim(start="gaussian"), gd.Heun(variable="n", start="gaussian")])
def test_a_denoiser_of_python_is_the_built_in_one(prior, process, kind, sampler):
    denoiser = gd.Denoiser(KINDS[kind](prior), kind=kind)
    own = gd.sample(denoiser, process, GRID, sampler, dim=2, **EXACT)
    assert largest_difference(own, gd.sample(prior, process, GRID, sampler, **EXACT)) < 1e-10


def test_the_difference_shows_another_denoiser(prior, process):
    wrong = gd.Denoiser(lambda x, level: prior.denoiser(x, level) + 1e-6)
    own = gd.sample(wrong, process, GRID, gd.Ddim(start="gaussian"), dim=2, **EXACT)
    assert largest_difference(own, gd.sample(prior, process, GRID, gd.Ddim(start="gaussian"), **EXACT)) > 1e-8


@pytest.mark.parametrize("sampler", [gd.Dps(), gd.Tmp()])
def test_guidance_takes_the_product(prior, process, observation, sampler):
    # J is symmetric for the denoiser of a mixture.
    denoiser = gd.Denoiser(prior.denoiser, vjp=prior.denoiser_jvp)
    own = gd.sample(prior, process, GRID, sampler, observation=observation, denoiser=denoiser, **EXACT)
    built_in = gd.sample(prior, process, GRID, sampler, observation=observation, **EXACT)
    assert largest_difference(own, built_in) < 1e-10


@pytest.mark.parametrize("method", [gd.Mcgdiff, gd.Bootstrap])
def test_chains_take_a_denoiser(prior, process, observation, method):
    noisy = gd.LinearObservation(observation.A, observation.y, 1.0)
    sampler = method(start="gaussian", particles=32)
    rows = []

    def denoise(x, level):
        rows.append(len(x))
        return prior.denoiser(x, level)

    options = dict(EXACT, count=10)
    own = gd.sample(gd.Denoiser(denoise), process, GRID, sampler, observation=noisy, **options)
    built_in = gd.sample(prior, process, GRID, sampler, observation=noisy, **options)
    assert largest_difference(own, built_in) < 1e-8
    assert np.allclose(own.log_evidence, built_in.log_evidence, rtol=0, atol=1e-8)
    assert rows == [10 * 32] * 20, "one call in each step, with the particles of all chains"


def test_pieces_of_a_batch(prior, process):
    sizes = []

    def counted(x, level):
        sizes.append(len(x))
        return prior.denoiser(x, level)

    sampler = gd.Ddim(start="gaussian")
    gd.sample(gd.Denoiser(counted, batch=64), process, GRID, sampler, dim=2, **EXACT)
    assert max(sizes) == 64
    assert sum(sizes) == 200 * 20


def test_float32_results_and_changed_arguments(prior, process):
    def careless(x, level):
        result = prior.denoiser(x, level).astype(np.float32)
        x[:] = np.nan
        return result

    sampler = gd.Ddim(start="gaussian")
    own = gd.sample(gd.Denoiser(careless), process, GRID, sampler, dim=2, **EXACT)
    assert largest_difference(own, gd.sample(prior, process, GRID, sampler, **EXACT)) < 1e-4


def test_errors_of_a_function_come_back_unchanged(process):
    error = LookupError("no such network")

    def fail(x, level):
        raise error

    with pytest.raises(LookupError) as raised:
        gd.sample(gd.Denoiser(fail), process, GRID, dim=2)
    assert raised.value is error


def halved(x, level):
    """D on a GPU, of the same type and memory as x."""
    return GpuTensor(0.5 * x.array, x.index)


def test_a_denoiser_of_a_gpu(process):
    denoiser = gd.Denoiser(halved, device="cuda", batch=10)
    assert repr(denoiser) == '<Denoiser "test_callables.halved" on a GPU>'
    x = np.array([[1.0, 2.0]], np.float32)
    assert np.array_equal(denoiser(GpuTensor(x, index=3), gd.Level(0.6, 0.8)).array, 0.5 * x)
    with pytest.raises(ValueError, match="works in the memory of a GPU, so the plan needs the device cuda"):
        gd.sample(denoiser, process, GRID, dim=2, count=3, device="cpu")


def test_scores_and_noise_of_a_gpu():
    """D of N(0, I) is alpha x, where alpha^2 + sigma^2 = 1."""
    x, level = GpuTensor(np.array([[1.0, 2.0]], np.float32)), gd.Level(0.6, 0.8)
    functions = {"score": lambda x, level: x * -1.0, "eps": lambda x, level: x * level.sigma}
    for kind, function in functions.items():
        denoiser = gd.Denoiser(function, kind, device="cuda", id="f")
        assert repr(denoiser) == f'<Denoiser of the {kind} "f" on a GPU>'
        found = denoiser(x, level).array
        assert found.dtype == np.float32
        assert np.allclose(found, 0.6 * x.array, rtol=1e-6)
        with pytest.raises(ValueError, match='denoiser "f": has no value at alpha = 0'):
            denoiser(x, gd.Level(0.0, 1.0))


def test_scores_of_torch_on_a_gpu(process):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    functions = {
        "denoiser": lambda x, level: level.alpha * torch.from_dlpack(x),
        "score": lambda x, level: -torch.from_dlpack(x),
        "eps": lambda x, level: level.sigma * torch.from_dlpack(x),
    }
    options = {"dim": 2, "count": 100, "seed": 1, "precision": "f64", "device": "cuda"}
    runs = [
        gd.sample(
            gd.Denoiser(f, kind, device="cuda"), process, GRID, gd.Ddim(start="gaussian"), **options
        ).numpy()
        for kind, f in functions.items()
    ]
    # D is a difference of terms of size x / alpha, and alpha is at least 0.03.
    assert np.allclose(runs[1], runs[0], atol=1e-10)
    assert np.allclose(runs[2], runs[0], atol=1e-10)


def test_a_denoiser_of_torch_on_a_gpu(process):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    functions = {"cuda": lambda x, level: 0.5 * torch.from_dlpack(x), "cpu": lambda x, level: 0.5 * x}
    on_gpu, on_host = (
        gd.sample(
            gd.Denoiser(f, device=device, batch=64, id="half"),
            process,
            GRID,
            gd.Ddim(start="gaussian"),
            dim=2,
            device=device,
            keep_on_device=True,
            **EXACT,
        )
        for device, f in functions.items()
    )
    assert torch.from_dlpack(on_gpu).is_cuda
    assert np.array_equal(on_gpu, on_host)


X = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (X, ValueError, "expected a tensor of a GPU with __dlpack__, given one in other memory"),
        (3.0, TypeError, "expected a tensor of a GPU with __dlpack__, given 3.0"),
        (GpuTensor(X, index=1), ValueError, " is on GPU 1, expected GPU 0"),
        (GpuTensor(X[:2]), ValueError, r" has shape \(2, 2\), expected \(3, 2\)"),
        (GpuTensor(X[0]), ValueError, r" has shape \(2\), expected \(3, 2\)"),
        (GpuTensor(X.astype(np.float64)), ValueError, ": expected numbers of the type float32, which x has"),
        (GpuTensor(np.asfortranarray(X)), ValueError, ": expected rows one after the other"),
    ],
)
def test_wrong_results_of_a_denoiser_of_a_gpu(result, error, message):
    denoiser = gd.Denoiser(lambda x, level: result, id="f", device="cuda")
    with pytest.raises(error, match='denoiser "f": the result' + ".*" + message):
        denoiser(GpuTensor(X), (1.0, 0.5))


@pytest.mark.parametrize(
    "sampler", [gd.Ula(step=0.2, steps=20), gd.Mala(step=0.2, steps=20), gd.Hmc(step=0.2, steps=5)]
)
def test_a_target_of_python_is_the_built_in_one(sampler):
    banana = gd.Target(gd.Banana(scale=1.0))
    own = gd.CustomTarget(lambda x: (banana.log_density(x), banana.gradient(x)), dim=2)
    a, b = (gd.sample(target, sampler=sampler, count=20, precision="f64") for target in (own, banana))
    assert largest_difference(a, b) < 1e-10


def test_a_map_of_python_is_the_built_in_one(prior):
    A = np.array([[1.0, 0.5]])
    map = gd.CustomMap(lambda x: np.tanh(x @ A.T), lambda x, w: (w * (1 - np.tanh(x @ A.T) ** 2)) @ A, 2, 1)
    sampler = gd.Mala(step=0.1, steps=10)
    a, b = (
        gd.sample(
            gd.NonlinearProblem(prior, observation=gd.NonlinearObservation(m, [0.3], 0.2)),
            sampler=sampler,
            count=10,
            precision="f64",
        )
        for m in (map, gd.ElementwiseMap("tanh", A))
    )
    assert largest_difference(a, b) < 1e-10


def test_a_field_of_python_is_the_built_in_one():
    own = gd.Dynamics(gd.CustomField(lambda t, x: np.sin(t) - x, 1), 0.5, steps=20)
    text = gd.Dynamics("sin(t) - x", 0.5, steps=20)
    a, b = (gd.forward(dynamics, count=20, precision="f64") for dynamics in (own, text))
    assert largest_difference(a, b) < 1e-10


def test_a_process_of_python_is_the_built_in_one(prior):
    own = gd.CustomProcess(lambda t: 1.0 - t, lambda t: t)
    a, b = (gd.sample(prior, process, GRID, gd.Ddim(), **EXACT) for process in (own, gd.RectifiedFlow()))
    assert largest_difference(a, b) < 1e-10


def test_a_sampler_of_python_is_judged(prior, process):
    def mine(problem, count, seed):
        return gd.sample(problem, sampler=gd.ExactTransition(), count=count, seed=seed)

    def wrong(problem, count, seed):
        return mine(problem, count, seed).numpy() + 1.0

    rows = gd.compare(
        gd.Problem(prior, process, GRID),
        {"mine": mine, "built-in": gd.ExactTransition(), "wrong": wrong},
        count=300,
    )
    values = {row.sampler: row.quantities[0] for row in rows}
    assert values["mine"].value == values["built-in"].value
    assert values["wrong"].ratio > 3.0
    table = rows.to_dicts()
    assert [line["sampler"] for line in table] == ["mine", "built-in", "wrong"]
    assert "wrong" in repr(rows)


def test_a_sampler_that_fails_has_its_reason_in_the_row(prior, process):
    def fail(problem, count, seed):
        raise LookupError("no such network")

    row = gd.compare(gd.Problem(prior, process, GRID), {"mine": fail, "draw": "draw"}, count=50)[0]
    assert "no such network" in row.error
    assert row.quantities == []


def test_progress_of_a_run(prior, process):
    seen = []
    gd.sample(
        prior, process, GRID, gd.Ddim(), count=30, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (30, 30)


def test_a_cycle_through_a_denoiser_is_collected(prior, process):
    class Model:
        def __init__(self):
            self.denoiser = gd.Denoiser(self.forward)

        def forward(self, x, level):
            return prior.denoiser(x, level)

    model = Model()
    gd.sample(model.denoiser, process, GRID, gd.Ddim(start="gaussian"), dim=2, count=5)
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None


def test_a_torch_score_is_the_built_in_one(process):
    torch = pytest.importorskip("torch")
    means = torch.tensor([[0.0, 0.0], [2.0, 2.0]], dtype=torch.float64)
    variances = torch.tensor([0.5, 0.8], dtype=torch.float64)
    log_weights = torch.log(torch.tensor([0.6, 0.4], dtype=torch.float64))

    def score(x, level):
        x = torch.from_numpy(x).requires_grad_()
        v = level.alpha**2 * variances + level.sigma**2
        squares = ((x[:, None, :] - level.alpha * means) ** 2).sum(-1)
        log_pdf = torch.logsumexp(log_weights - squares / (2 * v) - torch.log(v), dim=1)
        return torch.autograd.grad(log_pdf.sum(), x)[0]

    mixture = gd.Mixture([0.6, 0.4], means, gd.Covariance.spherical(variances))
    sampler = gd.Ddim(start="gaussian")
    own = gd.sample(gd.Denoiser(score, kind="score"), process, GRID, sampler, dim=2, **EXACT)
    assert largest_difference(own, gd.sample(mixture, process, GRID, sampler, **EXACT)) < 1e-10


def test_a_jax_score_is_the_built_in_one(process):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    means, variances, weights = np.array([[0.0, 0.0], [2.0, 2.0]]), np.array([0.5, 0.8]), np.array([0.6, 0.4])

    def log_pdf(x, alpha, sigma):
        v = alpha**2 * variances + sigma**2
        squares = ((x - alpha * means) ** 2).sum(-1)
        return jax.scipy.special.logsumexp(-squares / (2 * v) - jax.numpy.log(v), b=weights)

    score = jax.jit(jax.vmap(jax.grad(log_pdf), (0, None, None)))
    own = gd.Denoiser(lambda x, level: score(x, level.alpha, level.sigma), kind="score", id="jax score")
    mixture = gd.Mixture(
        jax.numpy.asarray(weights), means, gd.Covariance.spherical(jax.numpy.asarray(variances))
    )
    sampler = gd.Ddim(start="gaussian")
    a = gd.sample(own, process, GRID, sampler, dim=2, **EXACT)
    assert largest_difference(a, gd.sample(mixture, process, GRID, sampler, **EXACT)) < 1e-10
    assert np.array_equal(jax.numpy.from_dlpack(a), a)
