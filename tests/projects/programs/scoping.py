"""Scopes: comprehensions, closures, walrus, global, nonlocal, class bodies, defaults, deletion, late binding."""

counter = 0
x = "global"
Y = [x for x in range(3)]
if (n := len(Y)) > 2:
    BIG = n


def bump():
    global counter, made
    counter += 1
    made = f"made {counter}"
    return counter


def outer():
    total = 0

    def add(k):
        nonlocal total
        total += k

        def deeper():
            nonlocal total
            total *= 2
            return total

        return deeper()

    return [add(i) for i in (1, 2, 3)], total


class Body:
    x = "class"
    seen = [x, *(i for i in range(2))]
    doubled = [y * 2 for y in seen]
    if True:
        conditional = x.upper()
    for loop in range(3):
        pass

    def method(self, value=x, *, keyword=len(x)):
        return value, keyword, x, __class__.__name__

    def locals_of(self):
        a, b = 1, 2
        return sorted(locals())

    @staticmethod
    def mangled():
        class __Hidden:
            __secret = 1

            def peek(self):
                return self.__secret

        return __Hidden().peek(), [n for n in vars(__Hidden) if "secret" in n]


def late():
    fs = [lambda: i for i in range(3)]
    gs = [lambda i=i: i for i in range(3)]
    return [f() for f in fs], [g() for g in gs]


def walrus(data):
    if (match := next((d for d in data if d > 2), None)) is not None:
        print("match", match)
    print([last := d for d in data], last)
    while (item := data.pop()) > 1:
        print("item", item)
    return any((hit := d) == 1 for d in data), f"{(z := 5)} {z + 1}"


def mutable_default(item, bucket=[]):
    bucket.append(item)
    return bucket


def deleted():
    value = 1
    del value
    try:
        value
    except UnboundLocalError as error:
        return str(error)


def unbound():
    try:
        print(later)
        later = 1
    except UnboundLocalError as error:
        return type(error).__name__
    finally:
        later = 2


def shadow(print_=print, len=lambda v: "shadowed"):
    list = tuple
    return len([1]), list("ab")


def nested_comp(n):
    return {(i, j): [k for k in range(j)] for i in range(n) for j in range(i) if (s := i + j) % 2 or s}, s


def exec_and_eval():
    scope = {"a": 2}
    exec("b = a ** 3\ndef f(x):\n    return x + b", scope)
    return scope["b"], scope["f"](1), eval("a + b", scope), eval("[len(v) for v in ('a', 'bb')]")


def try_scope():
    try:
        raise ValueError("one")
    except ValueError as error:
        kept = error
    try:
        error
    except UnboundLocalError:
        return f"gone {kept}"


def main(event=None):
    print(bump(), bump(), counter, made, x, Y, BIG)
    print(outer())
    print(Body().method(), Body.seen, Body.doubled, Body.conditional, Body.loop, Body().locals_of(), Body.mangled())
    print(late())
    print(walrus([0, 1, 2, 3, 4]))
    print(mutable_default(1), mutable_default(2), mutable_default.__defaults__)
    print(deleted(), unbound(), shadow(), try_scope())
    print(nested_comp(4))
    print(exec_and_eval())
    print(globals()["x"], "counter" in globals(), sorted(k for k in dir() if not k.startswith("_")))
    globals()["dynamic"] = lambda: "dyn"
    print(dynamic())
    a = b = [1]
    a += [2]
    print(a, b, a is b)
    i = 0
    lst = [0, 0]
    i, lst[i] = 1, 5
    print(i, lst)
    (p, q), [r, *s] = (1, 2), (3, 4, 5)
    print(p, q, r, s)
    for i in range(3):
        if i == 5:
            break
    else:
        print("no break", i)
    print([*range(2), *"ab"], {**{"a": 1}, "b": 2}, (lambda *a, k=1, **kw: (a, k, kw))(1, 2, k=3, z=4))


if __name__ == "__main__":
    main()
