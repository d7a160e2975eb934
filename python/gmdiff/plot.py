"""Pictures by matplotlib: the optional part `gmdiff[plot]`.

Every function draws into `ax`, by default the current axes, and returns it. The pictures of the library
itself, such as `gmdiff.samples_picture`, need no other package.
"""

import numpy as np

from . import _core
from ._laws import law_of_samples, mixture_of

__all__ = ["comparison", "density", "paths", "samples"]

#: Shares of the mass in the shaded regions of `density`.
MASSES = (0.99, 0.95, 0.8, 0.6, 0.4, 0.2)


def _axes(ax):
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("gmdiff.plot needs matplotlib: pip install 'gmdiff[plot]'") from error
    return plt.gca() if ax is None else ax


def _chosen(coordinates, dim):
    chosen = list(range(min(dim, 2))) if coordinates is None else list(np.atleast_1d(coordinates))
    if len(chosen) not in (1, 2):
        raise ValueError(f"coordinates: a picture shows one or two, given {len(chosen)}")
    return [int(i) for i in chosen]


def _range(law, axis):
    """Means and three standard deviations of the components, a little widened."""
    sd = np.sqrt([law.component_covariance(k)[axis, axis] for k in range(law.num_components)])
    low, high = np.min(law.means[:, axis] - 3 * sd), np.max(law.means[:, axis] + 3 * sd)
    margin = 0.04 * (high - low) or 1.0
    return low - margin, high + margin


def _thresholds(density):
    """Heights of the density on an even grid, ascending, above which the shares `MASSES` of its sum lie."""
    heights = np.sort(density, axis=None)[::-1]
    shares = np.cumsum(heights) / np.sum(heights)
    found = heights[[np.searchsorted(shares, mass) for mass in MASSES]]
    return np.unique(np.append(found, heights[0]))


def density(law, ax=None, *, level=None, observation=None, prior=False, coordinates=None, nodes=200, **style):
    """Draws the exact density of a mixture, of a posterior, or of the posterior of a problem.

    One coordinate gives a curve, two the smallest regions that hold 20 % to 99 % of the mass.

    Args:
        law: a Mixture, a Posterior or a problem with a prior.
        ax: axes of matplotlib, by default the current ones.
        level: a Level, or a pair (alpha, sigma); the density is that of the diffused law.
        observation: a LinearObservation; the density is that of the posterior.
        prior: shows the prior of a problem with an observation.
        coordinates: one or two in [0, d), by default the first two.
        nodes: points of the grid along an axis, at least 2.
        style: further arguments of `Axes.plot` or `Axes.contourf`.

    Raises:
        ImportError: without matplotlib.
        TypeError, ValueError: for an object without a mixture, and for coordinates that it does not have.
    """
    mixture = mixture_of(law, observation, prior, level)
    chosen = _chosen(coordinates, mixture.dim)
    shown = mixture.marginal(chosen)
    axes = [np.linspace(*_range(shown, i), nodes) for i in range(len(chosen))]
    ax = _axes(ax)
    if len(chosen) == 1:
        ax.plot(axes[0], shown.pdf(axes[0]), **{"color": "C1"} | style)
        ax.set_ylabel("density")
    else:
        values = shown.pdf(np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)).reshape(nodes, nodes)
        ax.contourf(*axes, values, _thresholds(values), **{"cmap": "Blues"} | style)
        ax.set_ylabel(f"coordinate {chosen[1]}")
    ax.set_xlabel(f"coordinate {chosen[0]}")
    return ax


def samples(x, law=None, ax=None, *, coordinates=None, most=2000, **style):
    """Draws points over the exact density of their law.

    One coordinate gives a histogram, two give dots.

    Args:
        x: points (n, d); those of results with kept levels (n, M, d) are the last level.
        law: as for `density`; results of `sample` and `draw` know theirs. Without one the points stand alone.
        ax: axes of matplotlib, by default the current ones.
        coordinates: one or two in [0, d), by default the first two.
        most: draws at most so many dots, evenly spaced in x.
        style: further arguments of `Axes.hist` or `Axes.plot`.

    Raises:
        ImportError: without matplotlib.
        ValueError: for x of another shape.
    """
    mixture = law_of_samples(x) if law is None else mixture_of(law)
    points = np.asarray(x, dtype=np.float64)
    if points.ndim == 1:
        points = points[:, None]
    if points.ndim == 3 and isinstance(x, _core.Samples) and len(x.times):
        points = points[:, -1]
    if points.ndim != 2 or len(points) == 0:
        raise ValueError(f"x: expected points of shape (n, d), given shape {np.shape(x)}")
    chosen = _chosen(coordinates, points.shape[1])
    ax = _axes(ax)
    if mixture is not None:
        density(mixture, ax, coordinates=chosen)
    if len(chosen) == 1:
        ax.hist(points[:, chosen[0]], **{"bins": 50, "density": True, "alpha": 0.5, "color": "C0"} | style)
        return ax
    dots = points[:: -(-len(points) // most)][:, chosen]
    ax.plot(*dots.T, **{"marker": ".", "linestyle": "", "markersize": 3, "color": "C3"} | style)
    return ax


def paths(x, ax=None, *, coordinates=None, times=None, most=40, **style):
    """Draws paths through the kept levels of a run: values over time, or paths in the plane.

    Args:
        x: paths (n, M, d), such as a result of `sample` with `history` or of `forward`.
        ax: axes of matplotlib, by default the current ones.
        coordinates: one in [0, d), shown over time, or two; by default the first two.
        times: times (M); results of runs know theirs.
        most: draws at most so many paths, evenly spaced in x.
        style: further arguments of `Axes.plot`.

    Raises:
        ImportError: without matplotlib.
        ValueError: for x of another shape, and for one coordinate without times.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 3 or len(values) == 0:
        raise ValueError(f"x: expected paths of shape (n, M, d), given shape {values.shape}")
    chosen = _chosen(coordinates, values.shape[2])
    times = getattr(x, "times", None) if times is None else np.asarray(times)
    if len(chosen) == 1 and (times is None or len(times) != values.shape[1]):
        raise ValueError(f"times: expected the {values.shape[1]} times of the levels of x")
    ax = _axes(ax)
    style = {"linewidth": 0.7, "alpha": 0.7} | style
    for path in values[:: -(-len(values) // most)]:
        ax.plot(*([times, path[:, chosen[0]]] if len(chosen) == 1 else path[:, chosen].T), **style)
    ax.set_xlabel("time" if len(chosen) == 1 else f"coordinate {chosen[0]}")
    ax.set_ylabel(f"coordinate {chosen[-1]}")
    return ax


def comparison(rows, quantity=None, ax=None, *, cost="evaluations", **style):
    """Draws what each sampler of a comparison reaches for what it costs, and the floor of exact draws.

    Args:
        rows: a result of `compare`.
        quantity: one of the distances of the rows, by default the first, such as "sw_1".
        ax: axes of matplotlib, by default the current ones.
        cost: "evaluations" of the denoiser per sample, or "seconds" of the sampler's runs.
        style: further arguments of `Axes.errorbar`.

    Raises:
        ImportError: without matplotlib.
        ValueError: for another cost, for a quantity that no row has, and when no row has a cost.
    """
    if cost not in ("evaluations", "seconds"):
        raise ValueError(f"cost: expected evaluations or seconds, given {cost!r}")
    names = [figures.quantity for row in rows for figures in row.quantities]
    quantity = names[0] if quantity is None and names else quantity
    if quantity not in names:
        raise ValueError(f"quantity: expected one of {sorted(set(names))}, given {quantity!r}")
    found = [(row, f) for row in rows for f in row.quantities if f.quantity == quantity]
    shown = [(row, f, getattr(row, cost)) for row, f in found if getattr(row, cost) is not None]
    if not shown:
        raise ValueError(f"cost: no row has {cost}; give the other one")
    ax = _axes(ax)
    for row, figures, spent in shown:
        ax.errorbar(spent, figures.value, figures.standard_error, label=row.sampler, **{"fmt": "o"} | style)
    ax.axhline(
        np.mean([figures.floor for _, figures in found]), color="grey", linestyle="--", label="exact draws"
    )
    ax.set(xscale="log", yscale="log", ylabel=quantity)
    ax.set_xlabel("denoiser evaluations per sample" if cost == "evaluations" else "seconds")
    ax.legend(fontsize="small")
    return ax
