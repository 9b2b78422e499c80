"""``sys.modules`` under the names of user modules: right for whoever asks, and left as it was."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import threading
import typing

import pytest

from tests.helpers.user_projects import user_project

CLASSES = """
    from __future__ import annotations
    import abc, dataclasses, enum, sys, typing

    @dataclasses.dataclass
    class Node:
        shared: typing.ClassVar[int] = 1
        parent: Node | None = None

    class Kind(enum.Enum):
        A = 1

    class Pair(typing.NamedTuple):
        left: Node

    hints = typing.get_type_hints(Node)
    sys.modules[__name__].flag = True

    def later():
        return typing.get_type_hints(Node)["parent"], sys.modules[__name__].Node
"""


@pytest.fixture(autouse=True)
def sys_modules(monkeypatch):
    """Whatever stays in ``sys.modules`` for good is gone after the test."""
    monkeypatch.setattr(sys, "modules", sys.modules)
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def test_standins_serve_classes_with_string_annotations(tmp_path):
    """Dataclasses, type hints and named tuples find their module while it runs."""
    module = user_project(tmp_path, {"models_x.py": CLASSES}).namespace().load("models_x.py")
    assert [field.name for field in dataclasses.fields(module.Node)] == ["parent"]
    assert module.hints["parent"] == typing.Optional[module.Node]  # noqa: UP045 - what the hint evaluates to
    assert module.flag


def test_standins_are_gone_after_a_load(tmp_path):
    """A namespace that is not permanent leaves ``sys.modules`` as it was."""
    before = dict(sys.modules)
    space = user_project(
        tmp_path, {"main_x.py": "import helper_x", "helper_x.py": "", "calendar.py": ""}
    ).namespace()
    space.load("main_x.py")
    space.load("calendar.py")
    assert {name for name in set(sys.modules) - set(before) if "_x" in name or "project" in name} == set()
    assert sys.modules.get("calendar") is before.get("calendar")


def test_standins_give_each_session_its_own_module(tmp_path):
    """What code finds in ``sys.modules`` at run time is the module of the session that runs."""
    made = user_project(tmp_path, {"models_x.py": CLASSES})
    process = made.namespace(permanent=True).load("models_x.py")
    spaces = [made.namespace() for _ in range(2)]
    for space in spaces:
        module = space.load("models_x.py")
        made.current = space
        hint, found = module.later()
        assert found is module.Node
        assert hint == module.Node | None
    made.current = None
    assert sys.modules["models_x"].Node is process.Node


def test_standins_pass_on_everything(tmp_path):
    """Reading, setting, deleting, listing, showing: all happen on the module behind."""
    module = user_project(tmp_path, {"main_x.py": "x = 1"}).namespace(permanent=True).load("main_x.py")
    stand_in = sys.modules["main_x"]
    stand_in.y = 2
    del stand_in.x
    assert (module.y, hasattr(module, "x"), "y" in dir(stand_in)) == (2, False, True)
    assert repr(stand_in) == repr(module)
    assert vars(stand_in) is vars(module)


def test_standins_let_inspect_find_sources(tmp_path):
    """The text of functions and classes is found, which needs the module and its file."""
    module = user_project(tmp_path, {"main_x.py": "def f():\n    return 1\nclass C:\n    pass\n"})
    module = module.namespace(permanent=True).load("main_x.py")
    assert inspect.getsource(module.f) == "def f():\n    return 1\n"
    assert inspect.getsource(module.C) == "class C:\n    pass\n"


def test_standins_respect_a_module_that_replaces_itself(tmp_path):
    """``sys.modules[__name__] = something`` makes that the module, as in Python."""
    module = user_project(
        tmp_path,
        {
            "lazy_x.py": "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(v=9)",
            "main_x.py": "import lazy_x\nv = lazy_x.v",
        },
    )
    assert module.namespace().load("main_x.py").v == 9


def test_standins_are_there_for_late_imports(tmp_path):
    """A module imported by a function later on finds the session's earlier modules, too."""
    module = user_project(
        tmp_path,
        {
            "main_x.py": "class Foo:\n    a: 'Foo'\ndef f():\n    import late_x\n    return late_x.hints",
            "late_x.py": "import typing, main_x\nhints = typing.get_type_hints(main_x.Foo)",
        },
    )
    module = module.namespace().load("main_x.py")
    assert module.f() == {"a": module.Foo}


def test_standins_give_other_threads_the_process_module(tmp_path):
    """While a session runs on one thread, code beside it on another gets the process's own module."""
    made = user_project(tmp_path, {"main_x.py": "x = 1"})
    process = made.namespace(permanent=True).load("main_x.py")
    made.current = made.namespace()
    session = made.current.load("main_x.py")
    session.x = 2
    seen = []
    thread = threading.Thread(target=lambda: seen.append(sys.modules["main_x"].x))
    thread.start()
    thread.join()
    assert (seen, sys.modules["main_x"].x, process.x) == ([1], 2, 1)
