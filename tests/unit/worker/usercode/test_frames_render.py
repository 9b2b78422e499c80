"""Tracebacks of user code: its own frames only, in Python's layout, whatever the exception does."""

from __future__ import annotations

import json
import traceback

import pytest

from tests.helpers.user_projects import user_project
from worker.usercode import frames

MAIN = """
    import json

    def library():
        json.loads("{")

    def cause():
        try:
            library()
        except ValueError as error:
            error.add_note("a note")
            raise KeyError("id") from error

    def context():
        try:
            library()
        except ValueError:
            raise KeyError("id")

    def silent():
        try:
            library()
        except ValueError:
            raise KeyError("id") from None

    def group():
        raise ExceptionGroup("many", [ValueError("one"), KeyError("two")])

    def groups():
        try:
            try:
                raise KeyError("id")
            except KeyError as error:
                raise ValueError("outer") from error
        except ValueError as error:
            raise ExceptionGroup("two", [error, ExceptionGroup("inner", [OSError("deep")])])

    def deep(n=200):
        deep(n - 1) if n else library()
"""


def caught(directory, name):
    """The exception a function of the project raises."""
    module = user_project(directory, {"pkg/main.py": MAIN}).namespace().load("pkg/main.py")
    with pytest.raises(Exception) as info:
        getattr(module, name)()
    return info.value


def test_frames_are_the_users_only(tmp_path):
    """Frames of libraries and of the test itself are left out; paths are relative."""
    error = caught(tmp_path, "library")
    assert frames.user_frames(error, tmp_path) == [
        frames.Frame("pkg/main.py", 5, "library", 'json.loads("{")')
    ]
    assert frames.user_frames(error.__traceback__, tmp_path) == frames.user_frames(error, tmp_path)
    assert frames.where(error, tmp_path) == "pkg/main.py:5"


def test_where_is_empty_without_frames_of_the_user(tmp_path):
    """An error outside the user's code has no place there."""
    assert frames.where(ValueError(), tmp_path) == ""


def test_render_is_pythons_layout(tmp_path):
    """The text is what Python prints, less the frames that are not the user's."""
    assert frames.render(caught(tmp_path, "library"), tmp_path) == (
        "Traceback (most recent call last):\n"
        '  File "pkg/main.py", line 5, in library\n'
        '    json.loads("{")\n'
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    )


def test_render_shows_causes_and_notes(tmp_path):
    """The chain appears in Python's order and words, notes included."""
    text = frames.render(caught(tmp_path, "cause"), tmp_path)
    first, second = text.split("\n\nThe above exception was the direct cause of the following exception:\n\n")
    assert first.endswith("\na note")
    assert second.endswith("\nKeyError: 'id'")
    assert "During handling of the above exception" in frames.render(caught(tmp_path, "context"), tmp_path)
    assert "JSONDecodeError" not in frames.render(caught(tmp_path, "silent"), tmp_path)


def test_render_shows_members_of_a_group(tmp_path):
    """Each member of an exception group is named."""
    text = frames.render(caught(tmp_path, "group"), tmp_path)
    assert "ValueError: one" in text
    assert "KeyError: 'two'" in text


def test_render_says_where_members_of_a_group_come_from(tmp_path):
    """Each member has its own traceback, indented, with its cause and with the members it has itself."""
    lines = frames.render(caught(tmp_path, "groups"), tmp_path).splitlines()
    first = lines.index("  member 1:")
    second = lines.index("  member 2: ExceptionGroup: inner (1 sub-exception)")
    assert lines[first + 1] == "    Traceback (most recent call last):"
    assert lines[first + 2].startswith('      File "pkg/main.py", line ')
    assert lines[second - 1] == "    ValueError: outer"
    assert "    KeyError: 'id'" in lines[first:second]
    assert lines[second + 1 :] == ["      member 1: OSError: deep"]


def test_render_shows_the_first_members_of_a_large_group(tmp_path):
    """A group of a thousand errors does not fill the log."""
    text = frames.render(ExceptionGroup("many", [ValueError(n) for n in range(1000)]), tmp_path)
    assert text.endswith("\n  member 15: ValueError: 14\n  … 985 more members")


def test_render_shortens_deep_recursion(tmp_path):
    """Hundreds of frames do not fill the log."""
    assert len(frames.render(caught(tmp_path, "deep"), tmp_path).splitlines()) < 150


def test_render_appends_frames_from_elsewhere(tmp_path):
    """Frames of another process come after those of this one."""
    error = caught(tmp_path, "library")
    text = frames.render(error, tmp_path, [frames.Frame("other.py", 7, "far", "do()")])
    assert text.index("main.py") < text.index('File "other.py", line 7, in far\n    do()')


def test_installed_code_inside_the_project_is_not_the_users(tmp_path):
    """A virtual environment in the project's directory holds libraries."""
    for place in (".venv/lib/x.py", "env/lib/python3.11/site-packages/x.py"):
        with pytest.raises(ZeroDivisionError) as info:
            exec(compile("1 / 0", str(tmp_path / place), "exec"))
        assert frames.user_frames(info.value, tmp_path) == []


class Unspeakable(Exception):
    """Its message cannot be made."""

    def __str__(self):
        raise RuntimeError


class Meta(type):
    """Answers nothing."""

    def __getattribute__(cls, name):
        raise RuntimeError(name)


class Hostile(Exception, metaclass=Meta):
    """Its very class raises."""


@pytest.mark.parametrize("error", [Unspeakable("x"), Hostile("x"), ValueError(json)])
def test_render_never_raises(tmp_path, error):
    """An exception that cannot be shown is still named."""
    assert type.__getattribute__(type(error), "__name__") in frames.render(error, tmp_path)


def test_render_bears_a_chain_in_a_circle(tmp_path):
    """Exceptions that cause each other are shown once."""
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert frames.render(one, tmp_path).count("ValueError: one") == 1


def test_render_agrees_with_python_on_the_headline(tmp_path):
    """The last line is Python's own."""
    error = caught(tmp_path, "library")
    assert frames.render(error, tmp_path).endswith(traceback.format_exception_only(error)[-1].rstrip())
