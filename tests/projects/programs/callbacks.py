"""Functions of the program given to a library: closures, methods, partials, generators, and what they change."""

import functools

import outside


class Box:
    def __init__(self):
        self.items = []

    def add(self, x):
        self.items.append(x)
        return x

    def __call__(self, x):
        self.items.append(-x)
        return x


def put(x, into):
    into.append(x)


def touch(d):
    d["x"].append(2)
    d["z"] = d["y"]


def closures():
    acc, n = [], 0
    outside.call(lambda x: acc.append(x), 5)

    def inc(x):
        nonlocal n
        n += x
        return n

    print(outside.call(inc, 5), outside.call(inc, 2), n)
    outside.call(functools.partial(put, into=acc), 6)
    print(acc)


def methods():
    box, state = Box(), {"n": 0}
    print(outside.call(box.add, 1), outside.call(box, 2), box.items)
    outside.call(state.update, {"n": 4})
    print(state)


def lazy():
    seen = []

    def numbers():
        for i in range(3):
            seen.append(i)
            yield i

    print(outside.total(numbers()), outside.total(i * i for i in range(4)), seen)


def aliases():
    a = [1]
    d = {"x": a, "y": a}
    outside.call(touch, d)
    print(d, d["x"] is d["y"] is d["z"], a)


def main(event=None):
    closures()
    methods()
    lazy()
    aliases()
    try:
        outside.call(lambda: {}["missing"])
    except KeyError as error:
        print("caught", error)


if __name__ == "__main__":
    main()
