"""The parts of a filter and their values."""

from __future__ import annotations

import pytest

from manifest import filters
from manifest.cel_explain import MAX_ELEMENTS, MAX_PARTS
from manifest.cel_parse import parse
from manifest.cel_source import scan
from manifest.cel_text import spell, text_of
from manifest.cel_values import UInt

DATA = {
    "body": {"json": {"action": "closed", "number": 3}},
    "items": [{"p": 3}, {"p": 11}, {"p": 1}, {"p": 2}],
}


def parts(text: str, data=None) -> list[tuple[int, str, object]]:
    """Depth, text, and value or failure."""
    found = filters.explain(text, DATA if data is None else data, "post").parts
    return [(part.depth, part.text, part.failure or part.value) for part in found]


def test_explain_gives_every_part_its_value():
    """Also those behind an ``&&`` that was decided already."""
    text = 'data.body.json.action == "opened" && data.body.json.number > 2'
    assert filters.explain(text, DATA, "post").result is False
    assert parts(text) == [
        (0, text, False),
        (1, 'data.body.json.action == "opened"', False),
        (2, "data.body.json.action", "closed"),
        (1, "data.body.json.number > 2", True),
        (2, "data.body.json.number", 3),
    ]


def test_explain_names_the_keys_there_are():
    """And the one that was meant, also where the key is missing on the way."""
    found = filters.explain('data.body.json.actoin == "x"', DATA, "post")
    assert (found.result, found.failure) == (None, "no such key: actoin in data.body.json")
    assert found.parts[-1].note == "there are: action, number; did you mean action?"
    found = filters.explain("has(data.boody.json)", DATA, "post")
    assert found.parts[0].note == "there are: body, items; did you mean body?"
    found = filters.explain("data.N == 1", {"n": 1, "other": 2}, "post")
    assert found.parts[-1].note == "there are: n, other; did you mean n?"
    found = filters.explain("data.body.json.number.x == 1", DATA, "post")
    assert found.parts[-1].note == "data.body.json.number is an int"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            'data.body.json.number == "3"',
            "an int and a string are never equal: write data.body.json.number == 3",
        ),
        ("true != data.body.json.action", "a bool and a string are never equal"),
        ("data.body.json.number == 3.5", ""),
        ("data.body.json.number == null", ""),
        ('data.body.json.action == "opened"', ""),
        ('data.nothing == "opened"', ""),
    ],
)
def test_explain_says_when_types_differ(text, note):
    """A number and its digits look alike; a comparison with null is meant."""
    assert filters.explain(text, DATA, "post").parts[0].note == note


def test_explain_shows_a_loop_for_its_first_elements():
    """Each with the element it was evaluated for."""
    found = filters.explain("data.items.exists(i, i.p > 10)", DATA, "post").parts
    assert (found[0].value, found[1].text) == (True, "data.items")
    assert [part.note for part in found if part.text == "i.p > 10"] == [
        f'for i = {{"p": {n}}}' for n in (3, 11, 1)
    ][:MAX_ELEMENTS]


def test_explain_shows_the_element_that_decided():
    """Also when it is none of the first ones; where none did, the first ones are all there is to see."""

    def elements(text: str, ns: list[int | str]) -> list[str]:
        found = filters.explain(text, {"ns": ns}, "").parts
        assert found[0].note == f"{MAX_ELEMENTS} of {len(ns):,} elements are shown"
        return [part.note for part in found if part.text.startswith("n ")]

    assert elements("data.ns.exists(n, n > 8)", [1, 2, 3, 4, 9]) == ["for n = 1", "for n = 2", "for n = 9"]
    assert elements("data.ns.all(n, n < 8)", [1, 2, 3, 9]) == ["for n = 1", "for n = 2", "for n = 9"]
    assert elements("data.ns.exists(n, n > 8)", [1, 2, 3, 4]) == ["for n = 1", "for n = 2", "for n = 3"]
    assert elements("data.ns.exists(n, n > 998)", [*range(1000)])[-1] == "for n = 999"
    one = "data.ns.exists_one(n, n in [7, 407])"
    assert elements(one, [*range(1000)]) == ["for n = 0", "for n = 7", "for n = 407"]
    *_, failed = elements("data.ns.all(n, n < 8)", [1, 2, 3, 4, "x"])
    assert failed == 'for n = "x", n is a string'


def test_explain_says_what_there_is_beside_a_null():
    """A body that is no JSON has a text, and perhaps a form; where there is much beside it, none of it is named."""
    body = {"bytes": "YQ==", "text": "a", "form": None, "json": None}
    found = filters.explain('data.body.json.action == "x"', {"body": body}, "")
    assert found.parts[-1].note == "data.body.json is null; in data.body bytes, text are not null"
    empty = dict.fromkeys(body)
    found = filters.explain('data.body.json.action == "x"', {"body": empty}, "")
    assert found.parts[-1].note == "data.body.json is null; all of data.body is null"
    found = filters.explain("data.nul.x == 1", {"nul": None, **{f"k{n}": n for n in range(20)}}, "")
    assert found.parts[-1].note == "data.nul is null"


def test_explain_takes_the_branch_that_was_taken():
    """The other one is not evaluated."""
    texts = [text for _, text, _ in parts('has(data.body) ? data.items[0].p == 3 : data.nothing == "x"')]
    assert "data.items[0].p == 3" in texts
    assert "data.nothing" not in texts


def test_explain_is_bounded():
    """Many parts are cut off and the whole says so; the term that decided is shown, and what is inside of it."""
    text = " || ".join(f"data.n{n} == {n}" for n in range(200))
    found = filters.explain(text, {"n199": 199}, "post")
    assert found.result is True
    assert len(found.parts) == MAX_PARTS + 2
    assert [(part.text, part.value) for part in found.parts[-2:]] == [
        ("data.n199 == 199", True),
        ("data.n199", 199),
    ]
    assert found.parts[0].note == "not all parts are shown, only the first 200 and the one that decided"
    needed = filters.explain(text.replace("||", "&&"), {f"n{n}": n for n in range(200)}, "post")
    assert (needed.result, len(needed.parts)) == (True, MAX_PARTS)
    failed = filters.explain(text.replace("||", "&&"), {f"n{n}": n for n in range(199)}, "post")
    assert failed.failure == failed.parts[-1].failure == "no such key: n199 in data"


def test_explain_looks_inside_a_has():
    """What stands before the field may be a whole expression."""
    found = parts("has(data.items.filter(i, i.p > 10)[0].q)")
    assert found[0] == (0, "has(data.items.filter(i, i.p > 10)[0].q)", False)
    assert (1, "data.items.filter(i, i.p > 10)[0]", {"p": 11}) in found
    assert [text for _, text, _ in parts("has(data.body.json)")] == ["has(data.body.json)"]


def test_explain_of_data_that_are_nested_deeply():
    """A part says the same as the filter, whose value there is none."""
    data: dict[str, object] = {}
    for _ in range(5_000):
        data = {"a": data}
    found = filters.explain("data == data", data, "")
    assert found.failure == found.parts[0].failure == "the data are nested too deeply"


@pytest.mark.parametrize(
    ("text", "value"), [("false", False), ("1 == 2", False), ("1 / 0 == 1", "division by zero")]
)
def test_explain_of_a_filter_without_a_variable(text, value):
    """The whole is shown, though there is nothing inside to look at."""
    assert parts(text) == [(0, text, value)]


@pytest.mark.parametrize("text", ["", " . "])
def test_explain_of_no_filter(text):
    """It matches and has no parts."""
    assert filters.explain(text, {}, "") == filters.Explanation(result=True, failure="", parts=[])


def test_explain_refuses_a_wrong_filter():
    """As compile does."""
    with pytest.raises(filters.FilterSyntaxError):
        filters.explain("data.a = 1", {}, "")


@pytest.mark.parametrize(
    "text",
    [
        'a.b["c d"].e[0] in [1, 2u, -3, 1.5, "x", b"y", null, true]',
        "!(a && b || c) ? d : (e ? f : g)",
        "(a ? b : c) ? d : e",
        "(1 + 2) * 3 - (4 - 5) / -x % 2 == 7",
        "a - (b - c) != a - b - c",
        "(a || b) && (c || d)",
        "has(a.b) && size(a.b) >= 2",
        'a.map(x, x.y > 1, {"k": x, "l": [x]}).exists(z, z.k in [1])',
        "cel.bind(v, a.b, v + v)",
        "type(a) == int",
        'timestamp("2024-01-01T00:00:00Z") < b',
        'r"\\d" == a && "\\n\\"" == b',
        '(a + b).startsWith("x")',
        "(a == b) == c",
        "a == (b == c)",
        "a == 3.0 && b < -2.0 && c in [1e6, 1.0]",
        r'a == b"\xff\x00\"\\"',
    ],
)
def test_text_of_a_tree_means_the_same(text):
    """What is written again parses to the same tree."""

    def shape(node):
        found = repr(node)
        import re

        return re.sub(r"offset=-?\d+", "", found)

    tree = parse(scan(text), [])
    written = text_of(tree)
    assert shape(parse(scan(written), [])) == shape(tree), written


def test_values_are_spelled_as_in_a_filter():
    """Text in quotes, types told apart, long values cut."""
    import datetime as dt

    values = [None, True, 3, UInt(3), 1.5, "a\n", b"x", [1, {"k": []}], dt.timedelta(seconds=90)]
    assert [spell(value) for value in values] == [
        *("null", "true", "3", "3u", "1.5", '"a\\n"', 'b"x"', '[1, {"k": []}]', 'duration("90s")'),
    ]
    assert len(spell({"k": "x" * 10_000}, 60)) == 60
    doubles = [3.0, -0.0, 1e6, 1e-7, 2.5e300, float("inf"), float("nan")]
    assert [spell(value) for value in doubles] == [
        *("3.0", "-0.0", "1e+06", "1e-07", "2.5e+300", 'double("+Inf")', 'double("NaN")'),
    ]
    assert spell({3.0: [4.0]}) == "{3.0: [4.0]}"
    assert spell(b'\xff\x00a"\\') == r'b"\xff\x00a\"\\"'
    assert spell([[[[[[1]]]]]]).count("[") < 7
