"""Runs from Python have the bytes of the command's files."""

import subprocess

import gmdiff as gd
import numpy as np
import pytest

PRIOR = gd.Mixture([0.6, 0.4], [[0.0, 0.0], [2.0, 2.0]], gd.Covariance.spherical([0.5, 0.8]))
NORMAL = gd.Mixture([1.0], [[0.5, -0.5]], gd.Covariance.full([[[1.0, 0.3], [0.3, 0.6]]]))
OBSERVATION = gd.LinearObservation([[1.0, 0.0]], [1.5], 0.1)
GRID = gd.UniformGrid(8)
WITH_OBSERVATION = gd.Problem(PRIOR, gd.Vp(gd.LinearBeta(0.02, 7.0)), GRID, OBSERVATION)
SPARSE = gd.TargetProblem(
    gd.Regularised(
        gd.SparsePrior(weight=2.0),
        gd.NonlinearObservation(gd.ElementwiseMap("identity", [[1.0]]), [1.0], 0.5),
    ),
    gd.Myula(),
)
BANANA = gd.TargetProblem(gd.Banana(scale=1.0))
RANGES = gd.ready_made_problem("course-range")
DYNAMICS = gd.DynamicsProblem(gd.Dynamics("-x + sin(t)", 0.5, steps=20))


def problem_of(name):
    if name == "ou":
        return gd.Problem(NORMAL)
    if name == "myula":
        return SPARSE
    return gd.mcgdiff_problem(2, 1, points=8) if name == "mcgdiff" else WITH_OBSERVATION


def text_of(name):
    is_chain = hasattr(gd.parse_sampler(name), "thin")
    if name == "mcgdiff" or name == "bootstrap":
        return name + ":particles=16"
    return name + (":step=0.1" if name != "annealed" else "") + ":steps=12" if is_chain else name


# verb, problem, options of the command, options of Python
CASES = {
    name: ("sample", problem_of(name), ["--sampler", text_of(name)], {"sampler": text_of(name)})
    for name in gd.sampler_names()
    if name != "learned"  # test_trained_samplers_equal_the_archive
} | {
    "prior": ("sample", WITH_OBSERVATION, ["--prior"], {"prior": True}),
    "f64": ("sample", WITH_OBSERVATION, ["--precision", "f64"], {"precision": np.float64}),
    "history": ("sample", WITH_OBSERVATION, ["--history", "3"], {"history": 3}),
    "range": ("sample", WITH_OBSERVATION, ["--range", "5:12"], {"first": 5, "count": 7}),
    "reference": ("sample", WITH_OBSERVATION, ["--device", "reference"], {"device": "reference"}),
    "pilot": ("sample", BANANA, ["--sampler", "mala:steps=5"], {"sampler": gd.Mala(steps=5)}),
    "trace": (
        "sample",
        BANANA,
        ["--sampler", "hmc:step=0.2:steps=6:output=trace"],
        {"sampler": gd.Hmc(step=0.2, steps=6, output="trace")},
    ),
    "map": (
        "sample",
        RANGES,
        ["--sampler", "mala:step=0.05:steps=5"],
        {"sampler": gd.Mala(step=0.05, steps=5)},
    ),
    "map guided": ("sample", RANGES, ["--sampler", "dps"], {"sampler": gd.Dps()}),
    "forward": ("forward", WITH_OBSERVATION, ["--history", "4"], {"history": 4}),
    "dynamics": ("forward", DYNAMICS, ["--history", "5"], {"history": 5}),
    "draw": ("draw", WITH_OBSERVATION, [], {}),
    "draw of a target": ("draw", BANANA, ["--precision", "f64"], {"precision": "f64"}),
}


def run(command, tmp_path, case, name="x.npy"):
    verb, problem, flags, options = case
    file = tmp_path / "problem.json"
    gd.dump(problem, file)
    out = tmp_path / name
    size = [] if "--range" in flags else ["--count", "9"]
    arguments = [command, verb, file, "--out", out, "--seed", "3", "--quiet", *size, *flags]
    subprocess.run(arguments, check=True, capture_output=True)
    given = {"seed": 3} | ({} if "first" in options else {"count": 9}) | options
    return out, getattr(gd, verb)(gd.load_problem(file), **given)


@pytest.mark.filterwarnings("ignore::gmdiff.RunWarning")
@pytest.mark.parametrize("name", CASES)
def test_arrays_equal_files(command, tmp_path, name):
    file, samples = run(command, tmp_path, CASES[name])
    expected = np.load(file)
    assert samples.dtype == expected.dtype
    assert samples.shape == expected.shape
    assert samples.numpy().tobytes() == expected.tobytes()


@pytest.mark.filterwarnings("ignore::gmdiff.RunWarning")
def test_particles_equal_the_archive(command, tmp_path):
    text = "bootstrap:particles=16:output=particles"
    case = ("sample", WITH_OBSERVATION, ["--sampler", text], {"sampler": text})
    file, samples = run(command, tmp_path, case, "x.npz")
    archive = np.load(file)
    assert samples.numpy().tobytes() == archive["samples"].tobytes()
    assert samples.log_weights.tobytes() == archive["log_weights"].tobytes()
    assert samples.log_evidence.tobytes() == archive["log_evidence"].tobytes()


@pytest.mark.filterwarnings("ignore::gmdiff.RunWarning")
def test_trained_samplers_equal_the_archive(command, tmp_path):
    small = {"method": "dis", "components": 2, "steps": 4, "hidden": 8, "batch": 64, "iterations": 3}
    model = str(tmp_path / "model.npz")
    gd.train_sampler(gd.Banana(scale=1.0), **small).save(model)
    sampler = gd.Learned(model=model)
    case = ("sample", BANANA, ["--sampler", f"learned:model={model}"], {"sampler": sampler})
    file, samples = run(command, tmp_path, case, "x.npz")
    archive = np.load(file)
    assert samples.numpy().tobytes() == archive["samples"].tobytes()
    assert samples.log_weights.tobytes() == archive["log_weights"].tobytes()
    with pytest.raises(ValueError, match="trained for another law"):
        gd.sample(gd.Funnel(dim=2), sampler=sampler, count=3)


def test_moments_equal_the_archive(command, tmp_path):
    text = "mala:step=0.5:steps=32:output=moments"
    file, samples = run(
        command, tmp_path, ("sample", BANANA, ["--sampler", text], {"sampler": text}), "x.npz"
    )
    archive = np.load(file)
    for name in ("mean", "variance", "covariance", "batch_means"):
        assert samples.moments[name].tobytes() == archive[name].tobytes()
