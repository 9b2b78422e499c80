"""The shape of a webhook's event data."""

from __future__ import annotations

import json

import pytest

from worker.contracts import decode_data
from worker.gateway.body import MAX_JSON_DEPTH, RawRequest, canonical_header_name, event_data

PREFIX = "/webhooks/abc"
JSON_TYPE = (b"content-type", b"application/json")
FORM_TYPE = (b"content-type", b"Application/X-WWW-Form-Urlencoded; charset=utf-8")


def shape(*, method="POST", path=b"/webhooks/abc", query=b"", headers=(), body=b""):
    """The data of a request."""
    return event_data(RawRequest(method, path, query, list(headers), body), PREFIX)


def body_of(body, *headers):
    """The ``body`` part of the data."""
    return shape(body=body, headers=headers)["body"]


def test_event_data_of_an_empty_request_has_every_key():
    """A request without body, query and headers has the full shape, with None where there is nothing."""
    assert shape(method="GET") == {
        "method": "GET",
        "raw_url": "/webhooks/abc",
        "url": {"path": "/webhooks/abc", "path_suffix": "", "query": {}},
        "headers": {},
        "trailers": {},
        "body": {"bytes": None, "text": None, "form": None, "json": None},
    }


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        (b"/webhooks/abc", ""),
        (b"/webhooks/abc/", ""),
        (b"/webhooks/abc/new", "new"),
        (b"/webhooks/abc/a/b", "a/b"),
        (b"/webhooks/abc/a/b/", "a/b/"),
        (b"/webhooks/abc//a", "a"),
        (b"/webhooks/abc/a%20b", "a b"),
        (b"/webhooks/abc/a%2Fb", "a/b"),
        (b"/webhooks/abc/100%", "100%"),
        (b"/webhooks/abc/%zz", "%zz"),
        (b"/webhooks/abc/abc", "abc"),
        ("/webhooks/abc/é".encode(), "é"),
    ],
)
def test_path_suffix_is_what_follows_the_slug(path, suffix):
    """The suffix is decoded and has no leading slash; a broken escape stays as it is."""
    assert shape(path=path)["url"]["path_suffix"] == suffix


def test_raw_url_keeps_the_percent_encoding():
    """The raw URL is path and query as received, the path is decoded."""
    data = shape(path=b"/webhooks/abc/a%20b", query=b"q=%41&q=b+c")
    assert data["raw_url"] == "/webhooks/abc/a%20b?q=%41&q=b+c"
    assert data["url"]["path"] == "/webhooks/abc/a b"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=1&b=2&a=3", {"a": "1, 3", "b": "2"}),
        (b"a=&b", {"a": "", "b": ""}),
        (b"a=x+y%26z", {"a": "x y&z"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"%C3%A9=%C3%A9", {"é": "é"}),
    ],
)
def test_query_joins_repeated_values(query, expected):
    """Each query parameter is one text; several values are joined in order."""
    assert shape(query=query)["url"]["query"] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("content-type", "Content-Type"),
        ("X-GITHUB-event", "X-Github-Event"),
        ("etag", "Etag"),
        ("x_under_score", "X_under_score"),
        ("a--b", "A--B"),
        ("-x", "-X"),
        ("3d-view", "3d-View"),
        ("has space", "has space"),
        ("ünï", "ünï"),
        ("", ""),
    ],
)
def test_header_names_are_canonical(name, expected):
    """Header names have the case Go gives them; what is not a token is left alone."""
    assert canonical_header_name(name) == expected


def test_headers_join_repeated_values_and_leave_out_the_host():
    """Repeated headers are joined in order; Host and Transfer-Encoding are not the handler's business."""
    headers = [
        (b"host", b"x"),
        (b"x-a", b"1"),
        (b"X-A", b"2"),
        (b"transfer-encoding", b"chunked"),
        (b"b", b"\xff\xe9"),
    ]
    assert shape(headers=headers)["headers"] == {"X-A": "1, 2", "B": "ÿé"}


def test_body_bytes_become_real_bytes_for_the_handler():
    """Bytes are base64 in the stored JSON, and the very bytes again after decoding."""
    data = json.loads(json.dumps(shape(body=b"\x00\xff\xfe")))
    assert data["body"] == {"bytes": "AP/+", "text": None, "form": None, "json": None}
    assert decode_data(data)["body"]["bytes"] == b"\x00\xff\xfe"
    assert data["body"]["bytes"] == "AP/+"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"body": None},
        {"body": {"bytes": "AP/+"}},
        {"body": {"bytes": None, "text": None, "form": None, "json": None}},
        {"body": {"bytes": "not base64", "text": "", "form": None, "json": None}},
        {"body": {"bytes": "é", "text": "", "form": None, "json": None}},
    ],
)
def test_decoding_leaves_other_data_alone(data):
    """Only the body of a request is decoded; other data that happens to say "bytes" is not touched."""
    assert decode_data(data) == data


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1, "b": [null, true, "x"]}', {"a": 1, "b": [None, True, "x"]}),
        (b" 1 \n", 1),
        (b"9223372036854775808", 9223372036854775808),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"1.5", 1.5),
        (b"1e3", 1000.0),
        (b'"x"', "x"),
        (b"null", None),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\u00e9\\ud83d\\ude00"', "é😀"),
        (b'["\\ud800", {"\\udfff": 1}]', ["\ufffd", {"\ufffd": 1}]),
        (b'"\xff"', "\ufffd"),
        (b"", None),
        (b"{", None),
        (b"{} {}", None),
        (b"{'a': 1}", None),
        (b"NaN", None),
        (b"[Infinity]", None),
        (b"-Infinity", None),
        (b"1e999", None),
        (b"1" * 5000, None),
        (b"\xef\xbb\xbf{}", None),
        (b"[" * 100_000, None),
        (b"[" * 100_000 + b"]" * 100_000, None),
    ],
)
def test_json_of_a_body(body, value):
    """JSON is read exactly, whatever the content type; what is not JSON, or cannot be passed on as such, is None."""
    result = body_of(body)["json"]
    assert (result, type(result)) == (value, type(value))
    json.dumps(result, allow_nan=False).encode()


@pytest.mark.parametrize(("depth", "kept"), [(MAX_JSON_DEPTH, True), (MAX_JSON_DEPTH + 1, False)])
def test_json_deeper_than_the_limit_stays_text(depth, kept):
    """JSON nested beyond the limit is None, and its text is there."""
    body = body_of(b"[" * depth + b"]" * depth)
    assert (body["json"] is not None) is kept
    assert body["text"] == "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"a=1&b=2&a=3", {"a": "1, 3", "b": "2"}),
        (b"a=%C3%A9+x&b", {"a": "é x", "b": ""}),
        (b"a=\xff", {"a": "\ufffd"}),
        (b"payload=%7B%22a%22%3A1%7D", {"payload": '{"a":1}'}),
    ],
)
def test_form_of_a_urlencoded_body(body, form):
    """A form is one text for each field, repeated ones joined."""
    assert body_of(body, FORM_TYPE)["form"] == form


@pytest.mark.parametrize(
    "header", [JSON_TYPE, (b"content-type", b"multipart/form-data; boundary=x"), (b"x", b"y")]
)
def test_form_is_none_for_other_content_types(header):
    """Only URL-encoded bodies have a form."""
    assert body_of(b"a=1", header)["form"] is None
