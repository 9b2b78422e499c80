"""The examples do what their pages say."""

from __future__ import annotations

import http.server
import json
import threading

import httpx
import pytest


class Articles(http.server.BaseHTTPRequestHandler):
    """A small site with three articles, one of them missing."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        """Articles by number."""
        self.seen.append((self.path, self.headers.get("Authorization", "")))
        if self.path == "/articles":
            self.answer(200, json.dumps([{"id": 1}, {"id": 2}, {"id": 3}]))
        elif self.path.endswith("/2"):
            self.answer(404, "gone")
        else:
            self.answer(200, f"  text \n of {self.path[-1]} ")

    def do_POST(self) -> None:
        """A digest is taken."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, body.decode()))
        self.answer(201, "")

    def answer(self, status: int, text: str) -> None:
        """Answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site():
    """The site, on a free port."""
    handler = type("Handler", (Articles,), {"seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def start(up, deployed: dict, trigger: str, **request) -> str:
    """Call a webhook; returns the id of the one session it started."""
    answer = httpx.post(deployed["webhooks"][trigger], **request)
    assert answer.status_code == 202
    event = answer.headers["AutoKitteh-Event-ID"]
    for _ in range(100):
        sessions = up.ak("session", "list", "--event", event)
        if sessions:
            return sessions[0]["id"]
    raise AssertionError("no session was started")


def test_quickstart_prints_five_lines(up, examples):
    """A GET starts it, the log has its five lines."""
    deployed = up.ak("deploy", str(examples / "quickstart"))
    assert deployed["changed"] is True
    session = start(up, deployed, "hello")
    ended = up.ak("session", "wait", session, "--timeout", "60")
    assert (ended["state"], ended["result"], ended["trigger"]) == ("completed", {"lines": 5}, "hello")
    assert up.prints(session) == [f"line {n} of 5" for n in range(1, 6)]
    assert up.ak("deploy", str(examples / "quickstart"))["changed"] is False


def test_crash_counts(up, examples):
    """It counts as far as it is told, in one process when nobody kills it."""
    deployed = up.ak("deploy", str(examples / "crash"))
    session = up.ak(
        "session", "start", "crash", "main.py:on_event", "--data", '{"to": 3, "pause": 0.05}', "--wait"
    )
    assert session["result"] == {"processes": 1}
    assert up.prints(session["id"]) == [f"{n} (process 1)" for n in (1, 2, 3)]
    assert list(deployed["start"]) == ["main.py:on_event"]


def test_http_digest_makes_real_requests_and_hides_its_token(up, examples, site):
    """Requests go out with the token, the digest is right, and the token is nowhere in the history or the log."""
    up.ak("deploy", str(examples / "http_digest"))
    up.ak("var", "set", "http_digest", "API_TOKEN", "very-secret-token", "--secret")
    base = f"http://127.0.0.1:{site.server_address[1]}"
    changed = up.ak("var", "set", "http_digest", "BASE_URL", base)
    assert changed["deployment"].startswith("dep_")
    session = up.ak("session", "start", "http_digest", "main.py:on_request", "--wait")
    assert session["error"] is None
    assert session["result"]["count"] == 2
    assert "1: text of 1\n3: text of 3" in session["result"]["text"]
    assert sorted(up.prints(session["id"])) == ["article 2: 404", "digest of 2 articles: 201"]
    seen = site.RequestHandlerClass.seen
    assert ("/articles", "Bearer very-secret-token") in seen
    history = b"".join(path.read_bytes() for path in up.home.glob("temporal.db*"))
    assert b"very-secret-token" not in history
    assert "very-secret-token" not in up.run("session", "log", session["id"]).stdout
    assert b"very-secret-token" not in (up.home / "autokitteh.db").read_bytes()
