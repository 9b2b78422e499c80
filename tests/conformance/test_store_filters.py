"""Filters with secrets are sealed, still find their events, and those stored readable before are sealed: both databases."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conformance.conftest import KEY
from tests.helpers import postgres
from worker import clock, ids
from worker.dispatch import match
from worker.dispatch.dispatcher import subscribers
from worker.masking import forms
from worker.store import open_store
from worker.store.records import Event, Subscription

SECRET = "whsec/4%2!"
EQUAL = 'data.token == "whsec/4%2!"'
OTHER = 'data.n == 1 && data.token != "whsec/4%2!"'
TERM = '["data", "token"]', '"whsec/4%2!"'
PLAIN = "data.n == 2"


def event(data: dict) -> Event:
    """An event of the trigger hook."""
    return Event(ids.new("evt"), "p", "trigger", "hook", "post", data, {}, clock.now())


def reached(store, data: dict) -> list[str]:
    """The sessions that an event of these data reaches."""
    happened = event(data)
    store.events.record(happened, [], partial(subscribers, store.mailbox))
    return sorted(item.session_id for item in store.events.deliveries(happened.id))


def dumped(url: str) -> bytes:
    """All that the database holds: SQLite's file with its log, or what ``pg_dump`` writes."""
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    done = subprocess.run(
        [str((postgres.binaries() or Path()) / "pg_dump"), url], capture_output=True, check=True
    )
    return done.stdout


def readable(url: str) -> list[str]:
    """The forms of the secret that stand in the database."""
    data = dumped(url)
    return [text for text in (*forms(SECRET), EQUAL) if text.encode() in data]


def subscribe(store) -> None:
    """One that looks for the secret, one that looks for anything else, one without."""
    box = store.mailbox
    box.subscribe(Subscription("equal", "p", "hook", "ses_equal", EQUAL, *TERM), {SECRET})
    box.subscribe(Subscription("other", "p", "hook", "ses_other", OTHER, *match.term_of(OTHER)), {SECRET})
    box.subscribe(Subscription("plain", "p", "hook", "ses_plain", PLAIN, *match.term_of(PLAIN)))


def test_filter_with_a_secret_is_sealed_and_finds_its_events(store, database_url):
    """By the keyed hash of its equality or by another one; nobody reads the secret, alive or ended."""
    assert match.term_of(EQUAL) == TERM
    subscribe(store)
    assert reached(store, {"n": 1, "token": "x"}) == ["ses_other"]
    assert reached(store, {"n": 2, "token": "x"}) == ["ses_plain"]
    assert store.mailbox.awaited(["ses_equal", "ses_plain"]) == {
        "ses_equal": ['an event of hook with data.token == "••••••"'],
        "ses_plain": ["an event of hook with data.n == 2"],
    }
    store.mailbox.forget("ses_equal")
    (past,) = store.mailbox.past(["equal"])
    assert (past.filter, past.mask(past.filter)) == (EQUAL, 'data.token == "••••••"')
    assert SECRET not in repr(past.mask)
    stored = {item.id: item for item in store.mailbox.subscriptions(project="p")}
    assert stored["other"].filter.startswith("sealed:")
    assert stored["plain"].filter == PLAIN
    assert readable(database_url) == []
    store.mailbox.subscribe(Subscription("again", "p", "hook", "ses_again", EQUAL, *TERM), {SECRET})
    assert reached(store, {"n": 1, "token": SECRET}) == ["ses_again"]  # the event itself holds what was sent


def test_same_equality_of_another_project_has_another_hash(store):
    """The index tells nothing across projects, and not what the value is."""
    for project in ("p", "q"):
        store.mailbox.subscribe(
            Subscription(project, project, "hook", f"ses_{project}", EQUAL, *TERM), {SECRET}
        )
    hashes = {store.mailbox.subscriptions(project=project)[0].term_value for project in ("p", "q")}
    assert len(hashes) == 2
    assert all(value.startswith("keyed:") for value in hashes)


def test_damaged_filter_lets_nothing_pass_and_stops_nobody_else(store):
    """A row that cannot be opened is one session's trouble: the event is recorded and reaches the others."""
    store.mailbox.subscribe(Subscription("equal", "p", "hook", "ses_1", EQUAL), {SECRET})
    store.mailbox.subscribe(Subscription("any", "p", "hook", "ses_2"))
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE subscriptions SET filter = 'sealed:1:AAAA' WHERE id = 'equal'"))
    assert reached(store, {"token": SECRET}) == ["ses_2"]
    assert store.mailbox.awaited(["ses_1"]) == {
        "ses_1": ['an event of hook with "••••••" == "damaged in the database"']
    }


@pytest.mark.parametrize("known", ["variable", "deployment"])
def test_filters_of_an_earlier_version_are_sealed_at_the_next_start(store, database_url, known):
    """Also those that have ended, and with secrets that only an old deployment knows; once, and the rest is left alone."""
    if known == "variable":
        store.vars.set("p", "TOKEN", SECRET, secret=True)
    else:
        store.projects.ensure("p")
        store.deployments.request(
            project="p",
            build_id="bld_1",
            version="v1",
            desired={"project": {}},
            environment={"TOKEN": SECRET, "MODE": "fast"},
            secret_names=["TOKEN"],
            requirements="",
        )
    for name, text, term in (
        ("equal", EQUAL, TERM),
        ("other", OTHER, match.term_of(OTHER)),
        ("plain", PLAIN, match.term_of(PLAIN)),
        ("ended", EQUAL, TERM),
    ):
        store.mailbox.subscribe(Subscription(name, "p", "hook", f"ses_{name}", text, *term))
    store.mailbox.forget("ses_ended")
    assert readable(database_url) != []
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE settings SET value = '7' WHERE name = 'schema_version'"))
    store.close()
    for _ in range(2):
        again = open_store(database_url, secret_key=KEY)
        assert readable(database_url) == []
        assert reached(again, {"n": 1, "token": "x"}) == ["ses_other"]
        assert reached(again, {"n": 2, "token": "x"}) == ["ses_plain"]
        (past,) = again.mailbox.past(["ended"])
        assert past.filter == EQUAL
        again.close()
    again = open_store(database_url, secret_key=KEY)
    assert reached(again, {"n": 1, "token": SECRET}) == ["ses_equal"]
    again.close()
