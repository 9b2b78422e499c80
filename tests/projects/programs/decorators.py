"""Decorators of every shape: with arguments, stacked, classes, on methods, that keep state."""

import contextlib
import functools

LOG = []


def traced(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        LOG.append(f"> {fn.__name__}{args}{sorted(kwargs.items())}")
        try:
            return fn(*args, **kwargs)
        finally:
            LOG.append(f"< {fn.__name__}")

    return wrapper


def times(n):
    def decorate(fn):
        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return [fn(*args, **kwargs) for _ in range(n)]

        return wrapper

    return decorate


class Counted:
    def __init__(self, fn):
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.count = 0

    def __call__(self, *args):
        self.count += 1
        return self.fn(*args)

    def __get__(self, instance, owner=None):
        return functools.partial(self, instance) if instance is not None else self


@traced
@times(2)
def double(x, *, plus=0):
    """Doc of double."""
    return x * 2 + plus


@Counted
def counted(x):
    return x + 1


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.singledispatch
def describe(value):
    return f"object {value!r}"


@describe.register
def _(value: int):
    return f"int {value}"


@describe.register(list)
def _(value):
    return "list " + ", ".join(map(describe, value))


@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(int(p) for p in text.split("."))

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts

    def __repr__(self):
        return ".".join(map(str, self.parts))

    __hash__ = None


class Shop:
    tax = 2

    @Counted
    def total(self, x):
        return x * self.tax

    @functools.cached_property
    def heavy(self):
        LOG.append("computed")
        return 42

    @functools.partialmethod
    def _plain(self):
        return "plain"

    add = functools.partialmethod(lambda self, a, b: (self.tax, a, b), 1)

    @classmethod
    @traced
    def make(cls):
        return cls()

    @staticmethod
    @traced
    def helper(x):
        return -x

    @functools.singledispatchmethod
    def show(self, value):
        return "any"

    @show.register
    def _(self, value: str):
        return "str"


@contextlib.contextmanager
def section(name):
    print("enter", name)
    try:
        yield name.upper()
    except ValueError as error:
        print("swallowed", error)
    finally:
        print("leave", name)


@section("as decorator")
def inside():
    print("inside")
    raise ValueError("gone")


def main(event=None):
    print(double(3, plus=1), double.__name__, double.__doc__, double.__wrapped__.__name__)
    print(counted(1), counted(2), counted.count, counted.__name__)
    print(fib(30), fib.cache_info())
    print(describe(1), describe([1, "a", 2.5]), describe.dispatch(bool).__name__)
    print(sorted([Version("1.10"), Version("1.9"), Version("0.1")]), Version("1.0") >= Version("0.9"))
    shop = Shop.make()
    print(shop.total(5), shop.heavy, shop.heavy, shop.add(9), Shop.helper(4), shop.show("x"), shop.show(1))
    with section("one") as a, section("two") as b:
        print(a, b)
        raise ValueError("boom")
    print(inside())
    print(*LOG, sep="\n")
    print(functools.reduce(lambda a, b: a * b, range(1, 20)), functools.partial(max, 3)(1, 2))
    print(sorted("b A c".split(), key=functools.cmp_to_key(lambda a, b: (a.lower() > b.lower()) - (a.lower() < b.lower()))))


if __name__ == "__main__":
    main()
