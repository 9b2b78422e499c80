"""Operators, literals, macros and how errors spread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from manifest import filters
from manifest.cel_budget import MAX_SECONDS, Budget
from manifest.cel_values import BudgetError


class Attributes(dict):
    """A dictionary of the user's own kind."""


DATA = {
    "s": "text",
    "i": 7,
    "f": 7.0,
    "t": True,
    "none": None,
    "raw": b"\x00\xff",
    "huge": 2**70,
    "enormous": 10**400,
    "list": [1, 2.0, "three"],
    "map": {"a": {"b": 1}, "Content-Type": "json", "in": 5, "1": "one"},
    "own": Attributes(x=1),
    "pair": (1, 2),
    "moment": datetime(2026, 1, 1, tzinfo=UTC),
    "span": timedelta(hours=1),
}

TRUE = [
    # equality
    "1 == 1.0 && 1u == 1 && 1.0 == 1u && data.i == data.f && 9007199254740993 != 9007199254740992.0",
    '!("a" == 1) && "1" != 1 && null != false && data.none == null && data.t == true && data.t != 1',
    "[1, 2] == [1.0, 2u] && [1] != [true] && [] == [] && [1] != [1, 2] && data.pair == [1, 2]",
    "{'a': 1} == {'a': 1.0} && {'a': 1} != {'b': 1} && {'a': 1} != {} && {1: 2} == {1: 2u} && {1: 1} != {true: 1}",
    "data.huge == data.huge && data.huge != 1 && data.huge > 1",
    'data.raw == b"\\000\\xff" && data.s != b"text"',
    "data.moment == timestamp('2026-01-01T00:00:00Z') && data.span == duration('1h')",
    "0.0 / 0.0 != 0.0 / 0.0",
    # order
    '1 < 1.5 && 2u > 1 && "a" < "b" && false < true && b"a" <= b"b" && data.i >= data.f && data.i <= 7',
    "timestamp(1) > timestamp(0) && duration('1s') < duration('1m')",
    # arithmetic
    "7 / 2 == 3 && -7 / 2 == -3 && 7 / -2 == -3 && 7 % 3 == 1 && -7 % 3 == -1 && 7 % -3 == 1",
    "7u / 2u == 3u && 7u % 4u == 3u && 2u * 3u - 1u + 4u == 9u",
    "1.5 + 1.5 == 3.0 && 1.5 - 0.5 == 1.0 && 1.5 * 2.0 == 3.0 && 3.0 / 2.0 == 1.5 && 1.0 / 0.0 > 1e308",
    "-1.0 / 0.0 < -1e308",
    "data.i + data.f == 14 && data.i * 1.5 == 10.5 && data.i / 2.0 == 3.5 && data.f - 1 == 6",
    '"a" + "b" == "ab" && b"a" + b"b" == b"ab" && [1] + [2] == [1, 2]',
    "timestamp(0) + duration('1s') == timestamp(1) && duration('1s') + timestamp(0) == timestamp(1)",
    "timestamp(1) - timestamp(0) == duration('1s') && timestamp(1) - duration('1s') == timestamp(0)",
    "duration('1s') + duration('1s') == duration('2s') && duration('1s') - duration('1s') == duration('0s')",
    "data.enormous + 1.5 > 1e308 && data.enormous > 1e308 && math.sign(data.f / 0.0) == 1.0",
    "-data.i == -7 && -(1.5) == -1.5 && - -7 == 7 && 3-1 == 2 && 3 -1 == 2 && !!true",
    "2 + 3 * 4 == 14 && (2 + 3) * 4 == 20 && 10 - 2 - 3 == 5",
    # selection
    'data.map.a.b == 1 && data["map"]["a"].b == 1 && data.map["Content-Type"] == "json" && data.map.in == 5',
    "data.list[0] == 1 && data.list[1.0] == 2 && data.list[2u] == 'three' && data.own.x == 1 && .data.i == 7",
    "has(data.map.a) && !has(data.map.x) && has(data.none) && {1: 'a'}[1.0] == 'a' && {true: 'a'}[true] == 'a'",
    "'a' in data.map && !('x' in data.map) && 1 in data.list && 2u in data.list && !(true in data.list)",
    "data.s in ['text', 'other'] && !(data.i in ['text']) && data.i in [7.0] && data.s in ['text', 'text']",
    # logic
    "false || true && true && !(false && true) && (true ? true : false) && (false ? 1 : 2) == 2",
    "(true ? false : true) || true",
    # literals
    r'"\a\b\f\n\r\t\v\\\"\'\`\?".size() == 12 && "\x41\u00e9\U0001F600\101" == "Aé😀A" && r"\n".size() == 2',
    r"""'''a'b''c''' == "a'b''c" && R'\' == "\\" && b'\x00\377é' == bytes(data.none == null ? b"\x00\xff\xc3\xa9" : b"") """,
    "0x1F == 31 && -0x1F == -31 && 0x1Fu == 31u && 1e3 == 1000.0 && .5 == 0.5 && 1.5E-1 == 0.15",
    "-9223372036854775808 < 9223372036854775807 && 18446744073709551615u > 1u",
    "[1, 2, ] == [1, 2] && {'a': 1, }.a == 1 // a comment with 'quotes\"",
    '"""two\nlines""" == "two\\nlines" && br"\\d" == b"\\\\d" && \'\' == "" && "//" != "" ',
    # macros
    "[1, 2].all(x, x > 0) && ![1, 2].all(x, x > 1) && [].all(x, false) && {'a': 1}.all(k, k == 'a')",
    "[1, 2].exists(x, x == 2) && ![1].exists(x, x == 2) && ![].exists(x, true)",
    "[1, 2].exists_one(x, x == 2) && ![2, 2].exists_one(x, x == 2) && [1].existsOne(x, x == 1)",
    "[1, 2, 3].filter(x, x > 1) == [2, 3] && [1, 2].map(x, x * 2) == [2, 4] && [1, 2].map(x, x > 1, x * 2) == [4]",
    "{'a': 1, 'b': 2}.map(k, k).sort() == ['a', 'b'] && {'a': 1}.filter(k, true) == ['a']",
    "[[1], [2, 3]].exists(x, x.exists(y, y == 3)) && [1].all(x, [2].all(y, x < y)) && [1].all(x, [2].all(x, x == 2))",
    "[1].all(data, data == 1) && data.i == 7",
    "cel.bind(x, data.i, x + x) == 14 && cel.bind(x, 1, cel.bind(y, x + 1, x + y)) == 3",
    "[1].all(lists, lists == 1) && [['a']].all(lists, lists.size() == 1)",
    # errors that do not matter
    "!(false && data.x) && !(data.x && false) && (true || data.x) && (data.x || true) && !(data.s && false)",
    "[1, 2].exists(x, x == 2 || data.x == 1) && ![1, 2].all(x, x == 1 && data.x == 1 && false)",
    "!['a', 1].all(x, x > 5) && ['a', 9].exists(x, x > 5)",
]

FAILING = [
    ("data.x == 1", "no such key: x in data"),
    ("data.map.a.c.d == 1", "no such key: c in data.map.a"),
    ('data["x"] == 1', "no such key: x in data"),
    ("data.map[data.s] == 1", "no such key: text"),
    ("[data][0].x == 1", "no such key: x"),
    ("{1: 2}[true] == 2", "no such key: True"),
    ("data.s.x == 1", "a value of type string has no field 'x'"),
    ("[data.s][0].x == 1", "a value of type string has no field 'x'"),
    ("has(data.s.x)", "a value of type string has no field 'x'"),
    ("has(data.x.y)", "no such key: x"),
    ("data.list[3] == 1", "index out of bounds: 3 in a list of 3 elements"),
    ("data.list[-1] == 1", "index out of bounds"),
    ("data.list[0.5] == 1", "index out of bounds"),
    ("data.list[data.s] == 1", "no such overload: list[string]"),
    ("data.s[0] == 1", "no such overload: string[int]"),
    ("data.map[data.none] == 1", "cannot be the key of a map"),
    ("data.none in data.map", "cannot be the key of a map"),
    ("{data.s: 1, 'text': 2}.text == 1", "the key text twice"),
    ("data.s < 1", "no such overload: string < int"),
    ("data.s + 1 == 1", "no such overload: string + int"),
    ("data.i in data.s", "no such overload: int in string"),
    ("-data.s == 1", "no such overload: -string"),
    ("!data.s", "no such overload: !string"),
    ("data.s && true", "'&&' of a value of type string"),
    ("data.s || false", "'||' of a value of type string"),
    ("data.s ? true : false", "condition before '?' of type string"),
    ("data.i / 0 == 1", "division by zero"),
    ("data.i % 0 == 1", "modulus by zero"),
    ("9223372036854775807 + 1 == 0", "integer overflow"),
    ("-(-9223372036854775808) == 0", "integer overflow"),
    ("0u - 1u == 0u", "unsigned integer overflow"),
    ("data.huge - data.huge == 0", "integer overflow"),
    ("timestamp('9999-12-31T00:00:00Z') + duration('100h') == timestamp(0)", "out of range"),
    ("data.s.all(x, true)", "all over a value of type string"),
    ("data.s.sortBy(x, x) == []", "sortBy over a value of type string"),
    ("data.list.all(x, x)", "condition of all is of type int"),
    ("data.list.exists_one(x, x > 1)", "string > int"),
    ("data.list.map(x, data.x) == []", "no such key: x"),
    ("data.i", "the result is of type int, not a bool"),
    ("data.x && data.y", "no such key: x"),
    ("data.x || false", "no such key: x"),
]


@pytest.mark.parametrize("expression", TRUE)
def test_operator_follows_the_language(expression):
    """Operators, literals and macros mean what the language's specification says."""
    assert filters.compile(expression).matches(DATA, "post") is True


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_operator_reports_what_has_no_value(expression, message):
    """An expression without a value fails and says why."""
    with pytest.raises(filters.FilterError) as caught:
        filters.compile(expression).matches(DATA, "post")
    assert message in caught.value.message


def test_unknown_python_type_is_an_error_only_when_used():
    """A value that is no data is refused where it is looked at, and only there."""
    data = {"odd": object(), "i": 1}
    assert filters.compile("data.i == 1").matches(data, "")
    with pytest.raises(filters.FilterError, match="Python type object"):
        filters.compile("data.odd > 1").matches(data, "")


def test_nested_loops_end_with_an_error(monkeypatch):
    """Loops over all combinations of large data stop at a fixed number of steps."""
    monkeypatch.setattr("manifest.cel_budget.MAX_STEPS", 1024)
    compiled = filters.compile("data.l.all(a, data.l.all(b, data.l.all(c, true)))")
    assert compiled.matches({"l": [1, 2, 3]}, "")
    with pytest.raises(filters.FilterError, match="more than 1,024 steps"):
        compiled.matches({"l": list(range(20))}, "")


def test_slow_loops_end_with_an_error():
    """Loops stop when they took too long, by the clock they were given."""
    times = iter([0.0, MAX_SECONDS, MAX_SECONDS + 1])
    budget = Budget(clock=lambda: next(times))
    for _ in range(16):
        budget.step()
    with pytest.raises(BudgetError, match="seconds"):
        [budget.step() for _ in range(16)]


def test_exhausted_budget_is_not_absorbed(monkeypatch):
    """Neither `||` nor `exists` turns a stopped evaluation into a value."""
    monkeypatch.setattr("manifest.filters.Budget", lambda: Budget(clock=iter([0.0, 9.0, 9.0]).__next__))
    data = {"l": list(range(100))}
    for expression in ("data.l.all(x, x >= 0) || true", "data.l.exists(x, data.l.all(y, y >= 0))"):
        with pytest.raises(filters.FilterError, match="seconds"):
            filters.compile(expression).matches(data, "")


def test_deep_data_are_an_error_not_a_crash():
    """Data nested without end are refused when they are compared."""
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    other: list = []
    for _ in range(100_000):
        other = [other]
    with pytest.raises(filters.FilterError, match="nested too deeply"):
        filters.compile("data.a == data.b").matches({"a": deep, "b": other}, "")


def test_shared_data_cannot_blow_up_a_comparison(monkeypatch):
    """Lists that hold the same list twice, many levels deep, stop at a fixed number of visits."""
    monkeypatch.setattr("manifest.cel_values.MAX_VISITED_VALUES", 1000)
    left, right = [1], [1]
    for _ in range(60):
        left, right = [left, left], [right, right]
    with pytest.raises(filters.FilterError, match="visited"):
        filters.compile("data.a == data.b").matches({"a": left, "b": right}, "")
