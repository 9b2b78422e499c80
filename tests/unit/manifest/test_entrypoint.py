"""Entry points are looked up in the project's text; nothing of it is run."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest import entrypoint
from manifest.entrypoint import EntryPoint


@pytest.mark.parametrize(
    ("text", "path", "name"),
    [
        ("main.py:f", "main.py", "f"),
        ("a/b c.py:C.m", "a/b c.py", "C.m"),
        ("my file.py f", "my file.py", "f"),
        ("a.py b.py:f", "a.py b.py", "f"),
        ("_x.py _y", "_x.py", "_y"),
    ],
)
def test_parse_separates_file_and_name(text, path, name):
    """The last colon or space separates; spaces before it belong to the file."""
    assert entrypoint.parse(text) == EntryPoint(path, name)


@pytest.mark.parametrize(
    "text", ["", ":", "f", "main.py", "main.py::f", "main.txt:f", " main.py:f", "main.py:f\n"]
)
def test_parse_refuses_the_rest(text):
    """Everything else is no entry point."""
    assert entrypoint.parse(text) is None


@given(
    st.from_regex(r"[a-z/ ]{0,5}[a-z]\.py", fullmatch=True), st.from_regex(r"[a-z_]\w{0,5}", fullmatch=True)
)
def test_parse_undoes_str(path, name):
    """What is written is read back."""
    entry = EntryPoint(path.lstrip(), name)
    assert entrypoint.parse(str(entry)) == entry


@pytest.fixture
def directory(tmp_path):
    """A project with a good file, a broken one, and a stranger beside it."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text("raise RuntimeError\ndef on_event(e): ...\nclass Handler: ...\n")
    (project / "broken.py").write_text("x = 1\ndef f(:\n")
    (project / "null.py").write_bytes(b"x = '\0'\n")
    (tmp_path / "other.py").write_text("def f(): ...\n")
    return project


@pytest.mark.parametrize("name", ["on_event", "Handler", "Handler.method"])
def test_find_knows_what_the_file_defines(directory, name):
    """Only the first part of a dotted name is looked up; the file is not run."""
    assert entrypoint.find(EntryPoint("main.py", name), directory) is None


def test_find_suggests_a_close_name(directory):
    """A misspelled function and a misspelled file are told with what was meant."""
    found = entrypoint.find(EntryPoint("main.py", "on_evnt"), directory)
    assert (found.message, found.hint) == ("there is no on_evnt in main.py", "did you mean on_event?")
    found = entrypoint.find(EntryPoint("mian.py", "f"), directory)
    assert (found.message, found.hint) == ("there is no mian.py in the project", "did you mean main.py?")


def test_find_tells_a_directory_that_is_named_like_a_file(directory):
    """It is told as one, and never proposed in place of another."""
    (directory / "pages.py").mkdir()
    found = entrypoint.find(EntryPoint("pages.py", "f"), directory)
    assert (found.message, found.hint) == ("pages.py is a directory, not a file of Python", "")
    assert "pages.py" not in entrypoint.find(EntryPoint("page.py", "f"), directory).hint


def test_find_refuses_files_outside_the_project(directory):
    """A path that leads out finds nothing, although the file exists."""
    assert (
        entrypoint.find(EntryPoint("../other.py", "f"), directory).message
        == "there is no ../other.py in the project"
    )


@pytest.mark.parametrize(("file", "line"), [("broken.py", 2), ("null.py", 1)])
def test_find_tells_where_a_file_is_broken(directory, file, line):
    """A file that does not parse is a problem of its own, with a line."""
    found = entrypoint.find(EntryPoint(file, "f"), directory)
    assert found.line == line
    assert found.message


def test_names_are_those_of_the_top_level():
    """Definitions, assignments and imports count, under ``if`` and ``try`` too; names inside functions do not."""
    body = ast.parse(
        dedent("""
            from __future__ import annotations
            import a.b, c as d
            from e import f as g
            x = y, (z) = 1, 2
            n: int = 1
            if x:
                def h(): inner = 1
            try:
                import i
            except ImportError:
                i = None
            with x as j: pass
            for k in x: pass
            async def later(): local = 1
            class C: field = 1
        """)
    ).body
    names, open_ended = entrypoint.names_in(body)
    assert {"a", "d", "g", "x", "y", "z", "n", "h", "i", "j", "k", "later", "C"} <= names
    assert not names & {"annotations", "b", "c", "e", "f", "local", "field"}
    assert not open_ended


def test_star_imports_leave_the_names_open():
    """After ``from x import *`` any name may exist."""
    assert entrypoint.names_in(ast.parse("from x import *").body)[1]


def test_code_too_deep_for_python_is_a_problem_of_its_file(tmp_path):
    """Python's own parser gives up; the file is named, and nothing of ours fails."""
    (tmp_path / "main.py").write_text("X = " + "+".join(["1"] * 20_000))
    missing = entrypoint.find(entrypoint.EntryPoint("main.py", "on_event"), tmp_path)
    assert missing is not None
    assert (missing.message, missing.line) == ("the code is nested too deeply to be compiled", 1)
