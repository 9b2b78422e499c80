"""How events and deliveries are told."""

from __future__ import annotations

import pytest

from worker.cli import event_view as view
from worker.masking import HIDDEN, Mask
from worker.store.records import Delivery


def delivery(state: str, reason: str = "", kind: str = "start") -> Delivery:
    """One of an event."""
    return Delivery("dlv_1", "evt_1", "p", "orders", "main.py:on_order", "ses_1", state, reason, kind=kind)


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["the filter 'data.x' failed: no such key: x in data"], "filter failed"),
        (["the filter 'data.x == 1' is false"], "filter false"),
        (["the filter 'data.x == \"it failed: no\"' is false"], "filter false"),
        ([r"""the filter 'data.x == "a\' failed: b"' is false"""], "filter false"),
        ([r"""the filter 'data.x == "a\' failed: b"' failed: no such key: x in data"""], "filter failed"),
        (["event type is 'get', the trigger wants 'post'"], "other type"),
        (["the project has no active deployment"], "not deployed"),
        (["the trigger has no call: it starts no session"], "nobody listens"),
        ([], "nobody listens"),
        (
            ["event type is 'get', the trigger wants 'post'", "the filter 'data.x == 1' is false"],
            "filter false",
        ),
    ],
)
def test_why_nothing_happened(reasons, words):
    """Of several reasons the one to look at first."""
    assert view.effect([delivery("skipped", reason) for reason in reasons]) == f"nothing: {words}"


def test_who_subscribed_and_was_passed_over():
    """Then somebody did listen, and a reason of a trigger's says more all the same."""
    assert view.effect([], heard=True) == "nothing: not for the subscribed"
    assert (
        view.effect([delivery("skipped", "the filter 'x' is false")], heard=True) == "nothing: filter false"
    )


def test_what_an_event_led_to():
    """Sessions started and reached, deliveries that wait or failed."""
    found = [delivery("done"), delivery("pending"), delivery("done", kind="event"), delivery("failed")]
    assert view.effect(found) == "2 started, 1 signalled, 1 pending, 1 failed"


def test_a_skipped_delivery_has_no_session():
    """The id it was derived with names none that ever existed, and the filter stands once."""
    old = "the filter 'data.x > 3' failed: no such key: x in data (in the filter 'data.x > 3')"
    found = view.delivery_document(delivery("skipped", old))
    assert (found["session"], found["reason"]) == (
        None,
        "the filter 'data.x > 3' failed: no such key: x in data",
    )
    (first, second) = view.delivery_lines(found)
    assert first == "  trigger orders → main.py:on_order: skipped: the filter 'data.x > 3' failed: no"
    assert second == "    such key: x in data"
    other = "the filter 'a' failed: x (in the filter 'b')"
    assert view.without_filter_twice(other) == other


@pytest.mark.parametrize(
    ("kind", "state", "line"),
    [
        ("start", "done", "  trigger orders → main.py:on_order: started ses_1"),
        ("start", "pending", "  trigger orders → main.py:on_order: not yet"),
        ("event", "done", "  subscription of ses_1: signalled"),
        ("inbox", "inbox", "  subscription of ses_1: kept for it"),
    ],
)
def test_delivery_lines(kind, state, line):
    """A trigger's with its handler, a subscription's with its session."""
    assert view.delivery_lines(view.delivery_document(delivery(state, kind=kind))) == [line]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abc", f"Bearer {HIDDEN}"),
        ("Authorization", "abc", HIDDEN),
        ("Proxy-Authorization", "Basic abc", f"Basic {HIDDEN}"),
        ("Cookie", "session=abc; other=1", HIDDEN),
        ("X-Gitlab-Token", "abc def", HIDDEN),
        ("X-Api-Key", "abc", HIDDEN),
        ("Content-Type", "text/plain", "text/plain"),
    ],
)
def test_headers_that_hold_secrets_are_hidden(name, value, shown):
    """By their names; a scheme is no secret."""
    assert view.header(name, value) == shown


def test_large_data_are_cut():
    """After some lines and in long ones, with the command that shows all; --full cuts nothing; secrets are hidden."""
    data = {"items": list(range(100)), "text": "x" * 5000, "token": "s3cret-value"}
    cut = view.data_lines(data, Mask(["s3cret-value"]), full=False, more="ak event get evt_1 --full")
    assert cut[-1] == "… 46 more lines: ak event get evt_1 --full"
    whole = view.data_lines(data, Mask(["s3cret-value"]), full=True, more="")
    assert len(whole) == 106
    assert f'  "token": "{HIDDEN}"' in whole
    (line,) = view.data_lines("x" * 5000, Mask(), full=False, more="MORE")
    assert line.endswith("x… 4,002 more characters: MORE")
