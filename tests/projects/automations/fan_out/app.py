"""A form that answers at once, and pages that are fetched side by side by children."""

from datetime import timedelta
from html import escape

import autokitteh
import requests
from autokitteh import http_outcome, next_signal, signal, start, wait_for_signal

PAGE = """<form method=post><input name=name></form>"""


def on_form(event):
    if event.event_type == "get":
        return http_outcome(200, headers={"Content-Type": "text/html"}, body=PAGE)
    name = (event.data.body.form or {}).get("name")
    if not name:
        return http_outcome(400, json={"error": "name is missing"})
    http_outcome(status_code=201, json={"hello": escape(name)})
    print("greeted", name)


def on_crawl(event):
    urls = event.data.body.json.urls
    children = [start("app.py:fetch", data={"url": url, "parent": event.session_id}, memo={"url": url}) for url in urls]
    total = {}
    for _ in children:
        got = next_signal("page", timeout=timedelta(minutes=5))
        total[got.payload["url"].rpartition("/")[2]] = got.payload["size"]
    ended = [next_signal(children, timeout=60).payload["completed"] for _ in children]
    signal("crawled", {"pages": len(total)})
    print(sorted(total.items()), ended, wait_for_signal("crawled", timeout=timedelta(seconds=60)))
    sizes = autokitteh.parallel(lambda url: len(requests.get(url).text), urls, limit=2)
    return {"total": sum(total.values()), "again": sum(sizes)}


def fetch(event):
    size = len(requests.get(event.data.url, timeout=10).text)
    signal(event.data.parent, "page", {"url": event.data["url"], "size": size})
    return size
