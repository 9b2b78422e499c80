"""A codec for whoever is no session: the command line, which knows the project's keys and none of its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.errors import PayloadError
from worker.payload.codec import Codec
from worker.payload.signing import Signer, derive_keys


class _NoCode:
    """No user code is at hand."""

    def reference(self, obj: Any) -> str | None:
        del obj
        return None

    def resolve(self, path: str) -> Any:
        raise PayloadError(f"{path} is the project's own: only its sessions know it")

    def is_user_module(self, name: str) -> bool:
        del name
        return False


def outside_codec(installation_key: bytes, project: str, secrets: Mapping[str, str] | None = None) -> Codec:
    """The codec that writes what the project's sessions read, and reads what they write."""
    return Codec(
        Signer(derive_keys(installation_key, project)), _NoCode(), secrets=secrets or {}, project=project
    )
