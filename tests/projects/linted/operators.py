"""Methods that operators, loops and functions of Python's call, and objects of several classes."""

from abc import ABC, abstractmethod
from urllib.request import urlopen

import requests


class Remote:
    """Reads items as if it were a list of them."""

    def __init__(self, base):
        self.base = base

    def fetch(self, what):
        return requests.get(f"{self.base}/items/{what}").json()["id"]

    def __getitem__(self, number):
        return self.fetch(number)

    def __setitem__(self, number, value):
        requests.post(f"{self.base}/items", json={"id": number, "name": value})

    def __delitem__(self, number):
        requests.delete(f"{self.base}/items/{number}")

    def __contains__(self, number):
        return requests.get(f"{self.base}/items/{number}").ok

    def __len__(self):
        return len(requests.get(f"{self.base}/items").json())  # lint: io-in-property

    def __iter__(self):
        for number in (1, 2):
            yield requests.get(f"{self.base}/items/{number}").json()  # lint: io-in-iterator

    def __add__(self, other):
        return requests.post(f"{self.base}/items", json={"id": other}).json()

    def __lt__(self, other):
        return requests.get(f"{self.base}/items/{other}").json()["id"] > 1

    def __str__(self):
        return requests.get(f"{self.base}/items/1").text  # lint: io-in-property


def by_subscript(event):
    return Remote(event.data["base"])[2]


def puts_and_deletes(event):
    remote = Remote(event.data["base"])
    remote[1] = "one"
    return remote.base


def asks_whether(event):
    return 1 in Remote(event.data["base"])


def asks_how_many(event):
    return len(Remote(event.data["base"]))


def lists_all(event):
    return [item["id"] for item in Remote(event.data["base"])], len(list(Remote(event.data["base"])))


def adds(event):
    return Remote(event.data["base"]) + 3


def compares(event):
    return Remote(event.data["base"]) < 2


def writes_out(event):
    remote = Remote(event.data["base"])
    return f"{remote}", str(remote)


class Cache(dict):
    def __missing__(self, url):
        self[url] = requests.get(url).json()
        return self[url]


def fills_a_cache(event):
    cache = Cache()
    url = event.data["base"] + "/items/1"
    return cache[url]["id"]


class Notifier(ABC):
    @abstractmethod
    def notify(self, text): ...


class Hook(Notifier):
    def __init__(self, base):
        self.base = base

    def notify(self, text):
        return requests.post(self.base + "/hook", json={"text": text}).json()


class Quiet(Notifier):
    def notify(self, text):
        return len(text)


def notifies(event):
    return [notifier.notify("done") for notifier in (Hook(event.data["base"]), Quiet())]


def reads_at_once(event):
    return len(urlopen(event.data["base"] + "/items").read())
