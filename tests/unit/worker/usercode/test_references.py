"""References lead from an object of user code to the same one in another namespace; handlers are found by name."""

from __future__ import annotations

import pytest

from tests.helpers.user_projects import user_project
from worker.errors import UserCodeError

MAIN = """
    import json
    from os import getpid
    from json import dumps, JSONEncoder

    class Outer:
        class Inner:
            def method(self): pass
            @staticmethod
            def static(): pass

    def function(): pass
    def make():
        def inner(): pass
        return inner

    items = {}
    thing = Outer()
    closure = make()
    shout = lambda: 1
    number, text, pair = 5, "x", (1, 2)
"""

PATHS = {
    "main:": lambda m: m,
    "main:Outer": lambda m: m.Outer,
    "main:Outer.Inner": lambda m: m.Outer.Inner,
    "main:Outer.Inner.method": lambda m: m.Outer.Inner.method,
    "main:Outer.Inner.static": lambda m: m.Outer.Inner.static,
    "main:function": lambda m: m.function,
    "main:items": lambda m: m.items,
    "main:thing": lambda m: m.thing,
    "main:closure": lambda m: m.closure,
    "main:shout": lambda m: m.shout,
}


@pytest.mark.parametrize("path", PATHS)
def test_reference_leads_back_to_the_same_object(tmp_path, path):
    """Functions, classes, methods, modules and module-level objects have a path that resolves to themselves."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    value = PATHS[path](space.load("main.py"))
    assert space.reference(value) == path
    assert space.resolve(path) is value


@pytest.mark.parametrize("name", ["json", "getpid", "dumps", "JSONEncoder", "number", "text", "pair"])
def test_reference_does_not_cover_constants_and_what_is_not_the_users(tmp_path, name):
    """Plain values travel as values; libraries have names of their own."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    assert space.reference(getattr(space.load("main.py"), name)) is None


def test_reference_does_not_cover_what_no_name_holds(tmp_path):
    """A fresh object, and a function made anew at each call, have no path."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    module = space.load("main.py")
    assert space.reference({}) is None
    assert space.reference(module.make()) is None


def test_reference_follows_names_bound_anew(tmp_path):
    """A path never leads to an object that the name held before."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    module = space.load("main.py")
    old = module.items
    assert space.reference(old) == "main:items"
    module.items = []
    assert space.reference(old) is None
    assert space.reference(module.items) == "main:items"


def test_resolve_loads_the_module_in_its_own_namespace(tmp_path):
    """A path means the other namespace's own object, loaded on demand."""
    made = user_project(tmp_path, {"pkg/__init__.py": "", "pkg/mod.py": "class A: pass"})
    one, two = made.namespace(), made.namespace()
    path = one.reference(one.load("pkg/mod.py").A)
    assert path == "pkg.mod:A"
    assert two.resolve(path) is two.modules["pkg.mod"].A
    assert two.resolve(path) is not one.resolve(path)


def test_reference_covers_modules_with_taken_names(tmp_path):
    """A class in the user's ``calendar.py`` has a path that the other side understands."""
    made = user_project(tmp_path, {"calendar.py": "class A: pass"})
    one, two = made.namespace(), made.namespace()
    path = one.reference(one.load("calendar.py").A)
    assert two.resolve(path).__qualname__ == "A"


@pytest.mark.parametrize("path", ["nope:x", "json:dumps", "main:nope", "main:Outer.nope"])
def test_resolve_refuses_paths_to_nothing(tmp_path, path):
    """A path into another build, or out of the project, is a clear error."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    with pytest.raises(UserCodeError, match="there is no"):
        space.resolve(path)


def test_handler_is_found_by_file_and_name(tmp_path):
    """``file.py:name`` and dotted names give the callable."""
    space = user_project(tmp_path, {"main.py": MAIN, "pkg/h.py": "def go(event): pass"}).namespace()
    assert space.handler("main.py:function") is space.modules["main"].function
    assert space.handler("main.py:Outer.Inner.method") is space.modules["main"].Outer.Inner.method
    assert space.handler("pkg/h.py:go").__name__ == "go"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("main.py:functoin", "Did you mean function?"),
        ("mian.py:function", "Did you mean main.py?"),
        ("main.py", "is not file.py:function"),
        ("main.py:items", "cannot be called: it is of type dict"),
    ],
)
def test_handler_errors_say_what_there_is(tmp_path, location, message):
    """A wrong location is answered with what was probably meant."""
    space = user_project(tmp_path, {"main.py": MAIN}).namespace()
    with pytest.raises(UserCodeError) as caught:
        space.handler(location)
    assert message in str(caught.value)
