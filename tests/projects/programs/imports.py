"""Imports: packages, relative, star, lazy, conditional, circular, monkeypatching, ``importlib``, ``sys.modules``."""

import importlib
import importlib.resources
import importlib.util
import json as j
import os.path
import sys
import types

import settings
import shapes
from shapes import *
from shapes.round.circle import Circle as Direct

try:
    import tomllib
except ImportError:
    tomllib = None
try:
    import no_such_module_anywhere
except ImportError as error:
    missing = f"{type(error).__name__} {error.name}"


def patched():
    return 99


def main(event=None):
    print(Circle(1).area(), area_of(Circle(2), Direct(1)), issubclass(Circle, Shape), Circle is Direct)
    print("hidden" in globals(), shapes._private, dir(shapes))
    print("before lazy")
    print(shapes.lazy_thing, shapes.lazy_thing)
    try:
        shapes.nope
    except AttributeError as error:
        print(error)
    print(missing, tomllib is not None)
    print(settings.limit())
    settings.LIMIT = 7
    print(settings.limit())
    settings.limit = patched
    print(settings.limit(), importlib.import_module("settings").limit())
    mod = importlib.import_module(".base", "shapes")
    print(mod is shapes.base, sys.modules["settings"].LIMIT, __import__("shapes.base").__name__)
    print(os.path.join("a", "b"), j.dumps(1), shapes.__name__, Circle.__module__, shapes.round.__package__)

    def inner():
        from shapes.base import hidden
        import shapes.round.circle as c

        return hidden, c.Circle is Circle

    print(inner())
    made = types.ModuleType("made")
    exec("x = 1\ndef f(): return x + 1", made.__dict__)
    sys.modules["made"] = made
    import made as again

    print(again.f(), again is made)
    del sys.modules["made"]
    print(importlib.util.find_spec("settings") is not None, importlib.util.find_spec("nope_nope"))
    Shape.area = lambda self: 1000
    print(Shape().area(), __name__ == "__main__", __file__.endswith("imports.py"), __doc__.split(":")[0])
    print(hasattr(shapes, "__path__"), os.path.basename(shapes.__file__), settings.__spec__.name)
    print(importlib.resources.files("shapes").joinpath("base.py").read_text().splitlines()[1])
    import pkgutil

    print(sorted(m.name for m in pkgutil.iter_modules(shapes.__path__)), pkgutil.get_data("shapes", "lazy.py")[:5])


if __name__ == "__main__":
    main()
