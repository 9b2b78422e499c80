"""Classes of the user's that derive from one which lists what travels of it arrive whole."""

from __future__ import annotations

import threading

import requests
from requests.adapters import HTTPAdapter

from tests.helpers.codecs import USER_MODULE, UserCode, codec, round_trip
from worker.payload import additions
from worker.payload.graft import Snapshot


class Api(requests.Session):
    """A session with a base address; its lock cannot travel."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.lock = threading.Lock()
        self.mount("http://", Limited(seconds=3))


class Limited(HTTPAdapter):
    """The adapter that everybody writes."""

    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds
        super().__init__()

    def close(self) -> None:
        """As a method of its own; not part of what travels."""


class Chosen(requests.Session):
    """It says itself what travels."""

    def __init__(self) -> None:
        super().__init__()
        self.base = "x"

    def __getstate__(self) -> dict[str, object]:
        """Less than there is."""
        return {"headers": self.headers}


def users(monkeypatch):
    """A codec of a project whose classes these are."""
    kinds = {"Api": Api, "Limited": Limited, "Chosen": Chosen}
    for kind in kinds.values():
        monkeypatch.setattr(kind, "__module__", USER_MODULE)
    additions._known.cache_clear()
    return codec(UserCode(**kinds))


def test_what_a_class_adds_to_a_library_class_travels(monkeypatch):
    """The base address and the adapter's limit arrive, what cannot travel stays behind, the library's parts work."""
    found = round_trip(Api("http://x"), users(monkeypatch))
    assert (type(found), found.base, hasattr(found, "lock")) == (Api, "http://x", False)
    adapter = found.get_adapter("http://x")
    assert (type(adapter), adapter.seconds) == (Limited, 3)
    assert adapter.poolmanager is not None


def test_a_class_that_says_itself_what_travels_is_believed(monkeypatch):
    """Nothing is added to what the user's own ``__getstate__`` gives."""
    assert "base" not in vars(round_trip(Chosen(), users(monkeypatch)))


def test_library_objects_travel_as_they_always_did():
    """A plain session, and an adapter of the library's, have no additions."""
    for value in (requests.Session(), HTTPAdapter(), {}, 1, ValueError()):
        assert additions.reduced(value, lambda _part: True) is None
    assert additions.added(requests.Session(), {}) == []


def test_change_of_an_added_attribute_comes_back(monkeypatch):
    """What a call sets on its copy is set on the caller's object."""
    made = users(monkeypatch)
    here = Api("http://x")
    there = round_trip(here, made)
    before = Snapshot((there,), {})
    there.base = "http://y"
    changed = before.changes(made)
    assert Snapshot((here,), {}).apply(changed, made) == []
    assert here.base == "http://y"
