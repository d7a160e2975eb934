"""Fokker-Planck equations on a grid."""

import json
import pathlib

import gmdiff as gd
import numpy as np
import pytest
from command_line import archive, assert_same_bytes

GOLDEN = pathlib.Path(__file__).parents[2] / "tests" / "golden" / "fokker_planck.json"
CASES = (
    {case["name"]: case for case in json.loads(GOLDEN.read_text(encoding="utf-8"))["cases"]}
    if GOLDEN.exists()
    else {}
)
SIN = gd.SinGaussian()
START = gd.Mixture([1.0, 2.0], [[-4.0], [4.0]], gd.Covariance.spherical([0.04, 0.04]))
TWO_D = gd.Mixture([0.5, 0.5], [[0.0, 1.5], [1.25, -1.0]], gd.Covariance.full([[[0.5, 0.1], [0.1, 0.4]]] * 2))
NAMES = ["times", "density", "mass", "mean", "covariance", "entropy", "kl", "fisher"]


@pytest.fixture
def golden():
    if not CASES:
        pytest.skip("needs the golden values of the repository")
    return CASES


def close(found, expected):
    return np.abs(found - np.asarray(expected)).max() <= 1e-12 * np.abs(expected).max()


def matrix(equation):
    values, rows, columns = equation.generator()
    Q = np.zeros((equation.grid.size,) * 2)
    Q[rows, columns] = values
    return Q


def test_golden_values_in_one_dimension(golden):
    case = golden["fp_small_1d"]
    grid = gd.CellGrid(case["lower"], case["upper"], case["cells"])
    equation = gd.FokkerPlanck.langevin(SIN, grid)
    P = np.array(case["start"])
    assert close(grid.centres()[:, 0], case["centres"])
    assert close(matrix(equation), case["generator"])
    assert close(equation.stationary(), case["stationary"])
    assert close(equation.advance(P, case["tau"]), case["exponential"])
    assert close(equation.advance_implicit(P, case["tau"]), case["implicit"])
    assert close(gd.ImplicitEuler(equation, case["tau"]).step(P), case["implicit"])
    assert close(equation.relative_entropy(P), case["start_kl"])
    assert close(equation.fisher_information(P), case["start_fisher"])
    assert close(equation.expectation(grid.centres()[:, 0], case["tau"]), case["adjoint_of_x"])


def test_golden_values_of_other_equations(golden):
    case = golden["fp_geometric"]
    grid = gd.CellGrid(case["lower"], case["upper"], case["cells"])
    texts = gd.FokkerPlanck.from_sde("a*x", grid, ["b*x"], parameters={"a": case["a"], "b": case["b"]})
    fields = [gd.CustomField(lambda t, x, c=case[key]: c * x, 1) for key in ("a", "b")]
    functions = gd.FokkerPlanck.from_sde(fields[0], grid, fields[1])
    slope = gd.FokkerPlanck.from_sde(
        "a*x", grid, ["b*x"], diffusion_slope="b^2*x", parameters={"a": case["a"], "b": case["b"]}
    )
    for equation in (texts, functions, slope):
        assert close(matrix(equation), case["generator"])
    case = golden["fp_periodic"]
    grid = gd.CellGrid(0.0, 2 * np.pi, case["cells"])
    periodic = gd.FokkerPlanck.from_sde(
        "sin(x) + 0.5", grid, np.sqrt(2 * case["diffusion"]), boundary="periodic"
    )
    assert close(matrix(periodic), case["generator"])
    case = golden["fp_absorbing"]
    grid = gd.CellGrid(case["lower"], case["upper"], case["cells"])
    absorbing = gd.FokkerPlanck.langevin(SIN, grid, boundary="absorbing")
    assert close(matrix(absorbing), case["generator"])
    assert absorbing.boundary == "absorbing"
    assert absorbing.rates["loss"].sum() > 0


def test_reversed_in_time_by_magnus_steps(golden):
    case = golden["fp_reverse_magnus"]
    law = gd.Mixture(
        case["prior"]["weights"],
        np.array(case["prior"]["means"])[:, None],
        gd.Covariance.spherical(np.array(case["prior"]["std"]) ** 2),
    )
    grid = gd.CellGrid(case["lower"], case["upper"], case["cells"])

    def level(t):
        return (np.exp(-t / 2), np.sqrt(-np.expm1(-t)))

    def equation(u):
        at = level(1.0 - u)
        # The drift x/2 + score of the reversed process is (1/2) grad l.
        return gd.FokkerPlanck.from_log_density(
            lambda x: (x * x).sum(1) / 2 + 2 * law.log_pdf(x, at), grid, 0.5
        )

    P = gd.density_masses(law, grid, level(1.0))
    for step, state in enumerate(case["states"]):
        P = P if step == 0 else gd.advance_magnus(equation, P, (step - 1) * case["du"], case["du"], 1)
        assert close(P, state)


def test_an_equation_backwards_undoes_a_step():
    grid = gd.CellGrid(-4.0, 4.0, 60)
    equation = gd.FokkerPlanck.langevin(SIN, grid)
    P = equation.stationary()
    # The stationary chain is reversible, so backwards it is the same chain.
    assert np.allclose(matrix(equation.reversed(P)), matrix(equation), rtol=1e-10, atol=1e-10)


PROBLEMS = {
    "1-D": (
        gd.TargetProblem(SIN),
        ["--lower=-8", "--upper=8", "--cells", "40"],
        {"lower": -8, "upper": 8, "cells": 40},
    ),
    "2-D": (gd.Problem(TWO_D), ["--cells", "12,15", "--speed", "2"], {"cells": (12, 15), "speed": 2.0}),
    "absorbing": (
        gd.Problem(TWO_D),
        ["--cells", "12,15", "--boundary", "absorbing"],
        {"cells": [12, 15], "boundary": "absorbing"},
    ),
    "nonlinear": (gd.ready_made_problem("course-range"), ["--cells", "12,12"], {"cells": [12, 12]}),
    "prior": (
        gd.ready_made_problem("course-range"),
        ["--cells", "12,12", "--prior"],
        {"cells": [12, 12], "prior": True},
    ),
}


@pytest.mark.filterwarnings("ignore::gmdiff.RunWarning")
@pytest.mark.parametrize("name", PROBLEMS)
def test_densities_are_those_of_the_command(command, tmp_path, name):
    problem, flags, options = PROBLEMS[name]
    arrays, printed = archive(command, tmp_path, "fokker-planck", problem, "--times", "0,0.5,2", *flags)
    found = gd.fokker_planck(problem, times=[0, 0.5, 2], **options)
    for key in NAMES:
        if key in arrays:
            assert_same_bytes(getattr(found, key), arrays[key])
        else:
            assert getattr(found, key) is None
    for axis in range(found.grid.dim):
        assert_same_bytes(found.grid.axis_centres(axis), arrays[f"centres_{axis + 1}"])
    assert found.gap == printed["gap"]
    assert found.warnings == printed["warnings"]
    assert np.array_equal(found.edge_mass, [row["edge_mass"] for row in printed["rows"]])


def test_the_relative_entropy_falls_at_the_rate_of_the_gap():
    found = gd.fokker_planck(SIN, START, [0, 1, 2, 5, 10, 12], lower=-8, upper=8, cells=200)
    assert np.all(np.diff(found.kl) < 0)
    # Once the slowest mode is left, log KL falls by 2 gap in a unit of time.
    assert np.isclose(np.log(found.kl[4] / found.kl[5]) / 2, 2 * found.gap, rtol=0.02)
    assert np.allclose(found.mass, 1.0, atol=1e-13)
    with pytest.warns(gd.RunWarning, match="larger box"):
        gd.fokker_planck(SIN, START, [0], lower=-4, upper=4, cells=20)


def test_a_log_density_of_python():
    target, grid = gd.Target(SIN), gd.CellGrid(-4.0, 4.0, 30)
    by_target = matrix(gd.FokkerPlanck.langevin(target, grid))
    assert np.array_equal(matrix(gd.FokkerPlanck.from_log_density(target.log_density, grid, 0.5)), by_target)
    values = target.log_density(grid.centres())
    assert np.array_equal(matrix(gd.FokkerPlanck.from_log_density(values, grid, 0.5)), by_target)
    error = LookupError("no density")

    def fail(x):
        raise error

    with pytest.raises(LookupError) as raised:
        gd.FokkerPlanck.from_log_density(fail, grid, 0.5)
    assert raised.value is error


def interrupt(*arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "call",
    [
        lambda: gd.FokkerPlanck.from_log_density(interrupt, GRID, 0.5),
        lambda: gd.FokkerPlanck.from_sde(gd.CustomField(interrupt, 1), GRID),
        lambda: gd.advance_magnus(interrupt, EQUATION.stationary(), 0.0, 1.0, 3),
    ],
)
def test_an_interrupt_in_a_function_ends_the_call(call):
    with pytest.raises(KeyboardInterrupt):
        call()


def test_masses_and_moments():
    grid = gd.CellGrid([-6.0, -6.0], [6.0, 6.0], [90, 60])
    P = gd.cell_masses(gd.Mixture([1.0], [[0.5, -0.5]], gd.Covariance.spherical([1.0])), grid)
    moments = gd.grid_moments(P.reshape(90, 60), grid)
    # The cells add width^2 / 12 to a variance (Sheppard's correction).
    assert np.allclose(moments.mean, [0.5, -0.5], atol=1e-5)
    assert np.allclose(
        np.diag(moments.covariance), 1.0 + np.array([grid.width(0), grid.width(1)]) ** 2 / 12, atol=1e-4
    )
    assert np.isclose(gd.entropy(P, grid), np.log(2 * np.pi * np.e), rtol=1e-2)
    assert gd.edge_mass(P, grid) < 1e-6
    assert gd.relative_entropy(P, P) == 0.0
    assert np.isclose(gd.density_masses(np.log(P)).sum(), 1.0)
    assert (grid.dim, grid.size, grid.cells) == (2, 5400, (90, 60))


def test_decay_rates_and_other_results():
    grid = gd.CellGrid(-7.0, 7.0, 200)
    equation = gd.FokkerPlanck.langevin(gd.ExpressionTarget("-x^2/2"), grid)
    # Langevin with speed 1 on N(0, 1): the rates k/2; the cells change them by order width^2.
    assert np.allclose(equation.decay_rates(2), [0.5, 1.0], rtol=2e-3)
    assert equation.spectral_gap() == equation.decay_rates(1)[0]
    P = gd.cell_masses(gd.Mixture([1.0], [[1.0]], gd.Covariance.spherical([0.3])), grid)
    assert abs(equation.rate_of_change(P).sum()) < 1e-12
    assert len(equation.rates["up"]) == 1
    assert equation.max_rate > 0


GRID = gd.CellGrid(-3.0, 3.0, 10)
EQUATION = gd.FokkerPlanck.langevin(SIN, GRID)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gd.CellGrid(1.0, 0.0, 10), ValueError, "lower"),
        (lambda: gd.CellGrid(0.0, 1.0, 1), ValueError, "CellGrid: cells"),
        (lambda: gd.CellGrid(0.0, 1.0, "ten"), TypeError, "CellGrid: cells"),
        (lambda: gd.CellGrid("a", 1.0, 10), TypeError, "CellGrid: lower"),
        (lambda: GRID.width(1), ValueError, "CellGrid.width: axis"),
        (lambda: gd.cell_masses(SIN, GRID), TypeError, "cell_masses: law"),
        (lambda: gd.cell_masses(START, 10), TypeError, "cell_masses: grid"),
        (lambda: gd.density_masses([0.0, 1.0], GRID), ValueError, "density_masses"),
        (lambda: gd.density_masses(START), TypeError, "density_masses: grid"),
        (lambda: gd.FokkerPlanck.langevin(3, GRID), TypeError, "langevin: law"),
        (lambda: gd.FokkerPlanck.langevin(SIN, GRID, 0.0), ValueError, "speed"),
        (lambda: gd.FokkerPlanck.langevin(SIN, GRID, boundary="open"), ValueError, "langevin: boundary"),
        (lambda: gd.FokkerPlanck.langevin(gd.Banana(), GRID), ValueError, "dimension"),
        (
            lambda: gd.FokkerPlanck.from_log_density(lambda x: x[:3, 0], GRID, 0.5),
            ValueError,
            "the result has 3 numbers, expected 10",
        ),
        (
            lambda: gd.FokkerPlanck.from_log_density(lambda x: "a", GRID, 0.5),
            TypeError,
            "from_log_density: log_density: the result",
        ),
        (lambda: gd.FokkerPlanck.from_log_density(np.zeros(10), GRID, -1.0), ValueError, "diffusion"),
        (lambda: gd.FokkerPlanck.from_sde("x +", GRID), ValueError, "column 4"),
        (
            lambda: gd.FokkerPlanck.from_sde(["x1", "x2"], GRID),
            ValueError,
            "from_sde: drift has dimension 2, the grid 1",
        ),
        (lambda: gd.FokkerPlanck.from_sde("-x", GRID, t="a"), TypeError, "from_sde: t"),
        (lambda: gd.FokkerPlanck.from_sde("1/(x - x)", GRID), ValueError, "drift"),
        (lambda: EQUATION.advance(np.ones(9), 1.0), ValueError, "9"),
        (lambda: EQUATION.advance(np.ones(10), -1.0), ValueError, "tau"),
        (lambda: EQUATION.advance_implicit(np.ones(10), 1.0, 0), ValueError, "advance_implicit: steps"),
        (lambda: EQUATION.decay_rates(0), ValueError, "decay_rates: count"),
        (
            lambda: gd.advance_magnus(lambda t: 3, np.ones(10), 0.0, 1.0, 2),
            TypeError,
            "advance_magnus: equation: the result",
        ),
        (
            lambda: gd.advance_magnus(EQUATION, np.ones(10), 0.0, 1.0, 2),
            TypeError,
            "advance_magnus: equation",
        ),
        (lambda: gd.fokker_planck(SIN, times=[1.0, 0.5]), ValueError, "times must ascend"),
        (lambda: gd.fokker_planck(SIN, prior=True), ValueError, "fokker_planck: prior"),
        (lambda: gd.fokker_planck(SIN, lower=-1.0), ValueError, "lower and upper"),
        (lambda: gd.fokker_planck(gd.Funnel(dim=3)), ValueError, "dimension"),
        (lambda: gd.fokker_planck(gd.DynamicsProblem(gd.Dynamics("-x"))), ValueError, "fokker_planck: law"),
        (lambda: gd.fokker_planck(SIN, SIN), TypeError, "fokker_planck: start"),
    ],
)
def test_bad_equations(call, error, message):
    with pytest.raises(error, match=message):
        call()
