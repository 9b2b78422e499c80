"""A local HTTP server that answers with JSON and counts what it is asked for."""

from __future__ import annotations

import collections
import contextlib
import http.server
import json
from collections.abc import Iterator

from tests.helpers.served import served


class Counting:
    """The server's address, and its counts by path."""

    def __init__(self, url: str):
        self.url = url
        self.counts: collections.Counter[str] = collections.Counter()


@contextlib.contextmanager
def counting() -> Iterator[Counting]:
    """A running server: every path answers ``{"path", "n"}``, ``n`` the number of the request to it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            found.counts[path] += 1
            body = json.dumps({"path": path, "n": found.counts[path]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Counting(f"http://127.0.0.1:{server.server_address[1]}")
    with served(server):
        yield found
