"""What each handler does durably: kinds of calls, the rule for each, and about how many events."""

from __future__ import annotations

from textwrap import dedent

import pytest

from worker.errors import UserCodeError
from worker.lint.report import as_text, lint


@pytest.fixture
def read(tmp_path):
    """The report about the handler ``on_event`` of a program, given as text by file."""

    def read(**files: str):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.write_text(dedent(text))
        return lint(tmp_path, ["main.py:on_event"])

    return read


def kinds(found):
    """The calls of the only handler as (line, kind, name)."""
    return [
        (int(item["where"].rpartition(":")[2]), item["kind"], item["name"])
        for item in found["handlers"][0]["calls"]
    ]


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
