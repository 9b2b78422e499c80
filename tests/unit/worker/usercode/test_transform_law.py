"""A transformed program means the same: results, errors, and the lines of its tracebacks."""

from __future__ import annotations

import ast
import traceback
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.usercode import hashes
from worker.usercode.transform import transform


def run(tree, source):
    """Result or error of ``main()`` with the frames of the program."""
    scope = {"__ak_route__": lambda f, _: f, "__ak_ref__": lambda f, _: f, "__name__": "m"}
    scope["__ak_class__"] = hashes.by_number(lambda: None)
    try:
        exec(compile(tree, "m.py", "exec", dont_inherit=True), scope)
        return ("value", scope["main"]())
    except Exception as error:
        frames = traceback.TracebackException.from_exception(error).stack
        places = [
            (f.lineno, f.end_lineno, f.colno, f.end_colno, f.name) for f in frames if f.filename == "m.py"
        ]
        return (type(error).__name__, str(error), places)


def assert_means_the_same(source):
    """The program and its transformed self, side by side."""
    assert run(ast.parse(source), source) == run(transform(source, "m.py"), source)


PRELUDE = """
import os
class C:
    def a(self, *a, **k): return self
    def b(self, *a, **k): return 1 / 0
c = C()
"""
MANY = ", ".join("1" * 40)
CALLS = [
    "(c\n  .a()\n  .b())",
    "(c\n  .a()\n  .b(*[1]))",
    "(c\n  .a()\n  .b(**{}))",
    "(c\n  .b(\n     1,\n     k=2,\n  ))",
    "(os\n  .fspath(\n     1,\n  ))",
    "(os.path\n  .join(\n     1,\n  ))",
    "(c\n  .a()\n  .nope(\n     1,\n  ))",
    "(c\n  .a)(\n).b(\n)",
    "[c.a().\n  b() for\n  i in [1]]",
    "f'{c.b()}'",
    "len(\n  c.a(),\n  c.b(\n))",
    f"(c\n  .b({MANY}))",
    "(len('')\n  )(\n  )",
    "undefined(\n  1)",
    "sorted(\n [1, 2],\n key=lambda x:\n   c.b())",
]


@pytest.mark.parametrize("call", CALLS)
def test_transform_reports_errors_where_python_does(call):
    """Line and columns of an error in a call over several lines are those of plain Python."""
    assert_means_the_same(f"{PRELUDE}def main():\n{indent(call, '    ')}\n")


def test_transform_reports_errors_of_the_router_in_the_line_of_the_name():
    """What the router itself raises belongs to the line of the method it was asked about."""

    def refuse(callee, site):
        if site.startswith("m.py:3:"):
            raise RuntimeError(site)
        return callee

    tree = transform("def main(c):\n    return (c\n      .lower())\n", "m.py")
    scope = {"__ak_route__": refuse}
    exec(compile(tree, "m.py", "exec", dont_inherit=True), scope)
    with pytest.raises(RuntimeError, match=r"m\.py:3:8") as caught:
        scope["main"]("X")
    assert [f.lineno for f in traceback.extract_tb(caught.tb) if f.filename == "m.py"] == [3]


def test_transform_keeps_frame_bound_builtins():
    """What looks at its caller's frame still finds the user's: super, locals, namedtuple, class cells."""
    source = """
    from collections import namedtuple
    class A:
        def f(self): return [1]
    class B(A):
        def f(self): return [*super().f(), __class__.__name__, sorted(locals())]
        @property
        def p(self): return super().f()
    T = namedtuple("T", "x")
    def main():
        y = 1
        return B().f(), B().p, sorted(locals()), sorted(vars()), T.__module__, dir()
    """
    assert_means_the_same(dedent(source))


NAMES = st.sampled_from(["a", "b", "c"])
ATOMS = st.one_of(st.integers(-3, 3).map(str), NAMES)


def combine(inner):
    """Expressions made of expressions, some of which fail."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(
            lambda t: f"({' '.join(t)})"
        ),
        st.tuples(NAMES, inner).map(lambda t: f"f_{t[0]}(\n      {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"K({t[0]}).add({t[1]}).v"),
        st.tuples(inner, inner).map(lambda t: f"sum([x + {t[0]}\n      for x in range({t[1]})])"),
        st.tuples(inner, inner).map(lambda t: f"(lambda a, b={t[0]}: f_a(a) + b)({t[1]})"),
        inner.map(lambda t: f"(K(1)\n      .add({t})\n      .add(1)).v"),
        inner.map(lambda t: f"max(*[{t}, 1])"),
        NAMES.map(lambda t: f"int(f'{{abs({t})}}')"),
        inner.map(lambda t: f"attempt(lambda: {t})"),
    )


EXPRESSIONS = st.recursive(ATOMS, combine, max_leaves=8)
PROGRAM = """
class K:
    count = abs(-1)
    def __init__(self, v): self.v = v
    def add(self, other): return type(self)(self.v + other)
def attempt(f):
    try:
        return f()
    except ZeroDivisionError as error:
        return len(str(error)) + error.__traceback__.tb_lineno
def f_a(a, b=2, c=abs(-3)):
    return {0}
def f_b(b):
    a = c = b
    def inner(c): return {1}
    return inner(a) if b < 9 else b
def f_c(c):
    return c // (c - 1)
def main():
    a, b, c = 1, 2, 3
    result = {2}
    return result
"""


@settings(max_examples=60, deadline=None)
@given(st.lists(EXPRESSIONS, min_size=3, max_size=3))
def test_transform_means_the_same_for_generated_programs(parts):
    """Small programs of functions, closures, classes, comprehensions and failures behave as before."""
    bounded = [part.replace("f_b(", "f_c(") if index < 2 else part for index, part in enumerate(parts)]
    bounded = [part.replace("f_a(", "f_c(") if index < 2 else part for index, part in enumerate(bounded)]
    assert_means_the_same(PROGRAM.format(*bounded))
