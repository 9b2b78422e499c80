"""Every function and method of the expression language, each with values and failures."""

from __future__ import annotations

import pytest

from manifest import filters
from manifest.cel_functions import FUNCTIONS

DATA = {
    "text": "hello mellow",
    "n": 3,
    "f": 2.5,
    "list": [3, 1, 2],
    "items": [{"k": "b", "v": 2}, {"k": "a", "v": 1}],
    "when": "2026-03-01T04:05:06.789Z",
    "huge": 2**70,
}

TRUE = [
    # conversions
    'int("-12") == -12 && int(3.9) == 3 && int(7u) == 7 && int(5) == 5',
    'int(timestamp("1970-01-01T00:01:00Z")) == 60 && int(duration("1s")) == 1000000000',
    'uint("12") == 12u && uint(3.9) == 3u && uint(7) == 7u && uint(5u) == 5u',
    'double("1.5e2") == 150.0 && double(3) == 3.0 && double(3u) == 3.0 && double(1.5) == 1.5',
    'double("inf") > 1e300 && math.isNaN(double("NaN"))',
    'string("a") == "a" && string(true) == "true" && string(false) == "false" && string(-1) == "-1"',
    'string(5u) == "5" && string(b"abc") == "abc" && string(duration("90s")) == "90s"',
    'string(1.5) == "1.5" && string(1.0) == "1" && string(1e6) == "1e+06" && string(0.00001) == "1e-05"',
    'string(0.0) == "0" && string(double("inf")) == "+Inf" && string(double("-inf")) == "-Inf"',
    'string(double("nan")) == "NaN" && string(123456.0) == "123456" && string(-1.25e100) == "-1.25e+100"',
    'string(timestamp("2026-03-01T04:05:06.5+02:00")) == "2026-03-01T02:05:06.5Z"',
    'string(duration("0s")) == "0s" && string(duration("-1.5s")) == "-1.5s"',
    'bytes("é") == b"\\303\\251" && bytes(b"a") == b"a"',
    'bool("true") && !bool("F") && bool(true)',
    'timestamp(timestamp(0)) == timestamp("1970-01-01T00:00:00Z")',
    'duration("1h30m") == duration("90m") && duration(1000000000) == duration("1s")',
    'duration(duration("1ms")) == duration("1000us") && duration("1000ns") == duration("1us")',
    "type(1) == int && type(1u) == uint && type(1.0) == double && type(true) == bool && type(null) == null_type",
    'type("") == string && type(b"") == bytes && type([]) == list && type({}) == map && type(int) == type',
    "type(timestamp(0)) == google.protobuf.Timestamp && type(duration(0)) == google.protobuf.Duration",
    "dyn(1) == 1.0 && dyn(data.n) == 3",
    # size
    'size("héé") == 3 && "ab".size() == 2 && size(b"abc") == 3 && b"abc".size() == 3',
    "size([1, 2]) == 2 && [1].size() == 1 && size({1: 2}) == 1 && {}.size() == 0",
    # strings
    'data.text.startsWith("hello") && !data.text.startsWith("x")',
    'data.text.endsWith("mellow") && !data.text.endsWith("x")',
    'data.text.contains("lo me") && "".contains("")',
    'data.text.matches("^h.*w$") && matches(data.text, "l{2}") && !data.text.matches("^$")',
    r'"a1é".matches(r"^\w\d.$") && "A".matches("(?i)a")',
    '"tacocat".charAt(3) == "o" && "ab".charAt(2) == ""',
    'data.text.indexOf("") == 0 && data.text.indexOf("ello") == 1 && data.text.indexOf("jello") == -1',
    'data.text.indexOf("", 2) == 2 && data.text.indexOf("ello", 2) == 7',
    'data.text.lastIndexOf("") == 12 && data.text.lastIndexOf("ello") == 7',
    'data.text.lastIndexOf("jello") == -1 && data.text.lastIndexOf("ello", 6) == 1',
    '["a", "b"].join() == "ab" && ["a", "b"].join("/") == "a/b" && [].join() == ""',
    '"TacÔCat".lowerAscii() == "tacÔcat" && "Tacôcat".upperAscii() == "TACôCAT"',
    '"hello hello".replace("he", "we") == "wello wello" && "hello hello".replace("he", "we", 1) == "wello hello"',
    '"hello".replace("l", "", 0) == "hello" && "hello".replace("l", "", -1) == "heo"',
    '"ab".replace("", "_") == "_a_b_"',
    '"a b c".split(" ") == ["a", "b", "c"] && "a b c".split(" ", 2) == ["a", "b c"]',
    '"a b".split(" ", 0) == [] && "a b".split(" ", 1) == ["a b"] && "a b".split(" ", -1) == ["a", "b"]',
    '"abc".split("") == ["a", "b", "c"] && "abc".split("", 2) == ["a", "bc"]',
    '"tacocat".substring(4) == "cat" && "tacocat".substring(0, 4) == "taco" && "a".substring(1) == ""',
    r'" \t\ntrim\u2003 ".trim() == "trim"',
    '"gums".reverse() == "smug"',
    r"""strings.quote('a"b\n\\') == '"a\\"b\\n\\\\"'""",
    # format
    '"%s-%s".format(["a", 1]) == "a-1" && "100%%".format([]) == "100%"',
    '"%d %d".format([-1, 2u]) == "-1 2" && "%d".format([double("inf")]) == "+Inf"',
    '"%f %.1f %.0f".format([3.14, 2.25, 3]) == "3.140000 2.2 3" && "%f".format([double("nan")]) == "NaN"',
    '"%f %f".format([double("inf"), double("-inf")]) == "Infinity -Infinity"',
    '"%e".format([2.71828]) == "2.718280e+00"',
    '"%b %b %b".format([5, true, false]) == "101 1 0" && "%o".format([30]) == "36"',
    '"%x %X %x %X".format([26, 26, "hi", b"\\xab"]) == "1a 1A 6869 AB"',
    '"%s".format([["abc", 3.14, null, [9], true]]) == "[abc, 3.14, null, [9], true]"',
    '"%s".format([{"b": 1, "a": b"x"}]) == "{a: x, b: 1}"',
    '"%s %s %s".format([duration("2h"), timestamp(0), type(1)]) == "7200s 1970-01-01T00:00:00Z int"',
    '"%s".format([false]) == "false"',
    # base64
    'base64.encode(b"hello") == "aGVsbG8=" && base64.decode("aGVsbG8=") == b"hello"',
    'base64.decode("aGVsbG8") == b"hello"',
    # math
    "math.greatest(1) == 1 && math.greatest(1, 2.5) == 2.5 && math.greatest([1, 5u, 3]) == 5",
    "math.least(-1) == -1 && math.least(3, 1.5, 2) == 1.5 && math.least([4, 2]) == 2 && math.least(data.list) == 1",
    "math.ceil(1.2) == 2.0 && math.floor(-1.2) == -2.0 && math.trunc(-1.9) == -1.0 && math.ceil(data.n) == 3",
    "math.round(1.5) == 2.0 && math.round(-1.5) == -2.0 && math.round(1.4) == 1.0",
    'math.round(double("inf")) == double("inf")',
    "math.abs(-1) == 1 && math.abs(-1.5) == 1.5 && math.abs(1u) == 1u",
    "math.sign(-42) == -1 && math.sign(0) == 0 && math.sign(2.5) == 1.0 && math.sign(2u) == 1u",
    'math.isNaN(math.sign(double("nan")))',
    "math.isNaN(0.0 / 0.0) && !math.isNaN(1.0) && math.isInf(1.0 / 0.0) && !math.isInf(1.5)",
    "math.isFinite(1.2) && !math.isFinite(1.0 / 0.0) && math.isFinite(data.n) && !math.isNaN(data.n)",
    "math.sqrt(81) == 9.0 && math.sqrt(6.25) == 2.5 && math.sqrt(4u) == 2.0 && math.isNaN(math.sqrt(-1))",
    "math.bitAnd(12, 10) == 8 && math.bitAnd(12u, 10u) == 8u",
    "math.bitOr(12, 10) == 14 && math.bitOr(12u, 10u) == 14u",
    "math.bitXor(12, 10) == 6 && math.bitXor(12u, 10u) == 6u",
    "math.bitNot(1) == -2 && math.bitNot(0u) == 18446744073709551615u",
    "math.bitShiftLeft(1, 2) == 4 && math.bitShiftLeft(1u, 2) == 4u && math.bitShiftLeft(1, 64) == 0",
    "math.bitShiftLeft(1, 63) == -9223372036854775808",
    "math.bitShiftRight(1024, 2) == 256 && math.bitShiftRight(8u, 3) == 1u && math.bitShiftRight(-1024, 64) == 0",
    "math.bitShiftRight(-1024, 3) == 2305843009213693824",
    # lists
    "[1, 2, 3, 4].slice(1, 3) == [2, 3] && [1].slice(0, 0) == []",
    "[1, [2, 3], [4, [5]]].flatten() == [1, 2, 3, 4, [5]]",
    "[1, [2, [3, [4]]]].flatten(2) == [1, 2, 3, [4]] && [1, [2]].flatten(0) == [1, [2]] && [1].flatten(9) == [1]",
    'data.list.sort() == [1, 2, 3] && ["b", "a"].sort() == ["a", "b"] && [].sort() == []',
    "data.items.sortBy(i, i.k)[0].v == 1 && [1, 2].sortBy(x, -x) == [2, 1]",
    "[1, 2, 2, 3, 1.0, 'a', 'a'].distinct() == [1, 2, 3, 'a'] && [[1], [1.0]].distinct().size() == 1",
    "[true, 1].distinct().size() == 2 && [{'a': 1}, {'a': 1u}].distinct().size() == 1",
    "[1, 2].reverse() == [2, 1] && [].reverse() == []",
    "lists.range(3) == [0, 1, 2] && lists.range(0) == []",
    "[1, 2].first() == 1 && [1, 2].last() == 2",
    # sets
    "sets.contains([1, 2, 3], [2, 1.0]) && sets.contains([], []) && !sets.contains([1], [2])",
    "sets.equivalent([1, 2], [2, 1, 1u]) && !sets.equivalent([1], [1, 2])",
    "sets.intersects([1], [1, 2]) && !sets.intersects([], [1]) && sets.intersects([[1]], [[1.0]])",
    # times
    "timestamp(data.when).getFullYear() == 2026 && timestamp(data.when).getMonth() == 2",
    "timestamp(data.when).getDate() == 1 && timestamp(data.when).getDayOfMonth() == 0",
    "timestamp(data.when).getDayOfYear() == 59 && timestamp(data.when).getDayOfWeek() == 0",
    "timestamp(data.when).getHours() == 4 && timestamp(data.when).getMinutes() == 5",
    "timestamp(data.when).getSeconds() == 6 && timestamp(data.when).getMilliseconds() == 789",
    'timestamp(data.when).getHours("+02:30") == 6 && timestamp(data.when).getHours("-05:00") == 23',
    'timestamp(data.when).getDate("-05:00") == 28 && timestamp(data.when).getHours("UTC") == 4',
    'duration("90m").getHours() == 1 && duration("90m").getMinutes() == 90 && duration("-90m").getHours() == -1',
    'duration("1.5s").getSeconds() == 1 && duration("1.5s").getMilliseconds() == 1500',
]

FAILING = [
    ("int(data.text) == 1", "cannot convert the string 'hello mellow' to an int"),
    ("int(1e30) == 1", "integer overflow"),
    ('int(double("inf")) == 1', "not finite"),
    ("int(data.huge) == 1", "integer overflow"),
    ("uint(-1) == 1u", "unsigned integer overflow"),
    ("uint(-1.5) == 1u", "unsigned integer overflow"),
    ('uint("-1") == 1u', "cannot convert"),
    ('double("x") == 1.0', "to a double"),
    ('bool("yes")', "to a bool"),
    ('string(b"\\xff") == ""', "not UTF-8"),
    ('timestamp("2026-02-30T00:00:00Z") == timestamp(0)', "no such date"),
    ('timestamp("yesterday") == timestamp(0)', "to a timestamp"),
    ("timestamp(999999999999) == timestamp(0)", "years 1 to 9999"),
    ('duration("1 hour") == duration("1h")', "to a duration"),
    ('duration("9999999h") == duration("1h")', "292 years"),
    ('"abc".charAt(4) == ""', "index out of range: 4"),
    ('"abc".indexOf("a", -1) == 0', "index out of range"),
    ('"abc".lastIndexOf("a", 9) == 0', "index out of range"),
    ('"abc".substring(2, 1) == ""', "bad substring"),
    ('"abc".substring(9) == ""', "index out of range"),
    ("[1].join() == ''", "list of strings"),
    ('base64.decode("!") == b""', "not base64"),
    ("[1].slice(0, 2) == []", "bad slice"),
    ("[1].flatten(-1) == []", "depth"),
    ("[1, 'a'].sort() == []", "cannot sort"),
    ("[[1]].sort() == []", "cannot sort"),
    ("[].first() == 1", "no first element"),
    ("[].last() == 1", "no last element"),
    ("lists.range(2000000) == []", "more than 1,000,000 elements"),
    ("math.greatest(data.text) == 1", "no such overload: math.greatest(string)"),
    ("math.least([]) == 1", "at least one number"),
    ("math.bitShiftLeft(1, -1) == 1", "count of 0 or more"),
    ("math.abs(-9223372036854775808) == 1", "integer overflow"),
    ('"%s".format([]) == ""', "more than the 0 arguments"),
    ('"%d".format(["a"]) == ""', "type string with %d"),
    ('"%q".format(["a"]) == ""', "no clause %q"),
    ('"%.9999f".format([1.0]) == ""', "1000 digits"),
    ('timestamp(0).getHours("Mars/Base") == 0', "unknown time zone"),
    ('timestamp("0001-01-01T00:00:00Z").getHours("-10:00") == 0', "out of range"),
    ("data.text.matches('(' + '')", "bad regular expression"),
    (
        "data.text.matches([data.text, data.text].join().replace('l', lists.range(300).map(i, 'll').join()))",
        "longer than 1,000",
    ),
    ("data.n.startsWith('a')", "no such overload: int.startsWith(string)"),
    ("size(data.n) == 1", "no such overload: size(int)"),
]


@pytest.mark.parametrize("expression", TRUE)
def test_function_returns_the_documented_value(expression):
    """Each function gives the value its documentation names."""
    assert filters.compile(expression).matches(DATA, "post") is True


@pytest.mark.parametrize(("expression", "message"), FAILING)
def test_function_refuses_what_it_cannot_do(expression, message):
    """Arguments outside a function's range are an evaluation error that says what is wrong."""
    with pytest.raises(filters.FilterError) as caught:
        filters.compile(expression).matches(DATA, "post")
    assert message in caught.value.message
    assert caught.value.expression == expression


def test_every_function_is_in_the_tables_above():
    """No function escapes the tables of this file."""
    tested = " ".join(TRUE)
    missing = [
        name for name, is_method in FUNCTIONS if name[0].isalpha() and name not in tested and name != "in"
    ]
    assert missing == []


def test_text_growth_is_bounded():
    """Doubling a string again and again ends with an error, not with the machine's memory."""
    expression = "data.text.size() >= 0 && "
    previous = "data.text"
    for name in "abcdefghijklmnopqrstuvwxyz":
        expression += f"cel.bind({name}, {previous} + {previous}, "
        previous = name
    expression += "z.size() > 0" + ")" * 26
    with pytest.raises(filters.FilterError, match="more than 4,194,304 characters"):
        filters.compile(expression).matches(DATA, "post")


def test_replace_growth_is_bounded_before_it_happens():
    """Replacing each of many characters by a long text is refused before the text is built."""
    text = "a" * 100_000
    with pytest.raises(filters.FilterError, match="more than 4,194,304 characters"):
        filters.compile('data.t.replace("a", data.t) == ""').matches({"t": text}, "post")
