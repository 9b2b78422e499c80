"""What each handler does durably: kinds of calls, the rule for each, and about how many events."""

from __future__ import annotations

import pytest

from tests.helpers.linting import kinds
from worker.errors import UserCodeError
from worker.lint.report import as_text


def test_each_kind_of_call_is_told_apart(read):
    """Library calls, sleeps, the SDK's operations, reads, waits and children each are what they will be."""
    found = read(
        main="""
        import time
        import requests
        from autokitteh import get_value, next_event, set_value, start, subscribe

        def on_event(event):
            requests.get("http://localhost/").json()
            time.sleep(1)
            set_value("k", get_value("k"))
            next_event(subscribe("hook"))
            start("main.py:on_event", {})
            sorted([1])
        """
    )
    assert kinds(found) == [
        (7, "activity", "requests.get"),
        (7, "inline", "requests.Response.json"),
        (8, "timer", "sleep"),
        (9, "read", "autokitteh.get_value"),
        (9, "step", "autokitteh.set_value"),
        (10, "step", "autokitteh.subscribe"),
        (10, "wait", "autokitteh.next_event"),
        (11, "child", "autokitteh.start"),
        (12, "inline", "builtins.sorted"),
    ]


def test_calls_of_helpers_in_other_modules_are_followed(read):
    """A handler's report has the steps of everything it calls, methods and constructors included."""
    found = read(
        helper="""
        import requests

        class Client:
            def __init__(self):
                self.http = requests.Session()
                self.http.get("http://localhost/login")

            def fetch(self, n):
                return self.http.get(f"http://localhost/{n}")
        """,
        main="""
        from helper import Client

        def on_event(event):
            client = Client()
            for n in range(10):
                client.fetch(n)
        """,
    )
    assert [item["where"] for item in found["handlers"][0]["calls"] if item["kind"] == "activity"] == [
        "helper.py:7",
        "helper.py:10",
    ]
    assert found["handlers"][0]["events"] == {"about": 5 + 6 + 10 * 6, "per_turn": {}}


def test_a_loop_without_a_known_end_counts_per_turn(read):
    """What a turn of such a loop adds stands beside what the rest costs."""
    found = read(
        main="""
        import time
        import requests

        def on_event(event):
            requests.get("http://localhost/")
            for item in event.data.items:
                for _ in range(3):
                    requests.get(item)
                time.sleep(1)
        """
    )
    assert found["handlers"][0]["events"] == {"about": 11, "per_turn": {"main.py:7": 23}}


@pytest.mark.parametrize(
    ("decorator", "reason"),
    [("@autokitteh.activity", "marked @activity"), ("@autokitteh.activity(retries=2)", "marked @activity")],
)
def test_a_marked_function_is_one_step(read, decorator, reason):
    """What a marked function calls is inside its step."""
    found = read(
        main=f"""
        import autokitteh, requests

        {decorator}
        def fetch():
            return requests.get("http://localhost/")

        def on_event(event):
            fetch()
        """
    )
    (call,) = found["handlers"][0]["calls"]
    assert (call["kind"], call["name"], call["reason"]) == ("activity", "main.fetch", reason)


def test_a_handler_that_is_marked_runs_as_one_activity(read):
    """Its report says so instead of listing steps."""
    found = read(main="import autokitteh\n\n@autokitteh.activity\ndef on_event(event):\n    print(1)\n")
    assert found["handlers"][0]["one_activity"]
    assert "runs as one activity" in as_text(found)


def test_the_projects_own_rules_count(read, tmp_path):
    """A rule in pyproject.toml makes a library's function inline, as it does when the project runs."""
    (tmp_path / "pyproject.toml").write_text('[tool.autokitteh.calls]\ninline = ["requests.api.get"]\n')
    found = read(main="import requests\n\ndef on_event(event):\n    requests.get('x')\n")
    assert kinds(found) == [(4, "inline", "requests.get")]


def test_recursion_ends(read):
    """Functions that call each other are followed once."""
    found = read(
        main="""
        import time

        def on_event(event):
            other(event)

        def other(event):
            time.sleep(1)
            on_event(event)
        """
    )
    assert kinds(found) == [(8, "timer", "sleep")]


def test_what_is_not_installed_is_unknown(read):
    """A library that is not there says nothing, and so does the report."""
    found = read(main="import not_there_at_all as x\n\ndef on_event(event):\n    x.y.z(1)\n")
    assert kinds(found) == [(4, "unknown", "x.y.z")]


def test_a_file_that_does_not_parse_is_an_error_with_its_line(read):
    """The user's file and line, no traceback."""
    with pytest.raises(UserCodeError) as raised:
        read(main="def on_event(event:\n    pass\n")
    assert raised.value.where == "main.py:1"


def test_a_file_may_say_how_it_is_written(read, tmp_path):
    """A coding line counts, as it does for Python; without one a file that is no UTF-8 is an error with its place."""
    (tmp_path / "names.py").write_bytes(b'# -*- coding: latin-1 -*-\nNAME = "caf\xe9"\n')
    assert read(main="import names\n\ndef on_event(event):\n    print(names.NAME)\n")["hazards"] == []
    (tmp_path / "names.py").write_bytes(b'NAME = "caf\xe9"\n')
    with pytest.raises(UserCodeError, match="utf-8") as raised:
        read(main="def on_event(event):\n    pass\n")
    assert raised.value.where == "names.py:1"


def test_results_of_own_functions_are_followed(read):
    """What a helper returns is known to its caller: a client, a class, one of several functions."""
    found = read(
        main="""
        import requests

        class Base:
            def run(self):
                return self.fetch()

        class Api(Base):
            def __init__(self):
                self.session = requests.Session()

            def fetch(self):
                return self.session.get("http://localhost/")

        def make():
            return Api()

        def by_name(name):
            return {"one": requests.get, "two": requests.post}[name]

        def on_event(event):
            make().run()
            by_name("one")("http://localhost/")
        """
    )
    steps = [(line, name) for line, kind, name in kinds(found) if kind == "activity"]
    assert steps == [(13, "requests.Session.get"), (23, "requests.get"), (23, "requests.post")]
    assert found["handlers"][0]["events"]["about"] == 5 + 6 + 6


def test_what_changes_has_no_number(read):
    """A loop over a name that is bound twice, or a list that something is appended to, has no known length."""
    found = read(
        main="""
        import time

        def on_event(event):
            turns = 3
            if event.data:
                turns = 5
            for _ in range(turns):
                time.sleep(1)
            items = [1]
            items.append(2)
            for _ in items:
                time.sleep(1)
        """
    )
    assert found["handlers"][0]["events"] == {"about": 5, "per_turn": {"main.py:8": 5, "main.py:12": 5}}


def test_members_of_an_unknown_list_are_unknown(read):
    """Nothing that a list may hold is called data because the list is."""
    found = read(
        main="""
        import requests

        def on_event(event):
            clients = []
            for _ in range(2):
                clients.append(requests.Session())
            for client in clients:
                client.get("http://localhost/")
            for path in sorted(event.data.paths):
                path.upper()
        """
    )
    assert (9, "activity", "requests.Session.get") in kinds(found)
    assert (11, "inline", "path.upper") in kinds(found)


def test_the_estimate_takes_no_longer_where_many_ways_lead_to_a_function(read):
    """Functions that each call the next one twice are added up once each: 2^40 calls, at once."""
    steps = "".join(f"def f{n}(get):\n    f{n - 1}(get)\n    f{n - 1}(get)\n" for n in range(1, 41))
    found = read(
        main="import requests\ndef f0(get):\n    get.get('x')\n"
        + steps
        + "def on_event(event):\n    f40(requests)\n"
    )
    assert found["handlers"][0]["events"] == {"about": 5 + 6 * 2**40, "per_turn": {}}


def test_what_objects_of_several_classes_do_is_what_any_of_them_does(read):
    """Each is read with its own fields, whatever their common base has; without one nothing is known."""
    found = read(
        main="""
        import requests

        class Base:
            def go(self): ...

        class First(Base):
            def __init__(self):
                self.session = requests.Session()

            def go(self):
                return self.session.get("http://localhost/first")

        class Second(Base):
            def go(self):
                return requests.get("http://localhost/second")

        class Alone:
            def go(self):
                return requests.get("http://localhost/alone")

        def on_event(event):
            for item in [First(), Second()]:
                item.go()
            for other in [First(), Alone()]:
                other.go()
        """
    )
    shown = [(kind, name) for _, kind, name in kinds(found) if kind != "inline"]
    assert shown == [
        ("activity", "requests.Session.get"),
        ("activity", "requests.get"),
        ("unknown", "other.go"),
    ]
