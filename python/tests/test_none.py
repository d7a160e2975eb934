"""Calls with None for every argument: each message names an argument of the function."""

import ast
import re

import gmdiff as gd
import pytest

NORMAL = gd.Mixture([1.0], [[0.5]], gd.Covariance.spherical([1.0]))
GRID = gd.CellGrid([-4.0], [4.0], [16])
EQUATION = gd.FokkerPlanck.langevin(NORMAL, GRID)
TRAINING = {"iterations": 1, "batch": 4, "hidden": 4, "layers": 1}


def objects():
    """One object of each class with methods that need arguments."""
    denoisers = gd.train_denoiser(NORMAL, **TRAINING)
    paths = gd.train_sampler(gd.Funnel(dim=2), **TRAINING, method="dis", steps=2, components=1)
    made = [
        NORMAL,
        GRID,
        EQUATION,
        gd.ForwardProcess(gd.Edm()),
        gd.NonlinearObservation(gd.ElementwiseMap("tanh", [[1.0]]), [0.3], 0.2),
        gd.Target(gd.Banana()),
        gd.TargetLaw(gd.SinGaussian()),
        gd.Expression("x^2", 1),
        gd.VectorField("-x"),
        gd.ImplicitEuler(EQUATION, 0.1),
        gd.linear_transition([[-1.0]], [0.0], [[1.0]], 0.5),
        gd.Denoiser(lambda x, level: x),
        gd.CustomTarget(lambda x: (x[:, 0], x), 1, id="target"),
        gd.Session("cpu:1"),
        gd.draw(NORMAL, count=2),
        gd.density_picture(NORMAL),
        denoisers,
        denoisers.denoiser(),
        paths,
        paths.sampler(gd.Funnel(dim=2)),
    ]
    return {type(one): one for one in made}


def arguments_of(function):
    """Names of all arguments, and the number of those without defaults."""
    text = re.sub(r"= \\=?\d+", "= 0", function.__nb_signature__[0][0])
    arguments = ast.parse(text + ": ...").body[0].args
    names = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    num_required = len(names) - len(arguments.defaults) - names.count("self")
    return [name for name in [*names, *(a.arg for a in arguments.kwonlyargs)] if name != "self"], num_required


def functions_of(owner):
    for name, member in vars(owner).items():
        is_public = not name.startswith("_") or name in ("__init__", "__call__")
        if is_public and hasattr(member, "__nb_signature__") and arguments_of(member)[1]:
            yield name, member


CLASSES = {name: one for name, one in vars(gd).items() if isinstance(one, type)}
FUNCTIONS = {f"gd.{name}": member for name, member in functions_of(gd)}
METHODS = {f"{owner}.{name}": (one, name) for owner, one in CLASSES.items() for name, _ in functions_of(one)}


def check(call, names, num_required):
    with pytest.raises((TypeError, ValueError)) as raised:
        call(*[None] * num_required)
    message = str(raised.value)
    assert "incompatible function arguments" not in message
    assert any(name in message for name in names), message


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions(function):
    check(function, *arguments_of(function))


@pytest.fixture(scope="module")
def instances():
    return objects()


@pytest.mark.parametrize(("owner", "name"), METHODS.values(), ids=METHODS)
def test_methods(instances, owner, name):
    has_self = vars(owner)[name].__nb_signature__[0][0].startswith(f"def {name}(self")
    call = owner if name == "__init__" else getattr(instances[owner] if has_self else owner, name)
    check(call, *arguments_of(vars(owner)[name]))


def test_all_functions_are_found():
    assert len(FUNCTIONS) > 40
    assert len(METHODS) > 90


def test_the_walk_reads_signatures():
    assert arguments_of(gd.kl_divergence) == (["samples_of_p", "p", "q"], 3)
    assert arguments_of(gd.Mixture.log_pdf) == (["x", "level"], 1)
    assert arguments_of(gd.denoiser_errors) == (["denoiser", "law", "levels", "count", "seed"], 3)
