"""Five automations as people write them, with the vendors' own libraries, and everything killed in the middle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import pytest

from tests.helpers.ak import running
from tests.helpers.vendor import serving
from tests.helpers.waiting import eventually_sync

PROJECTS = Path(__file__).parents[1] / "projects" / "automations"
NAMES = ("approval", "reminders", "poller", "fan_out", "report")
ORDERS = [
    {"customer": name, "cents": cents, "status": status, "at": "2026-01-02"}
    for name, cents, status in (
        ("Bo", 250, "paid"),
        ("Al", 100, "paid"),
        ("Bo", 50, "paid"),
        ("Al", 999, "open"),
    )
]


@pytest.fixture(scope="module")
def vendor():
    """The vendors' clouds, and the companies' own services."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def up(vendor, tmp_path_factory):
    """All five deployed; the manifests name the vendors' address."""
    home = tmp_path_factory.mktemp("automations")
    for name in NAMES:
        shutil.copytree(PROJECTS / name, home / name)
        manifest = home / name / "autokitteh.yaml"
        manifest.write_text(
            manifest.read_text()
            .replace('SLACK_URL, value: ""', f"SLACK_URL, value: '{vendor.url}/slack/'")
            .replace('_URL, value: ""', f"_URL, value: '{vendor.url}'")
        )
    vendor.answers["/repos/octo/repo"] = {"full_name": "octo/repo", "url": f"{vendor.url}/repos/octo/repo"}
    vendor.answers["/repos/octo/repo/pulls"] = []
    with running(home / "home", *(home / name for name in NAMES)) as started:
        yield started


def url(up, project: str, trigger: str) -> str:
    """A webhook's."""
    found = next(item for item in up.ready["deployments"] if item["project"] == project)
    return found["webhooks"][trigger]


def begin(up, project: str, trigger: str, **request) -> str:
    """Call a webhook; returns the id of the session it started."""
    answer = httpx.post(url(up, project, trigger), **request)
    assert answer.status_code == 202
    event = answer.headers["AutoKitteh-Event-ID"]
    return eventually_sync(lambda: up.ak("session", "list", "--event", event))[0]["id"]


def ended(up, session: str) -> dict:
    """The session, at its end."""
    return up.ak("session", "wait", session, "--timeout", "90")


def test_approval_waits_for_a_click_through_a_crash(up, vendor):
    """HR and Slack hear of it once each; the click after the crash is the answer."""
    vendor.answers["/employees/ada"] = {"manager": "U1"}
    vendor.answers["/vacations"] = {"saved": True}
    vendor.answers["/slack/chat.postMessage"] = {"ok": True, "ts": "1.5", "channel": "C9"}
    vendor.answers["/slack/chat.update"] = {"ok": True}
    session = begin(up, "approval", "requests", json={"employee": "ada", "days": 3})
    eventually_sync(lambda: up.prints(session) == ["asked U1"])
    up.kill_everything()
    up.start()
    httpx.post(url(up, "approval", "clicks"), data={"employee": "bob", "verdict": "no"})
    httpx.post(url(up, "approval", "clicks"), data={"employee": "ada", "verdict": "yes"})
    assert ended(up, session)["result"] == {"verdict": "yes"}
    assert up.prints(session) == ["asked U1", "verdict yes"]
    asked = vendor.asked()
    for path in ("/employees/ada", "/slack/chat.postMessage", "/vacations", "/slack/chat.update"):
        assert asked.count(path) == 1
    sent = next(body for path, _, body in vendor.seen if path == "/slack/chat.postMessage")
    assert "ada+asks+for+3+days+off" in sent or "ada asks for 3 days off" in json.loads(sent)["text"]
    assert up.ak("session", "log", session)
    assert "xoxb-secret-token" not in json.dumps(up.ak("session", "log", session))


def test_reminders_of_a_schedule_are_sent_once_each(up, vendor):
    """Ticks share what they know through values."""
    pulls = f"{vendor.url}/repos/octo/repo/pulls"
    vendor.answers["/repos/octo/repo/issues/7/comments"] = {"id": 1}
    vendor.answers["/repos/octo/repo/pulls"] = [
        {
            "number": 7,
            "title": "Add x",
            "url": f"{pulls}/7",
            "issue_url": f"{vendor.url}/repos/octo/repo/issues/7",
            "requested_reviewers": [{"login": "ann"}, {"login": "bob"}],
        }
    ]

    def comments() -> int:
        return vendor.asked().count("/repos/octo/repo/issues/7/comments")

    eventually_sync(comments, 60)
    session = begin(up, "reminders", "look")
    done = ended(up, session)
    assert done["state"] == "completed", done
    before = vendor.asked().count("/repos/octo/repo/pulls")
    eventually_sync(lambda: vendor.asked().count("/repos/octo/repo/pulls") > before + 1, 60)
    assert comments() >= 1
    session = begin(up, "reminders", "look")
    done = ended(up, session)
    assert done["state"] == "completed", done
    assert up.prints(session) == ["[7] ['reminded', 'ticks'] True"]


def test_rows_of_a_sheet_are_read_once_each(up, vendor):
    """New rows while it polls."""
    path = "/v4/spreadsheets/abc/values/A1%3AB"
    vendor.answers[path] = {"values": [["ink", "3"]]}
    session = begin(up, "poller", "begin")
    eventually_sync(lambda: up.prints(session) == ["row ink 3"])
    vendor.answers[path] = {"values": [["ink", "3"], ["pen", "5"], ["cup", "8"]]}
    assert ended(up, session)["result"] == {"cup": 8, "ink": 3, "pen": 5}
    assert up.prints(session) == ["row ink 3", "row pen 5", "row cup 8"]


def test_form_is_answered_at_once(up):
    """A page, an error and an answer."""
    form = url(up, "fan_out", "form")
    page = httpx.get(form)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
    assert "<form" in page.text
    assert httpx.post(form).status_code == 400
    answer = httpx.post(form, data={"name": "<Ada>"})
    assert (answer.status_code, answer.json()) == (201, {"hello": "&lt;Ada&gt;"})


def test_pages_are_fetched_side_by_side(up, vendor):
    """By children that signal their parent, and by ``parallel``."""
    for number in range(4):
        vendor.answers[f"/p{number}"] = "x" * (number + 1)
    urls = [f"{vendor.url}/p{number}" for number in range(4)]
    session = begin(up, "fan_out", "crawl", json={"urls": urls})
    total = sum(range(3, 7))
    assert ended(up, session)["result"] == {"total": total, "again": total}
    assert up.prints(session) == [
        "[('p0', 3), ('p1', 4), ('p2', 5), ('p3', 6)] [True, True, True, True] {'pages': 4}"
    ]


def test_report_is_made_of_models_and_a_template(up, vendor):
    """A package with relative imports, models with enumerations and dates, a file beside the code."""
    vendor.answers["/"] = ORDERS
    session = begin(up, "report", "weekly")
    assert ended(up, session)["result"] == ORDERS[0]
    assert up.prints(session) == ["Sales of 2026-01-02\nAl: 1.00\nBo: 3.00"]
