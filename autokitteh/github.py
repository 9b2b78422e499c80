"""Clients for GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autokitteh.connections import by_name, by_path, check_connection_name, required, variable, vendor
from autokitteh.errors import EnvVarError

if TYPE_CHECKING:
    from github import Github
    from github.Auth import Auth


def github_client(connection: str, **kwargs: Any) -> Github:
    """A client for GitHub's REST API; nothing is sent until its first call.

    Args:
        connection: the connection's name; ``CONN__pat`` is its personal access token. A GitHub App's has
            ``CONN__app_id``, ``CONN__install_id`` and ``CONN__private_key`` instead. ``CONN__enterprise_url`` is the
            address of a server of one's own.
        kwargs: for PyGithub's ``Github``.

    Returns:
        The client. It travels by the connection's name, without its token, as do the repositories, issues and other
        objects that it returns.

    Raises:
        ValueError: the connection's name is no name.
        ConnectionInitError: the connection has no credentials.
        EnvVarError: the app's installation is not a number.
        ImportError: PyGithub is not installed.
    """
    check_connection_name(connection)
    library = vendor("github", "github")
    arguments = dict(kwargs)
    if arguments.get("auth") is None:
        arguments["auth"] = _auth(connection, library.Auth)
    enterprise_url = variable(connection, "enterprise_url")
    if enterprise_url is not None:
        arguments.setdefault("base_url", f"{enterprise_url.rstrip('/')}/api/v3")
    client: Github = library.Github(**arguments)
    by_path(client.requester, client, "requester")
    return by_name(client, github_client, connection, kwargs)


def _auth(connection: str, library: Any) -> Auth:
    token = variable(connection, "pat")
    if token is not None:
        personal: Auth = library.Token(token)
        return personal
    app_id, install_id = required(connection, "app_id"), required(connection, "install_id")
    # A variable is often one line.
    private_key = required(connection, "private_key").replace("\\n", "\n")
    if not install_id.isdecimal():
        raise EnvVarError(f"{connection}__install_id", "not a number")
    installation: Auth = library.AppAuth(app_id, private_key).get_installation_auth(int(install_id))
    return installation
