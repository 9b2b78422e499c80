"""Does this callable run where it is called, or as an activity?

A pure function of the callee: its marks, where its code stands, and the tables. First match wins:

1. A ``functools.partial`` is decided by its function.
2. Marks: ``@activity``. ``functools.wraps`` copies them, so a library's wrapper around a marked function is marked.
3. Our own: the SDK's functions, and stand-ins that were routed where they were named: inline.
4. A deterministic stand-in exists: substitute.
5. Constructors: by the class whose ``__init__`` runs; inline, unless the tables say that it reaches outside.
6. The user's own function, by where its code stands, not by ``__module__``: inline. A wrapper that a library made
   around it (tenacity's ``@retry``) is the library's, so the whole retry loop is one activity; a wrapper of pure code
   (``contextlib.contextmanager``, ``functools.lru_cache``) is decided by what it wraps.
7. The project's own rules (``worker.usercode.extension``), then the tables, by the longest name. Methods of objects that live in this process only: local.
8. Special methods (``super().__eq__``): inline, as the operators that call them are.
9. Anything else: activity.
"""

from __future__ import annotations

import functools
import os
import random
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from autokitteh.activities import ActivityMark
from worker.usercode import callees, substitutes, tables
from worker.usercode.call_names import activity_name
from worker.usercode.callees import Place
from worker.usercode.extension import Extension

__all__ = ["Decision", "Policy", "activity_name"]

_WRAPPERS_DEEP: Final = 20
_CONSTRUCTING: Final = frozenset({"__init__", "__new__"})


@dataclass(frozen=True)
class Decision:
    """How to make a call. ``kind``: inline, activity, local, substitute (``target`` names it) or refuse.

    A local call with the target ``open`` opens a file, and is made where it stands.
    """

    kind: str
    reason: str
    target: str = ""
    mark: ActivityMark | None = None


_NEVER = Decision("inline", "marked never to be an activity")
_SDK = Decision("inline", "a function of the SDK")
_STANDS_IN = Decision("inline", "looked at where it was named")
_OWN = Decision("inline", "the user's own code")
_CONSTRUCTOR = Decision("inline", "a constructor only makes an object")
_SPECIAL = Decision("inline", "what operators do where they stand")
_HIDDEN_CHANCE = Decision("activity", "clock or chance inside a wrapper: the result is kept")
_OUTSIDE = Decision("activity", "not known to be pure")


class Policy:
    """The rules for one project: the tables, and before them what the project says itself."""

    def __init__(self, directory: Path, extension: Extension | None = None) -> None:
        self._own_rules = extension.rules if extension is not None else {}
        self._roots = tuple({f"{directory}{os.sep}", f"{os.path.realpath(directory)}{os.sep}"})

    def decide(self, callee: Any, site: str = "") -> Decision:
        """How to make a call to this callable; ``site`` says where it is written and decides nothing."""
        del site
        return self._decide(callee, _WRAPPERS_DEEP)

    def decides_alike(self, callee: Any) -> bool:
        """Whether all callables of the same code, or of the same type and name, are decided like this one.

        Only then may a caller remember the answer under these. One wrapper's code serves many functions
        (``contextlib.contextmanager``), and the generator behind ``random.random`` is of a type that users
        make seeded objects of.
        """
        if isinstance(callee, types.MethodType | types.BuiltinFunctionType):
            if isinstance(callee.__self__, random.Random):
                return False
            callee = callee.__func__ if isinstance(callee, types.MethodType) else callee
        if not isinstance(callee, types.FunctionType):
            return True
        renamed = callee.__qualname__ != callee.__code__.co_qualname or "__wrapped__" in callee.__dict__
        return not renamed or self._stands_here(callees.place_of(callee))

    def is_own(self, callee: Any) -> bool:
        """Whether the code of a callable stands in the project."""
        if isinstance(callee, type):
            return any(map(self._stands_here, map(callees.place_of, callees.functions_of(callee))))
        return self._stands_here(callees.place_of(callee))

    def _decide(self, callee: Any, depth: int) -> Decision:
        mark = callees.mark_of(callee)
        if isinstance(mark, ActivityMark):
            return Decision("activity", "marked @activity", mark=mark)
        if mark is False:
            return _NEVER
        if isinstance(callee, functools.partial):
            return _of_inner(self._decide(callee.func, depth))
        if callees.is_ours(callee):
            return _STANDS_IN
        name = substitutes.lookup(callee)
        if name is not None:
            return Decision("substitute", "deterministic in a session", name)
        if isinstance(callee, type):
            return self._of_class(callee)
        place = callees.place_of(callee)
        if callees.is_of_our_packages(place):
            return _SDK
        if self._stands_here(place):
            return _OWN
        found = self._by_project(place) or _by_tables(place)
        if found.kind == "inline" and depth:
            wrapped = callees.wrapped_by(callee)
            if wrapped is not None:
                return _of_inner(self._decide(wrapped, depth - 1))
        return found

    def _of_class(self, kind: type) -> Decision:
        if self._own_rules:
            named = longest(_class_name(kind), self._own_rules)
            if named is not None:
                return _decision(named)
        for method in _CONSTRUCTING:
            for base in kind.__mro__:
                if method in vars(base):
                    rule = tables.CONSTRUCTORS.get(_class_name(base))
                    if rule is not None:
                        return _decision(rule)
                    break
        return _OWN if self.is_own(kind) else _CONSTRUCTOR

    def _by_project(self, place: Place) -> Decision | None:
        if not self._own_rules:
            return None
        owners = place.owner.__mro__ if place.owner is not None else ()
        method = place.name.rpartition(".")[2]
        names = [place.full_name, place.claimed, *(f"{_class_name(owner)}.{method}" for owner in owners)]
        for name in names:
            rule = longest(name, self._own_rules)
            if rule is not None:
                return _decision(rule)
        return None

    def _stands_here(self, place: Place) -> bool:
        if place.code is None or place.scope is None:
            return False
        file = place.code.co_filename
        if file.startswith("<"):  # made from text, by ``exec`` or a dataclass: by the module it was made for
            file = str(place.scope.get("__file__"))
        return file.startswith(self._roots)


def _of_inner(decision: Decision) -> Decision:
    # A stand-in for what is inside cannot be put there; as an activity its result is kept all the same.
    return _HIDDEN_CHANCE if decision.kind == "substitute" else decision


def _by_tables(place: Place) -> Decision:
    method = place.name.rpartition(".")[2]
    if method in _CONSTRUCTING:
        rule = tables.CONSTRUCTORS.get(place.full_name.rpartition(".")[0])
        return _decision(rule) if rule is not None else _CONSTRUCTOR
    special = method.startswith("__") and method.endswith("__") and method not in {"__call__", "__import__"}
    if special:
        return _SPECIAL
    for base in place.owner.__mro__ if place.owner is not None else ():
        live = tables.LIVE_TYPES.get(_class_name(base))
        if live is not None:
            return _decision(live)
    # What a wrapper claims to be can only make it more careful: its own code runs as well.
    claimed = rule_for(place.claimed)
    if claimed is not None and claimed.kind != "inline":
        return _decision(claimed)
    found = rule_for(place.full_name)
    return _decision(found) if found is not None else _OUTSIDE


@functools.lru_cache(maxsize=4096)
def rule_for(name: str) -> tables.Rule | None:
    """The rule with the longest prefix of a dotted name; None when no table knows it."""
    parts = name.split(".")
    if parts[-1] in tables.OUTSIDE_NAMES.get(parts[0], ()):
        return tables.Rule("activity", "touches files, the network, the clock or chance")
    return longest(name, tables.RULES)


def longest(name: str, rules: Mapping[str, tables.Rule]) -> tables.Rule | None:
    """The rule of the longest prefix of a dotted name."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        rule = rules.get(".".join(parts[:length]))
        if rule is not None:
            return rule
    return None


@functools.lru_cache(maxsize=256)
def _decision(rule: tables.Rule) -> Decision:
    kind, target = ("local", "open") if rule.kind == "open" else (rule.kind, "")
    return Decision(kind, rule.reason, target)


def _class_name(kind: type) -> str:
    return f"{callees.canonical(callees.module_of_class(kind))}.{kind.__qualname__}"
