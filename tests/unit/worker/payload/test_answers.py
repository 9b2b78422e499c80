"""Answers of HTTP servers travel."""

from __future__ import annotations

import http.client
import io
import pickle

import pytest
import requests
from botocore.response import StreamingBody

from worker.payload import answers

RAW = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello"


class Socket:
    """What a server sent."""

    def makefile(self, *_args):
        """As a file."""
        return io.BytesIO(RAW)


@pytest.fixture
def response():
    """Read to its head."""
    found = http.client.HTTPResponse(Socket(), method="GET")
    found.begin()
    found.url = "http://there/"
    return found


def remade(value):
    """After a journey."""
    make, arguments = answers.reduced(value)
    return make(*pickle.loads(pickle.dumps(arguments)))


def test_answer_of_the_standard_library_is_read_and_is_one_again(response):
    """Head and body, and once more half read."""
    answer = remade(response)
    assert (answer.status, answer.code, answer.reason, answer.url) == (201, 201, "Created", "http://there/")
    assert (answer.getheader("x-a"), answer.getheader("nope", "d")) == ("1, 2", "d")
    assert (answer.getcode(), answer.geturl(), answer.info()["X-A"]) == (201, "http://there/", "1")
    assert ("X-A", "2") in answer.getheaders()
    assert answer.read(2) == b"he"
    again = pickle.loads(pickle.dumps(answer))
    assert not again.isclosed()
    assert again.read() == b"llo"
    assert again.isclosed()
    again.close()
    assert pickle.loads(pickle.dumps(again)).read() == b""


def test_hooks_of_a_request_have_run():
    """They do not travel with its response, and stay where they are."""
    response = requests.Response()
    response.request = requests.Request("GET", "http://there/", hooks={"response": lambda r: r}).prepare()
    make, arguments, state = answers.reduced(response)
    assert make(*arguments).__class__ is requests.Response
    assert state["request"].hooks == {"response": []}
    assert response.request.hooks["response"]


def test_other_values_are_not_answers():
    """Nothing is said about them."""
    assert answers.reduced([1]) is None


def test_the_body_of_an_object_in_s3_travels():
    """Read to its end on the way, and further afterwards from where it was left."""
    sent = StreamingBody(io.BufferedReader(io.BytesIO(b"hello\nworld")), 11)
    make, parts = answers.reduced(sent)
    body = make(*parts)
    assert type(body) is StreamingBody
    assert body.read(2) == b"he"
    make, parts = answers.reduced(body)
    again = make(*parts)
    assert list(again.iter_lines()) == [b"llo", b"world"]
    assert body.read() == b"llo\nworld"
