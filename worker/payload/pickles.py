"""Pickles in which everything that has a name travels by name.

User functions, classes and modules go by their path inside the build, never by value: the other side runs the same
build. What belongs to user code and has no such path (a lambda, a class inside a function) is refused, and the caller
decides what then. Library objects pickle as they always do; what a library makes on the fly (a class, a closure) goes
by value through cloudpickle. Secrets inside strings go by their name, paths inside the build relative to it.

Objects that are module-level globals of user code and do not pickle (a client, a lock) go by their path as well.
"""

from __future__ import annotations

import io
import json
import pathlib
import pickle
import types
from typing import Any, Protocol

import cloudpickle

from worker.payload import additions, answers
from worker.payload.errors import UnpicklableError
from worker.payload.secret import Secrets

_ATOMS = frozenset({int, float, complex, bool, type(None), list, tuple, dict, set, frozenset, bytearray})
_TOLD = (str, int, float, bool, type(None))
_REFERENCE, _OLD, _SECRET, _SECRET_BYTES, _PATH = "ref", "old", "secret", "secret-bytes", "path"
_OURS = "worker."
_PATHS: dict[type, str] = {pathlib.PosixPath: "PosixPath", pathlib.PurePosixPath: "PurePosixPath"}


class References(Protocol):
    """User code by path, such as ``main:Report.render``."""

    def reference(self, obj: Any) -> str | None: ...

    def resolve(self, path: str) -> Any: ...

    def is_user_module(self, name: str) -> bool: ...


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Pickles one value."""

    def __init__(
        self,
        file: io.BytesIO,
        references: References,
        secrets: Secrets,
        old: dict[int, str] | None,
        *,
        by_path: bool,
    ) -> None:
        super().__init__(file, protocol=5)
        self._references = references
        self._secrets = secrets
        self._old = old or {}
        self._by_path = by_path

    def persistent_id(self, obj: Any) -> Any:
        """The name an object travels by, or None to pickle it."""
        kind = type(obj)
        if kind is str:
            parts = self._secrets.split(obj) if self._secrets else None
            return (_SECRET, json.dumps(parts)) if parts is not None else None
        if self._old and id(obj) in self._old:
            return (_OLD, self._old[id(obj)])
        if kind in _ATOMS:
            return None
        if kind is bytes:
            return self._secret_bytes(obj)
        if kind in _PATHS:
            below = self._secrets.below(obj)
            return (_PATH, json.dumps([_PATHS[kind], below])) if below is not None else None
        if isinstance(obj, types.FunctionType | type | types.ModuleType):
            return self._named(obj)
        if self._by_path:
            path = self._references.reference(obj)
            return (_REFERENCE, path) if path is not None else None
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Exceptions with a constructor of their own are put together without it: nobody knows its arguments."""
        kind: Any = type(obj)
        if (
            isinstance(obj, BaseException)
            and isinstance(kind.__init__, types.FunctionType)
            and kind.__reduce__ is BaseException.__reduce__
            and kind.__reduce_ex__ is object.__reduce_ex__
        ):
            return exception_again, (kind, obj.args), vars(obj) or None
        if isinstance(obj, BaseException):
            made = told(obj)
            if made is not None:
                return made
        answer = answers.reduced(obj)
        if answer is not None:
            return answer
        larger = additions.reduced(obj, self._travels)
        if larger is not None:
            return larger
        return super().reducer_override(obj)

    def _travels(self, part: Any) -> bool:
        try:
            _dump(part, self._references, self._secrets, self._old, by_path=self._by_path)
        except Exception:  # whatever its code raises; it stays behind
            return False
        return True

    def _secret_bytes(self, obj: bytes) -> Any:
        if not self._secrets or self._secrets.found_in(obj) is None:
            return None
        parts = self._secrets.split(obj.decode("latin-1"))
        return (_SECRET_BYTES, json.dumps(parts)) if parts is not None else None

    def _named(self, obj: Any) -> Any:
        routed = getattr(obj, "__ak_routed__", None)
        if routed is not None:
            obj = routed
        module = obj.__name__ if isinstance(obj, types.ModuleType) else getattr(obj, "__module__", None)
        if not isinstance(module, str) or not self._references.is_user_module(module):
            return None
        path = self._references.reference(obj)
        if path is None:
            raise UnpicklableError(f"{describe(obj)} has no name to travel by")
        return (_REFERENCE, path)


def exception_again(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception without running its constructor; its attributes follow."""
    try:
        error = kind.__new__(kind, *args)
    except Exception:
        error = kind.__new__(kind)
    error.args = args
    return error


def told(error: BaseException) -> tuple[Any, ...] | None:
    """How to make an error again that would lose its text on the way; None where its own way does, or is not known.

    urllib3's errors leave out which pool of connections they came from, and with it the host in their message.
    """
    kind: Any = type(error)
    if kind.__reduce__ is BaseException.__reduce__ or kind.__str__ is not BaseException.__str__:
        return None
    if not all(isinstance(part, _TOLD) for part in error.args):
        return None
    try:
        made = error.__reduce__()
        if not isinstance(made, tuple) or made[0] is not kind or kind(*made[1]).args == error.args:
            return None
    except Exception:  # a library's code; pickle will say what is wrong with it
        return None
    return told_again, (*made[:2], error.args), *made[2:]


def told_again(kind: type[BaseException], arguments: tuple[Any, ...], args: tuple[Any, ...]) -> BaseException:
    """An error made as it wants to be, with the text it had."""
    error = kind(*arguments)
    error.args = args
    return error


class Unpickler(pickle.Unpickler):
    """Reads what ``Pickler`` wrote; the bytes have been verified before."""

    def __init__(
        self, file: io.BytesIO, references: References, secrets: Secrets, old: dict[str, Any] | None
    ) -> None:
        super().__init__(file)
        self._references = references
        self._secrets = secrets
        self._old = old or {}
        self.by_path = False

    def persistent_load(self, pid: Any) -> Any:
        """The object behind a name."""
        kind, name = pid
        if kind == _REFERENCE:
            found = self._references.resolve(name)
            if not isinstance(found, types.FunctionType | type | types.ModuleType):
                self.by_path = True
            return found
        if kind == _OLD:
            return self._old.get(name)
        if kind == _PATH:
            made, below = json.loads(name)
            return getattr(pathlib, made)(self._secrets.inside(below))
        text = self._secrets.join(json.loads(name))
        return text if kind == _SECRET else text.encode("latin-1")

    def find_class(self, module: str, name: str) -> Any:
        """A class or function by import path; the user's from the build."""
        if self._references.is_user_module(module):
            return self._references.resolve(f"{module}:{name}")
        return super().find_class(module, name)


def dumps(value: Any, references: References, secrets: Secrets, old: dict[int, str] | None = None) -> bytes:
    """The value pickled: by value where possible, with module-level globals by path where not.

    Raises:
        UnpicklableError: neither works.
    """
    try:
        return _dump(value, references, secrets, old, by_path=False)
    except Exception:  # noqa: S110 - the second way decides
        pass
    try:
        return _dump(value, references, secrets, old, by_path=True)
    except UnpicklableError as error:
        raise UnpicklableError(error.message, finding=lambda: locate(value, references, secrets)) from None
    except Exception as error:
        # cloudpickle raises its own error for a structure that is too deep, with Python's as the cause.
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            raise UnpicklableError(f"{describe(value)} is nested too deeply") from None
        reason = f"{describe(value)} cannot be pickled ({type(error).__name__}: {error})"
        raise UnpicklableError(reason, finding=lambda: locate(value, references, secrets)) from None


def _dump(
    value: Any, references: References, secrets: Secrets, old: dict[int, str] | None, *, by_path: bool
) -> bytes:
    file = io.BytesIO()
    Pickler(file, references, secrets, old, by_path=by_path).dump(value)
    return file.getvalue()


def loads(
    data: bytes, references: References, secrets: Secrets, old: dict[str, Any] | None = None
) -> tuple[Any, bool]:
    """The value, and whether it holds objects that came by path.

    Raises:
        UnpicklableError: it does not unpickle here.
    """
    unpickler = Unpickler(io.BytesIO(data), references, secrets, old)
    try:
        return unpickler.load(), unpickler.by_path
    except Exception as error:
        raise UnpicklableError(
            f"it was pickled, but does not unpickle ({type(error).__name__}: {error})"
        ) from error


def describe(obj: Any) -> str:
    """An object in a few words, with its place when it is code."""
    if isinstance(obj, types.FunctionType):
        name = "a lambda" if obj.__name__ == "<lambda>" else f"the function {obj.__name__} inside another"
        code = obj.__code__
        return f"{name} from {code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}"
    if isinstance(obj, type):
        return f"the class {obj.__qualname__}"
    kind = type(obj)
    if kind.__module__.startswith(_OURS):  # stands in for one of Python's: known by the name it has there
        return f"a {kind.__qualname__}"
    return (
        f"a {kind.__module__}.{kind.__qualname__}"
        if kind.__module__ != "builtins"
        else f"a {kind.__qualname__}"
    )


def locate(value: Any, references: References, secrets: Secrets) -> str | None:
    """Which part of the value does not pickle: ``items[3].lock: a _thread.lock``; None when it is the whole."""
    path = ""
    for _ in range(20):
        for step, part in parts_of(value):
            try:
                _dump(part, references, secrets, None, by_path=True)
            except Exception:
                path, value = path + step, part
                break
        else:
            break
    return f"its {path.removeprefix('.')} is {describe(value)}, which cannot be pickled" if path else None


def parts_of(value: Any) -> list[tuple[str, Any]]:
    """The parts of a value that can be named; what is inside of ours is nothing to the user."""
    if type(value).__module__.startswith(_OURS):
        return []
    if isinstance(value, dict):
        return [(f"[{key!r}]", part) for key, part in list(value.items())[:1000]]
    if isinstance(value, list | tuple):
        return [(f"[{index}]", part) for index, part in enumerate(value[:1000])]
    fields = getattr(value, "__dict__", None)
    if isinstance(fields, dict) and not isinstance(value, type | types.FunctionType | types.ModuleType):
        names = state_names(value)
        return [(f".{name}", part) for name, part in fields.items() if names is None or name in names]
    return []


def state_names(value: Any) -> frozenset[str] | None:
    """The attributes that travel when the class of an object says so itself; None when it does not say."""
    if getattr(type(value), "__getstate__", None) in {None, getattr(object, "__getstate__", None)}:
        return None
    try:
        state = value.__getstate__()
    except Exception:  # the user's or a library's code; what it means for a copy, encoding will say
        return None
    return frozenset([*state, *additions.added(value, state)]) if type(state) is dict else None
