"""Compiling filters, what is wrong with them and where, and their equalities."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest import filters

EVENT = {
    "method": "POST",
    "url": {"path_suffix": "a/woof", "query": {}},
    "headers": {"Content-Type": "application/json"},
    "body": {"text": None, "json": {"action": "opened", "number": 7}},
}

NESTED_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.datetimes()
    | st.timedeltas(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc") | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
ATOMS = st.sampled_from(
    [
        "data",
        "data.a",
        "data.b.c",
        'data["a"]',
        "event_type",
        "1",
        "2u",
        "-1.5",
        '"a"',
        "b'x'",
        "true",
        "null",
        "[1, 'a']",
        "{'a': 1}",
        "timestamp(0)",
        "duration('1s')",
        "int",
        "x",
        "data.c[0]",
        "[]",
        "9223372036854775807",
    ],
)
METHODS = st.sampled_from(
    [
        "size()",
        "startsWith('a')",
        "all(x, x == 1)",
        "map(x, x)",
        "exists(x, x > data.a)",
        "sortBy(x, x)",
        "sort()",
        "flatten()",
        "distinct()",
        "join()",
        "getHours()",
        "matches('a+')",
        "format([data.a])",
        "charAt(0)",
        "a",
        "first()",
    ],
)
FUNCTIONS = st.sampled_from(
    [
        "size",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "bool",
        "timestamp",
        "duration",
        "type",
        "dyn",
        "!",
        "-",
        "has",
        "math.abs",
        "math.greatest",
        "math.ceil",
        "base64.encode",
        "base64.decode",
        "strings.quote",
        "lists.range",
    ],
)
OPERATORS = st.sampled_from(["==", "!=", "<", ">=", "+", "-", "*", "/", "%", "in", "&&", "||"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, OPERATORS, inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(inner, METHODS).map(".".join)
        | st.tuples(FUNCTIONS, inner).map(lambda parts: f"{parts[0]}({parts[1]})")
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})")
    ),
    max_leaves=6,
)
TOKENS = st.lists(
    st.sampled_from(
        [
            "data",
            ".",
            "a",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "?",
            "&&",
            "||",
            "!",
            "-",
            "1",
            "1u",
            "1.5",
        ]
    )
    | st.sampled_from(
        [
            "'a'",
            '"',
            "'",
            '"""',
            "\\",
            "\\n",
            "r",
            "b",
            "x",
            "in",
            "==",
            "=",
            "//",
            "\n",
            " ",
            "has",
            "all",
            "é",
        ]
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize("text", ["", "  ", ".", " .\n"])
def test_empty_filter_matches_everything(text):
    """No filter, and the point that clears one, match every event."""
    found = filters.compile(text)
    assert found.matches(EVENT, "post")
    assert found.matches(None, "")
    assert found.equalities == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('data.method == "POST" && data.url.path_suffix.endsWith("/woof")', True),
        ('event_type == "push" || event_type in ["post", "put"]', True),
        ('data.headers["Content-Type"].startsWith("text/")', False),
        ('data.body.json.action != "closed" && data.body.json.number > 5', True),
        ("has(data.body.json.x)", False),
        ("data.body.text == ''", False),
    ],
)
def test_filter_decides_about_an_event(text, expected):
    """A filter is true or false for an event that has the keys it names."""
    assert filters.compile(text).matches(EVENT, "post") is expected


def test_missing_data_count_as_an_empty_map():
    """An event without data is one without keys."""
    assert not filters.compile("has(data.a)").matches(None, "")


def test_filter_error_carries_message_and_expression():
    """An evaluation error names the missing key and the filter."""
    with pytest.raises(filters.FilterError) as caught:
        filters.compile("data.nope == 1").matches(EVENT, "post")
    assert caught.value.message == "no such key: nope in data"
    assert caught.value.expression == "data.nope == 1"
    assert str(caught.value) == "no such key: nope in data (in the filter 'data.nope == 1')"


def test_compile_returns_the_same_filter_for_the_same_text():
    """A text is compiled once."""
    assert filters.compile("data.a == 1") is filters.compile("data.a == 1")
    assert repr(filters.compile("data.a == 1")) == "Filter('data.a == 1')"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('data.a.b == "x"', ((("data", "a", "b"), "x"),)),
        ('"x" == data["a"].b', ((("data", "a", "b"), "x"),)),
        ('event_type == "post" && data.n == 1', ((("event_type",), "post"), (("data", "n"), 1))),
        ("(data.a == true && (data.b == null)) && data.c == 1.5", "abc"),
        ("data.n == 1u", ((("data", "n"), 1),)),
        ("data.a == 1 || data.b == 2", ()),
        ("!(data.a == 1)", ()),
        ("data.a != 1 && data.b > 1", ()),
        ("data.a[0] == 1 && data[data.b] == 1", ()),
        ("data.a == data.b && data.c == [1]", ()),
        ("data == 1 && event_type.size() == 1 && int == type(1)", ()),
        ("data.l.all(x, x.a == 1)", ()),
    ],
)
def test_equalities_are_the_conjuncts_a_match_needs(text, expected):
    """Only comparisons with a constant which every match must pass are listed."""
    if expected == "abc":
        expected = ((("data", "a"), True), (("data", "b"), None), (("data", "c"), 1.5))
    assert filters.compile(text).equalities == expected


def test_filters_may_be_shared_by_threads():
    """Evaluations at the same time do not see each other's variables; compiling at the same time works."""
    text = "data.l.map(x, x * 2).filter(y, y == data.n * 2).size() == 1"

    def run(number):
        own = filters.compile(f"{text} && {number} >= 0")
        shared = filters.compile(text)
        return all(
            one.matches({"l": list(range(20)), "n": number % 20}, "")
            for one in (own, shared)
            for _ in range(3)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(24)))


def test_open_string_with_many_escapes_is_refused_at_once():
    """A text that makes naive string patterns backtrack for ages is refused like any other."""
    assert filters.check('"' + "\\n" * 5000)[0].message.startswith("this string is not closed")


@given(st.text(max_size=60) | TOKENS)
@settings(max_examples=150, deadline=None)
def test_compile_raises_nothing_but_syntax_errors(text):
    """Any text is a filter or has problems within the text; it never crashes."""
    for line, column, message in filters.check(text):
        lines = text.split("\n")
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1
        assert message


@given(EXPRESSIONS, NESTED_VALUES, st.text(max_size=3))
@settings(max_examples=150, deadline=None)
def test_matches_raises_nothing_but_filter_errors(text, value, event_type):
    """Whatever the data, a filter is true, false, or fails with its own error."""
    try:
        compiled = filters.compile(text)
    except filters.FilterSyntaxError:
        return
    for data in (value, {"a": value, "b": {"c": value}, "c": [value]}):
        message = ""
        try:
            compiled.matches(data, event_type)
        except filters.FilterError as error:
            message = error.message
        assert "cannot be evaluated" not in message


@given(st.text(max_size=20))
@settings(max_examples=100, deadline=None)
def test_quoted_text_is_equal_to_itself(text):
    """A text written as a literal by the language's own rules equals the text in the data."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    assert filters.compile(f'data.t == "{escaped}"').matches({"t": text}, "")
