"""How programs are put together: classes, decorators, generators, tables of functions."""

import contextlib
import functools
import time
from dataclasses import dataclass, field

import requests
from pydantic import BaseModel

import autokitteh

CACHE = {}
STEPS = ("first", "second")


@dataclass
class Order:
    number: int
    lines: list[str] = field(default_factory=list)

    @property
    def size(self):
        return len(self.lines)

    def add(self, text):
        self.lines.append(text)
        return self


def with_dataclasses(event):
    order = Order(1).add("a").add("b")
    return order.size, order == Order(1, ["a", "b"])


class Item(BaseModel):
    id: int
    name: str


def with_pydantic(event):
    answer = requests.get(f"{event.data['base']}/items")
    items = [Item.model_validate(item) for item in answer.json()]
    return [item.model_dump() for item in items]


@functools.cache
def cached(url):
    return requests.get(url).json()


def with_a_cache(event):
    return [cached(f"{event.data['base']}/items/1")["name"] for _ in range(3)]


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print("call", function.__name__)
        return function(*args, **kwargs)

    return wrapper


@logged
def fetch(url):
    return requests.get(url).json()


def decorated(event):
    return fetch(f"{event.data['base']}/items/2")["name"]


def retried(times):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            for _ in range(times):
                with contextlib.suppress(ValueError):
                    return function(*args)
                time.sleep(0.01)
            return None

        return wrapper

    return decorate


@retried(2)
def fails(url):
    requests.get(url)
    raise ValueError


def with_own_retries(event):
    return fails(f"{event.data['base']}/items/2")


@contextlib.contextmanager
def reported(base, name):
    requests.post(f"{base}/items", json={"begin": name})
    try:
        yield name
    finally:
        requests.post(f"{base}/items", json={"end": name})


def in_a_block(event):
    with reported(event.data["base"], "x") as name:
        return requests.get(f"{event.data['base']}/items/1").json()["name"] + name


def walk(base, number):
    if number == 0:
        return []
    return [requests.get(f"{base}/items/{number}").json()["id"], *walk(base, number - 1)]


def recursive(event):
    return walk(event.data["base"], 2)


def do_first(base):
    return requests.get(f"{base}/items/1").json()["id"]


def do_second(base):
    return requests.get(f"{base}/items/2").json()["id"]


ACTIONS = {"first": do_first, "second": do_second}


def by_table(event):
    return [ACTIONS[name](event.data["base"]) for name in STEPS]


class Base:
    def __init__(self, base):
        self.base = base

    def run(self):
        return self.fetch(1)

    def fetch(self, number):
        raise NotImplementedError


class Fetcher(Base):
    @classmethod
    def of(cls, event):
        return cls(event.data["base"])

    @staticmethod
    def name(item):
        return item["name"]

    def fetch(self, number):
        return self.name(requests.get(f"{self.base}/items/{number}").json())


def inherits(event):
    return Fetcher.of(event).run()


def with_global_state(event):
    global CACHE
    url = f"{event.data['base']}/items/1"
    if url not in CACHE:
        CACHE[url] = requests.get(url).json()
    return CACHE[url]["name"]


def generated(base):
    for number in range(3):
        yield requests.get(f"{base}/items/{number}").json()


def from_a_generator(event):
    return [item["id"] for item in generated(event.data["base"])]


def matches(event):
    match requests.get(f"{event.data['base']}/items/1").json():
        case {"id": 1, "name": name}:
            return requests.get(f"{event.data['base']}/items/2").json()["name"] + name
        case _:
            return None


class Account:
    def __init__(self, base):
        self.base = base

    @property
    def balance(self):
        return requests.get(f"{self.base}/items/1").json()["id"]  # lint: io-in-property

    @functools.cached_property
    def owner(self):
        return requests.get(f"{self.base}/items/2").json()["name"]  # lint: io-in-property


def with_properties(event):
    account = Account(event.data["base"])
    return account.balance, account.owner, account.owner


def keeps(event):
    autokitteh.store["runs"] = 1
    autokitteh.set_value("n", autokitteh.get_value("n", 0) + 1)
    return autokitteh.store["runs"]


def child(event):
    return event.data["n"]


def starts_children(event):
    for number in range(2):
        autokitteh.start("shapes.py:child", {"n": number})


def waits(event):
    autokitteh.signal("done", {"n": 1})
    return autokitteh.wait_for_signal("done", timeout=10), autokitteh.wait_for_signal("never", timeout=0.1)
