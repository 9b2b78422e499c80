"""What the transform writes, as text."""

from __future__ import annotations

import ast
import sys
from textwrap import dedent

import pytest

from worker.usercode.transform import transform

CASES = {
    "plain call": ("def f(x):\n    g(x)", "def f(x):\n    __ak_route__(g, 'm.py:2:5')(x)"),
    "argument of a call": (
        "f(g(1))",
        "__ak_route__(f, 'm.py:1:1')(__ak_route__(g, 'm.py:1:3')(1))",
    ),
    "chain": (
        "(c\n .a()\n .b())",
        "__ak_route__(__ak_route__(c.a, 'm.py:2:3')().b, 'm.py:3:3')()",
    ),
    "call of a call": ("f()()", "__ak_route__(__ak_route__(f, 'm.py:1:1')(), 'm.py:1:4')()"),
    "comprehension": (
        "[f(x) for x in g(y) if h(x)]",
        "[__ak_route__(f, 'm.py:1:2')(x) for x in __ak_route__(g, 'm.py:1:16')(__ak_ref__(y, 'm.py:1:18')) if __ak_route__(h, 'm.py:1:24')(x)]",
    ),
    "lambda": ("lambda x: f(x, y)", "lambda x: __ak_route__(f, 'm.py:1:11')(x, __ak_ref__(y, 'm.py:1:16'))"),
    "default argument": ("def f(x=g()):\n    pass", "def f(x=__ak_route__(g, 'm.py:1:9')()):\n    pass"),
    "text with values": ("f'{g(1)!r:>{w(2)}}'", None),
    "with": (
        "with f() as x:\n    pass",
        "with __ak_route__(f, 'm.py:1:6')() as x:\n    pass",
    ),
    "decorator call": (
        "@d(1)\ndef f():\n    pass",
        "@__ak_route__(d, 'm.py:1:2')(1)\ndef f():\n    pass",
    ),
    "bare decorator": ("@a.b\n@c\ndef f():\n    pass", "@a.b\n@c\ndef f():\n    pass"),
    "generator": (
        "def f():\n    yield g()",
        "def f():\n    yield __ak_route__(g, 'm.py:2:11')()",
    ),
    "zero-argument super": (
        "class A:\n\n    def f(self):\n        super().f()",
        "@__ak_class__\nclass A:\n\n    def f(self):\n        __ak_route__(__ak_route__(super, 'm.py:4:9')().f, 'm.py:4:17')()",
    ),
    "star arguments": (
        "f(*a.b, k=c.d, **e.f)",
        "__ak_route__(f, 'm.py:1:1')(*a.b, k=__ak_ref__(c.d, 'm.py:1:13'), **e.f)",
    ),
    "await": (
        "async def f():\n    await g()",
        "async def f():\n    await __ak_route__(g, 'm.py:2:11')()",
    ),
    "annotations": (
        "def f(x: g(1)) -> h(2):\n    y: i(3) = j(4)",
        "def f(x: g(1)) -> h(2):\n    y: i(3) = __ak_route__(j, 'm.py:2:15')(4)",
    ),
    "targets": (
        "del f().x\ng()[0] = 1",
        "del __ak_route__(f, 'm.py:1:5')().x\n__ak_route__(g, 'm.py:2:1')()[0] = 1",
    ),
    "walrus": (
        "def f():\n    if (x := g()):\n        h(x)",
        "def f():\n    if (x := __ak_route__(g, 'm.py:2:14')()):\n        __ak_route__(h, 'm.py:3:9')(x)",
    ),
    "match": (
        "match f():\n    case P(x=1) if g(x):\n        pass",
        "match __ak_route__(f, 'm.py:1:7')():\n    case P(x=1) if __ak_route__(g, 'm.py:2:20')(__ak_ref__(x, 'm.py:2:22')):\n        pass",
    ),
    "decorated class": (
        "@d\nclass A:\n    pass",
        "@__ak_class__\n@d\nclass A:\n    pass",
    ),
    "class body": (
        "class A:\n    x = 1\n    y = f(x, z)",
        "@__ak_class__\nclass A:\n    x = 1\n    y = __ak_route__(f, 'm.py:3:9')(x, __ak_ref__(z, 'm.py:3:14'))",
    ),
    "class name in a method": (
        "class A:\n    x = 1\n\n    def m(self):\n        f(x)",
        "@__ak_class__\nclass A:\n    x = 1\n\n    def m(self):\n        __ak_route__(f, 'm.py:5:9')(__ak_ref__(x, 'm.py:5:11'))",
    ),
    "global statement": (
        "def f():\n    global x\n    x = 1\n    g(x)",
        "def f():\n    global x\n    x = 1\n    __ak_route__(g, 'm.py:4:5')(__ak_ref__(x, 'm.py:4:7'))",
    ),
    "enclosing function": (
        "def f(x):\n\n    def g():\n        h(x)",
        "def f(x):\n\n    def g():\n        __ak_route__(h, 'm.py:4:9')(x)",
    ),
    "own names": ("__ak_route__(f, 's')", "__ak_route__(f, 's')"),
    "columns in characters": ("é = 'ü'; f()", "é = 'ü'\n__ak_route__(f, 'm.py:1:10')()"),
}


@pytest.mark.parametrize("name", CASES)
def test_transform_writes_the_expected_text(name):
    """Each construct comes out as written here, and nothing else of it changes."""
    source, expected = CASES[name]
    text = ast.unparse(transform(dedent(source), "m.py"))
    if expected is None:
        assert text.count("__ak_route__") == 2
    else:
        assert text == expected


def test_transform_keeps_docstring_and_future_import_first():
    """The docstring stays one, and a future import is still allowed after it."""
    tree = transform('"""doc"""\nfrom __future__ import annotations\nx: f() = g()\n', "m.py")
    scope = {"__ak_route__": lambda f, _: f, "g": lambda: 1}
    exec(compile(tree, "m.py", "exec", dont_inherit=True), scope)
    assert (scope["__doc__"], scope["x"], scope["__annotations__"]) == ("doc", 1, {"x": "f()"})


def test_transform_bears_deeply_nested_sums():
    """A sum of a thousand terms is no problem, as in plain Python."""
    tree = transform(f"x = {' + '.join(['f(1)'] * 1000)}", "m.py")
    assert sum(isinstance(node, ast.Name) and node.id == "__ak_route__" for node in ast.walk(tree)) == 1000


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements came with Python 3.12")
def test_transform_leaves_type_aliases_alone():
    """The body of a type alias is evaluated lazily and is no place for calls of ours."""
    assert ast.unparse(transform("type X = f(1)", "m.py")) == "type X = f(1)"
