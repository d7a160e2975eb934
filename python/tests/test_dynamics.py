"""SDEs and ODEs: texts, functions of Python, exact transitions, generators, the probability flow."""

import gmdiff as gd
import numpy as np
import pytest
from command_line import archive, assert_same_bytes

EXACT = {"count": 200, "seed": 4, "precision": "f64"}
READY_MADE = {
    "brownian": gd.brownian(2, 0.5),
    "ornstein-uhlenbeck": gd.ornstein_uhlenbeck(2.0),
    "geometric": gd.geometric_brownian(0.5, 0.3),
    "sine": gd.sine_dynamics(),
}


@pytest.mark.parametrize("name", READY_MADE)
def test_ready_made_dynamics_are_read_back(name):
    dynamics = READY_MADE[name]
    again = gd.parse_problem(gd.DynamicsProblem(dynamics).to_json()).dynamics
    for key in ("drift", "parameters", "t_start", "t_end", "steps", "scheme", "path_steps"):
        assert getattr(again, key) == getattr(dynamics, key)
    assert np.array_equal(again.noise, dynamics.noise)
    assert np.array_equal(again.start, dynamics.start)


def test_parts_of_dynamics():
    start = gd.GaussianStart(mean=[1.0], std=0.5)
    dynamics = gd.Dynamics(
        "a*x", ["b"], parameters={"a": -1.0, "b": 2.0}, start=start, steps=10, path_steps=20
    )
    assert dynamics.drift == ["a*x"]
    assert dynamics.noise == ["b"]
    assert dynamics.parameters == {"a": -1.0, "b": 2.0}
    assert (dynamics.start.mean, dynamics.start.std) == ([1.0], 0.5)
    field = gd.CustomField(lambda t, x: -x, 2, id="mine")
    dynamics = gd.Dynamics(field, [0.1, 0.2], start=[0.0, 1.0])
    assert dynamics.drift.id == "mine"
    assert np.array_equal(dynamics.noise, [0.1, 0.2])
    assert np.array_equal(dynamics.start, [0.0, 1.0])


def test_a_normal_start():
    problem = gd.DynamicsProblem(gd.Dynamics("-x", 0.3, steps=5, start=gd.GaussianStart([2.0], 0.1)))
    x = gd.forward(problem, count=500, seed=1, precision="f64").numpy()
    assert abs(x[:, 0].mean() - 2.0 * 0.8**5) < 4.5 * x.std() / np.sqrt(
        500
    )  # E x_5 = (1 - h)^5 E x_0, h = 0.2


def test_fields_of_python_as_drift_and_noise():
    drift = gd.CustomField(lambda t, x: np.sin(5 * t) - x, 2)
    noise = gd.CustomField(lambda t, x: 0.5 + 0.1 * x * x, 2)
    own = gd.Dynamics(drift, noise, steps=20, start=[0.0, 0.5])
    texts = gd.Dynamics(
        ["sin(5*t) - x1", "sin(5*t) - x2"], ["0.5 + 0.1*x1^2", "0.5 + 0.1*x2^2"], steps=20, start=[0.0, 0.5]
    )
    a, b = (gd.forward(dynamics, **EXACT).numpy() for dynamics in (own, texts))
    assert np.abs(a - b).max() < 1e-12


def test_a_function_without_a_module_has_its_name_as_id():
    namespace = {}
    exec("def drift(t, x): return -x", namespace)
    assert gd.CustomField(namespace["drift"], 1).id == "drift"
    assert gd.CustomField([].append, 1).id == "list.append"


def test_an_error_of_a_field_is_raised_unchanged():
    error = LookupError("no wind")

    def fail(t, x):
        raise error

    with pytest.raises(LookupError) as raised:
        gd.forward(gd.Dynamics(gd.CustomField(fail, 1), 1.0, steps=3), count=2)
    assert raised.value is error


def test_the_exact_transition_of_a_linear_sde():
    """The transition over t of dX = -X/(2 s^2) dt + dW: e^{-t/(2 s^2)} x and variance s^2 (1 - e^{-t/s^2})."""
    s, t = 2.0, 1.0
    step = gd.linear_transition([[-1 / (2 * s * s)]], [0.0], [[1.0]], t)
    assert np.isclose(step.F[0, 0], np.exp(-t / (2 * s * s)), rtol=1e-15)
    assert np.isclose(step.covariance()[0, 0], s * s * -np.expm1(-t / (s * s)), rtol=1e-14)
    law = step.law(gd.Mixture([1.0], [[3.0]], gd.Covariance.spherical([0.0])))
    x = gd.forward(gd.Dynamics("-x/8", 1.0, steps=4, scheme="exact", start=[3.0]), **EXACT).numpy()
    # The mean of 200 draws against that of the law, in standard errors of a normal law.
    assert abs(x.mean() - law.mean()[0]) < 4.5 * np.sqrt(law.covariance()[0, 0] / 200)
    assert abs(x.mean() - 3.0) > 4.5 * np.sqrt(law.covariance()[0, 0] / 200)


def test_paths_with_different_steps_have_one_brownian_motion():
    ends = [
        gd.forward(gd.Dynamics("0", 1.0, steps=n, path_steps=64, start=[0.0]), **EXACT).numpy()
        for n in (8, 64)
    ]
    assert np.abs(ends[0] - ends[1]).max() < 1e-12


def test_the_generator_is_that_of_the_command(command, tmp_path):
    problem = gd.DynamicsProblem(
        gd.Dynamics(["-x1 + sin(t)", "a*x2"], ["1", "x2"], parameters={"a": 0.5}, t_start=0.25)
    )
    x = np.random.default_rng(1).normal(size=(6, 2))
    np.save(tmp_path / "x.npy", x)
    arrays, _ = archive(
        command, tmp_path, "eval", problem, "--points", tmp_path / "x.npy", "--generator", "x1^2*x2 + a*x2^3"
    )
    found = gd.generator(problem, "x1^2*x2 + a*x2^3", x)
    assert_same_bytes(found, arrays["generator"])
    # L F = mu . grad F + (1/2) sum_j sigma_j^2 d^2F/dx_j^2 (docs/mathematics.md §16)
    x1, x2 = x.T
    expected = (
        (np.sin(0.25) - x1) * 2 * x1 * x2 + 0.5 * x2 * (x1**2 + 1.5 * x2**2) + x2 + 0.5 * x2**2 * 3 * x2
    )
    assert np.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
def test_the_probability_flow_is_that_of_the_command(command, tmp_path, prior, process, t):
    x = np.random.default_rng(2).normal(size=(5, 2))
    np.save(tmp_path / "x.npy", x)
    problem = gd.Problem(prior, process)
    arrays, _ = archive(
        command, tmp_path, "eval", problem, "--points", tmp_path / "x.npy", "--velocity", "--t", t
    )
    flow = gd.probability_flow(prior, process, x, t)
    assert_same_bytes(flow.velocity, arrays["velocity"])
    assert_same_bytes(flow.divergence, arrays["divergence"])


def test_vector_fields():
    x = np.array([[1.0, 2.0], [-0.5, 3.0]])
    field = gd.VectorField(["a*x1^2", "t*x2"], parameters={"a": 2.0})
    assert np.array_equal(field.value(x, 0.5), [[2.0, 1.0], [0.5, 1.5]])
    assert np.array_equal(field.diagonal_derivative().value(x, 0.5), [[4.0, 0.5], [-2.0, 0.5]])
    assert (field.dim, field.is_diagonal, field.depends_on_time) == (2, True, True)
    assert np.array_equal(gd.VectorField([3.0, 4.0]).value(x), [[3.0, 4.0], [3.0, 4.0]])
    assert np.array_equal(gd.VectorField(gd.CustomField(lambda t, x: t * x, 2)).value(x, 2.0), 2 * x)


VP = gd.Vp(gd.LinearBeta(0.02, 7.0))
NORMAL = gd.Mixture([1.0], [[0.5]], gd.Covariance.spherical([2.0]))
NAMED = {
    "langevin": gd.langevin_dynamics(gd.Banana(), 2.0, steps=20, scheme="heun", start=[0.0, 0.5]),
    "reverse": gd.reverse_dynamics(NORMAL, VP, zeta=0.5, steps=20),
    "probability-flow": gd.probability_flow_dynamics(NORMAL, VP, steps=20, scheme="rk4"),
    "naive-backward": gd.naive_backward_dynamics(NORMAL, VP, steps=20, t_end=0.5),
    "linear": gd.linear_dynamics([[-1.0]], [0.5], [[2.0]], steps=4, start=NORMAL),
}


@pytest.mark.parametrize("name", NAMED)
def test_dynamics_by_name_are_read_back(name):
    dynamics = NAMED[name]
    again = gd.parse_problem(gd.DynamicsProblem(dynamics).to_json()).dynamics
    for key in ("name", "t_start", "t_end", "steps", "scheme", "path_steps"):
        assert getattr(again, key) == getattr(dynamics, key)
    assert dynamics.name == name
    assert_same_bytes(gd.forward(again, **EXACT).numpy(), gd.forward(dynamics, **EXACT).numpy())


def test_linear_dynamics_by_name_have_the_law_of_their_transition():
    law = gd.linear_transition([[-1.0]], [0.5], [[2.0]], 1.0).law(NORMAL)
    x = gd.forward(NAMED["linear"], count=2000, seed=1, precision="f64").numpy()[:, 0]
    mean, variance = law.means[0, 0], law.component_covariance(0)[0, 0]
    # The mean of n draws is normal, and n times the mean square / variance is chi^2 with n degrees of freedom.
    assert abs(x.mean() - mean) < 4.5 * np.sqrt(variance / 2000)
    assert abs(((x - mean) ** 2).mean() / variance - 1) < 4.5 * np.sqrt(2 / 2000)


def test_moments_over_paths_are_those_of_the_paths():
    dynamics = gd.linear_dynamics([[0.0, 1.0], [-1.0, -0.5]], None, np.eye(2), steps=6)
    moments = gd.path_moments(dynamics, count=300, seed=2, precision="f64", history=3)
    samples = gd.forward(dynamics, count=300, seed=2, precision="f64", history=3)
    x = samples.numpy()
    assert np.array_equal(moments["times"], samples.times)
    assert np.allclose(moments["mean"], x.mean(axis=0), rtol=0, atol=1e-13)
    assert np.allclose(moments["variance"], x.var(axis=0, ddof=1), rtol=0, atol=1e-12)
    for level in range(3):
        assert np.allclose(moments["covariance"][level], np.cov(x[:, level].T), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="at least 2 paths"):
        gd.path_moments(dynamics, count=1)


DYNAMICS = gd.Dynamics("-x", 1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.brownian(0), ValueError, "brownian: dim"),
        (lambda: gd.brownian(1, "a"), TypeError, "brownian: std"),
        (lambda: gd.ornstein_uhlenbeck([1.0]), TypeError, "ornstein_uhlenbeck: std"),
        (lambda: gd.geometric_brownian(1.0, "b"), TypeError, "geometric_brownian: b"),
        (lambda: gd.GaussianStart(std="a"), TypeError, "GaussianStart: std"),
        (lambda: gd.forward(gd.Dynamics("-x", 1.0, start=gd.GaussianStart([0.0, 1.0]))), ValueError, "start"),
        (lambda: gd.generator(gd.Banana(), "x", [0.0]), TypeError, "generator: dynamics"),
        (lambda: gd.generator(NAMED["reverse"], "x", [0.0]), ValueError, "generator: expected drift"),
        (lambda: gd.langevin_dynamics(3), TypeError, "langevin_dynamics: law"),
        (lambda: gd.langevin_dynamics(NORMAL, stesp=3), TypeError, "stesp"),
        (lambda: gd.langevin_dynamics(NORMAL, start="law"), ValueError, "langevin_dynamics: start"),
        (lambda: gd.reverse_dynamics(NORMAL), TypeError, "reverse_dynamics: the argument process"),
        (lambda: gd.forward(gd.reverse_dynamics(NORMAL, VP, -1.0)), ValueError, "zeta"),
        (lambda: gd.generator(DYNAMICS, "x +", [0.0]), ValueError, "column 4"),
        (lambda: gd.generator(DYNAMICS, 3, [0.0]), TypeError, "generator: F"),
        (lambda: gd.generator(DYNAMICS, "x", [[0.0, 1.0]]), ValueError, "dimension"),
        (lambda: gd.linear_transition([[1.0]], [0.0], [[1.0]], -1.0), ValueError, "h"),
        (lambda: gd.linear_transition([1.0], [0.0], [[1.0]], 1.0), ValueError, "linear_transition: A"),
        (lambda: gd.VectorField(3.0), TypeError, "VectorField: field"),
        (lambda: gd.VectorField("x", parameters=[1.0]), TypeError, "VectorField: parameters"),
        (lambda: gd.VectorField(["x1", "x2 +"]), ValueError, "column 5"),
        (
            lambda: gd.probability_flow(DYNAMICS, gd.RectifiedFlow(), [0.0], 0.5),
            TypeError,
            "probability_flow: law",
        ),
        (
            lambda: gd.probability_flow(
                gd.Mixture([1.0], [[0.0]], gd.Covariance.spherical([1.0])), gd.RectifiedFlow(), [0.0], 2.0
            ),
            ValueError,
            "time|t = 2",
        ),
    ],
)
def test_bad_dynamics(call, error, message):
    with pytest.raises(error, match=message):
        call()
