"""Exceptions across the boundary: ``except SomeLibraryError as error`` works, with attributes and cause.

An exception is taken apart and put together without its constructor, whose signature nobody knows: type, ``args``,
attributes one by one (what does not pickle travels as its ``repr``), notes, cause and context, and the frames of the
user's where it was raised. A type that cannot be imported on the other side (boto3 makes those of ``s3.exceptions`` as
it runs) is one of that name under its nearest known base: all there are in the process, or a new one.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any

from worker.contracts import JSON
from worker.errors import PayloadError
from worker.payload import pickles
from worker.payload.codec import Codec

Frame = tuple[str, int, str, str]  # path, line, function, text
Frames = Callable[[BaseException], list[Frame]]

_DEPTH = 8  # of causes, contexts and groups
_FRAMES = "__ak_frames__"
_OURS = "__ak_made__"  # a class that stands for one that is not here
_STATE = (
    "errno",
    "strerror",
    "filename",
    "filename2",
    "code",
    "value",
    "name",
    "path",
    "msg",
    "lineno",
    "offset",
    "text",
    "encoding",
    "object",
    "start",
    "end",
    "reason",
    "print_file_and_line",
    "obj",
)
_MESSAGE_LIMIT = 20_000


def encode_exception(error: BaseException, codec: Codec, frames: Frames, depth: int = 0) -> JSON:
    """The exception as JSON, readable where it can be."""
    kind = type(error)
    tree: dict[str, JSON] = {
        "type": f"{kind.__module__}:{kind.__qualname__}",
        "bases": [f"{base.__module__}:{base.__qualname__}" for base in kind.__mro__[1:-1]],
        "message": codec.mask(text_of(error))[:_MESSAGE_LIMIT],
        "args": [encode_part(value, codec) for value in error.args],
        "frames": [[*frame[:3], codec.mask(frame[3])] for frame in [*frames(error), *remote_frames(error)]],
    }
    fields = {name: value for name, value in vars(error).items() if name != _FRAMES}
    if fields:
        tree["attributes"] = {name: encode_part(value, codec) for name, value in fields.items()}
    state = {}
    for name in _STATE:
        if name not in fields and isinstance(getattr(kind, name, None), MEMBER_TYPES):
            value = field_of(error, name)
            if value is not None:
                state[name] = encode_part(value, codec)
    if state:
        tree["state"] = state
    if depth < _DEPTH:
        for name in ("__cause__", "__context__"):
            inner = getattr(error, name)
            if inner is not None and (name == "__cause__" or not error.__suppress_context__):
                tree[name] = encode_exception(inner, codec, frames, depth + 1)
        if isinstance(error, BaseExceptionGroup):
            tree["members"] = [
                encode_exception(member, codec, frames, depth + 1) for member in error.exceptions
            ]
    if error.__suppress_context__:
        tree["suppress_context"] = True
    return tree


def decode_exception(tree: JSON, codec: Codec, twins: Callable[[], bool] = lambda: True) -> BaseException:
    """The exception again, ready to be raised.

    Args:
        tree: the exception as JSON.
        codec: for what is in it.
        twins: asked whether a class that cannot be imported may be one of its name that was made here.
    """
    kind = find_type(tree, codec, twins)
    args = tuple(codec.decode(part) for part in tree["args"])
    error = create(kind, args, tree, codec, twins)
    error.__dict__.update({name: codec.decode(part) for name, part in tree.get("attributes", {}).items()})
    for name, part in tree.get("state", {}).items():
        try:
            setattr(error, name, codec.decode(part))
        except (AttributeError, TypeError):
            continue  # a read-only slot that the constructor has set already
    for name in ("__cause__", "__context__"):
        if name in tree:
            setattr(error, name, decode_exception(tree[name], codec, twins))
    if "__context__" not in tree:  # it was the cause, or nobody was to see it
        error.__context__ = error.__cause__
    error.__suppress_context__ = bool(tree.get("suppress_context", False))
    error.__dict__[_FRAMES] = [tuple(frame) for frame in tree.get("frames", [])]
    return error


def remote_frames(error: BaseException) -> list[Frame]:
    """The user's frames of an exception that was raised inside an activity."""
    found: list[Frame] = getattr(error, "__dict__", {}).get(_FRAMES, [])
    return found


def encode_part(value: Any, codec: Codec) -> JSON:
    """An argument or attribute; what cannot travel is replaced by its description."""
    try:
        tree = codec.encode(value)
        codec.check_size(tree, "data")
    except PayloadError:
        return codec.preview(value)
    return tree


def create(
    kind: type[BaseException],
    args: tuple[Any, ...],
    tree: JSON,
    codec: Codec,
    twins: Callable[[], bool],
) -> BaseException:
    """An instance without running the constructor of a library or of the user."""
    if issubclass(kind, BaseExceptionGroup):
        members = [decode_exception(member, codec, twins) for member in tree.get("members", [])]
        message = args[0] if args and isinstance(args[0], str) else tree["message"]
        group = kind.__new__(kind, message, members or [Exception(tree["message"])])
        group.args = args
        return group
    return pickles.exception_again(kind, args)


def find_type(tree: JSON, codec: Codec, twins: Callable[[], bool]) -> type[BaseException]:
    """The exception's type here, or a class of its name under the nearest base that is known here.

    Where several were made, one of each client, the exception is of all of them: which one the program asks for, nobody
    knows.
    """
    found = lookup(tree["type"], codec)
    if found is not None:
        return found
    module, _, name = tree["type"].partition(":")
    base: type[BaseException] = Exception
    for path in tree["bases"]:
        known = lookup(path, codec)
        if known is not None:
            base = known
            break
    same = [
        kind
        for kind in base.__subclasses__()
        if (kind.__module__, kind.__qualname__) == (module, name) and _OURS not in vars(kind)
    ]
    own = {"__module__": module, "__qualname__": name, _OURS: True}
    if twins():  # asked in any case: which classes there are may depend on other sessions of the process
        if len(same) == 1:
            return same[0]
        with contextlib.suppress(TypeError):  # their layouts may exclude each other
            return type(name.rpartition(".")[2], tuple(same) or (base,), own)
    return type(name.rpartition(".")[2], (base,), own)


def lookup(path: str, codec: Codec) -> type[BaseException] | None:
    """A type by ``module:name``: the user's from the build, a library's by import."""
    module, _, name = path.partition(":")
    try:
        found: Any = codec.user_object(path)
        if found is None:
            found = sys.modules.get(module) or importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
    except Exception:
        return None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None


def field_of(error: BaseException, name: str) -> Any:
    """A member of the error; None when it is a property that fails."""
    try:
        return getattr(error, name, None)
    except Exception:
        return None


def text_of(error: BaseException) -> str:
    """The error's text as UTF-8 can hold it; never raises."""
    try:
        return str(error).encode("utf-8", "backslashreplace").decode()
    except Exception:
        return ""


MEMBER_TYPES: tuple[type, ...] = (type(OSError.errno), type(UnicodeDecodeError.start), type(property()))
