"""What parameters, fields and results are: by call sites, or by annotations."""

from __future__ import annotations

import pytest

from tests.helpers.linting import kinds


def test_a_helper_is_read_for_what_its_callers_give(read):
    """A parameter that is a client, an asynchronous one's sibling and a dict has the calls of all three."""
    found = read(
        main="""
        import httpx
        import requests

        def ask(source, key):
            return source.get(key)

        def on_event(event):
            ask(requests.Session(), "http://localhost/")
            ask(key="http://localhost/", source=httpx.Client())
            ask({"a": 1}, "a")
            ask(event.data["thing"], "a")
        """
    )
    assert [item for item in kinds(found) if item[0] == 6] == [
        (6, "activity", "requests.Session.get"),
        (6, "local", "httpx.Client.get"),
        (6, "inline", "source.get"),
    ]


def test_what_no_caller_knows_is_unknown(read):
    """A parameter that gets a result of unknown type, or is only promised to be anything, stays unknown."""
    found = read(
        main="""
        from typing import Any, Protocol
        from nowhere import make

        class Client(Protocol):
            def get(self, url): ...

        def ask(source: Any, other: object):
            return source.get("x"), other.get("x")

        def on_event(event):
            ask(make(), make())
        """
    )
    assert [item[1] for item in kinds(found) if item[0] == 9] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    "annotation",
    [
        "Session",
        "'Session'",
        "Session | None",
        "Optional[Session]",
        "Annotated[Session, 'a client']",
        "Union[None, Session]",
    ],
)
def test_annotations_say_what_parameters_are(read, annotation):
    """Where the caller does not know, the annotation is believed, however it is written."""
    found = read(
        main=f"""
        from typing import Annotated, Optional, Union
        from nowhere import make
        from requests import Session

        def ask(client: {annotation}):
            client.get("x")

        def on_event(event):
            ask(make())
        """
    )
    assert (7, "activity", "requests.Session.get") in kinds(found)


@pytest.mark.parametrize(
    ("annotation", "reading"),
    [
        ("list[Path]", "given[0].read_text()"),
        ("Iterable[Path]", "[item.read_text() for item in given]"),
        ("dict[str, Path]", "given['a'].read_text()"),
        ("tuple[str, Path]", "given[1].read_text()"),
        ("Mapping[str, list[Path]]", "[one.read_text() for many in given.values() for one in many]"),
    ],
)
def test_annotations_say_what_is_in_containers(read, annotation, reading):
    """Members of a promised list, dict or tuple are what it is said to be of."""
    found = read(
        main=f"""
        from collections.abc import Iterable, Mapping
        from pathlib import Path
        from nowhere import make

        def ask(given: {annotation}):
            return {reading}

        def on_event(event):
            ask(make())
        """
    )
    assert (7, "activity", "pathlib.PosixPath.read_text") in kinds(found)


def test_a_field_that_is_given_two_kinds_of_clients_is_unknown(read):
    """Objects of one class are not told apart: what their constructor got in two places is not guessed."""
    found = read(
        main="""
        import httpx
        import requests

        class Api:
            def __init__(self, client):
                self.client = client

            def ask(self):
                return self.client.get("x")

        def on_event(event):
            apis = [Api(requests.Session()), Api(httpx.Client())]
            for api in apis:
                api.ask()
        """
    )
    assert (10, "unknown", "self.client.get") in kinds(found)


def test_a_set_that_a_caller_gives_is_found_in_the_helper(read):
    """The order of a set is a hazard also where the loop stands in another function than the set."""
    found = read(
        main="""
        import requests

        def ask(names):
            for name in names:
                requests.get(name)

        def on_event(event):
            ask({"a", "b"})
        """
    )
    assert [(item["code"], item["where"]) for item in found["hazards"]] == [("set-order", "main.py:5")]


def test_functions_that_hand_each_other_functions_end(read):
    """Readings are bounded where each call hands over another function."""
    found = read(
        main="""
        import requests

        def deeper(step, given):
            def inner(value):
                return step([value])

            requests.get("x")
            return deeper(inner, [given])

        def on_event(event):
            deeper(print, [1])
        """
    )
    assert (8, "activity", "requests.get") in kinds(found)


@pytest.mark.parametrize("prefix", ["", "a"])
def test_what_is_bound_by_with_is_what_the_entering_gives(read, prefix):
    """Not the object that is entered, in asynchronous code as well."""
    found = read(
        main=f"""
        import asyncio
        import requests

        class Shop:
            {"async " if prefix else ""}def __{prefix}enter__(self):
                return requests.Session()

            {"async " if prefix else ""}def __{prefix}exit__(self, *error):
                pass

        {"async " if prefix else ""}def work():
            {"async " if prefix else ""}with Shop() as client:
                client.get("http://localhost/")

        def on_event(event):
            {"asyncio.run(work())" if prefix else "work()"}
        """
    )
    assert (14, "activity", "requests.Session.get") in kinds(found)
