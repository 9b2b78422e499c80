"""Requests that became no event: what is noted, and how their reasons are found."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from starlette.requests import Request

from tests.helpers.fake_store import AT, webhook
from worker.gateway import strays
from worker.store.records import Refused

SLUGS = {"4p5xnwvzj95hazke4n3jm52gxn": ("shop", "orders"), "2k8ezb4rgvq1zq3xwf7fmbxsfr": ("shop", "gone")}
(ORDERS, GONE) = SLUGS


class Shop:
    """A store with a project that has one webhook, and had another one."""

    def __init__(self, *, active: bool = True) -> None:
        self.triggers = self.deployments = self.refused = self
        self.is_active = active
        self.added: list[Refused] = []

    def by_slug(self, slug):
        """The trigger that is still there."""
        return webhook(name="orders", slug=slug) if slug == ORDERS else None

    def active(self, _project):
        """A deployment, or none."""
        return object() if self.is_active else None

    def urls(self):
        """Of both."""
        return [(project, trigger, slug) for slug, (project, trigger) in SLUGS.items()]

    def add(self, found):
        """Keep them."""
        self.added += found


def request(path: str, method: str = "POST", **state) -> Request:
    """As the gateway gets it."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [],
        "query_string": b"",
        "state": state,
    }
    return Request({**scope, "client": ("1.2.3.4", 5), "server": ("gateway", 80), "scheme": "http"})


def refused(path: str, code: str = "AK3404") -> Refused:
    """One request."""
    return Refused("POST", path, code, "1.2.3.4", 1, AT, AT)


@pytest.mark.parametrize(
    ("path", "trigger", "reason"),
    [
        (f"/webhooks/{GONE}/more", "gone", "shop has no webhook gone any more"),
        (f"/webhooks/{ORDERS[:-1]}", "orders", "it is nearly the URL of the webhook orders of shop"),
        (f"/webhooks/{ORDERS}x", "orders", "it is nearly the URL of the webhook orders of shop"),
        (f"/webhooks/x{ORDERS[1:]}", "orders", "it is nearly the URL of the webhook orders of shop"),
        (f"/hooks/{ORDERS}", "orders", f"the path of the webhook orders begins with /webhooks/{ORDERS}"),
        (f"/webhooks/{ORDERS}", "orders", "it was there a moment later"),
        (
            "/webhooks/shop/orders",
            "orders",
            "no name stands in a webhook's URL: `ak trigger get shop orders` shows it",
        ),
        ("/webhooks/nothere", "", "no webhook is there, and none was"),
        ("/wp-login.php", "", "no webhook is there, and none was"),
    ],
)
def test_why_nothing_was_there(path, trigger, reason):
    """A webhook that is gone, a part of its URL, a wrong path, a name in place of it."""
    shop = Shop()
    found = strays.explained(shop, refused(path), shop.urls())
    assert (found.trigger, found.reason) == (trigger, reason)


def test_nothing_deployed_and_other_answers():
    """What else keeps a request from becoming an event."""
    idle = Shop(active=False)
    found = strays.explained(idle, refused(f"/webhooks/{ORDERS}"), idle.urls())
    assert found.reason == "shop has no active deployment"
    large = strays.explained(idle, refused(f"/webhooks/{ORDERS}", "AK3413"), [])
    assert large.reason == "its body is larger than 524,288 bytes"


async def test_what_is_alike_is_counted_and_written_once():
    """With the first and the last time; the trigger is known where it was found."""
    shop = Shop()
    found = strays.Strays(shop)
    for _ in range(3):
        found.note(request("/webhooks/nope"), "AK3404")
    found.note(request("/", "GET"), "AK3404")
    found.note(request(f"/webhooks/{ORDERS}", trigger=webhook(name="orders")), "AK3413")
    await found.write()
    (first, second) = shop.added
    assert (first.count, first.path, first.sender) == (3, "/webhooks/nope", "1.2.3.4")
    assert dt.timedelta() <= first.last_at - first.first_at
    assert (second.project, second.trigger) == ("shop", "orders")


async def test_a_flood_of_different_paths_is_bounded():
    """The rest is counted together; paths are cut."""
    shop = Shop()
    found = strays.Strays(shop)
    for number in range(1000):
        found.note(request(f"/webhooks/{number}/{'x' * 1000}"), "AK3404")
    await found.write()
    assert len(shop.added) == strays.MOST_AT_ONCE + 1
    assert sum(item.count for item in shop.added) == 1000
    assert max(len(item.path) for item in shop.added) == 200


async def test_what_is_left_is_written_at_the_end():
    """Also what came a moment before, and a store that fails stops nothing."""
    shop = Shop()
    found = strays.Strays(shop)
    task = asyncio.create_task(found.run())
    found.note(request("/webhooks/a"), "AK3404")
    await asyncio.sleep(0)
    await found.stop(task)
    assert [item.path for item in shop.added] == ["/webhooks/a"]
    shop.add = None
    found.note(request("/webhooks/b"), "AK3404")
    await found.write()
    assert len(shop.added) == 1
