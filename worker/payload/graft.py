"""A call means what it means in plain Python: what it changed in its arguments is changed in the caller's objects.

The function works on copies. Before the call both sides name every mutable object they can reach from the arguments
by its path (``0``, ``0[users][2].tags``). Afterwards the function's side compares each object with what it held before
and sends the new content of those that changed, in which objects that were there before stand by their path. The
caller puts the content into its own objects: identity, aliasing and reordering come out right.

A class that says itself what of it travels (``__getstate__``) is believed: attributes it leaves out, such as the
connections below a ``requests.Session``, have paths like all others but are not compared, since no copy has them.

What functions among the arguments hold (closures, the objects of methods, the parts of a ``partial``) comes last, so
that everything else has the path it would have without them.

Not followed: sets' elements, objects with neither ``__dict__`` nor content of their own, and what came by reference.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from worker.contracts import JSON
from worker.errors import PayloadError
from worker.payload.codec import Codec
from worker.payload.pickles import state_names

_LIMIT = 20_000  # objects followed
_ATOMS = (str, bytes, int, float, complex, bool, type(None), frozenset, range)
_NAMED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, type)
_TOGETHER = ""  # the path of all changes in one, no path of an object
_HOLDERS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)
_CELL = "cell_contents"
_PAIRS = frozenset({"pairs", "fields"})
_LISTS = (list, collections.deque)


class Snapshot:
    """The mutable objects reachable from some arguments, by path, with what they hold now."""

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, closures: bool = False) -> None:
        """``closures``: whether the functions themselves were given, not their names."""
        self._closures = closures
        self._objects: dict[str, Any] = {}
        self._paths: dict[int, str] = {}
        self._held: dict[str, Any] = {}
        self._given = (*args, *kwargs.values())
        self.complete = True
        waiting: collections.deque[tuple[str, Any]] = collections.deque(
            [
                *((str(index), value) for index, value in enumerate(args)),
                *sorted(kwargs.items(), key=lambda kv: kv[0]),
            ]
        )
        held_by_functions: collections.deque[tuple[str, Any]] = collections.deque()
        asked: set[int] = set()
        while waiting or held_by_functions:
            path, value = waiting.popleft() if waiting else held_by_functions.popleft()
            if isinstance(value, _HOLDERS) and id(value) not in asked:
                asked.add(id(value))
                held_by_functions.extend((path + step, part) for step, part in self._held_by(value))
            if isinstance(value, (_ATOMS, _NAMED)) or id(value) in self._paths:
                continue
            while path in self._objects:
                path += "'"  # the keys 1 and "1" give the same path
            if len(self._objects) >= _LIMIT:
                self.complete = False
                break
            if not isinstance(value, tuple):
                held = content(value)
                if held is None:
                    continue
                self._objects[path] = value
                self._paths[id(value)] = path
                self._held[path] = held
            waiting.extend((path + step, part) for step, part in parts(value))

    def changes(self, codec: Codec) -> dict[str, JSON]:
        """The content of every object that is not what it was, by path.

        Raises:
            PayloadError: the new content cannot be written.
        """
        changed: dict[str, dict[str, Any]] = {}
        for path, value in self._objects.items():
            now = content(value)
            if not same(self._held[path], now):
                changed[path] = difference(self._held[path], now)
        if changed:
            changed = self._that_travel(changed)
        if self._share(changed.values()):
            return {_TOGETHER: codec.encode(changed, self._paths)}
        return {path: codec.encode(wire, self._paths) for path, wire in changed.items()}

    def _that_travel(self, changed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The changes without those of what its class does not let travel."""
        travelling, all_travel = self._travelling()
        if all_travel:
            return changed
        found = {}
        for path, wire in changed.items():
            value = self._objects[path]
            if id(value) not in travelling:
                continue
            names = state_names(value)
            if names is not None and "fields" in wire:
                fields = wire["fields"]
                fields["set"] = [pair for pair in fields["set"] if pair[0] in names]
                fields["gone"] = [name for name in fields["gone"] if name in names]
                if wire.keys() == {"fields"} and not (fields["set"] or fields["gone"]):
                    continue
            found[path] = wire
        return found

    def _travelling(self) -> tuple[set[int], bool]:
        """The objects that a copy of the arguments had copies of, before the call; and whether those are all."""
        found: set[int] = set()
        all_travel = True
        waiting: list[Any] = [*self._given]
        while waiting:
            value = waiting.pop()
            if isinstance(value, _ATOMS) or id(value) in found:
                continue
            found.add(id(value))
            waiting.extend(part for _, part in self._held_by(value))
            if isinstance(value, _NAMED):
                continue
            if isinstance(value, tuple):
                waiting.extend(value)
            held = self._held.get(self._paths.get(id(value), ""), {})
            names = state_names(value) if "fields" in held else None
            all_travel = all_travel and names is None
            waiting.extend(held.get("items", ()))
            waiting.extend(part for _, part in held.get("pairs", ()))
            waiting.extend(part for name, part in held.get("fields", ()) if names is None or name in names)
        return found, all_travel

    def _held_by(self, value: Any) -> Iterator[tuple[str, Any]]:
        return iter(()) if isinstance(value, types.FunctionType) and not self._closures else held_by(value)

    def _share(self, contents: Iterable[dict[str, Any]]) -> bool:
        """Whether an object that is new stands in several contents: apart, each would get a copy of its own."""
        seen: set[int] = set()
        for wire in contents:
            mine: set[int] = set()
            waiting: list[Any] = [wire]
            while waiting:
                value = waiting.pop()
                if isinstance(value, (_ATOMS, _NAMED)) or id(value) in self._paths or id(value) in mine:
                    continue
                mine.add(id(value))
                waiting.extend(part for _, part in parts(value))
            if not seen.isdisjoint(mine):
                return True
            seen |= mine
        return False

    def apply(self, changed: Mapping[str, JSON], codec: Codec) -> list[str]:
        """Put new contents into the objects; returns the paths that do not exist here."""
        missing = []
        if changed.keys() == {_TOGETHER}:
            contents = codec.decode(changed[_TOGETHER], self._objects)
        else:
            contents = {path: codec.decode(tree, self._objects) for path, tree in changed.items()}
        for path, held in contents.items():
            if path in self._objects:
                replace_content(self._objects[path], held)
            else:
                missing.append(path)
        return missing


def held_by(value: Any) -> Iterator[tuple[str, Any]]:
    """What a function holds that a call of it may change, each with the step that leads to it."""
    if isinstance(value, types.FunctionType):
        yield from (
            (f".{name}", cell)
            for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        )
    elif isinstance(value, functools.partial):
        yield from ((".func", value.func), (".args", value.args), (".keywords", value.keywords))
    elif isinstance(value, types.MethodType | types.BuiltinFunctionType):
        owner = value.__self__
        if owner is not None and not isinstance(owner, type | types.ModuleType):
            yield ".__self__", owner


def content(value: Any) -> dict[str, Any] | None:
    """What a mutable object holds, shallow; None for what holds nothing that could be compared."""
    held: dict[str, Any] = {}
    if isinstance(value, _LISTS):
        held["items"] = list(value)
    elif isinstance(value, dict):
        held["pairs"] = [[key, item] for key, item in dictionary_of(value).items(value)]
    elif isinstance(value, set):
        held["members"] = set(value)
    elif isinstance(value, bytearray):
        held["bytes"] = bytes(value)
    elif isinstance(value, types.CellType):
        held["fields"] = [[_CELL, part] for _, part in parts(value)]
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict:
        if fields or not held:
            held["fields"] = [[name, fields[name]] for name in sorted(fields)]
    elif not held:
        return None
    return held


def dictionary_of(value: dict[Any, Any]) -> type[dict[Any, Any]]:
    """Whose methods to use: a subclass may override them, but an ``OrderedDict`` keeps its order beside the items."""
    return collections.OrderedDict if isinstance(value, collections.OrderedDict) else dict


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """The objects inside a value, each with the step that leads to it."""
    if isinstance(value, list | tuple | collections.deque):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"[{key}]", part) for key, part in dict.items(value) if isinstance(key, str | int))
    elif isinstance(value, types.CellType):
        with contextlib.suppress(ValueError):  # an empty one
            yield f".{_CELL}", value.cell_contents
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict:
        yield from ((f".{name}", fields[name]) for name in sorted(fields, key=str))


def same(before: Any, now: Any) -> bool:
    """Whether two shallow contents hold the same: mutable parts by identity, the rest by type and value."""
    if before is now:
        return True
    if type(before) is not type(now):
        return False
    if isinstance(before, list):
        return len(before) == len(now) and all(map(same_part, before, now))
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(
            same_pairs(before[key], now[key]) if key in _PAIRS else same(before[key], now[key])
            for key in before
        )
    return bool(before == now)


def same_pairs(before: list[list[Any]], now: list[list[Any]]) -> bool:
    """Whether keys and values are the same ones in the same order."""
    return len(before) == len(now) and all(
        same_part(old[0], new[0]) and same_part(old[1], new[1]) for old, new in zip(before, now, strict=True)
    )


def same_part(before: Any, now: Any) -> bool:
    """Whether an element is the same one."""
    if before is now:
        return True
    if type(before) is not type(now):
        return False
    if isinstance(before, _ATOMS):
        return bool(before == now) or (before != before and now != now)  # noqa: PLR0124 - not a number
    if isinstance(before, tuple):
        return len(before) == len(now) and all(map(same_part, before, now))
    return False


def difference(before: Any, now: Any) -> dict[str, Any]:
    """The new content; of attributes only those that changed, since a copy may lack some that do not pickle."""
    wire = dict(now)
    if "fields" in now:
        old, new = dict(before.get("fields", [])), dict(now["fields"])
        wire["fields"] = {
            "set": [
                [name, item]
                for name, item in new.items()
                if name not in old or not same_part(old[name], item)
            ],
            "gone": sorted(old.keys() - new.keys()),
        }
    return wire


def replace_content(value: Any, held: Mapping[str, Any]) -> None:
    """Give an object new content, in place."""
    if "items" in held:
        value.clear()
        value.extend(held["items"])
    elif "pairs" in held:
        kind = dictionary_of(value)
        kind.clear(value)
        for key, item in held["pairs"]:
            kind.__setitem__(value, key, item)
    elif "members" in held:
        value.clear()
        value.update(held["members"])
    elif "bytes" in held:
        value[:] = held["bytes"]
    fields = held.get("fields")
    if fields and isinstance(value, types.CellType):
        for _, part in fields["set"]:
            value.cell_contents = part
    elif fields:
        for name in fields["gone"]:
            value.__dict__.pop(name, None)
        value.__dict__.update(dict(fields["set"]))


def graft(old: Any, new: Any) -> Any:
    """``new`` put into ``old`` where they are of one kind, so that those who hold ``old`` see it; else ``new``."""
    held = content(new) if type(old) is type(new) and not isinstance(old, (*_ATOMS, *_NAMED)) else None
    if held is None:
        return new
    try:
        replace_content(old, difference(content(old), held))
    except (AttributeError, TypeError) as error:
        raise PayloadError(
            f"a {type(old).__name__} cannot be changed in place: {error}",
            hint="Return what is new, and put it there in the handler.",
        ) from None
    return old
