"""What people write with HTTP clients. A comment says what lint finds; a program without one has no finding."""

import asyncio
import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import requests
from slack_sdk import WebClient

import autokitteh

ATTEMPTS = 3
PATHS = ["/items", "/items/1", "/items/2"]


def one_request(event):
    item = requests.get(f"{event.data['base']}/items/1", timeout=10).json()
    return item["name"].upper()


def a_session(event):
    client = requests.Session()
    client.headers.update({"Authorization": "Bearer x"})
    answer = client.get(f"{event.data['base']}/items")
    answer.raise_for_status()
    for item in answer.json():
        client.post(f"{event.data['base']}/items", json={"id": item["id"]}).raise_for_status()


def with_httpx(event):
    with httpx.Client(base_url=event.data["base"], timeout=5) as client:
        items = client.get("/items").json()
        return [client.get(f"/items/{item['id']}").json()["name"] for item in items]


def with_urllib(event):
    request = urllib.request.Request(f"{event.data['base']}/items", headers={"Accept": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return len(json.load(answer))


def pages(event):
    page, found = 1, []
    while True:
        items = requests.get(f"{event.data['base']}/pages/{page}").json()
        if not items:
            break
        found.extend(items)
        page += 1
    return len(found)


def with_retries(event):
    for attempt in range(ATTEMPTS):
        try:
            return requests.get(f"{event.data['base']}/items").json()
        except requests.RequestException:
            time.sleep(2**attempt)  # not reached
    raise RuntimeError("no answer")


def in_a_pool(event):
    def fetch(path):
        return requests.get(event.data["base"] + path).status_code

    with ThreadPoolExecutor(max_workers=3) as pool:
        return list(pool.map(fetch, PATHS))


async def gathered(event):
    fetches = [asyncio.to_thread(requests.get, f"{event.data['base']}/items/{number}") for number in range(3)]
    return [answer.status_code for answer in await asyncio.gather(*fetches)]


def to_slack(event):
    client = WebClient(token="xoxb-1", base_url=f"{event.data['base']}/slack/")
    answer = client.chat_postMessage(channel="#general", text="done")
    if answer["ok"]:
        client.reactions_add(channel="#general", name="eyes", timestamp=answer["ts"])


def with_a_partial(event):
    fetch = partial(requests.get, timeout=10)
    first = fetch(f"{event.data['base']}/items/1")
    return first.json(), list(map(fetch, [event.data["base"] + path for path in PATHS]))[0].status_code


def side_by_side(event):
    urls = [event.data["base"] + path for path in PATHS]
    return [answer.status_code for answer in autokitteh.parallel(requests.get, urls)]


class Api:
    """A client of one's own."""

    def __init__(self, base):
        self.base = base
        self.http = requests.Session()

    def __call__(self, path):
        return self.http.get(self.base + path).json()

    def items(self):
        for item in self("/items"):
            yield self(f"/items/{item['id']}")


def with_own_client(event):
    api = Api(event.data["base"])
    return sorted(item["name"] for item in api.items())
