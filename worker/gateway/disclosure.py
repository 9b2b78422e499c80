"""Fill secrets into what a session answers: the store keeps answers with the secrets' names only.

Who asks a webhook gets what the program says, also when it says a secret; nobody else reads it.
"""

from __future__ import annotations

from worker.contracts import JSON
from worker.payload.codec import holds_envelope
from worker.payload.outside import outside_codec
from worker.store import Store


class Disclosure:
    """Reads answers with an installation's key."""

    def __init__(self, store: Store, installation_key: bytes) -> None:
        self._store = store
        self._key = installation_key

    def of(self, project: str, answer: JSON) -> JSON:
        """The answer as the program gave it; the store is asked only when it names a secret."""
        if not holds_envelope(answer):
            return answer
        secrets = {
            f"{item.connection}__{item.name}" if item.connection else item.name: item.value
            for item in self._store.vars.list(project)
            if item.secret
        }
        return outside_codec(self._key, project, secrets).decode(answer)
