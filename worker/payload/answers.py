"""Answers of HTTP servers as they travel: what is read already, without what belongs to the connection.

A response of ``requests`` travels by its own rules, but for its request's hooks: they have run, and are often lambdas.
One of ``http.client``, which ``urllib.request.urlopen`` gives as well, is a socket that was read to its head. It is
read to its end, and arrives as an ``Answer``. So is what boto3 calls a streaming body, ``get_object(…)["Body"]``.
"""

from __future__ import annotations

import copyreg
import http.client
import io
from typing import Any

_FACTS = ("status", "reason", "version", "headers", "url")


class Answer(io.BytesIO):
    """An ``http.client.HTTPResponse`` whose body is in memory."""

    status: int
    reason: str
    version: int
    headers: Any
    url: str

    def __init__(self, body: bytes, facts: dict[str, Any]) -> None:
        super().__init__(body)
        self.__dict__.update(facts)
        self.code = self.status
        self.msg: Any = self.headers

    def getheader(self, name: str, default: Any = None) -> Any:
        """The values of a header in one text."""
        found = self.headers.get_all(name)
        return ", ".join(found) if found else default

    def getheaders(self) -> list[tuple[str, str]]:
        """All headers."""
        return list(self.headers.items())

    def info(self) -> Any:
        """The headers."""
        return self.headers

    def geturl(self) -> str:
        """Where the answer came from."""
        return self.url

    def getcode(self) -> int:
        """The status."""
        return self.status

    def isclosed(self) -> bool:
        """Whether there is nothing more to read."""
        return self.closed or self.tell() == len(self.getbuffer())

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Once more, read as far as it is."""
        del protocol
        facts = {name: getattr(self, name) for name in _FACTS}
        place = 0 if self.closed else self.tell()
        return answer_again, (b"" if self.closed else self.getvalue(), facts, place)


def answer_again(body: bytes, facts: dict[str, Any], place: int = 0) -> Answer:
    """An answer, as it was sent."""
    answer = Answer(body, facts)
    answer.seek(place)
    return answer


def reduced(value: Any) -> Any:
    """How an answer is pickled; None when the value is none."""
    kind = type(value)
    if kind is http.client.HTTPResponse and value.fp is not None:
        facts = {name: getattr(value, name, "") for name in _FACTS}
        return answer_again, (value.read(), facts)
    if kind.__qualname__ == "StreamingBody" and kind.__module__ == "botocore.response":
        stream = value._raw_stream
        # One that has travelled before may be read on.
        if isinstance(stream, io.BytesIO) and not stream.closed:
            return streaming_body_again, (kind, stream.getvalue(), stream.tell())
        return streaming_body_again, (kind, value.read())
    if kind.__qualname__ == "Response" and kind.__module__ == "requests.models" and value.request is not None:
        return copyreg.__newobj__, (kind,), _without_hooks(value.__getstate__())  # type: ignore[attr-defined]
    return None


def streaming_body_again(kind: Any, body: bytes, place: int = 0) -> Any:
    """What boto3 gives as the body of an object, in memory."""
    made = kind(io.BytesIO(body), len(body))
    made.read(place)
    return made


def _without_hooks(state: dict[str, Any]) -> dict[str, Any]:
    if any(state["request"].hooks.values()):
        state["request"] = state["request"].copy()
        state["request"].hooks = {"response": []}
    return state
