"""Sign what we pickle, and refuse what we did not sign.

A payload in a history can come from anybody who may write to Temporal. Unpickling runs code, so nothing is unpickled,
nor even decompressed, before its signature is verified with a key of this installation and project.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.errors import TamperedError

_VERSION = "v1"
_PARTS = 4
_KEY_ID_BYTES = 4
_COMPRESS_BYTES = 1024
_PLAIN, _ZLIB = b"\0", b"\1"
DECOMPRESSED_LIMIT_BYTES = 64 * 1024 * 1024
_HINT = "It came from another installation or project, or was changed; nothing of it was decoded."


def derive_keys(installation_key: bytes, project: str) -> dict[str, bytes]:
    """The project's signing keys by key id; the first one signs, all of them verify."""
    key = HKDF(SHA256(), 32, salt=None, info=b"autokitteh payload v1 " + project.encode()).derive(
        installation_key
    )
    return {hashlib.sha256(b"key id" + key).digest()[:_KEY_ID_BYTES].hex(): key}


class Signer:
    """Signs and verifies for one project."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = dict(keys)
        self._current = next(iter(self._keys))

    def sign(self, data: bytes, context: str) -> str:
        """The data as signed text, valid in this context only."""
        body = _ZLIB + zlib.compress(data) if len(data) > _COMPRESS_BYTES else _PLAIN + data
        mac = self._mac(self._current, context, body)
        return ".".join((_VERSION, self._current, encode(mac), encode(body)))

    def verify(self, text: str, context: str) -> bytes:
        """The signed data.

        Raises:
            TamperedError: not signed by us for this context, or changed since.
        """
        parts = str(text).split(".")
        if len(parts) != _PARTS or parts[0] != _VERSION or parts[1] not in self._keys:
            raise TamperedError("a payload is not signed by this installation", hint=_HINT)
        try:
            mac, body = (base64.b64decode(part, validate=True) for part in parts[2:])
        except (binascii.Error, ValueError):
            raise TamperedError("a signed payload is damaged", hint=_HINT) from None
        # The encoded text must be the one we would write: base64 has several spellings of the same bytes.
        canonical = encode(body) == parts[3] and encode(mac) == parts[2]
        if not canonical or not hmac.compare_digest(mac, self._mac(parts[1], context, body)):
            raise TamperedError("a signed payload was changed", hint=_HINT)
        if body[:1] == _PLAIN:
            return body[1:]
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(body[1:], DECOMPRESSED_LIMIT_BYTES)
        if unpacker.unconsumed_tail:
            raise TamperedError("a signed payload is too large", hint=_HINT)
        return data

    def entropy(self) -> bytes:
        """Key material for the unpredictable numbers of sessions."""
        return hmac.digest(next(iter(self._keys.values())), b"entropy", hashlib.sha256)

    def _mac(self, key_id: str, context: str, body: bytes) -> bytes:
        head = f"{_VERSION}\0{key_id}\0{context}\0".encode()
        return hmac.digest(self._keys[key_id], head + body, hashlib.sha256)


def derive_entropy(signer: Signer) -> bytes:
    """Key material for the unpredictable numbers of sessions; nothing of it stands in a history."""
    return signer.entropy()


def encode(data: bytes) -> str:
    """Base64 as text."""
    return base64.b64encode(data).decode()
