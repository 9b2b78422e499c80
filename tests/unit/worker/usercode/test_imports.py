"""Import statements of user code: the project first, Python's own behaviour throughout."""

from __future__ import annotations

import dataclasses
import json
import sys
import threading

import pytest

from tests.helpers.user_projects import user_project
from worker.errors import UserCodeError
from worker.usercode.namespace import Namespace

TAKEN = [
    "slack",
    "store",
    "worker",
    "manifest",
    "log",
    "config",
    "calendar",
    "yaml",
    "autokitteh",
    "json",
    "types",
]


def load(directory, files, file="main.py"):
    """The module of one file of a fresh project."""
    return user_project(directory, files).namespace().load(file)


def test_import_prefers_the_project_under_any_name(tmp_path):
    """A user's module wins over the standard library, libraries and the product's own packages."""
    files = {f"{name}.py": f"who = 'my {name}'" for name in TAKEN}
    files["main.py"] = "\n".join(f"import {name}" for name in TAKEN)
    module = load(tmp_path, files)
    assert {name: getattr(module, name).who for name in TAKEN} == {name: f"my {name}" for name in TAKEN}


def test_import_of_libraries_never_sees_the_project(tmp_path):
    """A library that imports ``calendar`` gets the standard one although the project has its own."""
    module = load(tmp_path, {"calendar.py": "who = 1", "main.py": "import calendar, http.cookiejar"})
    assert module.calendar.who == 1
    assert sys.modules["http.cookiejar"].timegm.__module__ == "calendar"
    assert not hasattr(sys.modules["calendar"], "who")


def test_import_serves_packages_with_and_without_init(tmp_path):
    """Absolute, relative, aliased and lazy imports work in both kinds of package."""
    module = load(
        tmp_path,
        {
            "pkg/__init__.py": "from . import first\nfrom .first import value",
            "pkg/first.py": "value = 1",
            "pkg/sub/deep.py": "from ..first import value\nfrom .. import first as f",
            "bare/second.py": "from .third import value\nimport bare.third as t",
            "bare/third.py": "value = 3",
            "main.py": """
                import pkg
                import pkg.sub.deep as deep
                import bare.second
                from bare import third
                def lazy():
                    from pkg import first
                    return first.value
            """,
        },
    )
    assert (module.pkg.value, module.deep.f.value, module.bare.second.value, module.third.value) == (
        1,
        1,
        3,
        3,
    )
    assert module.lazy() == 1


def test_import_star_takes_public_names(tmp_path):
    """A star import follows ``__all__``, submodules included, and leaves names of ours behind."""
    module = load(
        tmp_path,
        {
            "pkg/__init__.py": "__all__ = ['sub', 'x']\nx = 1\ny = 2",
            "pkg/sub.py": "",
            "plain.py": "z = 3\n_hidden = 4",
            "main.py": "from pkg import *\nfrom plain import *",
        },
    )
    names = {name for name in vars(module) if not name.startswith("__")}
    assert names == {"sub", "x", "z"}


def test_import_in_a_circle_works_as_in_python(tmp_path):
    """Modules that import each other see what is there so far, as the very modules."""
    space = user_project(
        tmp_path,
        {
            "pkg/__init__.py": "",
            "pkg/a.py": "from pkg import b\nvalue = 1",
            "pkg/b.py": "from pkg import a\nimport pkg.a as again",
        },
    ).namespace()
    module = space.load("pkg/a.py")
    assert module.b.a is module
    assert module.b.again is module


def test_import_in_a_circle_fails_as_in_python(tmp_path):
    """A name that is not there yet gives Python's own message."""
    with pytest.raises(ImportError, match="partially initialized module 'a'"):
        load(tmp_path, {"a.py": "import b\nx = 1", "b.py": "from a import x"}, "a.py")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import pkg.nope", "No module named 'pkg.nope'"),
        ("import plain.nope", "No module named 'plain.nope'; 'plain' is not a package"),
        ("from pkg import nope", "cannot import name 'nope' from 'pkg'"),
        ("from . import plain", "attempted relative import with no known parent package"),
        ("import surely_not_installed_anywhere", "No module named 'surely_not_installed_anywhere'"),
    ],
)
def test_import_errors_are_those_of_python(tmp_path, statement, message):
    """What cannot be imported is reported in Python's words."""
    with pytest.raises(ImportError, match=message):
        load(tmp_path, {"pkg/__init__.py": "", "plain.py": "", "main.py": statement})


def test_import_of_a_taken_name_still_knows_its_package(tmp_path):
    """A module that runs under another name imports relatively as if it had its own."""
    module = load(
        tmp_path,
        {
            "email/__init__.py": "from .x import y",
            "email/x.py": "y = 1",
            "email/z.py": "from . import y",
            "main.py": "import email.z\nfrom email import x",
        },
    )
    assert module.email.z.y == 1
    assert module.email.__name__ == "project.email"
    with pytest.raises(ImportError, match="no known parent package"):
        load(tmp_path / "b", {"calendar.py": "from . import x", "x.py": ""}, "calendar.py")


def test_import_that_fails_fails_again(tmp_path):
    """A module that raised is run again by the next import, and one that cannot be compiled never comes empty."""
    module = load(
        tmp_path,
        {
            "main.py": """
                def get(name):
                    try:
                        __import__(name)
                    except BaseException as error:
                        return type(error).__name__
            """,
            "bad.py": "1 / 0",
            "worse.py": "x = (",
        },
    )
    assert [module.get("bad"), module.get("bad")] == ["ZeroDivisionError"] * 2
    assert [module.get("worse"), module.get("worse")] == [UserCodeError.__name__] * 2


def test_import_waits_for_another_thread_that_runs_the_module(tmp_path):
    """Nobody sees half a module: a second thread waits until it is complete."""
    started, go = threading.Event(), threading.Event()
    made = user_project(
        tmp_path, {"main.py": "def f():\n    import slow\n    return slow.x", "slow.py": "wait()\nx = 1"}
    )
    replaced = {"wait": lambda: (started.set(), go.wait(5))}
    module = Namespace(made.project, dataclasses.replace(made.hooks(), builtins=replaced)).load("main.py")
    results = []
    threads = [threading.Thread(target=lambda: results.append(module.f())) for _ in range(2)]
    threads[0].start()
    assert started.wait(5)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join(5)
    assert results == [1, 1]


def test_import_module_works_with_strings(tmp_path):
    """What stands behind ``importlib.import_module`` knows the project, relative names and libraries."""
    space = user_project(
        tmp_path, {"pkg/__init__.py": "", "pkg/sub.py": "x = 1", "calendar.py": "y = 2"}
    ).namespace()
    assert space.import_module("pkg.sub").x == 1
    assert space.import_module(".sub", "pkg").x == 1
    assert space.import_module("calendar").y == 2
    assert space.import_module("json") is json
    with pytest.raises(TypeError, match="'package' argument is required"):
        space.import_module(".sub")


def test_import_from_a_directory_the_program_put_on_the_path(tmp_path, monkeypatch):
    """A directory of the project on ``sys.path`` gives user code, not a library."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib")])
    module = load(
        tmp_path,
        {
            "lib/inner_helper/__init__.py": "import inner_helper.more",
            "lib/inner_helper/more.py": "x = 1",
            "main.py": "import inner_helper.more\nfrom inner_helper import more",
        },
    )
    assert module.inner_helper.more is module.more


def test_import_merges_a_bare_directory_with_a_library_of_that_name(tmp_path):
    """``requests/helper.py`` without ``__init__.py`` does not hide the library."""
    module = load(
        tmp_path,
        {
            "requests/helper.py": "x = 1",
            "main.py": "from requests import helper\nimport requests.sessions as s",
        },
    )
    assert module.helper.x == 1
    assert module.s.Session.__module__ == "requests.sessions"


def test_modules_belong_to_one_namespace(tmp_path):
    """Module-level state is private: what one session changes no other one sees."""
    made = user_project(tmp_path, {"main.py": "import state", "state.py": "items = []"})
    one, two = made.namespace().load("main.py"), made.namespace().load("main.py")
    one.state.items.append(1)
    assert (one.state.items, two.state.items) == ([1], [])


def test_modules_have_the_attributes_python_gives_them(tmp_path):
    """File, package, spec and doc are set, and package data can be read through them."""
    space = user_project(
        tmp_path,
        {
            "m.py": '"""doc"""',
            "pkg/__init__.py": "",
            "pkg/s.py": "",
            "pkg/data.txt": "hello",
            "bare/x.py": "",
        },
    ).namespace()
    plain, inner = space.load("m.py"), space.load("pkg/s.py")
    space.load("bare/x.py")
    package = space.modules["pkg"]
    assert (plain.__doc__, plain.__name__, plain.__package__) == ("doc", "m", "")
    assert plain.__file__ == str(tmp_path / "m.py")
    assert (inner.__package__, inner.__spec__.parent) == ("pkg", "pkg")
    assert package.__path__ == [str(tmp_path / "pkg")]
    assert package.__loader__.get_data(str(tmp_path / "pkg" / "data.txt")) == b"hello"
    assert not hasattr(space.modules["bare"], "__file__")


def test_loading_is_reported_once_around_everything(tmp_path):
    """The hook hears of the outermost load only, also when it fails."""
    made = user_project(tmp_path, {"a.py": "import b", "b.py": "", "c.py": "import d", "d.py": "1 / 0"})
    made.namespace().load("a.py")
    assert made.loads == [True, False]
    with pytest.raises(ZeroDivisionError):
        made.namespace().load("c.py")
    assert made.loads == [True, False, True, False]
