"""What Python 3.12 brought: type parameters and aliases, nested f-strings, comprehensions without frames of their own."""

import itertools
import random
import time
import typing
from dataclasses import dataclass
from pathlib import PurePath

type Pair[T] = tuple[T, T]
type Tree = dict[str, Tree] | int


class Stack[T]:
    limit: typing.ClassVar[int] = len("abc")

    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

    def largest[K: (int, str)](self, key: typing.Callable[[T], K]) -> T:
        return max(self.items, key=key)


@dataclass
class Box[T]:
    content: T
    label: str = "box"


def first[T](items: list[T], *, default: T | None = None) -> T | None:
    return items[0] if items else default


def twice[**P, R](function: typing.Callable[P, R]) -> typing.Callable[P, list[R]]:
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> list[R]:
        return [function(*args, **kwargs) for _ in range(2)]

    return wrapper


@twice
def add(a: int, b: int = 1) -> int:
    time.sleep(0)
    return a + b


class Base:
    def name(self) -> str:
        return "base"


class Derived(Base):
    @typing.override
    def name(self) -> str:
        words = [super().name() for _ in range(2)]
        return "+".join(words)


def closures():
    made = [lambda n=n: (n, outer) for n in range(3)]
    outer = "outer"
    return [each() for each in made], {k: (lambda: k)() for k in "ab"}, [[y * x for y in range(x)] for x in range(3)]


def main(event=None):
    print(Stack().push("a").push("ccc").largest(len), Stack.limit, Stack.__type_params__)
    print(Pair.__type_params__, Pair.__name__, Tree.__value__)
    print(Box(3), first([1]), first([], default="d"), first.__type_params__, add(1, b=2))
    print(Derived().name(), closures())
    names = {"a": ["x", "y"]}
    print(f"{names["a"][0]} {"".join(f"{n!r:>5}" for n in names["a"])} {f"{f"{time.time() > 0}"}"} {1:{"0"}{3}}")
    print(f"{time.time() > 0 = } {
        sum(  # a comment inside
            [1, 2],
        )
    }")
    print(list(itertools.batched("abcde", 2)), PurePath("a/b.txt").with_segments("c"))
    random.seed(3)
    print(random.binomialvariate(10, 0.5))
    local = 5
    print([local + i for i in range(3)], sorted(name for name in locals() if name in {"local", "i"}))
    try:
        raise ExceptionGroup("several", [ValueError("v"), TypeError("t")])
    except* ValueError as group:
        print("values", [str(error) for error in group.exceptions])
    except* TypeError as group:
        print("types", [str(error) for error in group.exceptions])


if __name__ == "__main__":
    main()
