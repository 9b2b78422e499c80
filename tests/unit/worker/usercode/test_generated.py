"""What dataclasses generate for the user is compiled once, and means what it would mean otherwise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from tests.helpers.user_projects import user_project
from worker.usercode import generated

MODULE = """
    from dataclasses import dataclass, field

    SEEN = []

    @dataclass(order=True)
    class Point:
        x: int = 1
        tags: list = field(default_factory=list)

        def __post_init__(self):
            SEEN.append(self.x)

    @dataclass(frozen=True)
    class Fixed:
        x: int = 2
"""


@pytest.fixture
def _installed(monkeypatch):
    """As in a build process, for one test."""
    monkeypatch.setitem(vars(dataclasses), "exec", generated.execute)


@pytest.mark.usefixtures("_installed")
def test_sessions_have_the_generated_code_in_common_and_nothing_else(tmp_path):
    """Classes, functions, what they see and what they make are each session's own."""
    project = user_project(tmp_path, {"main.py": MODULE})
    one, other = (project.namespace().load("main.py") for _ in range(2))
    assert one.Point is not other.Point
    assert one.Point.__init__ is not other.Point.__init__
    assert one.Point.__init__.__code__ is other.Point.__init__.__code__
    one.Point(5, ["a"])
    assert (one.SEEN, other.SEEN) == ([5], [])
    assert other.Point() == other.Point(1, [])
    assert other.Point().tags is not other.Point().tags
    assert one.Point(1) != other.Point(1)
    assert min(other.Point(3), other.Point(2)).x == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.Fixed().x = 3


@pytest.mark.usefixtures("_installed")
def test_defaults_and_globals_of_the_same_text_differ(tmp_path):
    """The text names them; what they are belongs to the function."""
    files = {
        name: f"from dataclasses import dataclass\n@dataclass\nclass A:\n    x: object = {value}\n"
        for name, value in (("one.py", "1"), ("two.py", "'two'"))
    }
    namespace = user_project(tmp_path, files).namespace()
    one, two = namespace.load("one.py"), namespace.load("two.py")
    assert one.A.__init__.__code__ is two.A.__init__.__code__
    assert (one.A().x, two.A().x) == (1, "two")
    assert (repr(one.A()), repr(two.A())) == ("A(x=1)", "A(x='two')")
    assert one.A.__init__.__globals__ is not two.A.__init__.__globals__


@pytest.mark.usefixtures("_installed")
def test_a_library_never_shares_code_with_the_user(tmp_path):
    """What runs inline is remembered by its code: a library's class must not be taken for the user's."""
    namespace = user_project(tmp_path, {"main.py": MODULE}).namespace()

    @dataclass(frozen=True)
    class Fixed:
        x: int = 2

    @dataclass(order=True)
    class Point:
        x: int = 1
        tags: list = field(default_factory=list)

        def __post_init__(self):
            """As the user's."""

    module = namespace.load("main.py")
    for theirs, own in ((Fixed, module.Fixed), (Point, module.Point)):
        for name in ("__init__", "__eq__"):
            assert vars(theirs)[name].__code__ is not vars(own)[name].__code__
