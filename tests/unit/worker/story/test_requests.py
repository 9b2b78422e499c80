"""Webhooks' requests in words."""

from __future__ import annotations

import pytest

from worker.gateway.body import RawRequest, event_data
from worker.masking import HIDDEN, Mask
from worker.story.requests import data_text, is_request, lines_of


def request(body: bytes = b"", kind: str = "", *, method: str = "POST", path: str = "", query: str = ""):
    """The data of a webhook's event."""
    headers = [(b"content-type", kind.encode())] if kind else []
    raw = RawRequest(method, f"/webhooks/slug{path}".encode(), query.encode(), headers, body)
    return event_data(raw, "/webhooks/slug")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (request(method="GET"), "GET"),
        (request(method="GET", path="/a/b", query="x=1"), "GET /a/b?x=1"),
        (request(b'{"id": 7}', "application/json"), "POST {'id': 7}"),
        (request(b"a=1&b=two", "application/x-www-form-urlencoded"), "POST {'a': '1', 'b': 'two'}"),
        (request(b"hello\nyou", "text/plain"), "POST 'hello\\nyou'"),
        (request(b"\xff\xfe\x00", "image/png"), "POST <3 bytes of image/png>"),
        (request(b"\xff\xfe\x00\x01"), "POST <4 bytes>"),
        (request(b"null", "application/json"), "POST 'null'"),
        ({"text": "hi"}, "{'text': 'hi'}"),
        ({"method": "GET", "url": "x", "body": {}}, "{'body': {}, 'method': 'GET', 'url': 'x'}"),
        (None, "None"),
    ],
)
def test_data_in_a_few_words(data, text):
    """Method, path and the body as what it is; never base64."""
    assert data_text(data) == text


def test_a_secret_that_somebody_sent_is_hidden():
    """Wherever it stands, and before the text is cut: its beginning would not be recognised afterwards."""
    mask = Mask(["s3cr3t-value"])
    sent = request(b'{"key": "s3cr3t-value"}', "application/json", query="token=s3cr3t-value")
    assert data_text(sent, mask=mask) == f"POST ?token={HIDDEN} {{'key': '{HIDDEN}'}}"
    assert data_text({"key": ["x", "s3cr3t-value"]}, 24, mask) == f"{{'key': ['x', '{HIDDEN}']}}"


def test_a_long_request_is_cut():
    """To so many characters."""
    found = data_text(request(b'{"id": "%s"}' % (b"x" * 500), "application/json"), 50)
    assert (len(found), found[:11]) == (50, "POST {'id':")


def test_a_whole_request():
    """Its line, its headers, its body as JSON on several lines, or as text."""
    data = request(b'{"id": 7}', "application/json", path="/orders")
    assert is_request(data)
    assert lines_of(data) == [
        "POST /orders",
        "  Content-Type: application/json",
        "body (json)",
        "{",
        '  "id": 7',
        "}",
    ]
    assert lines_of(request(b"one\ntwo"))[-3:] == ["body", "one", "two"]
    assert lines_of(request(b"\xff", "image/png"))[-1] == "<1 bytes of image/png>"
    assert lines_of(request(method="GET")) == ["GET", "no body"]
