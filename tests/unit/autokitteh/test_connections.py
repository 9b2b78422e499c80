"""Clients of vendors: real libraries against local servers, credentials from the environment, no token in a pickle."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading

import gspread
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from autokitteh import connections, github, google, slack
from autokitteh.errors import ConnectionInitError, EnvVarError
from tests.helpers.vendor import serving

TOKEN = "token-that-must-not-travel"
GOOGLE = [
    google.gmail_client,
    google.google_calendar_client,
    google.google_drive_client,
    google.google_forms_client,
    google.google_sheets_client,
    google.youtube_client,
]
HELPERS = [slack.slack_client, github.github_client, google.gspread_client, *GOOGLE]


@pytest.fixture
def server():
    """A vendor on this machine."""
    with serving() as served:
        yield served
    vars(connections._made_here).clear()


@pytest.fixture
def user(monkeypatch):
    """A connection of a user of Google's."""
    monkeypatch.setenv("conn__auth_type", "oauth")
    monkeypatch.setenv("conn__oauth_AccessToken", TOKEN)


class LocalSheets(gspread.HTTPClient):
    """Asks the local server in the place of Google's."""

    url = ""

    def request(self, method, endpoint, *args, **kwargs):
        """The same, of the local server."""
        return super().request(
            method, endpoint.replace("https://sheets.googleapis.com", self.url), *args, **kwargs
        )


def again(value):
    """Pickled and unpickled, with no token on the way."""
    data = pickle.dumps(value)
    assert TOKEN.encode() not in data
    return pickle.loads(data)


def service_account():
    """The JSON key of a service account that nobody has."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return text, json.dumps(
        {"client_email": "a@b.c", "token_uri": "https://invalid/", "private_key": text, "private_key_id": "1"}
    )


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a\n", None])
def test_invalid_names_are_refused(helper, name):
    """A connection's name is checked before anything else."""
    with pytest.raises(ValueError, match="Invalid AutoKitteh connection name: ") as raised:
        helper(name)
    assert str(raised.value) == f"Invalid AutoKitteh connection name: {name!r}"


@pytest.mark.parametrize("helper", HELPERS)
def test_missing_credentials_are_told(helper):
    """A connection without credentials is not initialized."""
    with pytest.raises(ConnectionInitError, match="AutoKitteh connection 'conn' not initialized"):
        helper("conn")


@pytest.mark.parametrize("extra", ["slack", "github", "google"])
def test_missing_libraries_name_the_extra(extra):
    """The message says how to install what is missing."""
    with pytest.raises(ImportError, match=rf"pip install autokitteh-temporal\[{extra}\]"):
        connections.vendor("no_such_library", extra)


def test_helpers_import_no_vendor():
    """Importing the helpers imports no library of a vendor."""
    code = (
        "import sys, autokitteh.slack, autokitteh.github, autokitteh.google;"
        "print([n for n in ('slack_sdk', 'github', 'googleapiclient', 'gspread') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("variable", slack._TOKENS)
def test_slack_token_from_each_variable(monkeypatch, variable):
    """Each of the variables can hold the token."""
    monkeypatch.setenv(f"conn__{variable}", TOKEN)
    assert slack.slack_client("conn").token == TOKEN


def test_slack_calls_and_answers_travel_without_the_token(monkeypatch, server):
    """A client and an answer come through pickles and still work, the next page included."""
    monkeypatch.setenv("conn__oauth_access_token", TOKEN)
    pages = [{"ok": True, "page": 1, "response_metadata": {"next_cursor": "x"}}, {"ok": True, "page": 2}]
    server.answers["/chat.postMessage"] = {"ok": True, "ts": "1"}
    server.answers["/users.list"] = pages
    client = slack.slack_client("conn", base_url=server.url)
    assert server.seen == []
    assert again(client.chat_postMessage)(channel="C", text="hi")["ts"] == "1"
    assert [page["page"] for page in again(client.users_list())] == [1, 2]
    assert {header for _, header, _ in server.seen} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("text", "name"), [("Bob's  Big Bug!", "bobs-big-bug"), ("a_b-1", "a_b-1"), ("x" * 99, "x" * 80)]
)
def test_slack_channel_names(text, name):
    """Any text becomes a channel's name."""
    assert slack.normalize_channel_name(text) == name


def test_github_objects_travel_without_the_token(monkeypatch, server):
    """A repository that came through a pickle asks the server with the token."""
    monkeypatch.setenv("conn__pat", TOKEN)
    monkeypatch.setenv("conn__enterprise_url", f"{server.url}/")
    server.answers["/api/v3/repos/o/r"] = {
        "full_name": "o/r",
        "name": "r",
        "url": f"{server.url}/api/v3/repos/o/r",
    }
    server.answers["/api/v3/repos/o/r/issues/1"] = {"number": 1, "title": "bug"}
    client = github.github_client("conn", seconds_between_requests=0)
    assert server.seen == []
    repo = again(again(client).get_repo("o/r"))
    assert (repo.full_name, again(repo.get_issue)(1).title) == ("o/r", "bug")
    assert {header for _, header, _ in server.seen} == {f"token {TOKEN}"}
    client.close()
    again(client).close()


def test_github_app_is_lazy(monkeypatch):
    """An app's client is made without a request, and its installation is a number."""
    monkeypatch.setenv("conn__app_id", "1")
    monkeypatch.setenv("conn__install_id", "2")
    monkeypatch.setenv("conn__private_key", TOKEN)
    assert again(github.github_client("conn")).requester.auth.installation_id == 2
    monkeypatch.setenv("conn__install_id", "two")
    with pytest.raises(EnvVarError, match="conn__install_id"):
        github.github_client("conn")


def test_google_parts_and_requests_travel_without_the_token(user, server):
    """Services, their parts, methods and requests come through pickles, small, and still work."""
    server.answers["/v4/spreadsheets/abc/values/A1"] = {"values": [["1"]]}
    service = google.google_sheets_client("conn", client_options={"api_endpoint": server.url})
    values = again(again(service).spreadsheets()).values()
    request = again(values.get)(spreadsheetId="abc", range="A1")
    assert len(pickle.dumps(request)) < 3000
    assert server.seen == []
    assert again(request).execute() == {"values": [["1"]]}
    assert server.seen == [("/v4/spreadsheets/abc/values/A1", f"Bearer {TOKEN}", "")]
    service.close()


@pytest.mark.parametrize("helper", GOOGLE)
def test_google_services_are_made_offline(user, helper):
    """Every service is described in the library, and travels by name."""
    assert again(helper("conn"))._dynamic_attrs


def test_gspread_sheets_travel_without_the_token(user, server, monkeypatch):
    """A spreadsheet that came through a pickle still reads."""
    monkeypatch.setattr(LocalSheets, "url", server.url)
    server.answers["/v4/spreadsheets/abc"] = {"properties": {"title": "t"}, "sheets": []}
    server.answers["/v4/spreadsheets/abc/values/A1"] = {"values": [["1"]]}
    client = google.gspread_client("conn")
    client.http_client.__class__ = LocalSheets
    again(client).http_client.__class__ = LocalSheets
    sheet = again(client.open_by_key("abc"))
    assert (sheet.title, sheet.values_get("A1")) == ("t", {"values": [["1"]]})
    assert {header for _, header, _ in server.seen} == {f"Bearer {TOKEN}"}
    client.http_client.session.close()
    sheet.client.session.close()


@pytest.mark.parametrize(
    ("text", "hour"), [("2030-01-01T12:00:00Z", 12), ("2030-01-01T12:00:00.123456789+02:00", 10)]
)
def test_google_expiry_is_in_utc(user, monkeypatch, text, hour):
    """The time at which a token ends is understood with its zone."""
    monkeypatch.setenv("conn__oauth_Expiry", text)
    creds = again(google.google_creds("gmail", "conn", ["x"]))
    assert (creds.expiry.hour, creds.expiry.tzinfo, creds.token) == (hour, None, TOKEN)


def test_google_expiry_that_is_none(user, monkeypatch):
    """A time that nobody has set is none; what is no time is told."""
    monkeypatch.setenv("conn__oauth_Expiry", "0001-01-01T00:00:00Z")
    assert google.google_creds("gmail", "conn", []).expiry is None
    monkeypatch.setenv("conn__oauth_Expiry", "soon")
    with pytest.raises(EnvVarError, match="conn__oauth_Expiry"):
        google.google_creds("gmail", "conn", [])


def test_google_service_account(monkeypatch):
    """A service account's key makes credentials with scopes and a subject, and stays at home."""
    key, text = service_account()
    monkeypatch.setenv("conn__JSON", text)
    service = google.gmail_client("conn", subject="x@y.z")
    assert key.encode().splitlines()[3] not in pickle.dumps(service)
    creds = again(service)._http.credentials
    assert (creds._subject, creds.scopes[0].rpartition("/")[2]) == ("x@y.z", "gmail.modify")
    for wrong in ("no json", "[]", "{}"):
        monkeypatch.setenv("conn__JSON", wrong)
        with pytest.raises(EnvVarError, match="conn__JSON"):
            google.gmail_client("conn")


@pytest.mark.parametrize("form", ["{}", "https://docs.google.com/document/d/{}/edit?x=1", "https://x/d/e/{}"])
def test_google_ids(form):
    """An ID is found in an address, and is its own."""
    assert google.google_id(form.format("1a2b3c4d5e6f7g8h9i0j_-")) == "1a2b3c4d5e6f7g8h9i0j_-"
    with pytest.raises(ValueError, match="No Google ID"):
        google.google_id(form.format("short"))


def test_clients_are_made_again_for_new_tokens_and_threads(monkeypatch):
    """One thread and one token share a client; others have their own."""
    monkeypatch.setenv("conn__BotToken", TOKEN)
    data = pickle.dumps(slack.slack_client("conn"))
    first, found = pickle.loads(data), []
    thread = threading.Thread(target=lambda: found.append(pickle.loads(data)))
    thread.start()
    thread.join()
    assert pickle.loads(data) is first
    assert found[0] is not first
    monkeypatch.setenv("conn__BotToken", "another")
    assert pickle.loads(data).token == "another"
