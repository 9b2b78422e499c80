"""A package with relative imports, star imports and attributes made on demand."""

from .base import *
from .base import _private
from . import base as _base
from .round import Circle

__all__ = ["Circle", "Shape", "area_of", "lazy_thing"]


def __getattr__(name):
    if name == "lazy_thing":
        from .lazy import thing

        return thing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return __all__
