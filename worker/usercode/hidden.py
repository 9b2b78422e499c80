"""Network behind an attribute or an iterator of a well-known library becomes an activity.

``for issue in repo.get_issues()`` calls nothing that is written down, and ``pull.mergeable`` asks GitHub when it is
read. For the libraries in the table, the function that all of it goes through asks ``divert`` first: inside a session
it is called as an activity, everywhere else it runs as it is. Modules are changed when they are imported, once per
process.

A client of boto3 makes the classes of its errors when somebody asks for them, or when a call fails. In a replay no call
is made, and an error has to be of the class that ``except s3.exceptions.NoSuchKey`` means: so a client makes them at once.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

# Functions through which all of a library's calls go, by module.
HIDDEN: Final[dict[str, tuple[str, ...]]] = {
    "github.Requester": ("Requester.requestJsonAndCheck", "Requester.graphql_query"),
    "slack_sdk.web.slack_response": ("SlackResponse.__next__",),
    "botocore.client": ("BaseClient._make_api_call",),
    "gspread.http_client": ("HTTPClient.request",),
}

# Attributes that an object is asked for as soon as it is made, by module and class.
EAGER: Final[dict[str, dict[str, str]]] = {"botocore.client": {"BaseClient": "exceptions"}}

Divert = Callable[[Any], Any]


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the table as the others would, and changes them once they are executed."""

    def __init__(self, table: Mapping[str, Sequence[str]], divert: Divert) -> None:
        self._table = table
        self._divert = divert

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's spec, with a loader around its own."""
        if name not in self._table:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, self._table[name], self._divert)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    def __init__(self, inner: Any, paths: Sequence[str], divert: Divert) -> None:
        self._inner = inner
        self._paths = paths
        self._divert = divert

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        created: types.ModuleType | None = self._inner.create_module(spec)
        return created

    def exec_module(self, module: types.ModuleType) -> None:
        self._inner.exec_module(module)
        change(module, self._paths, self._divert)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def install(divert: Divert, more: Mapping[str, tuple[str, ...]]) -> None:
    """Watch the imports of this process, and change what is imported already.

    Args:
        divert: takes a method of an object; returns what is to be called in its place, or None.
        more: what the project adds to the table.
    """
    table = {name: (*HIDDEN.get(name, ()), *more.get(name, ())) for name in {*HIDDEN, *more}}
    for name, paths in table.items():
        if name in sys.modules:
            change(sys.modules[name], paths, divert)
    sys.meta_path.insert(0, Finder(table, divert))


def change(module: types.ModuleType, paths: Sequence[str], divert: Divert) -> None:
    """Put a function that asks first in the place of each; a version of a library without it is left alone."""
    for path in paths:
        kind_name, _, name = path.rpartition(".")
        kind = getattr(module, kind_name, None)
        original = vars(kind).get(name) if isinstance(kind, type) else None
        if isinstance(original, types.FunctionType):
            setattr(kind, name, _asking(original, name, divert))
    for kind_name, attribute in EAGER.get(module.__name__, {}).items():
        kind = getattr(module, kind_name, None)
        if isinstance(kind, type):
            setattr(kind, "__init__", _reading(kind.__init__, attribute))  # type: ignore[misc] # noqa: B010


def _reading(original: Callable[..., None], attribute: str) -> Callable[..., None]:
    @functools.wraps(original)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        getattr(self, attribute, None)

    return make


def _asking(original: Callable[..., Any], name: str, divert: Divert) -> Callable[..., Any]:
    @functools.wraps(original)
    def ask(self: Any, *args: Any, **kwargs: Any) -> Any:
        callee = divert(getattr(self, name))
        return original(self, *args, **kwargs) if callee is None else callee(*args, **kwargs)

    return ask
