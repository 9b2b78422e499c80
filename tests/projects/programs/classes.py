"""Classes: metaclasses, descriptors, properties, slots, init_subclass, mro, dunder methods, abc, protocols, copying."""

import abc
import copy
import pickle
import typing
import weakref


class Registry(type):
    known = {}

    def __new__(mcs, name, bases, namespace, **options):
        cls = super().__new__(mcs, name, bases, dict(namespace))
        cls.options = options
        mcs.known[name] = cls
        return cls

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)

    @classmethod
    def __prepare__(mcs, name, bases, **options):
        return {"prepared": name.lower()}

    def __call__(cls, *args, **kwargs):
        made = super().__call__(*args, **kwargs)
        made.created_by = "metaclass"
        return made

    def __getitem__(cls, key):
        return f"{cls.__name__}[{key}]"

    def __len__(cls):
        return len(cls.known)


class Base(metaclass=Registry, flag=1):
    pass


class Derived(Base, flag=2):
    def __init__(self, value):
        self.value = value


class Plugin:
    plugins = []

    def __init_subclass__(cls, /, label="none", **kwargs):
        super().__init_subclass__(**kwargs)
        cls.label = label
        cls.plugins.append(cls.__name__)


class First(Plugin, label="first"):
    pass


class Second(First):
    pass


class Typed:
    def __init__(self, kind):
        self.kind = kind

    def __set_name__(self, owner, name):
        self.name = f"_{name}"

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, None)

    def __set__(self, instance, value):
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name[1:]} must be {self.kind.__name__}")
        setattr(instance, self.name, value)


class Person:
    name = Typed(str)
    age = Typed(int)

    def __init__(self, name, age):
        self.name, self.age = name, age

    @property
    def initials(self):
        return "".join(p[0] for p in self.name.split())

    @initials.setter
    def initials(self, value):
        self.name = " ".join(f"{c}." for c in value)

    @initials.deleter
    def initials(self):
        self.name = ""

    def __repr__(self):
        return f"Person({self.name!r}, {self.age})"


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 1


class A:
    def hi(self):
        return ["A"]


class B(A):
    def hi(self):
        return ["B", *super().hi()]


class C(A):
    def hi(self):
        return ["C", *super(C, self).hi()]


class D(B, C):
    def hi(self):
        return ["D", *super().hi()]


class Vector:
    def __init__(self, *xs):
        self.xs = xs

    def __add__(self, o):
        return Vector(*(a + b for a, b in zip(self.xs, o.xs)))

    def __radd__(self, o):
        return self if o == 0 else NotImplemented

    def __mul__(self, k):
        return Vector(*(x * k for x in self.xs))

    __rmul__ = __mul__

    def __matmul__(self, o):
        return sum(a * b for a, b in zip(self.xs, o.xs))

    def __neg__(self):
        return self * -1

    def __iadd__(self, o):
        self.xs = (self + o).xs
        return self

    def __getitem__(self, i):
        return self.xs[i]

    def __setitem__(self, i, v):
        xs = list(self.xs)
        xs[i] = v
        self.xs = tuple(xs)

    def __len__(self):
        return len(self.xs)

    def __bool__(self):
        return any(self.xs)

    def __eq__(self, o):
        return isinstance(o, Vector) and self.xs == o.xs

    def __hash__(self):
        return hash(self.xs)

    def __format__(self, spec):
        return "<" + ", ".join(format(x, spec) for x in self.xs) + ">"

    def __repr__(self):
        return f"V{self.xs}"

    def __call__(self, f):
        return Vector(*map(f, self.xs))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print("exit", exc[0] and exc[0].__name__)
        return True


class Magic:
    def __getattr__(self, name):
        if name.startswith("get_"):
            return lambda *a: (name[4:], a)
        raise AttributeError(name)

    def __setattr__(self, name, value):
        super().__setattr__(name, f"set {value}")

    def __delattr__(self, name):
        print("del", name)
        super().__delattr__(name)

    def __dir__(self):
        return ["only"]

    def __missing__(self, key):
        return key


class Default(dict):
    def __missing__(self, key):
        self[key] = value = key * 2
        return value


class Shape(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self): ...

    @classmethod
    def __subclasshook__(cls, other):
        return True if any("area" in vars(b) for b in other.__mro__) else NotImplemented


class Square(Shape):
    def __init__(self, s):
        self.s = s

    @property
    def area(self):
        return self.s**2


@typing.runtime_checkable
class Closes(typing.Protocol):
    def close(self) -> None: ...


class Closer:
    def close(self):
        pass


class Copied:
    def __init__(self):
        self.items = [1]

    def __deepcopy__(self, memo):
        c = Copied()
        c.items = [*copy.deepcopy(self.items, memo), "deep"]
        return c

    def __getstate__(self):
        return {"items": self.items, "pickled": True}

    def __setstate__(self, state):
        self.__dict__.update(state)


class Singleton:
    _one = None

    def __new__(cls, *args):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one


def main(event=None):
    d = Derived(5)
    print(d.value, d.created_by, Derived.options, d.prepared, Derived["k"], len(Base), sorted(Registry.known))
    print(Plugin.plugins, First.label, Second.label)
    p = Person("Ada Lovelace", 36)
    print(p, p.initials, Person.age.name)
    p.initials = "XY"
    print(p)
    del p.initials
    print(p)
    try:
        p.age = "old"
    except TypeError as error:
        print(error)
    s = Slotted()
    try:
        s.c = 1
    except AttributeError as error:
        print(error)
    print(D().hi(), [c.__name__ for c in D.__mro__])
    v = Vector(1, 2)
    w = v
    w += Vector(1, 1)
    print(v, w, sum([v, w]), 2 * v, v @ w, -v, v[0], len(v), bool(Vector(0)), {v: 1}[Vector(2, 3)], f"{v:.1f}", v(str))
    v[0] = 9
    print(v)
    with v as same:
        raise KeyError("hidden")
    m = Magic()
    m.a = 1
    print(m.a, m.get_it(1, 2), hasattr(m, "nope"), dir(m))
    del m.a
    print(Default()["ab"], getattr(m, "zzz", "fallback"))
    print(Square(3).area, issubclass(Square, Shape), isinstance(Closer(), Closes), isinstance(5, Closes))
    try:
        Shape()
    except TypeError as error:
        print(error)
    c = Copied()
    print(copy.deepcopy(c).items, copy.copy(c).__dict__, pickle.loads(pickle.dumps(c)).__dict__)
    print(Singleton() is Singleton())
    Dynamic = type("Dynamic", (A,), {"hi": lambda self: ["dyn", *A.hi(self)], "n": 1})
    print(Dynamic().hi(), Dynamic.__name__, type(Dynamic).__name__, Dynamic.__module__ == __name__)
    d = Dynamic()
    d.hi = lambda: "instance"
    print(d.hi(), Dynamic.hi(d))
    print(type(v).__name__, isinstance(v, (int, Vector)), callable(v), Person.__qualname__, main.__qualname__)
    ref = weakref.ref(c)
    print(ref() is c)
    print(Registry.__mro__[1].__name__, [b.__name__ for b in D.__bases__], vars(p))


if __name__ == "__main__":
    main()
