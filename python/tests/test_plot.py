"""Pictures by matplotlib."""

import subprocess
import sys

import gmdiff as gd
import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def ax():
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_a_density_in_one_dimension_is_the_exact_curve(ax, prior):
    law = prior.marginal([1])
    assert gd.plot.density(law, ax, nodes=50) is ax
    x, y = ax.lines[0].get_data()
    assert np.array_equal(y, law.pdf(x))
    assert len(x) == 50


def test_regions_hold_their_shares_of_the_mass(ax, prior):
    gd.plot.density(prior, ax)
    draws = gd.draw(prior, count=20_000, seed=1, precision="f64").numpy()
    heights, levels = prior.pdf(draws), ax.collections[0].levels
    shares = [np.mean(heights >= level) for level in levels[:-1]]
    # Shares of 20,000 draws have standard deviations of at most 0.0036; the grid adds less than 0.004.
    assert np.allclose(shares, [0.99, 0.95, 0.8, 0.6, 0.4, 0.2], atol=4 * 0.0036 + 0.004)


def test_a_posterior_and_a_level(ax, prior, observation):
    posterior = gd.posterior(prior, observation)
    for law in (posterior, gd.Problem(prior, observation=observation)):
        gd.plot.density(law, ax, coordinates=0)
    gd.plot.density(prior, ax, coordinates=0, observation=observation)
    gd.plot.density(prior, ax, coordinates=0, level=(0.5, 1.0))
    curves = [line.get_ydata() for line in ax.lines]
    assert np.array_equal(curves[0], curves[1]) and np.array_equal(curves[0], curves[2])
    assert curves[3].max() < curves[0].max()


def test_samples_know_their_law(ax, prior, process):
    x = gd.sample(prior, process, gd.UniformGrid(5), gd.Ddim(), count=5000, seed=1)
    gd.plot.samples(x, ax=ax, most=100)
    assert len(ax.lines[0].get_xdata()) == 100
    assert len(ax.collections) == 1
    gd.plot.samples(x.numpy(), ax=ax)
    assert len(ax.collections) == 1


def test_a_histogram_is_a_density(ax, prior):
    gd.plot.samples(gd.draw(prior, count=500), ax=ax, coordinates=1, bins=20)
    assert sum(bar.get_width() * bar.get_height() for bar in ax.patches) == pytest.approx(1.0)
    assert len(ax.lines) == 1


def test_the_last_level_of_paths(ax, prior, process):
    x = gd.sample(prior, process, gd.UniformGrid(5), gd.Ddim(), count=10, history=3)
    gd.plot.samples(x, ax=ax)
    assert np.allclose(np.transpose(ax.lines[0].get_data()), x.numpy()[:, -1])


def test_paths(ax, prior, process):
    x = gd.sample(prior, process, gd.UniformGrid(5), gd.Ddim(), count=100, history=3)
    gd.plot.paths(x, ax, coordinates=1, most=10)
    assert len(ax.lines) == 10
    assert np.array_equal(ax.lines[0].get_xdata(), x.times)
    gd.plot.paths(x.numpy(), ax)
    assert len(ax.lines) == 10 + 34  # every third of 100


def test_a_comparison(ax, prior, observation, process):
    problem = gd.Problem(prior, process, gd.UniformGrid(10), observation)
    rows = gd.compare(problem, {"TMP": gd.Tmp(), "DPS": gd.Dps()}, count=50, runs=2)
    gd.plot.comparison(rows, ax=ax)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"TMP", "DPS", "exact draws"}
    assert {float(bars.lines[0].get_xdata()[0]) for bars in ax.containers} == {
        row.evaluations for row in rows
    }


def test_current_axes(prior):
    import matplotlib.pyplot as plt

    figure = plt.figure()
    assert gd.plot.density(prior) is figure.axes[0]
    plt.close(figure)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda law: gd.plot.density(gd.Banana()),
            TypeError,
            "law: expected a Mixture, a Posterior or a problem",
        ),
        (lambda law: gd.plot.density(law, coordinates=[0, 1, 0]), ValueError, "one or two, given 3"),
        (lambda law: gd.plot.samples(np.zeros((0, 2))), ValueError, r"expected points of shape \(n, d\)"),
        (lambda law: gd.plot.paths(np.zeros((2, 2))), ValueError, r"expected paths of shape \(n, M, d\)"),
        (lambda law: gd.plot.paths(np.zeros((2, 3, 1))), ValueError, "times: expected the 3 times"),
        (
            lambda law: gd.plot.comparison([], cost="money"),
            ValueError,
            "cost: expected evaluations or seconds",
        ),
        (lambda law: gd.plot.comparison([]), ValueError, "quantity: expected one of"),
    ],
)
def test_wrong_calls(prior, call, error, message):
    with pytest.raises(error, match=message):
        call(prior)


def test_without_matplotlib():
    program = """
import sys
sys.modules["matplotlib"] = None
import gmdiff as gd
law = gd.Mixture([1.0], [[0.0]], gd.Covariance.spherical([1.0]))
law._repr_svg_()
try:
    gd.plot.density(law)
except ImportError as error:
    print(error)
"""
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed == "gmdiff.plot needs matplotlib: pip install 'gmdiff[plot]'\n"
