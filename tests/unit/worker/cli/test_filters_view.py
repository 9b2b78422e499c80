"""The parts of filters in lines of a width."""

from __future__ import annotations

import pytest

from manifest import filters
from worker.cli.filters_view import documents_of, lines_of

DATA = {
    "body": {
        "json": {
            "action": "a text that is much longer than a line " * 5,
            "number": "7",
            "nested": {"deep": 1},
        }
    },
    "items": [{"sku": "a" * 30, "qty": n} for n in range(20)],
}
FILTERS = [
    'data.body.json.action == "opened" && data.body.json.number > 3 && data.items.exists(i, i.qty > 18)',
    "data.body.json.nested.dep.missing.key == data.body.json.action",
    'data.items.map(i, i.sku).filter(s, s.startsWith("b")).size() > data.body.json.number',
]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("text", FILTERS)
def test_lines_fit_into_the_width(text, width):
    """Whatever the filter and the data; only what has no blank in it may be longer."""
    lines = lines_of(filters.explain(text, DATA, "").parts, "    ", width)
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []


def test_long_filters_go_on_in_further_lines():
    """The value stands behind the last of them, or on a line of its own."""
    lines = lines_of(filters.explain(FILTERS[0], DATA, "").parts, "  ", 60)
    assert lines[:2] == [
        '  data.body.json.action == "opened" && data.body.json.number',
        "      > 3 && data.items.exists(i, i.qty > 18)  → false",
    ]
    other = lines_of(
        filters.explain("data.user.name.more.and_more.of_it == 1", {"user": {"name": "x"}}, "").parts,
        "  ",
        60,
    )
    assert other[1:4] == [
        "    data.user.name.more.and_more.of_it",
        "      → no such overload: a value of type string has no",
        "        field 'more'",
    ]


def test_documents_of_values_that_no_json_can_hold():
    """Too deep, too large, or no JSON at all: they are spelled as a filter would."""
    deep: object = 1
    for _ in range(5_000):
        deep = [deep]
    values = [deep, "x" * 10_000, b"\xff", float("nan"), 3.0]
    texts = [item["value"] for item in documents_of([filters.Part(0, "x", value) for value in values])]
    assert texts[0] == "[[[[[…]]]]]"
    assert len(texts[1]) == 2_000
    assert texts[2:] == ['b"\\xff"', 'double("NaN")', 3.0]
