"""Filters of subscriptions at rest: one that holds a secret is sealed.

A filter means what it meant when its session subscribed, so the whole text is kept, and not only a secret's name: a
session goes on with the variables it began with. What is sealed has beside it the secrets that stand in it, so that
whoever shows it can hide them, also after they were changed.
The equality by which events find subscriptions stays an index: a keyed hash takes the place of the value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker import log
from worker.errors import StoreError
from worker.masking import HIDDEN, Mask
from worker.store.records import Subscription
from worker.store.sealing import Sealer, is_sealed

_KEYED = "keyed:"  # a term's value is JSON otherwise


def filter_key(installation_key: bytes, project: str) -> bytes:
    """The key for the filters of one project: a build process has it, and no other."""
    return HKDF(SHA256(), 32, salt=None, info=b"autokitteh filters v1 " + project.encode()).derive(
        installation_key
    )


@dataclass(frozen=True)
class Opened:
    """A filter as it was written, and what hides the secrets in it."""

    text: str
    mask: Mask

    @property
    def shown(self) -> str:
        """The filter as a person may read it."""
        return self.mask(self.text)


class Filters:
    """Seals and opens filters. ``key_of`` gives a project's key."""

    def __init__(self, key_of: Callable[[str], bytes]) -> None:
        self._key_of = key_of
        self._keys: dict[str, tuple[Sealer, bytes]] = {}

    def sealed(self, item: Subscription, secrets: Collection[str]) -> Subscription:
        """The subscription as it is stored: as it is, unless one of these secrets stands in its filter."""
        if not secrets:
            return item
        text = json.dumps({"text": item.filter, "secrets": sorted(secrets)})
        kept = replace(
            item, filter=self._of(item.project)[0].seal(text, item.id), term_path="", term_value=""
        )
        if not item.term_path or Mask(secrets)(item.term_path) != item.term_path:
            return kept
        return replace(kept, term_path=item.term_path, term_value=self.keyed(item.project, item.term_value))

    def opened(self, project: str, identifier: str, text: str) -> Opened:
        """What was stored, readable; a filter that cannot be opened lets nothing pass and says so."""
        if not is_sealed(text):
            return Opened(text, Mask())
        try:
            found = json.loads(self._of(project)[0].open(text, identifier))
        except (StoreError, ValueError):
            log.log(action="filter_cannot_be_opened", level="error", project=project, subscription=identifier)
            return Opened(f'"{HIDDEN}" == "damaged in the database"', Mask())
        return Opened(found["text"], Mask(found["secrets"]))

    def keyed(self, project: str, value: str) -> str:
        """A term's value as the index has it where the filter is sealed."""
        return _KEYED + hmac.digest(self._of(project)[1], value.encode(), hashlib.sha256).hex()

    def _of(self, project: str) -> tuple[Sealer, bytes]:
        if project not in self._keys:
            key = self._key_of(project)
            self._keys[project] = Sealer(key), hmac.digest(key, b"terms", hashlib.sha256)
        return self._keys[project]
