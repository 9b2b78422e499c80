"""``match`` in all its patterns, f-strings, and conditional expressions."""

import datetime
from dataclasses import dataclass
from enum import Enum


class Op(Enum):
    ADD = "+"
    SUB = "-"


@dataclass
class Num:
    value: int


@dataclass
class Bin:
    op: Op
    left: object
    right: object


class Custom:
    __match_args__ = ("first", "second")

    def __init__(self, a, b):
        self.first, self.second = a, b


def evaluate(node):
    match node:
        case Num(value):
            return value
        case Bin(Op.ADD, left, right):
            return evaluate(left) + evaluate(right)
        case Bin(op=Op.SUB, left=l, right=r):
            return evaluate(l) - evaluate(r)
        case _:
            raise TypeError(node)


def kind(value):
    match value:
        case None | True | False:
            return "constant"
        case 0 | 1:
            return "bit"
        case int(n) if n < 0:
            return f"negative {n}"
        case int() | float():
            return "number"
        case "go" | "run" as word:
            return f"verb {word}"
        case str():
            return f"text {len(value)}"
        case []:
            return "empty"
        case [x]:
            return f"one {x}"
        case [first, *_, last]:
            return f"{first}..{last}"
        case {"type": "point", "at": [x, y], **rest}:
            return f"point {x},{y} {rest}"
        case {}:
            return "mapping"
        case Custom(1, second=s):
            return f"custom {s}"
        case datetime.date(year=y):
            return f"year {y}"
        case _:
            return "other"


class Money:
    def __init__(self, n):
        self.n = n

    def __format__(self, spec):
        return f"${self.n:{spec or '.2f'}}"

    def __repr__(self):
        return f"Money({self.n})"

    def __str__(self):
        return "money"


def main(event=None):
    print(evaluate(Bin(Op.SUB, Bin(Op.ADD, Num(5), Num(6)), Num(3))))
    for v in (None, 1, -4, 2.5, "go", "abc", [], [1], (1, 2, 3), {"type": "point", "at": (1, 2), "z": 3}, {"a": 1}, Custom(1, "b"), Custom(2, 3), datetime.date(2026, 1, 2), object):
        print(kind(v))
    m, width, name = Money(3.14159), 12, "wörld"
    print(f"{m} {m!r} {m!s} {m:.3f} {name!a} {name:>{width}}|{name:^{width - 2}}| {1_000_000:,} {0.256:.1%} {255:#x} {255:08b}")
    print(f"{name=} {1 + 1=} {max(1, 2) = :>5} {{literal}} {'nested ' + f'{name.upper()}'} {m.n:e} {datetime.date(2026, 1, 2):%d/%m/%y}")
    print(f"""multi
{', '.join(str(i) for i in range(3))}
{(lambda x: x * 2)(4)} {[c for c in name][0]} {dict(a=1)['a']}""")
    print("%s %r %05.1f %-5s| %(k)s" % ("a", "b", 3.14159, "c") if False else "%s %r %05.1f %-5s|" % ("a", "b", 3.14159, "c"))
    print("{0} {1[k]} {2.n} {3:>5}".format("x", {"k": 1}, m, "r"), "{a}{b}".format_map({"a": 1, "b": 2}))
    print("yes" if evaluate(Num(1)) else "no", 1 < evaluate(Num(2)) <= 2, not evaluate(Num(0)) or undefined)
    print(b"bytes %d" % 5, rb"\n", "\N{SNOWMAN}", "a" "b" f"{1}", "tab\tend", 'quote"s')
    print(int("ff", 16), complex("1+2j"), 0o17, 1e3, 10**30, -7 // 2, -7 % 3, divmod(7, -2), round(2.5), round(1.005, 2))


if __name__ == "__main__":
    main()
