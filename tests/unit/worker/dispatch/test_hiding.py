"""Secrets in a subscription's filter are hidden where it is explained."""

from __future__ import annotations

import datetime as dt

from manifest import filters
from worker.dispatch import explain
from worker.masking import HIDDEN, Mask
from worker.store.records import Event

SECRET = "whsec-0123456789"


def test_no_part_of_an_explained_filter_shows_the_secret():
    """Neither the text of a part nor its value, be it a text, bytes, or inside a list or a map."""
    data = {"token": SECRET, "n": 1, "list": [SECRET, 2]}
    event = Event("evt_1", "p", "trigger", "hook", "post", data, {}, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    text = f'data.token == "{SECRET}" && {{"a": ["{SECRET}"]}}.a.size() == 2 && data.list[5] == b"{SECRET}"'
    verdict = explain.of_filter(event, text, delivered=False)
    assert SECRET in repr(verdict)
    hidden = explain.hiding(verdict, Mask([SECRET]))
    assert SECRET not in repr(hidden)
    assert hidden.filter.startswith(f'data.token == "{HIDDEN}"')
    assert [part.depth for part in hidden.parts] == [part.depth for part in verdict.parts]


def test_deep_values_are_hidden_too():
    """As far as anybody shows them."""
    data: object = SECRET
    for _ in range(5_000):
        data = [data]
    verdict = explain.Verdict(False, "", "x", [filters.Part(0, "x", [SECRET, data])])
    hidden = explain.hiding(verdict, Mask([SECRET])).parts[0].value
    assert hidden[0] == HIDDEN
    while hidden:
        hidden = hidden[-1]
    assert hidden == []


def test_filter_without_secrets_is_told_as_it_is():
    """Values that are no text stay what they are."""
    verdict = explain.Verdict(False, "", "x", [filters.Part(0, "x", {"a": [1, b"\xff", 2.5, None]})])
    assert explain.hiding(verdict, Mask([SECRET])) == verdict
