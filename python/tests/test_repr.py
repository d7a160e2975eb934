"""How objects show themselves in notebooks, and the pictures of the library."""

import xml.etree.ElementTree as ElementTree

import gmdiff as gd
import numpy as np
import pytest

GRID = gd.UniformGrid(20)


def drawn(svg):
    """The elements of a picture, by their kind; an error if it is not well-formed."""
    kinds = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()]
    return {kind: kinds.count(kind) for kind in set(kinds)}


def title(svg):
    return ElementTree.fromstring(svg).findtext("{*}title")


CLASSES = {name: one for name, one in vars(gd).items() if isinstance(one, type)}


@pytest.mark.parametrize("shown", CLASSES.values(), ids=CLASSES)
def test_every_class_says_what_it_is(shown):
    assert shown.__repr__ is not object.__repr__


def test_results_show_numbers_and_shapes():
    normal, cells = gd.Mixture([1.0], [[0.0]], gd.Covariance.spherical([1.0])), gd.CellGrid([-4], [4], [8])
    moments = gd.grid_moments(gd.cell_masses(normal, cells), cells)
    assert repr(moments) == "<GridMoments: mass 1, mean (1,), covariance (1, 1)>"
    flow = gd.probability_flow(normal, gd.Ou(), np.zeros((3, 1)), 0.5)
    assert repr(flow) == "<ProbabilityFlow: velocity (3, 1), divergence (3,)>"
    assert repr(gd.TargetLaw(gd.Banana())) == "<TargetLaw of banana in dimension 2>"
    assert repr(gd.ImplicitEuler(gd.FokkerPlanck.langevin(normal, cells), 0.1)).startswith("<ImplicitEuler")
    observation = gd.NonlinearObservation(gd.ElementwiseMap("tanh", [[1.0]]), [0.3], 0.2)
    observed = gd.ObservedMixture(normal, observation)
    assert repr(observed) == f"<ObservedMixture: {normal!r}, {observation!r}>"


@pytest.fixture
def samples(prior, process, observation):
    return gd.sample(prior, process, GRID, gd.Ddim(), observation=observation, count=50, seed=7)


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda prior, observation: prior, "Density of the mixture"),
        (lambda prior, observation: prior.marginal([1]), "Density of the mixture"),
        (lambda prior, observation: gd.posterior(prior, observation), "Density of the posterior"),
        (lambda prior, observation: gd.Problem(prior, observation=observation), "Density of the posterior"),
        (lambda prior, observation: gd.Problem(prior), "Density of the prior"),
    ],
)
def test_laws_show_their_density(prior, observation, make, shown):
    svg = make(prior, observation)._repr_svg_()
    assert title(svg) == shown
    assert drawn(svg)["path"] >= 1


def test_a_law_that_is_too_large_shows_its_text():
    large = gd.Mixture(np.ones(3000), np.zeros((3000, 1)), gd.Covariance.spherical(np.ones(3000)))
    assert large._repr_svg_() is None
    assert gd.density_picture(large).width == 560


def test_samples_show_themselves_over_their_law(samples, prior):
    svg = samples._repr_svg_()
    assert title(svg) == "50 samples"
    assert "samples and the posterior" in svg
    assert svg != gd.samples_picture(samples.numpy(), prior).svg


def test_samples_of_the_same_law_have_the_same_picture(samples, prior, observation):
    given = gd.samples_picture(samples.numpy(), prior, observation=observation)
    assert given.svg == samples._repr_svg_()


def test_exact_draws_at_a_level_show_the_law_there(prior):
    level = gd.Level(0.5, 2.0)
    draws = gd.draw(prior, level, count=20, seed=1)
    assert draws._repr_svg_() == gd.samples_picture(draws.numpy(), prior.diffuse(level)).svg


def test_paths_show_themselves(prior, process):
    paths = gd.sample(prior.marginal([0]), process, GRID, gd.Ddim(), count=5, seed=1, history=4)
    assert title(paths._repr_svg_()) == "5 paths"
    assert paths._repr_svg_() == gd.paths_picture(paths).svg
    assert title(gd.forward(prior, process, GRID, count=5)._repr_svg_()) == "5 paths"


def test_other_results(prior, process, observation):
    particles = gd.sample(prior, process, GRID, "mcgdiff:particles=10", observation=observation, count=5)
    assert "samples and the posterior" in particles._repr_svg_()
    chains = gd.sample(gd.Banana(), sampler=gd.Mala(step=0.5, steps=20), count=5)
    assert "samples and the target" in chains._repr_svg_()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda prior, process: gd.draw([prior, prior], count=3), id="several problems"),
        pytest.param(
            lambda prior, process: gd.sample(
                gd.Denoiser(prior.denoiser), process, GRID, gd.Ddim(start="gaussian"), dim=2, count=3
            ),
            id="a denoiser without a law",
            marks=pytest.mark.filterwarnings("ignore::gmdiff.RunWarning"),
        ),
        pytest.param(
            lambda prior, process: gd.sample(gd.Funnel(), sampler=gd.Mala(step=0.1, steps=5), count=3),
            id="a target whose marginals are not known",
        ),
    ],
)
def test_results_without_a_picture_show_their_text(prior, process, make):
    assert make(prior, process)._repr_svg_() is None


def test_pictures_of_the_library(prior, process, tmp_path):
    density = gd.density_picture(prior, process, times=[0.0, 0.5, 1.0], width=800)
    assert density.title == "Density of the mixture as noise is added"
    assert (density.width, drawn(density.svg)["title"]) == (800, 1)
    assert title(gd.density_picture(prior, process)._repr_svg_()) == density.title
    assert gd.field_picture(prior, process, time=0.3).title == "Probability flow at t = 0.3"
    assert gd.density_picture(prior, coordinates=[1]).svg != gd.density_picture(prior, coordinates=[0]).svg
    density.save(tmp_path / "density.svg")
    assert ElementTree.parse(tmp_path / "density.svg").getroot().get("width") == "800"
    with pytest.raises(FileExistsError):
        density.save(tmp_path / "density.svg")
    density.save(tmp_path / "density.svg", overwrite=True)


def test_a_picture_says_what_it_leaves_out(prior):
    notes = gd.samples_picture(gd.draw(prior, count=5000, seed=1)).notes
    assert notes[0] == "Dots: 2,000 of 5,000 points, evenly spaced."


def test_a_comparison_is_a_table_and_a_picture(prior, process, observation, tmp_path):
    problem = gd.Problem(prior, process, GRID, observation)
    results = tmp_path / "runs.jsonl"
    table = gd.compare(problem, {"<TMP>": gd.Tmp(), "exact": "draw"}, count=50, results=results)
    shown = ElementTree.fromstring(table._repr_html_())
    assert [row[0].text for row in shown.iter("tr")] == ["sampler", "<TMP>", "exact"]
    assert "TMP" in gd.comparison_picture(results, quantity="sw_1").svg
    assert gd.comparison_picture(results, cost="seconds").svg != gd.comparison_picture(results).svg


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, law, p: gd.samples_picture(x), TypeError, "samples_picture: the argument law is missing"),
        (
            lambda x, law, p: gd.samples_picture(x, 3),
            TypeError,
            "samples_picture: law: expected a Mixture, a problem",
        ),
        (
            lambda x, law, p: gd.samples_picture([[1.0]], law),
            ValueError,
            "x: its points have dimension 1, those of the law 2",
        ),
        (
            lambda x, law, p: gd.samples_picture(np.zeros((0, 2)), law),
            ValueError,
            "x: expected points, given none",
        ),
        (
            lambda x, law, p: gd.samples_picture(x, law, coordinates=[7]),
            ValueError,
            "coordinate 7: the law has",
        ),
        (
            lambda x, law, p: gd.samples_picture(x, law, width=10),
            ValueError,
            "width of a picture is 240 to 4000 pixels",
        ),
        (
            lambda x, law, p: gd.samples_picture(x, gd.Banana(), level=(1, 1)),
            ValueError,
            "level has no meaning",
        ),
        (
            lambda x, law, p: gd.samples_picture(x, gd.Banana(), coordinates=[0]),
            ValueError,
            "shows all coordinates",
        ),
        (lambda x, law, p: gd.samples_picture(x, [law, law]), ValueError, "a picture shows one law, given 2"),
        (
            lambda x, law, p: gd.density_picture(gd.Banana()),
            ValueError,
            "the target is no mixture; samples_picture shows",
        ),
        (
            lambda x, law, p: gd.density_picture(law, p, times=[0.1] * 8),
            ValueError,
            "times: expected 1 to 7 times, given 8",
        ),
        (
            lambda x, law, p: gd.density_picture(law, times=[0.1]),
            TypeError,
            "the argument process is missing",
        ),
        (lambda x, law, p: gd.density_picture(law, p, tims=[0.1]), TypeError, "tims"),
        (
            lambda x, law, p: gd.paths_picture(x, law, p),
            ValueError,
            r"expected paths of shape \(n, M, d\), given shape \(1, 2\)",
        ),
        (lambda x, law, p: gd.paths_picture([x, x], law, p), TypeError, "the argument times is missing"),
        (
            lambda x, law, p: gd.paths_picture([x, x], law, p, [0.1, 0.2]),
            ValueError,
            "times: expected 1 of them, one for each level of x, given 2",
        ),
        (
            lambda x, law, p: gd.paths_picture([x, x], law, p, [0.1]),
            ValueError,
            "two levels with finite times",
        ),
        (
            lambda x, law, p: gd.field_picture(law.marginal([0]), p),
            ValueError,
            "a field needs two coordinates",
        ),
        (lambda x, law, p: gd.comparison_picture("missing.jsonl"), ValueError, "missing.jsonl"),
    ],
)
def test_wrong_calls(prior, process, call, error, message):
    with pytest.raises(error, match=message):
        call([[1.0, 2.0]], prior, process)
