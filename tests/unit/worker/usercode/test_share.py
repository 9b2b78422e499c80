"""Which modules sessions may have in common, and that sharing changes nothing else."""

from __future__ import annotations

import pytest

from tests.helpers.user_projects import user_project
from worker.usercode.share import SharedModules, shareable

MODELS = """
    from __future__ import annotations
    import enum
    import typing
    from dataclasses import dataclass, field
    from enum import Enum, auto

    if typing.TYPE_CHECKING:
        from surely_not_installed import Thing

    LIMIT = 60 * 60
    NAMES = ("a", "b")
    SET = frozenset({"x"})
    DEFAULT: int = LIMIT

    class Color(Enum):
        RED = auto()

    class Failure(Exception):
        def __init__(self, code):
            super().__init__(code)
            self.code = code

    @dataclass(frozen=True)
    class Item:
        name: str = ""
        tags: list[str] = field(default_factory=list)

        @property
        def title(self): return self.name.title()

    class Special(Item):
        @classmethod
        def make(cls, name="x"): return cls(name)

    def double(n: int = 2, *, times=NAMES) -> int:
        return n * 2
"""

PURE = {
    "constants": "A = 1\nB = -A\nC = (A, 'x', None)",
    "docstring": '"""doc"""',
    "function": "def f(x=1, *, y=(1, 2)): return [x]",
    "library": "import json\nfrom os import path\ndef f(): return json.dumps(path.sep)",
    "activity": "import autokitteh\nfrom autokitteh import activity\n@activity\ndef f(): pass\n@autokitteh.activity\ndef g(): pass",
    "models": MODELS,
    "own object": "class A: pass\ndef f():\n    a = A()\n    a.x = 1\n    return a",
}

IMPURE = {
    "list": "A = []",
    "call": "A = object()",
    "default": "def f(x=[]): pass",
    "decorator": "import functools\n@functools.lru_cache\ndef f(): pass",
    "global": "A = 1\ndef f():\n    global A\n    A = 2",
    "class attribute": "class A:\n    items = []",
    "class counter": "class A:\n    n = 0\n    def m(self): type(self).n += 1",
    "class method": "class A:\n    n = 0\n    @classmethod\n    def m(cls): cls.n += 1",
    "function attribute": "def f():\n    f.calls = 1",
    "setattr": "def f(x): setattr(x, 'a', 1)",
    "globals": "def f(): globals()['x'] = 1",
    "unknown object": "def f(x): x.a = 1",
    "rebound": "class A: pass\ndef f(y):\n    a = A()\n    a = y\n    a.x = 1",
    "rebound self": "class A:\n    def m(self, y):\n        self = y\n        self.x = 1",
    "enumeration": "import enum\nclass A(enum.Enum):\n    X = 1\n    def m(self): self.note = 1",
    "enumeration member": "import enum\nclass A(enum.Enum):\n    X = 1\ndef f():\n    a = A(1)\n    a.note = 2",
    "metaclass": "class Meta(type):\n    def m(cls): cls.x = 1",
    "foreign base": "from json import JSONEncoder\nclass A(JSONEncoder): pass",
    "keyword": "class A(metaclass=type): pass",
    "loop": "for i in range(3): pass",
    "try": "try:\n    import json\nexcept ImportError:\n    json = None",
    "star": "from json import *",
    "annotation": "def f(x: print(1)): pass",
    "syntax error": "x = (",
    "subclasses": "class A: pass\ndef f(): return A.__subclasses__()",
    "modules": "import sys\ndef f(): return sys.modules",
    "mock": "from unittest import mock",
    "deletion": "class A:\n    x = 1\ndef f(): del A.x",
    "loop target": "class A:\n    x = 1\ndef f():\n    for A.x in [1]: pass",
}


def names(directory, files):
    """What may be shared."""
    return shareable(user_project(directory, files).project)


@pytest.mark.parametrize("name", PURE)
def test_shareable_accepts_what_cannot_change(tmp_path, name):
    """Functions, constants, plain classes and imports are the same in every session."""
    assert names(tmp_path, {"m.py": PURE[name]}) == {"m"}


@pytest.mark.parametrize("name", IMPURE)
def test_shareable_refuses_any_doubt(tmp_path, name):
    """Whatever could differ between sessions, or be changed by one, is not shared."""
    assert names(tmp_path, {"m.py": IMPURE[name]}) == set()


def test_shareable_ends_for_all_where_attributes_of_others_are_set(tmp_path):
    """One module that sets an attribute of another one makes all of them private."""
    assert names(tmp_path, {"m.py": "A = 1", "main.py": "import m\ndef f(): m.A = 2"}) == set()


def test_shareable_follows_imports(tmp_path):
    """A module that imports a private one is private; its neighbours are not affected."""
    files = {
        "private.py": "items = []",
        "user.py": "import private",
        "far.py": "from user import private as p",
        "good.py": "from fine import A",
        "fine.py": "A = 1",
    }
    assert names(tmp_path, files) == {"good", "fine"}


def test_shareable_packages_need_all_their_modules(tmp_path):
    """Submodules become attributes of their package, so one private module makes the package private."""
    files = {
        "a/__init__.py": "",
        "a/x.py": "A = 1",
        "b/__init__.py": "",
        "b/y.py": "B = []",
        "b/z.py": "C = 1",
    }
    assert names(tmp_path, files) == {"a", "a.x", "b.z"}


@pytest.mark.parametrize(
    "look",
    [
        "import pk\ndef f(): return pk.late.A",
        "import pk\ndef f(): return hasattr(pk, 'late')",
        "import pk\ndef f(name): return getattr(pk, name)",
        "import pk\ndef f(): return dir(pk)",
    ],
)
def test_shareable_packages_show_no_session_what_others_have_imported(tmp_path, look):
    """A submodule that only a function imports is on the package of the session that ran the function, on no other."""
    lazy = "\ndef g():\n    import pk.late"
    files = {"main.py": look + lazy, "pk/__init__.py": "", "pk/late.py": "A = 1"}
    made = user_project(tmp_path, files)
    shared = SharedModules(made.project, made.hooks())
    assert shared.names == {"pk.late"}
    one, two = made.namespace(shared=shared), made.namespace(shared=shared)
    made.current = one
    one.load("main.py").g()
    assert one.modules["pk"].late is shared.modules["pk.late"]
    made.current = two
    two.load("main.py")
    assert not hasattr(two.modules["pk"], "late")


def test_shareable_packages_may_be_looked_at_for_what_they_import_themselves(tmp_path):
    """What the body of a package imports, on whatever way, is there for every session."""
    files = {
        "main.py": "import pk\ndef f(): return pk.near.A, pk.far.A, getattr(pk, 'name', None)",
        "pk/__init__.py": "from .near import A",
        "pk/near.py": "from pk.far import A",
        "pk/far.py": "A = 1",
    }
    assert names(tmp_path, files) == {"main", "pk", "pk.near", "pk.far"}


def test_shareable_checks_base_classes_in_other_modules(tmp_path):
    """A base from another module counts only if that module makes it itself."""
    files = {
        "base.py": "from json import JSONEncoder\nclass Own: pass",
        "one.py": "from base import Own\nclass A(Own): pass",
        "two.py": "from base import JSONEncoder\nclass A(JSONEncoder): pass",
    }
    assert names(tmp_path, files) == {"base", "one"}


def test_shareable_knows_user_modules_by_any_name(tmp_path):
    """The user's own ``enum.py`` is not the standard one."""
    files = {"enum.py": "class Enum: pass\nX = []", "m.py": "from enum import Enum\nclass A(Enum): pass"}
    assert names(tmp_path, files) == set()


def test_shared_modules_run_once_and_private_ones_each_time(tmp_path):
    """Namespaces have a shared module in common, and nothing else."""
    made = user_project(tmp_path, {"models.py": MODELS, "main.py": "import models\nitems = []"})
    shared = SharedModules(made.project, made.hooks())
    one, two = (made.namespace(shared=shared).load("main.py") for _ in range(2))
    assert one.models is two.models
    assert one.items is not two.items
    assert one.models.Special.make("ab").title == "Ab"
    assert one.models.Color.RED.value == 1


def test_shared_functions_import_into_the_session_that_runs(tmp_path):
    """A private module imported by a shared function is the running session's own."""
    made = user_project(
        tmp_path,
        {
            "shared.py": "def items():\n    import state\n    return state.items",
            "state.py": "items = []",
            "main.py": "import shared, state",
        },
    )
    shared = SharedModules(made.project, made.hooks())
    spaces = [made.namespace(shared=shared) for _ in range(2)]
    for space in spaces:
        made.current = space
        module = space.load("main.py")
        assert module.shared.items() is module.state.items
    assert spaces[0].modules["shared"] is spaces[1].modules["shared"]
    made.current = None
    with pytest.raises(ImportError, match="no session runs on this thread"):
        spaces[0].modules["shared"].items()


def test_shared_modules_have_references(tmp_path):
    """A function of a shared module has the same path everywhere."""
    made = user_project(tmp_path, {"models.py": MODELS})
    space = made.namespace(shared=SharedModules(made.project, made.hooks()))
    assert space.reference(space.load("models.py").double) == "models:double"
    other = made.namespace()
    assert other.resolve("models:double") is other.modules["models"].double


def test_every_session_knows_what_a_shared_module_has_imported(tmp_path):
    """Its body runs for the first session only; classes of what it imports have their names in all of them."""
    files = {
        "main.py": "import lib\nfrom pk import orders\nimport pk.far.away as away\ndef f(): import late",
        "lib.py": "from pk import orders\nclass Order: pass",
        "pk/__init__.py": "",
        "pk/orders.py": "import lib\nclass Order: pass",
        "pk/far/__init__.py": "",
        "pk/far/away.py": "class Order: pass",
        "late.py": "class Order: pass",
    }
    made = user_project(tmp_path, files)
    shared = SharedModules(made.project, made.hooks())
    first, second = made.namespace(shared=shared), made.namespace(shared=shared)
    for space in (first, second):
        main = space.load("main.py")
        assert space.reference(main.lib.Order) == "lib:Order"
        assert space.reference(main.orders.Order) == "pk.orders:Order"
        assert space.reference(main.away.Order) == "pk.far.away:Order"
    assert first.modules == second.modules
    assert "late" not in second.modules
    third = made.namespace(shared=shared)
    assert third.load("lib.py") is first.modules["lib"]
    assert sorted(third.modules) == ["lib", "pk", "pk.orders"]


def test_shared_module_that_fails_is_run_again(tmp_path):
    """A failed import leaves nothing behind, also where a module would have been shared."""
    made = user_project(tmp_path, {"m.py": "import surely_not_installed"})
    space = made.namespace(shared=SharedModules(made.project, made.hooks()))
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            space.load("m.py")


@pytest.mark.parametrize(
    "main",
    [
        "import pk.late\ndef f(): return pk.late.A",
        "import json\nimport pk\nfrom pk.late import A\ndef f(): return hasattr(pk, 'late'), pk.late",
        "'''doc'''\nimport pk.late as late, pk.other\ndef f(): return late.A, pk.other, pk.late",
    ],
)
def test_shareable_packages_may_be_looked_at_for_what_was_imported_before(tmp_path, main):
    """Whoever has the package in hands has imported the submodule as well, in every session."""
    files = {"main.py": main, "pk/__init__.py": "", "pk/late.py": "A = 1", "pk/other.py": "B = 1"}
    assert names(tmp_path, files) == {"main", "pk", "pk.late", "pk.other"}


@pytest.mark.parametrize(
    ("main", "second"),
    [
        ("import pk.late\ndef f(): return pk.late.A", "import pk\ndef g(): return pk"),
        ("import pk.late\ndef f(): return pk.late.A", "def g():\n    from pk import other\n    return other"),
        (
            "import pk.late\ndef f(): return pk.late.A",
            "import importlib\ndef g(x): return importlib.import_module(x)",
        ),
        ("import pk\ndef f(): return pk.late\nimport pk.late", ""),
        ("def f():\n    import pk\n    return pk.late\nimport pk.late", ""),
        ("def f():\n    import pk.late\n    return pk.late.A", ""),
        ("try:\n    import pk.late\nexcept ImportError:\n    pass\ndef f(): return pk.late.A", ""),
    ],
)
def test_shareable_packages_are_not_looked_at_where_somebody_may_come_before(tmp_path, main, second):
    """One module that has the package without the submodule is enough, and so is one that may find it by its name."""
    files = {
        "main.py": main,
        "second.py": second,
        "pk/__init__.py": "",
        "pk/late.py": "A = 1",
        "pk/other.py": "B = 1",
    }
    assert "pk" not in names(tmp_path, files)
