"""Dataclasses, enums, named tuples, typed dicts, pydantic models, type hints with forward references."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections import namedtuple
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import Annotated, ClassVar, Generic, NamedTuple, Optional, TypedDict, TypeVar

import pydantic
from pydantic import BaseModel, Field, field_validator, model_validator

T = TypeVar("T")


class Color(enum.Enum):
    RED = "r"
    GREEN = "g"
    CRIMSON = "r"

    @classmethod
    def _missing_(cls, value):
        return cls.GREEN

    @property
    def nice(self):
        return self.name.title()

    def __str__(self):
        return f"<{self.value}>"


class Level(enum.IntEnum):
    LOW = enum.auto()
    HIGH = enum.auto()


class Perm(enum.Flag):
    R = enum.auto()
    W = enum.auto()
    RW = R | W


class Name(enum.StrEnum):
    @staticmethod
    def _generate_next_value_(name, start, count, last):
        return f"{name.lower()}-{count}"

    ONE = enum.auto()
    TWO = enum.auto()


@dataclass(order=True)
class Item:
    name: str = field(compare=False)
    price: float = 0.0
    tags: list[str] = field(default_factory=list, repr=False)
    count: ClassVar[int] = 0
    scale: InitVar[int] = 1
    _: KW_ONLY = None
    total: float = field(init=False)
    parent: Item | None = None

    def __post_init__(self, scale):
        self.total = self.price * scale
        Item.count += 1


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = dataclasses.field(default=2, metadata={"unit": "m"})

    def moved(self, **by):
        return dataclasses.replace(self, **{k: getattr(self, k) + v for k, v in by.items()})


@dataclass
class Box(Generic[T]):
    value: T
    next: Optional[Box[T]] = None

    def __iter__(self):
        box = self
        while box:
            yield box.value
            box = box.next


class Coord(NamedTuple):
    lat: float
    lon: float = 0.0

    @property
    def pair(self):
        return f"{self.lat}/{self.lon}"


Old = namedtuple("Old", "a b", defaults=[5])


class Movie(TypedDict, total=False):
    title: str
    year: int


class Address(BaseModel):
    city: str
    zip: Annotated[str, Field(pattern=r"^\d+$")] = "0"


class User(BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    name: str
    age: int = Field(ge=0)
    address: Address | None = None
    friends: list[User] = []
    color: Color = Color.RED

    @field_validator("name")
    @classmethod
    def strip(cls, value):
        return value.strip()

    @model_validator(mode="after")
    def check(self):
        if self.name == "bad":
            raise ValueError("bad name")
        return self

    @pydantic.computed_field
    @property
    def shout(self) -> str:
        return self.name.upper()


class Page(BaseModel, Generic[T]):
    items: list[T]


def hinted(a: Box[int], b: "Later" = None) -> dict[str, Item]:
    x: Undefined = 1
    return x


class Later:
    self_: Later
    many: list["Later"]


def main(event=None):
    print(Color("r") is Color.CRIMSON, Color("zz"), Color.RED.nice, list(Color), Color.__members__.keys(), f"{Color.RED}")
    print(Level.HIGH > Level.LOW, Level(1), Perm.RW, Perm.R in Perm.RW, ~Perm.R, list(Name), Name.ONE + "!")
    i = Item("a", 2.5, scale=4)
    print(i, i.total, Item.count, Item("z", 1) < i, i == Item("b", 2.5, scale=4))
    print(dataclasses.asdict(Item("p", 1.0, parent=None)), [f.name for f in dataclasses.fields(i)])
    p = Point(1)
    print(p, p.moved(x=5), hash(p) == hash(Point(1, 2)), dataclasses.astuple(p), Point.__slots__)
    try:
        p.x = 3
    except dataclasses.FrozenInstanceError as error:
        print(type(error).__name__, error)
    print(list(Box(1, Box(2))), Box[int].__args__, Coord(1.5).pair, Coord(1)._asdict(), Old(1), Old(1)._replace(b=0))
    m: Movie = {"title": "x"}
    print(m, Movie.__annotations__)
    print(typing.get_type_hints(hinted), typing.get_type_hints(Later), typing.get_type_hints(Item)["parent"])
    u = User.model_validate({"name": " Ada ", "age": "36", "address": {"city": "L", "zip": "12"}, "friends": [{"name": "B", "age": 1}]})
    print(u, u.shout)
    print(u.model_dump_json(), u.model_copy(update={"age": 1}).age, sorted(User.model_json_schema()["$defs"]))
    for bad in ({"name": "bad", "age": 1}, {"name": "x", "age": -1, "extra": 1}):
        try:
            User(**bad)
        except pydantic.ValidationError as error:
            print(error.error_count(), [e["type"] for e in error.errors()])
    print(Page[int](items=["1", 2]), Page[User].__name__)
    print(pydantic.TypeAdapter(list[Point]).validate_python([{"x": "1"}]))
    Made = dataclasses.make_dataclass("Made", [("x", int), ("y", int, field(default=3))], namespace={"sum": lambda self: self.x + self.y})
    print(Made(1), Made(1).sum())
    print(enum.Enum("Animal", "CAT DOG").DOG.value)


if __name__ == "__main__":
    main()
