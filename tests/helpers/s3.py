"""A server that answers as S3 does, as far as ``boto3`` needs for listing, reading and failing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

from tests.helpers.served import served

_PAGES = 3
_LIST = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
_MISSING = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


class Server(ThreadingHTTPServer):
    """One bucket with a page per object; keys named ``gone`` are missing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base names it
        """Say nothing."""

    def do_HEAD(self) -> None:
        """About an object."""
        self.server.asked.append(f"HEAD {urlparse(self.path).path}")
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()

    def do_GET(self) -> None:
        """A page of a listing, an object, or that there is none."""
        url = urlparse(self.path)
        self.server.asked.append(f"GET {url.path}")
        query = parse_qs(url.query)
        if url.path.endswith("gone"):
            self.answer(404, _MISSING)
        elif url.path.strip("/").count("/"):
            self.answer(200, b"hello\nworld")
        else:
            token = query.get("continuation-token", query.get("marker", ["k0"]))[0]
            self.answer(200, page(int(token.strip("k"))).encode())

    def answer(self, status: int, body: bytes) -> None:
        """Send it."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        self.wfile.write(body)


def page(number: int) -> str:
    """One object, and where the next page is."""
    more = number < _PAGES - 1
    after = f"k{number + 1}"
    where = f"<NextContinuationToken>{after}</NextContinuationToken><NextMarker>{after}</NextMarker>"
    return (
        f"{_LIST}<Name>b</Name><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"<Contents><Key>k{number}</Key><Size>11</Size></Contents>{where if more else ''}</ListBucketResult>"
    )


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A running server."""
    server = Server()
    with served(server):
        yield server
