"""Clients for Slack."""

from __future__ import annotations

import copyreg
import re
from typing import TYPE_CHECKING, Any

from autokitteh.connections import by_name, check_connection_name, required, vendor

if TYPE_CHECKING:
    from slack_sdk.web import SlackResponse
    from slack_sdk.web.client import WebClient

_LONGEST_CHANNEL_NAME = 80
_BEARER = "Authorization"
_TOKENS = ("oauth_access_token", "private_bot_token", "oauth_AccessToken", "BotToken")


def slack_client(connection: str, **kwargs: Any) -> WebClient:
    """A client for Slack's Web API; nothing is sent until its first call.

    Args:
        connection: the connection's name; its token is ``CONN__oauth_access_token``, ``CONN__private_bot_token``,
            ``CONN__oauth_AccessToken`` or ``CONN__BotToken``.
        kwargs: for ``slack_sdk.WebClient``.

    Returns:
        The client. It travels by the connection's name, without its token.

    Raises:
        ValueError: the connection's name is no name.
        ConnectionInitError: the connection has no token.
        ImportError: Slack's library is not installed.
    """
    check_connection_name(connection)
    web = vendor("slack_sdk.web", "slack")
    token = kwargs.get("token") or required(connection, *_TOKENS)
    copyreg.pickle(web.SlackResponse, _reduce_response)
    # The client writes into the headers it is given.
    own = kwargs | {"headers": dict(kwargs["headers"])} if kwargs.get("headers") else kwargs
    client: WebClient = web.WebClient(**{**own, "token": token})
    return by_name(client, slack_client, connection, kwargs)


def normalize_channel_name(name: str) -> str:
    """Any text made into a name that Slack accepts for a channel.

    Args:
        name: any text.

    Returns:
        At most 80 lower-case letters, digits, hyphens and underscores; quotes are dropped, other characters become
        hyphens, several of which in a row become one.
    """
    name = re.sub(r"['\"`]", "", name.strip().lower())
    name = re.sub(r"[^\w-]", "-", name)
    name = re.sub(r"-{2,}", "-", name)
    return name[:_LONGEST_CHANNEL_NAME].strip("-")


def _reduce_response(response: SlackResponse) -> tuple[Any, ...]:
    # An answer keeps the request, for its next page; the token is the client's and is filled in again there.
    state = dict(vars(response))
    request = state.get("req_args") or {}
    headers = request.get("headers") or {}
    with_token = headers.get(_BEARER) == _bearer(state.get("_client"))
    if with_token:
        rest = {name: value for name, value in headers.items() if name != _BEARER}
        state["req_args"] = {**request, "headers": rest}
    return _response, (type(response), state, with_token)


def _response(kind: type[SlackResponse], state: dict[str, Any], with_token: bool) -> SlackResponse:
    response = kind.__new__(kind)
    vars(response).update(state)
    if with_token:
        response.req_args["headers"][_BEARER] = _bearer(state["_client"])
    return response


def _bearer(client: Any) -> str:
    return f"Bearer {getattr(client, 'token', None)}"
