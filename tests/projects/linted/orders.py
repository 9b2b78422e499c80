"""Sets, identity and what comes of them."""

import os
import time

import requests


def fetch(url):
    return requests.get(url)


def from_keys(event):
    paths = dict.fromkeys({"/items/1", "/items/2"})
    for path in paths:  # lint: set-order
        fetch(event.data["base"] + path)


def listed(event):
    for path in list({"/items/1", "/items/2"}):  # lint: set-order
        fetch(event.data["base"] + path)


def popped(event):
    paths = {"/items/1", "/items/2"}
    while paths:
        fetch(event.data["base"] + paths.pop())  # lint: set-order


def subtracted(event):
    seen = frozenset(["/items/1"])
    for path in {"/items/1", "/items/2", "/items/3"} - seen:  # lint: set-order
        fetch(event.data["base"] + path)


def views(event):
    old, new = {"/items/1": 1}, {"/items/2": 1, "/items/3": 1}
    for path in new.keys() - old.keys():  # lint: set-order
        fetch(event.data["base"] + path)


def sorted_sets(event):
    paths = {"/items/1", "/items/2"} | {"/items/3"}
    for path in sorted(paths):
        fetch(event.data["base"] + path)
    return len(paths), "/items/1" in paths, max(paths)


def directory_order(event):
    for name in os.listdir("."):
        fetch(f"{event.data['base']}/items/{len(name)}")


def pairs(event):
    a, b = fetch(f"{event.data['base']}/items/1"), fetch(f"{event.data['base']}/items/1")
    return a is b  # lint: identity-of-result


def with_a_sentinel(event):
    missing = object()
    found = requests.get(f"{event.data['base']}/items/1").json().get("x", missing)
    return found is missing


def none_or_not(event):
    answer = fetch(f"{event.data['base']}/items/1")
    return answer is not None and answer.json() is not None and answer.ok is True


LITERALS = ["/items/1", "/items/2"]


def loops(event):
    for path in LITERALS:
        for number in range(3):
            fetch(f"{event.data['base']}{path}?n={number}")
    time.sleep(0.01)


def enumerated(event):
    for number, path in enumerate(LITERALS):
        fetch(f"{event.data['base']}{path}?n={number}")


def unknown_turns(event):
    for item in event.data["numbers"]:
        fetch(f"{event.data['base']}/items/{item}")
