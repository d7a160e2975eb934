"""Gaussian-mixture diffusion: batch sampling with exact answers beside every sample."""

from . import _core
from ._core import *  # noqa: F403
from ._core import __version__

__all__ = [name for name in dir(_core) if not name.startswith("_")] + ["__version__"]
