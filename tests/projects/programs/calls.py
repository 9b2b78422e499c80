"""Calls of every form: star arguments, chains, callbacks, operators as functions, dynamic attributes, recursion."""

import builtins
import collections
import inspect
import json
import operator
import sys


def f(a, b=2, /, c=3, *args, d, e=5, **kw):
    return (a, b, c, args, d, e, kw)


def forward(*args, **kwargs):
    return f(*args, **kwargs)


def twice(fn, *args):
    return fn(*args), fn(*args)


class Builder:
    def __init__(self):
        self.parts = []

    def add(self, part):
        self.parts.append(part)
        return self

    def __getattr__(self, name):
        return lambda *a: self.add((name, a))

    def build(self):
        return self.parts


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


def caller():
    return inspect.stack()[1].function, sys._getframe(1).f_code.co_name, inspect.currentframe().f_back.f_lineno


def fresh():
    class Local:
        def __call__(self, x):
            return x + 1

    return Local()


def main(event=None):
    print(f(1, d=4), forward(1, 2, 3, 4, 5, d=6, z=7), f(*[1, 2], *(3,), **{"d": 1}, **{"y": 2}))
    for bad in (lambda: f(), lambda: f(1), lambda: f(1, d=1, **{"d": 2}), lambda: f(a=1, d=2), lambda: main(1, 2, 3), lambda: f(*5, d=1)):
        try:
            bad()
        except TypeError as error:
            print(error)
    print(
        Builder()
        .add(1)
        .select("a", "b")
        .where(
            len([1, 2]),
        )
        .build()
    )
    print(twice(lambda: [1].copy()), twice(str.upper, "x"), twice(operator.add, 1, 2), twice(fresh(), 1))
    print(deep(900), even(101))
    try:
        deep(10**6)
    except RecursionError as error:
        print("RecursionError", str(error)[:32])
    name, name2, line = caller()
    print(name, name2, line - main.__code__.co_firstlineno)
    print(getattr("abc", "upper")(), operator.methodcaller("split", "b")("abc"), operator.itemgetter(1, 0)("xy"), operator.attrgetter("real")(5))
    table = {"add": lambda a, b: a + b, "neg": operator.neg}
    print(table["add"](1, 2), [fn(3) for fn in (table["neg"], abs, float, str, fresh())])
    print((lambda x: (lambda y: x + y))(1)(2), (f if True else None)(1, d=2)[0], [f][0](9, d=1)[0])
    print(sorted([("b", 1), ("a", 2)], key=lambda p: p[1], reverse=True), max("abc", key=ord), min([3, 1], default=0))
    print(builtins.sum([1, 2]), __builtins__ is not None, vars(builtins)["len"]("abc"))
    print(json.dumps({"a": (1, 2), "b": {3}}, default=list, sort_keys=True), json.loads("[1]", parse_int=float))
    print(json.loads('{"a": {"b": 1}}', object_hook=lambda d: collections.namedtuple("O", d)(*d.values())))
    print(str(inspect.signature(f)), inspect.getdoc(caller), inspect.isfunction(f), f.__kwdefaults__, f.__code__.co_varnames[:3])
    print(inspect.getsource(deep).strip())
    print(list(map(int, "1 2 3".split())), dict(zip("ab", range(2))), list(enumerate("ab", 1)), isinstance(print, object))
    counts = collections.Counter("mississippi")
    print(counts.most_common(2), collections.ChainMap({"a": 1}, {"b": 2})["b"], collections.OrderedDict(a=1))
    dd = collections.defaultdict(lambda: collections.defaultdict(list))
    dd["x"]["y"].append(1)
    print(json.dumps(dd), collections.deque([1, 2, 3], maxlen=2))
    print(type("T", (), {})().__class__.__name__, (1).__add__(2), "a".__class__("b"), [].__len__(), int.__mul__(2, 3), dict.fromkeys("ab", 0))
    x = [3, 1, 2]
    x.sort(key=lambda v: -v)
    print(x, x.sort() is None, x, "".join(reversed("abc")), ", ".join(f"{k}={v}" for k, v in {"a": 1}.items()))
    print(callable(f), id(x) == id(x), hash("a") == hash("a"), bool([]), all([]), pow(2, 10, 1000), chr(97), oct(8), bin(5), ascii("é"))
    print(eval("f(1, d=2)"), eval("(lambda q: q * 2)(4)"), compile("1+1", "x", "eval").co_name)
    print(slice(1, 2).indices(5), memoryview(b"ab")[0], bytes([1, 2]).hex(), bytearray(b"x") + b"y", frozenset([1]), object() is None)


if __name__ == "__main__":
    main()
