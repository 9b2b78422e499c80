"""YAML as nodes: places, literal texts, aliases, and what is no YAML."""

from __future__ import annotations

import pytest

from manifest import source
from manifest.source import Mapping, Scalar, Sequence


def parsed(text):
    """The nodes of a text that is YAML."""
    root, problems = source.parse(text, "a.yaml")
    assert problems == []
    return root


def refused(text):
    """The only problem of a text that is none."""
    root, (problem,) = source.parse(text, "a.yaml")
    assert root is None
    assert (problem.path, problem.code) == ("a.yaml", "AK2001")
    return problem


def test_nodes_know_their_place():
    """Lines and columns count from 1."""
    root = parsed("a: 1\nb:\n  - x\n  - {c: d}\n")
    assert isinstance(root, Mapping)
    items = root.get("b")
    assert isinstance(items, Sequence)
    assert [(item.line, item.column) for item in items.items] == [(3, 5), (4, 5)]
    assert (items.items[1].get("c").line, items.items[1].get("c").column) == (4, 9)


def test_mapping_keeps_keys_given_twice():
    """Both pairs are there to be reported; the first one counts."""
    root = parsed("a: 1\na: 2\n")
    assert [(key.text, value.text) for key, value in root.pairs] == [("a", "1"), ("a", "2")]
    assert root.get("a").text == "1"
    assert root.get("b") is None


@pytest.mark.parametrize(
    ("written", "text", "is_null", "style"),
    [
        ("yes", "yes", False, ""),
        ("1e3", "1e3", False, ""),
        ("Null", "", True, ""),
        ("''", "", False, "'"),
        ('"~"', "~", False, '"'),
        ("|\n  x\n  y\n", "x\ny\n", False, "|"),
        (">\n  x\n  y\n", "x y\n", False, ">"),
    ],
)
def test_scalars_stay_as_written(written, text, is_null, style):
    """Nothing is converted; only an unquoted null is nothing."""
    found = parsed(f"a: {written}").get("a")
    assert (found.text, found.is_null, found.style) == (text, is_null, style)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: one two", "two"),
        ("a: 'one two'", "two"),
        ('key: "one two"', "two"),
        ("a: |\n    one two\n    three", "three"),
        ("a:\n  b: |2\n      one\n    two", "two"),
        ("a: |\n\n  one two", "two"),
    ],
)
def test_place_points_into_the_text(text, word):
    """A position inside a scalar is found in the file."""
    found = parsed(text).get("a" if text.startswith("a") else "key")
    scalar = found.get("b") if isinstance(found, Mapping) else found
    lines = scalar.text.splitlines()
    row = next(number for number, line in enumerate(lines, 1) if word in line)
    line, column = scalar.place(row, lines[row - 1].index(word) + 1)
    assert text.splitlines()[line - 1][column - 1 :].startswith(word)


def test_place_in_folded_text_is_its_beginning():
    """Where lines are joined, the scalar's own place is told."""
    found = parsed("a: >\n  one\n  two\n").get("a")
    assert found.place(1, 5) == (1, 4)


def test_aliases_repeat_what_they_name():
    """An alias gives the nodes of its anchor, with the anchor's place."""
    root = parsed("a: &x {k: v}\nb: *x\n")
    assert root.get("a") == root.get("b")


def test_merge_keys_never_replace_what_is_there():
    """Own keys win over merged ones, and earlier sources over later ones."""
    root = parsed("a: &a {p: 1, q: 1}\nb: &b {q: 2, r: 2}\nc:\n  <<: [*a, *b]\n  p: 3\n")
    assert {key.text: value.text for key, value in root.get("c").pairs} == {"p": "3", "q": "1", "r": "2"}


def test_keys_that_are_no_text_become_a_question_mark():
    """A list as a key has a place and no name."""
    ((key, _),) = parsed("? [a, b]\n: 1\n").pairs
    assert (key, key.text) == (Scalar(1, 3, "?"), "?")


@pytest.mark.parametrize(
    "text",
    [
        "&a [*a]",
        "[" * 60 + "]" * 60,
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{n}: &{n} [{','.join(['*' + p] * 9)}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)
        ),
    ],
    ids=["circle", "depth", "unfolding"],
)
def test_documents_that_unfold_without_end_are_refused(text):
    """A circle, a deep nest and aliases that multiply are refused at once."""
    assert "contains itself or is nested too deeply" in refused(text).message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: [1\nb: 2\n", 2, "expected"),
        ("a: *nowhere", 1, "undefined alias"),
        ("a: 1\n\tb: 2", 2, "cannot start any token"),
        ("a: \x00", 1, "special characters are not allowed"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text, line, message):
    """The library's reason is kept, with the place."""
    problem = refused(text)
    assert (problem.line, message in problem.message) == (line, True), problem.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_empty_files_say_how_to_begin(text):
    """Nothing, or comments alone, are answered with the first line to write."""
    root, problems = source.parse(text, "a.yaml")
    if root is None:
        assert problems[0].hint == "It begins with `version: v2`."
    else:
        assert root.is_null
