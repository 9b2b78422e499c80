"""Ordinary code, in which nothing is to be found."""

import asyncio
import contextlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import requests

import autokitteh
from autokitteh import next_event, start, subscribe


@dataclass
class Order:
    number: int
    items: list[str] = field(default_factory=list)

    def total(self):
        return sum(len(item) for item in self.items)

    def pages(self):
        for item in self.items:
            yield requests.get(item)


@contextlib.contextmanager
def timing(name):
    began = time.monotonic()
    yield
    print(name, time.monotonic() - began)


@autokitteh.activity(retries=3)
def charge(order):
    return requests.post("http://localhost/charge", json={"n": order.number}).json()


def on_event(event):
    data = event.data.body.json
    order = Order(data["number"], [re.sub(" +", " ", item) for item in data["items"]])
    with timing("charge"):
        receipt = charge(order)
    seen = set()
    for item in order.items:
        if item in seen:
            continue
        seen.add(item)
        requests.put("http://localhost/", data=json.dumps(item))
    subscription = subscribe("hook", "data.method == 'POST'")
    answer = next_event(subscription, timeout=60)
    if answer is None:
        start("clean.py:later", {"number": order.number})
    with ThreadPoolExecutor(3) as pool:
        texts = list(pool.map(lambda url: requests.get(url).text, order.items))
    return {"receipt": receipt, "until": str(datetime.now() + timedelta(days=1)), "texts": texts}


async def later(event):
    await asyncio.sleep(5)
    async with asyncio.timeout(5):
        return await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))


def reads_an_answer(event):
    """What urlopen gives is read to its end in the step: leaving the block closes it, and that is all."""
    import urllib.request

    with urllib.request.urlopen("http://x.example.com") as answer:
        return answer.read()
