"""The example notebooks and scripts, and what they show."""

import importlib.util
import json
import pathlib
import runpy

import gmdiff as gd
import notebook
import pytest

FOLDER = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((FOLDER / "notebooks").glob("*.ipynb"))


def shows_itself(value):
    """Whether a notebook shows the value as a picture."""
    return hasattr(value, "_repr_svg_") and (value._repr_svg_() or "").startswith("<svg")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    values = notebook.run(path)
    assert sum(map(shows_itself, values)) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 4
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_there_are_three_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["comparing_samplers", "mixtures", "own_score_network"]


def test_an_error_names_the_notebook_and_the_cell(tmp_path):
    path = tmp_path / "wrong.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": ["(1 +\n", "x)"]}]}))
    with pytest.raises(NameError) as found:
        notebook.run(path)
    assert str(found.traceback[-1].path) == "wrong.ipynb, code cell 0"


def example(name):
    return runpy.run_path(str(FOLDER / "examples" / f"{name}.py"))


def test_the_network_of_the_notebook_knows_more_than_two_moments():
    """The trained network is near the exact law; the normal law of the same mean and covariance is not."""
    judgement = notebook.run(FOLDER / "notebooks" / "own_score_network.ipynb")[-3]
    law = gd.ready_made_problem("course-three").prior
    normal = gd.Mixture([1.0], [law.mean()], gd.Covariance.full([law.covariance()]))
    assert 2 * judgement.value < gd.judge(gd.draw(normal, count=2000, seed=1), law, seed=3)[0].value


def test_a_variant_of_dps_stands_in_the_table(capsys):
    example("own_dps")["main"]()
    rows = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert rows == ["sampler", "annealed DPS", "DPS", "TMP", "MCGdiff", "exact draws"]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs JAX")
def test_a_denoiser_of_jax_is_the_built_in_one():
    assert example("jax_denoiser")["main"]() < 1e-9


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
@pytest.mark.filterwarnings("ignore::UserWarning:torch")
def test_a_score_of_torch_is_near_the_law():
    assert example("torch_score")["main"]().value < 0.2
