"""What is wrong with a filter whatever the event, and where."""

from __future__ import annotations

import pytest

from manifest import filters

# Each: filter, line, column, a part of the message.
PROBLEMS = [
    ("foo == 1", 1, 1, "undeclared reference to 'foo'"),
    ("true &&\n  foo", 2, 3, "undeclared reference to 'foo'"),
    ("event_typ == 'a'", 1, 1, "did you mean event_type?"),
    ("data.a == True", 1, 11, "did you mean true?"),
    ("type == 'GET'", 1, 6, "did you mean event_type?"),
    ("data.a.startswith('x')", 1, 8, "undeclared reference to method 'startswith': did you mean startsWith?"),
    ("data.a.ends_with('x')", 1, 8, "did you mean endsWith?"),
    ("data.a.toLowerCase() == 'x'", 1, 8, "did you mean lowerAscii?"),
    ("data.a.foo()", 1, 8, "undeclared reference to method 'foo'"),
    ("data.get('x') == 1", 1, 6, "undeclared reference to method 'get'"),
    ("len(data.a) == 1", 1, 1, "undeclared reference to 'len': did you mean size?"),
    ("startsWith(data.a, 'x')", 1, 1, "it is a method: write x.startsWith"),
    ("data.a.int() == 1", 1, 8, "it is a function: write int(x)"),
    ("all(data.a, x)", 1, 1, "it is a method: write x.all"),
    ("math.foo(1)", 1, 6, "undeclared reference to 'math.foo'"),
    ("foo.bar(1)", 1, 1, "undeclared reference to 'foo'"),
    ("math.pi > 3", 1, 6, "undeclared reference to 'math.pi'"),
    ("size() == 1", 1, 1, "found no matching overload for 'size' applied to '()': it takes 1 argument"),
    ("size(1) == 1", 1, 1, "found no matching overload for 'size' applied to '(int)'"),
    ("data.a.startsWith()", 1, 8, "applied to 'dyn.()': it takes 1 argument"),
    ("data.a.substring(1, 2, 3) == ''", 1, 8, "it takes 1 or 2 arguments"),
    ("math.greatest() == 1", 1, 6, "it takes at least 1 argument"),
    ("data.startsWith('x')", 1, 6, "applied to 'map.(string)'"),
    ("event_type.startsWith(1)", 1, 12, "applied to 'string.(int)'"),
    ("1 + 'a' == 2", 1, 3, "found no matching overload for '+' applied to '(int, string)'"),
    ("1 + 1.0 == 2.0", 1, 3, "'+' applied to '(int, double)'"),
    ("-'a' == 'a'", 1, 1, "'-' applied to '(string)'"),
    ("1 < 'a'", 1, 3, "'<' applied to '(int, string)'"),
    ("data.a < []", 1, 8, "'<' applied to '(dyn, list)'"),
    ("1 in 2", 1, 3, "'in' applied to '(int, int)'"),
    ("1 && true", 1, 1, "'&&' needs a bool, this is of type int"),
    ("true || 'a'", 1, 9, "'||' needs a bool"),
    ("!1", 1, 2, "'!' needs a bool"),
    ("1 ? true : false", 1, 1, "the condition before '?' needs a bool"),
    ("event_type.x == 1", 1, 12, "a value of type string has no field 'x'"),
    ("has(event_type.x)", 1, 1, "a value of type string has no field 'x'"),
    ("event_type[0] == 'a'", 1, 11, "found no matching overload for '[]' applied to 'string[int]'"),
    ("[1]['a'] == 1", 1, 4, "applied to 'list[string]'"),
    ("{1.5: 1} == {}", 1, 2, "cannot be the key of a map"),
    ("has(data)", 1, 1, "has() takes one field"),
    ("has(data['a'])", 1, 1, "has() takes one field"),
    ("has(data.a, data.b)", 1, 1, "has() takes one field"),
    ("data.a.all(x)", 1, 8, "write all(variable, condition), not 1"),
    ("data.a.map(x) == []", 1, 8, "write map(variable, value) or map(variable, condition, value), not 1"),
    ("data.a.all(x.y, true)", 1, 14, "must be a plain name"),
    ("data.a.all(x, x > 0) && x", 1, 25, "undeclared reference to 'x'"),
    ("data.a.all(x, 1)", 1, 15, "the condition of 'all' needs a bool"),
    ("data.a.map(x, 1, x) == []", 1, 15, "the condition of 'map' needs a bool"),
    ("event_type.all(x, true)", 1, 12, "'all' goes over a list or a map"),
    ("data.sortBy(x, x) == []", 1, 6, "'sortBy' goes over a list or a map"),
    ("cel.bind(x, 1)", 1, 5, "write cel.bind(variable, value, expression), not 2"),
    ("cel.bind(1, 1, true)", 1, 10, "must be a plain name"),
    ("cel.bind(x, 'a', x + 1) == 2", 1, 20, "'+' applied to '(string, int)'"),
    ("data.a = 1", 1, 8, "unexpected '=': write == to compare"),
    ("data.a and data.b", 1, 8, "write && for 'and'"),
    ("data.a or data.b", 1, 8, "write || for 'or'"),
    ("not data.a", 1, 5, "write ! for 'not'"),
    ("data.a & data.b", 1, 8, "write && for 'and'"),
    ("data.a ==", 1, 10, "ends too early"),
    ("(data.a", 1, 8, "ends too early"),
    ("data.a)", 1, 7, "unexpected ')'"),
    ("data.\n  1", 2, 3, "unexpected '1'"),
    ("// nothing", 1, 1, "ends too early"),
    ("@", 1, 1, "unexpected '@'"),
    ("data.a == 'x", 1, 11, "this string is not closed"),
    ('data.a == """x"', 1, 11, "this string is not closed"),
    (r"data.a == 'x\q'", 1, 13, r"unknown escape \q in a string"),
    (r"data.a == '\ud800'", 1, 12, "no Unicode character"),
    (r"data.a == b'\u0041'", 1, 13, "no place in a byte string"),
    ("if == 1", 1, 1, "reserved word 'if'"),
    ("Foo{a: 1} == 1", 1, 1, "messages cannot be built"),
    ("9223372036854775808 == 1", 1, 1, "out of range for 64 bits"),
    ("18446744073709551616u == 1u", 1, 1, "out of range for 64 bits"),
    ("1e999 == 1.0", 1, 1, "out of range for a double"),
    ("1. == 1.0", 1, 1, "lacks a digit"),
    ("data.a.matches('(')", 1, 16, "bad regular expression"),
    ("data.a.matches(r'(\\w+)+\\1')", 1, 16, "bad regular expression"),
    ("(" * 101 + "true" + ")" * 101, 1, 101, "nested more than 100 deep"),
    ("!" * 200 + "true", 1, 102, "nested more than 100 deep"),
    ("true" + " " * 40_000, 1, 1, "longer than 32,768 characters"),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), PROBLEMS)
def test_check_points_at_the_problem(text, line, column, message):
    """What is wrong whatever the event is found before any event, with its place."""
    first = filters.check(text)[0]
    assert (line, column) == (first.line, first.column)
    assert message in first.message


def test_check_lists_all_problems_in_the_order_of_the_text():
    """Several mistakes are reported at once."""
    problems = filters.check("foo == 1 &&\n data.startswith('a') &&\n 1 + 'a' == bar")
    assert [(problem.line, problem.column) for problem in problems] == [(1, 1), (2, 7), (3, 4), (3, 13)]


def test_check_finds_nothing_in_a_good_filter():
    """A good filter has no problems."""
    assert filters.check("data.a == 1") == []


def test_syntax_error_lists_its_problems_as_text():
    """The error's text has a line with the place of each problem."""
    with pytest.raises(filters.FilterSyntaxError) as caught:
        filters.compile("foo && bar")
    assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == [
        "invalid filter, 1:1",
        "invalid filter, 1:8",
    ]
    assert caught.value.expression == "foo && bar"
