"""Helpers whose parameters, fields and results say what they are: by their callers, or by annotations."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import requests


def send(client, url, text="hello"):
    return client.post(url, json={"text": text.strip()}).json()


def by_a_session(event):
    return send(requests.Session(), f"{event.data['base']}/items")


def by_httpx(event):
    with httpx.Client() as client:
        return send(client, text="x", url=f"{event.data['base']}/items")


def name_of(source, *keys):
    found = source.get(*keys)
    return found if isinstance(found, str) else found.status_code


def of_data(event):
    return name_of({"name": "x"}, "name")


def of_both(event):
    return name_of({"name": "x"}, "name"), name_of(requests.Session(), f"{event.data['base']}/items/1")


def through_two(client, base):
    return send(client, f"{base}/items")


def deep(event):
    return through_two(requests.Session(), event.data["base"])


def annotated(client: requests.Session, url: str):
    return client.get(url).json()["id"]


def by_annotation(event):
    made = {"client": requests.Session(), "n": 1}
    return annotated(made["client"], f"{event.data['base']}/items/1")


def titles(paths: list[Path], texts: dict[str, str]):
    return [path.read_text() for path in paths], [text.upper() for text in texts.values()]


def of_lists(event):
    return titles([Path("settings.json")], {"a": "b"})


def maybe(client: requests.Session | None = None, base: str | None = None):
    client = client or requests.Session()
    return client.get(f"{base}/items/1").status_code


def with_defaults(event):
    return maybe(base=event.data["base"])


class Api:
    def __init__(self, client, base):
        self.client = client
        self.base = base.rstrip("/")

    def item(self, number):
        return self.client.get(f"{self.base}/items/{number}").json()


def fields(event):
    return Api(requests.Session(), event.data["base"]).item(1)["id"]


def fields_of_httpx(event):
    return Local(event.data["base"], httpx.Client()).item(2)["id"]


@dataclass
class Local:
    base: str
    client: httpx.Client

    def item(self, number):
        return self.client.get(f"{self.base}/items/{number}").json()


def chosen(name: str) -> requests.Session:
    return {"a": requests.Session}[name]()


def by_its_result(event):
    return chosen("a").get(f"{event.data['base']}/items/1").status_code


@contextlib.contextmanager
def client_of(kind):
    yield kind()


def in_a_block_of_ones_own(event):
    with client_of(requests.Session) as client:
        return client.get(f"{event.data['base']}/items/1").status_code


def in_loops(event):
    clients = [(requests.Session(), "/items/1"), (requests.Session(), "/items/2")]
    return [client.get(event.data["base"] + path).json()["id"] for client, path in clients]


def unpacked(event):
    (client, base), *_ = [(requests.Session(), event.data["base"])]
    return send(client, f"{base}/items")


def with_a_bound_client(event):
    post = functools.partial(send, requests.Session())
    return post(f"{event.data['base']}/items", text="y")


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@traced
def fetch(client, base):
    return client.get(f"{base}/items/1").json()["id"]


def through_a_decorator(event):
    return fetch(requests.Session(), event.data["base"])


def each(client, urls: set[str]):
    return [client.get(url).json()["id"] for url in sorted(urls)]


def of_a_set(event):
    return each(requests.Session(), {f"{event.data['base']}/items/{number}" for number in (1, 2)})


def anything_at_all(thing: Any, name: object):
    return thing.get(name)


def by_any(event):
    return anything_at_all({"a": 1}, "a"), anything_at_all(requests, f"{event.data['base']}/items/1").json()[
        "id"
    ]


def call_with(function, *arguments):
    return function(*arguments)


def hands_over_a_function(event):
    return call_with(requests.get, f"{event.data['base']}/items/1").json()["id"]


class Calls:
    def __init__(self, get):
        self.get = get

    def item(self, base):
        return self.get(f"{base}/items/1").json()["id"]


def keeps_a_function(event):
    return Calls(requests.get).item(event.data["base"])


def hands_over_ones_own(event):
    def fetch(number):
        return requests.get(f"{event.data['base']}/items/{number}").json()["id"]

    return call_with(fetch, 1), call_with(lambda: fetch(2))
