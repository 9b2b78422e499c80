"""A vendor's server on this machine: what it answers is set by path, what it was asked is remembered."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.helpers.served import served


class Vendor(ThreadingHTTPServer):
    """Answers in JSON."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Any] = {}
        self.links: dict[str, str] = {}
        self.seen: list[tuple[str, str | None, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self) -> list[str]:
        """The paths, in order."""
        return [path for path, _header, _body in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self):
        """Answer, and remember who asked."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = self.path if self.path in self.server.answers else self.path.partition("?")[0]
        self.server.seen.append((path, self.headers.get("Authorization"), body))
        answer = self.server.answers.get(path)
        if isinstance(answer, list) and answer and isinstance(answer[0], dict) and "ok" in answer[0]:
            answer = answer.pop(0)
        self.send_response(200 if answer is not None else 404)
        self.send_header("Content-Type", "application/json")
        if path in self.server.links:
            self.send_header("Link", self.server.links[path])
        self.end_headers()
        self.wfile.write(json.dumps(answer or {}).encode())

    do_POST = do_GET

    def log_message(self, *args):
        """Nothing on the terminal."""


@contextlib.contextmanager
def serving() -> Iterator[Vendor]:
    """A running server."""
    vendor = Vendor()
    with served(vendor):
        yield vendor
