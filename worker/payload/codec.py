"""Values as JSON that a person can read in the Temporal UI, and that comes back as the same value.

Exact JSON stays as it is. Anything else is one envelope: ``{"preview": "datetime(2026, 1, 2)", "pickle": "v1.…"}``,
signed; a text with a secret in it is ``{"preview": "Bearer ••••••", "secret": ["Bearer ", {"var": "TOKEN"}]}``. A
dictionary of the user's that looks like an envelope is wrapped as ``{"preview": "dict", "escaped": …}``.

Exact means: None, bool, int, finite float, text, lists and dictionaries with text keys, of exactly these types, in
which no list or dictionary occurs twice.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import types
from collections.abc import Iterator, Mapping
from typing import Any

from worker.contracts import JSON, UserValue
from worker.errors import TamperedError
from worker.payload import pickles
from worker.payload.errors import SecretLeakError, TooLargeError, UnpicklableError
from worker.payload.pickles import References
from worker.payload.preview import call_preview, preview
from worker.payload.secret import Secrets
from worker.payload.signing import Signer

LIMIT_BYTES = 32 * 1024 * 1024  # of one payload, unless configured
LAZY_LIMIT = 100_000  # items read from a generator
_INTEGER_BITS = 10_000  # Python refuses to write or read integers of more than 4,300 digits as text
_SHOWN_CHARACTERS = 1000  # of a value beside its pickle
_ENVELOPES = frozenset({"pickle", "secret", "escaped"})
_LAZY: tuple[type, ...] = (
    types.GeneratorType,
    map,
    filter,
    zip,
    enumerate,
    reversed,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
    itertools.chain,
    itertools.islice,
    itertools.starmap,
    itertools.takewhile,
    itertools.dropwhile,
    itertools.filterfalse,
    itertools.accumulate,
    itertools.product,
    itertools.permutations,
    itertools.combinations,
    itertools.zip_longest,
)


class _NotExact(Exception):  # noqa: N818 - steers, is never shown
    """The value is not exact JSON."""


class Codec:
    """Encodes and decodes for one namespace of one project."""

    def __init__(
        self,
        signer: Signer,
        references: References,
        *,
        secrets: Mapping[str, str] | Secrets,
        project: str,
        limit: int = LIMIT_BYTES,
        directory: str = "",
    ) -> None:
        """``directory`` is where the build is: paths inside travel relative to it."""
        self._limit = limit
        self._signer = signer
        self._references = references
        self._secrets = secrets if isinstance(secrets, Secrets) else Secrets(secrets, directory)
        self._project = project
        self._context = f"{project}/value"

    def encode(self, value: UserValue, old: dict[int, str] | None = None) -> JSON:
        """The value as JSON.

        Args:
            value: anything.
            old: objects that travel by a name both sides know, by ``id()``.

        Raises:
            PayloadError: it cannot be written, is too large, or would show a secret.
        """
        try:
            tree = self._exact(value, set(), old)
        except (_NotExact, RecursionError):
            tree = self._pickled(value, old)
        return tree

    def decode(self, tree: JSON, old: dict[str, Any] | None = None) -> UserValue:
        """The value again.

        Raises:
            TamperedError: not signed by us.
            PayloadError: it does not unpickle here.
        """
        return self._decode(tree, old)[0]

    def encode_call(self, args: tuple[UserValue, ...], kwargs: Mapping[str, UserValue]) -> JSON:
        """Arguments of a call: each readable on its own unless they share objects."""
        try:
            seen: set[int] = set()
            tree = {
                "args": [self._exact(value, seen, None) for value in args],
                "kwargs": {key: self._exact(value, seen, None) for key, value in kwargs.items()},
            }
            if not kwargs:
                del tree["kwargs"]
        except (_NotExact, RecursionError):
            tree = self._encode_together(args, kwargs)
        self.check_size(tree, "arguments")
        return tree

    def _encode_together(
        self, args: tuple[UserValue, ...], kwargs: Mapping[str, UserValue]
    ) -> dict[str, JSON]:
        tree: dict[str, JSON] = {"preview": [self._shown(value) for value in args]}
        if kwargs:
            tree["preview_kwargs"] = {key: self._shown(value) for key, value in kwargs.items()}
        try:
            data = pickles.dumps((args, dict(kwargs)), self._references, self._secrets)
        except UnpicklableError as error:
            whole = error

            def finding() -> str:
                return self._first_unpicklable(args, kwargs) or whole.message

            raise UnpicklableError(error.args[0], finding=finding) from None
        tree["pickle"] = self._sign(data)
        return tree

    def _first_unpicklable(self, args: tuple[UserValue, ...], kwargs: Mapping[str, UserValue]) -> str:
        """Which argument cannot be pickled, and why; empty where each can by itself."""
        for label, value in [*((f"argument {i}", v) for i, v in enumerate(args, 1)), *kwargs.items()]:
            try:
                pickles.dumps(value, self._references, self._secrets)
            except UnpicklableError as error:
                return f"{label}: {error.message}"
        return ""

    def decode_call(self, tree: JSON) -> tuple[tuple[UserValue, ...], dict[str, UserValue], bool]:
        """The arguments, and whether some came by path: those are this process's own objects."""
        if "pickle" in tree:
            data = self._signer.verify(tree["pickle"], self._context)
            (args, kwargs), by_path = pickles.loads(data, self._references, self._secrets)
            return args, kwargs, by_path
        args = tuple(self.decode(value) for value in tree["args"])
        return args, {key: self.decode(value) for key, value in tree.get("kwargs", {}).items()}, False

    def seal(self, tree: JSON, purpose: str) -> str:
        """A signature of some JSON, for one purpose."""
        return self._signer.sign(_digest(tree), f"{self._project}/{purpose}")

    def check_seal(self, tree: JSON, seal: str, purpose: str) -> None:
        """See that this installation signed it.

        Raises:
            TamperedError: it did not, or something was changed.
        """
        if self._signer.verify(seal, f"{self._project}/{purpose}") != _digest(tree):
            raise TamperedError("signed data was changed", hint="Nothing of it was used.")

    def preview(self, value: UserValue, limit: int = 80) -> str:
        """The value in a few words, secrets hidden."""
        return preview(value, limit, self._secrets.shown, self._references.is_user_module)

    def call_preview(self, name: str, args: tuple[UserValue, ...], kwargs: Mapping[str, UserValue]) -> str:
        """The call in a line, secrets hidden."""
        return call_preview(name, args, kwargs, mask=self._secrets.shown, own=self._references.is_user_module)

    def secrets_in(self, text: str) -> set[str]:
        """The secrets that stand in the text."""
        return self._secrets.standing_in(text)

    def mask(self, text: str) -> str:
        """The text with secrets hidden."""
        return self._secrets.mask(text)

    def user_object(self, path: str) -> Any:
        """The user's object at ``module:name``; None when the module is not the user's."""
        return (
            self._references.resolve(path)
            if self._references.is_user_module(path.partition(":")[0])
            else None
        )

    def check_size(self, tree: JSON, what: str) -> None:
        """Refuse what is larger than configured, with the figures."""
        size = len(json.dumps(tree, ensure_ascii=False).encode())
        if size > self._limit:
            raise TooLargeError(
                f"{size:,} bytes of {what}, {self._limit:,} are allowed",
                hint="Keep large data in a file or a store, and pass its name; or raise AK_PAYLOAD_LIMIT.",
            )

    def _exact(self, value: Any, seen: set[int], old: dict[int, str] | None) -> JSON:
        kind = type(value)
        if kind is str:
            return self._text(value)
        if kind is bool or value is None:
            return value
        if kind is int:
            if value.bit_length() > _INTEGER_BITS:
                raise _NotExact
            return value
        if kind is float:
            if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0):
                raise _NotExact
            return value
        if kind is not list and kind is not dict:
            raise _NotExact
        if id(value) in seen or (old and id(value) in old):
            raise _NotExact
        seen.add(id(value))
        if kind is list:
            return [self._exact(item, seen, old) for item in value]
        tree: dict[str, JSON] = {}
        for key, item in value.items():
            if type(key) is not str or (self._secrets and self._secrets.split(key) is not None):
                raise _NotExact
            if not key.isascii() and not encodable(key):
                raise _NotExact
            tree[key] = self._exact(item, seen, old)
        if is_envelope(tree) or "pickle" in tree:
            return {"preview": "dict", "escaped": tree}
        return tree

    def _text(self, value: str) -> JSON:
        parts = self._secrets.split(value) if self._secrets else None
        if parts is not None:
            return {"preview": self._secrets.shown(value), "secret": parts}
        if not encodable(value):
            raise _NotExact
        return value

    def _shown(self, value: Any) -> JSON:
        """A readable stand-in beside a pickle: JSON in small, else a preview."""
        try:
            tree = self._exact(_plain(value, iter(range(_SHOWN_CHARACTERS // 2))), set(), None)
        except (_NotExact, RecursionError):
            return self.preview(value)
        text = json.dumps(tree)
        return tree if len(text) <= _SHOWN_CHARACTERS else self.preview(value)

    def _pickled(self, value: Any, old: dict[int, str] | None) -> JSON:
        data = pickles.dumps(value, self._references, self._secrets, old)
        return {"preview": self._shown(value), "pickle": self._sign(data)}

    def _sign(self, data: bytes) -> str:
        name = self._secrets.found_in(data)
        if name is not None:
            raise SecretLeakError(
                f"the secret {name} stands in data that would be kept in the history",
                hint="Read it with os.getenv inside a function marked @autokitteh.activity.",
            )
        return self._signer.sign(data, self._context)

    def _decode(self, tree: JSON, old: dict[str, Any] | None) -> tuple[UserValue, bool]:
        if isinstance(tree, list):
            return [self._decode(item, old)[0] for item in tree], False
        if not isinstance(tree, dict):
            return tree, False
        if is_envelope(tree):
            if "pickle" in tree:
                data = self._signer.verify(tree["pickle"], self._context)
                return pickles.loads(data, self._references, self._secrets, old)
            if "secret" in tree:
                return self._secrets.join(tree["secret"]), False
            return {key: self._decode(item, old)[0] for key, item in tree["escaped"].items()}, False
        return {key: self._decode(item, old)[0] for key, item in tree.items()}, False


def _plain(value: Any, left: Iterator[int]) -> Any:
    """A value for who reads it: an event's data, wherever they stand in it, are dictionaries.

    Raises:
        _NotExact: there is more in it than ``left`` counts.
    """
    if next(left, None) is None:
        raise _NotExact
    kind = type(value)
    if kind is list:
        return [_plain(item, left) for item in value]
    if kind is dict or (issubclass(kind, dict) and kind.__module__.partition(".")[0] == "autokitteh"):
        return {key: _plain(item, left) for key, item in dict.items(value)}
    return value


def _digest(tree: JSON) -> bytes:
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).digest()


def encodable(text: str) -> bool:
    """Whether a text has no lone surrogates, which UTF-8 does not hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds_envelope(tree: JSON) -> bool:
    """Whether something in it is one of our envelopes."""
    if isinstance(tree, dict):
        return is_envelope(tree) or any(holds_envelope(item) for item in tree.values())
    return isinstance(tree, list) and any(holds_envelope(item) for item in tree)


def is_envelope(tree: dict[str, JSON]) -> bool:
    """Whether a dictionary is one of our envelopes."""
    return len(tree) == 2 and "preview" in tree and not _ENVELOPES.isdisjoint(tree)


def materialise(
    args: tuple[UserValue, ...], kwargs: Mapping[str, UserValue]
) -> tuple[tuple[UserValue, ...], dict[str, UserValue]]:
    """The arguments with lazy ones read into lists.

    Raises:
        PayloadError: one does not end within the limit.
    """
    if not any(isinstance(value, _LAZY) for value in (*args, *kwargs.values())):
        return args, dict(kwargs)
    return tuple(map(materialise_result, args)), {
        key: materialise_result(value) for key, value in kwargs.items()
    }


def materialise_result(value: UserValue, limit: int = LAZY_LIMIT) -> UserValue:
    """The value, read into a list when it is lazy."""
    if not isinstance(value, _LAZY):
        return value
    lazy: Any = value
    items = list(itertools.islice(lazy, limit + 1))
    if len(items) > limit:
        raise TooLargeError(
            f"a {type(value).__name__} has more than {limit:,} items",
            hint="Take a part: itertools.islice(…).",
        )
    return items
