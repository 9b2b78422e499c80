"""Codecs of a project whose user code is one made-up module."""

from __future__ import annotations

import json
from typing import Any

from worker.payload.codec import Codec
from worker.payload.converter import PlainJson
from worker.payload.signing import Signer, derive_keys

KEYS = derive_keys(b"k" * 32, "p")
USER_MODULE = "user_code"


class UserCode:
    """References to the module ``user_code`` with these names."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def reference(self, obj: Any) -> str | None:
        """The path of what has a name."""
        return next((f"{USER_MODULE}:{name}" for name, value in self.names.items() if value is obj), None)

    def resolve(self, path: str) -> Any:
        """What stands at the path."""
        return self.names[path.partition(":")[2]]

    def is_user_module(self, name: str) -> bool:
        """Only the one."""
        return name == USER_MODULE


def codec(code: UserCode | None = None, **secrets: str) -> Codec:
    """A codec of a project with these secrets."""
    return Codec(Signer(KEYS), code or UserCode(), secrets=secrets, project="p")


def sent(tree: Any) -> str:
    """The text as Temporal keeps it."""
    payload = PlainJson().to_payload(tree)
    assert payload is not None
    return payload.data.decode()


def round_trip(value: Any, made: Codec | None = None) -> Any:
    """The value after it crossed as the bytes that Temporal keeps."""
    made = made or codec()
    return made.decode(json.loads(sent(made.encode(value))))


def in_user_code(source: str) -> Any:
    """The value of an expression of the user's."""
    return eval(source, {"__name__": USER_MODULE})
