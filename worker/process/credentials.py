"""What a build process knows of the project's secrets, and of its connections while they change.

A session sees the variables of its deployment, from its first step to its last: a replay must find what the session
found. The calls it makes are recorded, so they may see, and do see, the connections' variables as they are now: the
supervisor tells them when they change. A secret that has been one stays hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from worker.contracts import BootConfig, Credentials
from worker.payload.secret import Secrets


class KnownSecrets:
    """The secrets as sessions and as calls see them, and the connections' variables of now."""

    def __init__(self, boot: BootConfig, hide: Callable[[Iterable[str]], None]) -> None:
        self._own = dict(boot.secrets)
        self._hide = hide
        self._connections: Mapping[str, Mapping[str, str]] = {}
        self.of_sessions = Secrets(self._own, boot.directory)
        self.of_calls = Secrets(self._own, boot.directory)
        self._hide(self._own.values())
        if boot.connections:
            self.take(Credentials(boot.connections, boot.connection_secrets))

    def take(self, told: Credentials) -> None:
        """The connections' variables have changed; any thread may say so."""
        of_connections = tuple(f"{name}__" for name in told.connections)
        now = {name: value for name, value in self._own.items() if not name.startswith(of_connections)}
        # A secret the deployment does not know has no value of that time: the session takes today's.
        self.of_sessions.tell({**told.secrets, **self._own}, also=told.secrets)
        self.of_calls.tell({**now, **told.secrets}, also=self._own)
        self._hide(told.secrets.values())
        self._connections = told.connections

    def connection(self, name: str) -> Mapping[str, str] | None:
        """A connection's variables of now; None when nobody said: the environment has them."""
        return self._connections.get(name)

    def mask(self, text: str) -> str:
        """The text with every secret hidden that the process has ever known."""
        return self.of_calls.mask(text)
