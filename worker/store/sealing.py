"""Encrypt what is secret at rest: AES-GCM, bound to where the value belongs."""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.errors import StoreError

_NONCE_BYTES = 12
_PREFIX = "sealed:1:"


class Sealer:
    """Seals and opens texts with a key derived from the installation's."""

    def __init__(self, secret_key: bytes) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"autokitteh store v1").derive(secret_key)
        self._cipher = AESGCM(derived)

    def seal(self, text: str, place: str) -> str:
        """The text, readable only with the key and only at this place."""
        nonce = os.urandom(_NONCE_BYTES)
        return (
            _PREFIX
            + base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())).decode()
        )

    def open(self, sealed: str, place: str) -> str:
        """The text again.

        Raises:
            StoreError: another key, another place, or changed bytes.
        """
        data = base64.b64decode(sealed.removeprefix(_PREFIX))
        try:
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode()).decode()
        except InvalidTag:
            raise StoreError(
                "a secret in the database cannot be opened with this key",
                hint="AK_PAYLOAD_KEY (or the file `key` in AK_HOME) is not the one it was stored with.",
            ) from None


def is_sealed(text: str) -> bool:
    """Whether a text was sealed by us."""
    return text.startswith(_PREFIX)
