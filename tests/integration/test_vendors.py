"""Vendors' clients in sessions: their own libraries against a server on this machine, warm and replaying every step."""

from __future__ import annotations

import asyncio
import base64
import re
import shutil

import pytest
import pytest_asyncio

from tests.helpers.bed import Bed
from tests.helpers.vendor import serving
from tests.integration.conftest import PROJECTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASE64 = re.compile(rb"[A-Za-z0-9+/]{20,}")
TOKEN = "token-that-must-not-travel"


@pytest.fixture(scope="module")
def vendor():
    """The vendors' server."""
    with serving() as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bed(temporal_server, cached, vendor, tmp_path_factory):
    """A build process whose project has connections to all of them."""
    home = tmp_path_factory.mktemp("bed")
    project = home / "project"
    shutil.copytree(PROJECTS / "sessions", project)
    made = Bed(project, home, temporal_server.address, cached=cached)
    variables = dict.fromkeys(("oauth_access_token", "pat", "oauth_AccessToken"), TOKEN)
    made.environment = {f"vendor__{name}": value for name, value in variables.items()}
    made.environment |= {
        "VENDOR_URL": vendor.url,
        "vendor__auth_type": "oauth",
        "PYTHONPATH_EXTRA": str(PROJECTS / "libraries"),
    }
    made.secrets = {"vendor__pat": TOKEN}
    await made.start(["vendors.py:posts"])
    yield made
    status = await asyncio.to_thread(made.stop)
    made.store.close()
    assert status == 0, (home / "process.log").read_text()[-3000:]


@pytest.fixture(autouse=True)
def fresh(vendor):
    """Nothing asked yet."""
    vendor.seen.clear()
    vendor.answers.clear()


async def history(bed) -> str:
    """All that the last session's history holds, pickles included."""
    fetched = await bed.client.get_workflow_handle(bed.last).fetch_history()
    raw = b"".join(event.SerializeToString() for event in fetched.events)
    inner = [base64.b64decode(run[: len(run) // 4 * 4]) for run in BASE64.findall(raw)]
    return b"".join([raw, *inner]).decode(errors="replace")


async def test_slack_calls_and_pages_are_activities(bed, vendor):
    """Every message is posted once and every page is fetched once, whatever replays; the token stays here."""
    vendor.answers["/chat.postMessage"] = [{"ok": True, "ts": "1"}, {"ok": True, "ts": "2"}]
    pages = [{"ok": True, "page": 1, "response_metadata": {"next_cursor": "x"}}, {"ok": True, "page": 2}]
    vendor.answers["/users.list"] = pages
    assert await bed.run("vendors.py:posts") == [["1", "2"], [1, 2]]
    assert vendor.asked() == [*["/chat.postMessage"] * 2, *["/users.list"] * 2]
    assert {header for _, header, _ in vendor.seen} == {f"Bearer {TOKEN}"}
    kept = await history(bed)
    assert TOKEN not in kept
    assert "chat_postMessage" in kept
    names = await bed.activities()
    assert [name.rpartition(".")[2] for name in names] == [
        *["chat_postMessage", "chat_postMessage", "users_list"],
        *["__next__", "__next__", "__next__"],
    ]


async def test_github_asks_nothing_twice_behind_attributes_and_iterators(bed, vendor):
    """What a list or an attribute fetches when it is looked at is an activity as well."""
    repo = f"{vendor.url}/repos/o/r"
    issues = [{"number": n, "title": f"bug {n}", "url": f"{repo}/issues/{n}"} for n in (1, 2, 3)]
    vendor.answers |= {
        "/repos/o/r": {"full_name": "o/r", "name": "r", "url": repo},
        "/repos/o/r/issues": issues[:2],
        "/repos/o/r/issues?page=2": issues[2:],
        "/repos/o/r/issues/1": {**issues[0], "body": "it crashes"},
    }
    vendor.links["/repos/o/r/issues"] = f'<{repo}/issues?page=2>; rel="next"'
    assert await bed.run("vendors.py:reads_issues") == [
        "o/r",
        ["bug 1", "bug 2", "bug 3"],
        "it crashes",
        "bug 1",
    ]
    asked = vendor.asked()
    assert asked[:3] == ["/repos/o/r", "/repos/o/r/issues", "/repos/o/r/issues?page=2"]
    assert asked.count("/repos/o/r/issues/1") == 2
    assert {header for _, header, _ in vendor.seen} == {f"token {TOKEN}"}
    assert TOKEN not in await history(bed)


async def test_google_builders_are_no_activities(bed, vendor):
    """Only what executes a request is a call to the outside."""
    vendor.answers["/v4/spreadsheets/abc/values/A1"] = {"values": [["1"]]}
    assert await bed.run("vendors.py:reads_sheets") == [["1"]]
    assert await bed.activities() == ["googleapiclient.HttpRequest.execute"]
    assert vendor.seen == [("/v4/spreadsheets/abc/values/A1", f"Bearer {TOKEN}", "")]
    assert TOKEN not in await history(bed)
