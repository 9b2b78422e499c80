"""What the helpers for vendors share: names, credentials, and clients that travel by name.

A client of a vendor's library holds a token. When a call is made as an activity, the client it is made on is pickled;
so every client that a helper returns is pickled as "call this helper again with these arguments", and the other side
makes its own. No token is in the history, and a new token reaches sessions that wait: calls are made with the
connection's variables as they are then, while the session itself goes on seeing those of its deployment, so that a
replay takes the same path.
"""

from __future__ import annotations

import functools
import importlib
import os
import pickle
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from autokitteh import _runtime
from autokitteh.errors import ConnectionInitError

T = TypeVar("T")
_DISTRIBUTION = "autokitteh-temporal"
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_KEPT_PER_THREAD = 64

# Connections of a vendor's client are not safe to share between threads, so each thread has its own clients.
_made_here = threading.local()


def check_connection_name(connection: str) -> None:
    """Check that a connection's name is one that the names of its variables can begin with.

    Args:
        connection: the name, as the manifest has it.

    Raises:
        ValueError: it is no name.
    """
    given: object = connection
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise ValueError(f"Invalid AutoKitteh connection name: {connection!r}")


def variable(connection: str, *names: str) -> str | None:
    """The first of a connection's variables that is set and not empty: ``CONN__name``.

    Args:
        connection: the connection's name.
        names: names without the connection's, in the order they are looked for.

    Returns:
        Its value, or None.
    """
    known = _runtime.current().connection(connection)
    for name in names:
        value = os.environ.get(f"{connection}__{name}") if known is None else known.get(name)
        if value:
            return value
    return None


def required(connection: str, *names: str) -> str:
    """As ``variable``, for what a client cannot do without.

    Args:
        connection: the connection's name.
        names: names without the connection's, in the order they are looked for.

    Returns:
        Its value.

    Raises:
        ConnectionInitError: none is set.
    """
    value = variable(connection, *names)
    if value is None:
        raise ConnectionInitError(connection)
    return value


def vendor(module: str, extra: str) -> Any:
    """Import a vendor's library.

    Args:
        module: the module's full name.
        extra: the extra of this distribution that installs it.

    Returns:
        The module.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{module} is not installed; install it with: pip install {_DISTRIBUTION}[{extra}]"
        raise ImportError(message, name=error.name) from error


def by_name(made: T, helper: Callable[..., Any], connection: str, arguments: Mapping[str, Any]) -> T:
    """Let what a helper made be pickled as a call of that helper.

    Args:
        made: what it made.
        helper: the helper, a function of a module.
        connection: the connection it was made for.
        arguments: its other arguments, by name.

    Returns:
        The same object.
    """
    return _reduced_to(made, rebuild, helper, connection, dict(arguments))


def by_path(part: T, whole: Any, attribute: str) -> T:
    """Let a part of a client be pickled as the client and the name of an attribute.

    Args:
        part: the part that would carry the token.
        whole: what it is a part of.
        attribute: where it is found there.

    Returns:
        The same part.
    """
    return _reduced_to(part, getattr, whole, attribute)


def by_call(part: T, function: Callable[..., Any], *arguments: Any) -> T:
    """Let an object be pickled as a call of a function that makes its like.

    Args:
        part: the object.
        function: a function of a module.
        arguments: what it is called with.

    Returns:
        The same object.
    """
    return _reduced_to(part, function, *arguments)


def rebuild(helper: Callable[..., T], connection: str, arguments: dict[str, Any]) -> T:
    """Make a client again, or take the one that this thread has made with the same arguments and credentials.

    Args:
        helper: the helper that made it.
        connection: the connection.
        arguments: the helper's other arguments.

    Returns:
        The client.
    """
    try:
        key = (helper, connection, pickle.dumps(arguments), _credentials_of(connection))
    except Exception:
        return helper(connection=connection, **arguments)
    clients: dict[Any, T] = _made_here.__dict__
    if key not in clients:
        if len(clients) >= _KEPT_PER_THREAD:
            clients.clear()
        clients[key] = helper(connection=connection, **arguments)
    return clients[key]


def _credentials_of(connection: str) -> tuple[tuple[str, str], ...]:
    known = _runtime.current().connection(connection)
    if known is not None:
        return tuple(sorted(known.items()))
    prefix = f"{connection}__"
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith(prefix)))


def _reduced_to(made: T, function: Callable[..., Any], *arguments: Any) -> T:
    # Pickle asks the object itself. A subclass would do as well, but it would change what the client's calls are named.
    object.__setattr__(made, "__reduce_ex__", functools.partial(_reduction, function, arguments))
    return made


def _reduction(
    function: Callable[..., Any], arguments: tuple[Any, ...], _protocol: int
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return function, arguments
