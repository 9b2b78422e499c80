"""Generators: send, throw, close, delegation, laziness, and async ones."""

import asyncio
import itertools


def counter(limit):
    total = 0
    try:
        while total < limit:
            got = yield total
            total += 1 if got is None else got
    except KeyError as error:
        print("thrown in", error)
        yield "recovered"
    finally:
        print("closing at", total)
    return total


def chain(*parts):
    for part in parts:
        result = yield from part
        print("part returned", result)


def primes():
    seen = []
    for n in itertools.count(2):
        if all(n % p for p in itertools.takewhile(lambda p: p * p <= n, seen)):
            seen.append(n)
            yield n


def tree(node):
    if node:
        left, value, right = node
        yield from tree(left)
        yield value
        yield from tree(right)


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def collect():
    return [i async for i in ticks(4) if i % 2], {i: i * i async for i in ticks(3)}


class Tree:
    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        for item in self.items:
            if isinstance(item, Tree):
                yield from item
            else:
                yield item

    def __reversed__(self):
        return iter(list(self)[::-1])

    def __contains__(self, value):
        return any(value == item for item in self)


def main(event=None):
    g = counter(10)
    print(next(g), g.send(5), next(g), g.throw(KeyError("k")))
    g.close()
    g = counter(2)
    print(list(g))
    print(list(chain(counter(2), counter(1))))
    print(list(itertools.islice(primes(), 12)))
    print(list(tree((((None, 1, None), 2, None), 3, (None, 4, None)))))
    print(asyncio.run(collect()))
    t = Tree(1, Tree(2, Tree(3)), 4)
    print(list(t), list(reversed(t)), 3 in t, 9 in t, *t)
    lazy = (print("evaluated", i) or i for i in range(3))
    print("not yet")
    print(next(lazy), sum(lazy))
    print([list(v) for _, v in itertools.groupby([1, 1, 2, 3, 3])], list(zip(*[iter("abcdef")] * 2)))
    print(list(map(lambda a, b: a + b, [1, 2], [3, 4])), list(filter(None, [0, 1, "", "x"])))
    it = iter([1, 2, 3])
    print(next(it), *it, next(it, "done"))
    print(list(iter(iter([1, 2, 0, 3]).__next__, 0)))
    try:
        next(iter([]))
    except StopIteration as stop:
        print("stop", stop.value)

    def bad():
        yield 1
        raise StopIteration

    try:
        list(bad())
    except RuntimeError as error:
        print(type(error).__name__, error)
    first, *middle, last = (c for c in "hello")
    print(first, middle, last)
    print(max((len(w), w) for w in "a bbb cc".split()), any(x > 2 for x in range(5)))


if __name__ == "__main__":
    main()
