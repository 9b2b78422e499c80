"""What Python 3.14 brought: template strings, annotations evaluated when they are asked for, except without brackets."""

import annotationlib
import dataclasses
import heapq
import time
import typing
import uuid
from compression import zstd
from string.templatelib import Interpolation, Template

calls = []


def noted(kind):
    calls.append(kind.__name__)
    return kind


@dataclasses.dataclass
class Node:
    value: noted(int)
    following: Node | None = None
    when: Later = None


class Later:
    pass


def annotated(a: noted(str), b: Missing = 1) -> list[Node]:
    local: noted(float) = 3.0
    return [Node(a, None), local]


def render(template: Template) -> str:
    parts = []
    for part in template:
        match part:
            case str():
                parts.append(part)
            case Interpolation(value, expression, conversion, spec):
                parts.append(f"<{expression}={value!r}{conversion or ''}{spec}>")
    return "".join(parts)


def fetch(n):
    time.sleep(0)
    return n * 2


def parsed(text):
    try:
        return int(text)
    except ValueError, TypeError:
        return None
    finally:
        calls.append("finally")


def main(event=None):
    print(calls)
    print(typing.get_type_hints(Node), calls)
    print(annotationlib.get_annotations(annotated, format=annotationlib.Format.STRING))
    print(annotated("x"), parsed("1"), parsed(None), parsed("x"), calls)
    name, width = "a", 4
    print(render(t"hello {name!r:>{width}} {fetch(3)} {[fetch(n) for n in range(2)]}"))
    print(t"{fetch(1)}".values, type(t"").__name__, (t"a" t"b").strings)
    heap = [1, 5, 3]
    heapq.heapify_max(heap)
    print(heapq.heappop_max(heap), zstd.decompress(zstd.compress(b"abc" * 10)))
    squeezer = zstd.ZstdCompressor()
    print(zstd.decompress(squeezer.compress(b"x") + squeezer.flush()))
    ids = [uuid.uuid7() for _ in range(3)]
    print({each.version for each in ids}, ids == sorted(ids))
    try:
        print(fetch("x" - 1))
    except TypeError as error:
        print(error)


if __name__ == "__main__":
    main()
