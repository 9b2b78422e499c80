"""The errors of the SDK.

AutoKittehError
├── ConnectionInitError     a connection has no credentials
├── EnvVarError             an environment variable is missing or wrong
├── OAuthRefreshError       a token could not be refreshed
└── AtlassianOAuthError     an Atlassian connection misses its OAuth scopes or site

SessionRestart (BaseException)  what ``restart`` raises; no error, and nothing to catch
"""

from __future__ import annotations

from typing import Any


class AutoKittehError(Exception):
    """Something went wrong between a program and the system that runs it.

    Attributes:
        code: under which the documentation explains it, such as ``AK1800``.
    """

    code = "AK1800"

    def __init__(self, *args: object, code: str = "") -> None:
        """Take what an exception takes; ``code`` where it is not the class's own."""
        super().__init__(*args)
        if code:
            self.code = code


class ConnectionInitError(AutoKittehError):
    """A connection has no credentials yet."""

    code = "AK1700"

    def __init__(self, connection: str) -> None:
        """Name the connection."""
        super().__init__(f"AutoKitteh connection {connection!r} not initialized")
        self.connection = connection

    def __reduce__(self) -> tuple[type[ConnectionInitError], tuple[str]]:
        """Rebuilt from the connection's name."""
        return type(self), (self.connection,)


class EnvVarError(AutoKittehError):
    """An environment variable is missing or wrong."""

    code = "AK1700"

    def __init__(self, env_var: str, desc: str) -> None:
        """Name the variable and what is wrong with it."""
        super().__init__(f"Environment variable {env_var!r} is {desc}")
        self.env_var = env_var
        self.desc = desc

    def __reduce__(self) -> tuple[type[EnvVarError], tuple[str, str]]:
        """Rebuilt from its parts."""
        return type(self), (self.env_var, self.desc)


class OAuthRefreshError(AutoKittehError):
    """A token could not be refreshed."""

    code = "AK1700"

    def __init__(self, connection: str, error: object) -> None:
        """Name the connection and the reason."""
        super().__init__(f"OAuth token refresh for {connection!r} failed: {error}")
        self.connection = connection
        self.error = str(error)

    def __reduce__(self) -> tuple[type[OAuthRefreshError], tuple[str, str]]:
        """Rebuilt from its parts."""
        return type(self), (self.connection, self.error)


class AtlassianOAuthError(AutoKittehError):
    """An Atlassian connection's OAuth token reaches no site."""

    code = "AK1700"

    def __init__(self, connection: str) -> None:
        """Name the connection."""
        super().__init__(
            f"AutoKitteh connection {connection!r}: OAuth 2.0 is not usable here, use an API token or PAT"
        )
        self.connection = connection

    def __reduce__(self) -> tuple[type[AtlassianOAuthError], tuple[str]]:
        """Rebuilt from the connection's name."""
        return type(self), (self.connection,)


class SessionRestart(BaseException):
    """Ends a run so that the session goes on with a new one; passes through ``except Exception``.

    Attributes:
        data: what the new run finds in ``event.data``; None for the same as this one.
    """

    def __init__(self, data: Any = None) -> None:
        """Keep what the new run begins with."""
        super().__init__(data)
        self.data = data

    def __str__(self) -> str:
        """Who meets it in a plain test learns what it is."""
        return "the session restarts; autokitteh.testing.Project follows it"
