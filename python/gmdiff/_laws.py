"""The law that an object stands for, as the pictures show it."""

from . import _core


def _posterior(prior, observation):
    if not isinstance(observation, _core.LinearObservation):
        raise ValueError(
            "law: its posterior under a nonlinear observation is no mixture; samples_picture shows it"
        )
    return _core.posterior(prior, observation).mixture


def mixture_of(law, observation=None, prior=False, level=None):
    """The mixture of a law: itself, its posterior, or the law of a problem; diffused to a level."""
    if isinstance(law, _core.Posterior):
        law = law.mixture
    elif isinstance(law, _core.Problem | _core.NonlinearProblem):
        law, observation = law.prior, law.observation
    if not isinstance(law, _core.Mixture):
        raise TypeError(f"law: expected a Mixture, a Posterior or a problem with a prior, given {law!r}")
    if observation is not None and not prior:
        law = _posterior(law, observation)
    return law if level is None else law.diffuse(level)


def law_of_samples(x):
    """The mixture that samples were drawn from; None where they do not know one."""
    origin = dict(getattr(x, "_origin", {}))
    origin.pop("process", None)
    try:
        return mixture_of(**origin)
    except (TypeError, ValueError):
        return None
