"""Clients for Google's services.

A connection is a user's (``CONN__auth_type`` is ``oauth``) or a service account's (``CONN__JSON`` is its key). Nothing
is sent until a client's first call: also the descriptions of the services come with the library.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import functools
import json
import os
import random
import re
import time
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from autokitteh.connections import (
    by_call,
    by_name,
    by_path,
    check_connection_name,
    required,
    variable,
    vendor,
)
from autokitteh.errors import ConnectionInitError, EnvVarError

if TYPE_CHECKING:
    import gspread

_EXTRA = "google"
_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_SCOPE = "https://www.googleapis.com/auth/"
_ID = re.compile(r"(?:.*/(?:d/e|d|folders)/|.*[?&]id=)?([\w-]{20,})(?:[/?&#].*)?", re.ASCII)
# What goes to the service; the rest goes to the credentials.
_FOR_SERVICE = frozenset(
    {
        "adc_cert_path",
        "adc_key_path",
        "always_use_jwt_access",
        "cache",
        "cache_discovery",
        "client_options",
        "credentials",
        "developerKey",
        "discoveryServiceUrl",
        "http",
        "model",
        "num_retries",
        "requestBuilder",
        "static_discovery",
    }
)
_FOR_GSPREAD = frozenset({"credentials", "http_client", "session"})
_INSTEAD_OF_CREDENTIALS = frozenset({"credentials", "developerKey", "http", "session"})


def gmail_client(connection: str, **kwargs: Any) -> Any:
    """A client for Gmail.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    return _service(
        gmail_client, ("gmail", "v1"), ("gmail.modify", "gmail.settings.basic"), connection, kwargs
    )


def google_calendar_client(connection: str, **kwargs: Any) -> Any:
    """A client for Google Calendar.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    return _service(google_calendar_client, ("calendar", "v3"), ("calendar",), connection, kwargs)


def google_drive_client(connection: str, **kwargs: Any) -> Any:
    """A client for Google Drive.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    return _service(google_drive_client, ("drive", "v3"), ("drive",), connection, kwargs)


def google_forms_client(connection: str, **kwargs: Any) -> Any:
    """A client for Google Forms.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    scopes = ("forms.body", "forms.responses.readonly")
    return _service(google_forms_client, ("forms", "v1"), scopes, connection, kwargs)


def google_sheets_client(connection: str, **kwargs: Any) -> Any:
    """A client for Google Sheets.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    return _service(google_sheets_client, ("sheets", "v4"), ("spreadsheets",), connection, kwargs)


def youtube_client(connection: str, **kwargs: Any) -> Any:
    """A client for YouTube's Data API.

    Args:
        connection: the connection's name.
        kwargs: for ``googleapiclient.discovery.build``; others for the credentials.

    Returns:
        The service. It travels by the connection's name.
    """
    scopes = ("youtube", "youtube.force-ssl", "youtube.upload")
    return _service(youtube_client, ("youtube", "v3"), scopes, connection, kwargs)


def gspread_client(connection: str, **kwargs: Any) -> gspread.Client:
    """A client for Google Sheets of the gspread library.

    Args:
        connection: the connection's name.
        kwargs: for ``gspread.authorize``; others for the credentials.

    Returns:
        The client. It travels by the connection's name, as do the spreadsheets that it opens.
    """
    check_connection_name(connection)
    library = vendor("gspread", _EXTRA)
    own, rest = _split(kwargs, _FOR_GSPREAD)
    if not own.keys() & _INSTEAD_OF_CREDENTIALS:
        rest.setdefault("scopes", _scopes("spreadsheets", "drive"))
        own["credentials"] = google_creds("googlesheets", connection, **rest)
    client: gspread.Client = library.authorize(own.pop("credentials", None), **own)
    by_path(client.http_client, client, "http_client")
    return by_name(client, gspread_client, connection, kwargs)


def google_creds(integration: str, connection: str, scopes: Sequence[str], **kwargs: Any) -> Any:
    """Credentials for any of Google's client libraries.

    Args:
        integration: the integration's name; it says what the connection is for and decides nothing.
        connection: the connection's name. A user's has ``CONN__oauth_AccessToken``, ``CONN__oauth_RefreshToken`` and
            ``CONN__oauth_Expiry``, and is refreshed with ``GOOGLE_CLIENT_ID`` and ``GOOGLE_CLIENT_SECRET``.
        scopes: what a service account may do; a user has said so when the connection was made.
        kwargs: for the credentials' constructor, such as a service account's ``subject``.

    Returns:
        The credentials. They travel by the connection's name.

    Raises:
        ValueError: the connection's name is no name.
        ConnectionInitError: the connection has no credentials.
        EnvVarError: they are there, but not what they should be.
        ImportError: Google's libraries are not installed.
    """
    check_connection_name(connection)
    if variable(connection, "auth_type") == "oauth":
        creds = _of_user(connection, kwargs)
    else:
        creds = _of_service_account(connection, {"scopes": list(scopes), **kwargs})
    return by_name(
        creds, google_creds, connection, {"integration": integration, "scopes": list(scopes), **kwargs}
    )


def google_id(url: str) -> str:
    """The ID of a document, form, sheet, file or folder.

    Args:
        url: its address, or the ID itself.

    Returns:
        The ID.

    Raises:
        ValueError: there is none in it.
    """
    found = _ID.fullmatch(url.strip())
    if found is None:
        raise ValueError(f"No Google ID in {url!r}")
    return found.group(1)


def _of_user(connection: str, kwargs: dict[str, Any]) -> Any:
    library = vendor("google.oauth2.credentials", _EXTRA)
    token, refresh_token = (
        variable(connection, "oauth_AccessToken"),
        variable(connection, "oauth_RefreshToken"),
    )
    if token is None and refresh_token is None:
        raise ConnectionInitError(connection)
    arguments = {
        "token": token,
        "refresh_token": refresh_token,
        "expiry": _expiry(connection),
        "token_uri": _TOKEN_URI,
        "client_id": os.environ.get("GOOGLE_CLIENT_ID"),
        "client_secret": os.environ.get("GOOGLE_CLIENT_SECRET"),
    }
    return library.Credentials(**(arguments | kwargs))


def _expiry(connection: str) -> dt.datetime | None:
    text = variable(connection, "oauth_Expiry")
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise EnvVarError(f"{connection}__oauth_Expiry", "not a time such as 2030-01-31T12:00:00Z") from None
    if moment.year == 1:  # nobody has set it
        return None
    # The library compares with the time in UTC, without a zone.
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _of_service_account(connection: str, kwargs: dict[str, Any]) -> Any:
    library = vendor("google.oauth2.service_account", _EXTRA)
    text = required(connection, "JSON")
    try:
        return library.Credentials.from_service_account_info(json.loads(text), **kwargs)
    except (ValueError, AttributeError):  # what is wrong with it is not repeated: it is a secret
        raise EnvVarError(f"{connection}__JSON", "not the JSON key of a service account") from None


def _service(
    helper: Callable[..., Any],
    name_and_version: tuple[str, str],
    scopes: Sequence[str],
    connection: str,
    kwargs: dict[str, Any],
) -> Any:
    check_connection_name(connection)
    library = vendor("googleapiclient.discovery", _EXTRA)
    own, rest = _split(kwargs, _FOR_SERVICE)
    if not own.keys() & _INSTEAD_OF_CREDENTIALS:
        rest.setdefault("scopes", _scopes(*scopes))
        own["credentials"] = google_creds(name_and_version[0], connection, **rest)
    copyreg.pickle(library.HttpRequest, _reduce_request)
    service = library.build(*name_and_version, **{"static_discovery": True, "cache_discovery": False, **own})
    if "http" not in own:
        by_path(service._http, service, "_http")
    return by_name(_with_parts(service), helper, connection, kwargs)


def _split(kwargs: dict[str, Any], names: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    own = {name: value for name, value in kwargs.items() if name in names}
    return own, {name: value for name, value in kwargs.items() if name not in names}


def _scopes(*names: str) -> list[str]:
    return [f"{_SCOPE}{name}" for name in names]


def _with_parts(resource: Any) -> Any:
    # The methods are made on the fly and all named alike; pickle and people look for them by the name they are found by.
    for name in resource._dynamic_attrs:
        method = vars(resource)[name]
        if not isinstance(method, types.MethodType):
            continue
        if getattr(method, "__is_resource__", False):
            vars(resource)[name] = functools.partial(_part, resource, name, method)
        else:
            method.__func__.__name__ = name
            method.__func__.__qualname__ = f"{type(resource).__qualname__}.{name}"
    return resource


def _part(whole: Any, name: str, make: Callable[[], Any]) -> Any:
    return by_call(_with_parts(make()), _part_again, whole, name)


def _part_again(whole: Any, name: str) -> Any:
    return getattr(whole, name)()


def _reduce_request(request: Any) -> tuple[Any, ...]:
    # The clock and chance that it retries with are the same everywhere, and large.
    state = {name: value for name, value in vars(request).items() if name not in {"_rand", "_sleep"}}
    return _request_again, (type(request), state)


def _request_again(kind: Any, state: dict[str, Any]) -> Any:
    request = kind.__new__(kind)
    vars(request).update(state, _rand=random.random, _sleep=time.sleep)
    return request
