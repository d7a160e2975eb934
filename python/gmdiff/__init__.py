"""Gaussian-mixture diffusion: batch sampling with exact answers beside every sample."""

from . import _core, plot
from ._compare import Comparison, compare
from ._core import *  # noqa: F403
from ._core import __version__
from ._files import dump

_public = [name for name in dir(_core) if not name.startswith("_")]
__all__ = [*_public, "Comparison", "__version__", "compare", "dump", "plot"]  # noqa: PLE0604
