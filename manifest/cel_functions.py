"""All functions, methods and arithmetic operators by name, with the types they take."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from manifest import cel_arithmetic, cel_convert, cel_format, cel_lists, cel_math, cel_strings, cel_time
from manifest.cel_values import DURATION, NUMBER_NAMES, TIMESTAMP, TYPE_NAMES, EvaluationError, type_name

DYN = "dyn"
NAMESPACES = frozenset({"math", "strings", "base64", "sets", "lists", "cel"})
_SHORT_NAMES = {TIMESTAMP: "timestamp", DURATION: "duration", "null_type": "null"}
_FULL_NAMES = {short: full for full, short in _SHORT_NAMES.items()}
_SIGNATURE = re.compile(r"(?:(?P<target>\w+)\.)?(?P<name>[\w.]+|\W+?)\((?P<types>[^)]*)\) -> (?P<result>\w+)")
_ANY_NUMBER = "..."
_NUMERIC = NUMBER_NAMES | {DYN}


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function; the target of a method is its first parameter."""

    parameters: tuple[str, ...]
    result: str
    call: Callable[..., Any]
    is_variadic: bool = False
    is_lenient: bool = False

    def accepts(self, types: tuple[str, ...]) -> bool:
        """Whether arguments of these types fit; an unknown type fits everywhere."""
        if self.is_variadic:  # numbers, or one list of them
            return bool(types) and (types == ("list",) or all(each in _NUMERIC for each in types))
        if len(types) != len(self.parameters):
            return False
        return all(
            DYN in (wanted, given) or wanted == given
            for wanted, given in zip(self.parameters, types, strict=True)
        )


@dataclass(slots=True)
class Function:
    """A name with its overloads; ``table`` finds the code by the arguments' Python types."""

    name: str
    is_method: bool
    overloads: list[Overload] = field(default_factory=list)
    table: dict[tuple[type, ...], Callable[..., Any]] = field(default_factory=dict)

    def resolve(self, arguments: tuple[Any, ...]) -> Callable[..., Any]:
        """Find the code for these arguments.

        Raises:
            EvaluationError: No overload takes values of these types.
        """
        types = tuple(map(type_name, arguments))
        for overload in self.overloads:
            if overload.accepts(types):
                if all(map(_is_builtin, arguments)) and not overload.is_variadic:
                    self.table[tuple(map(type, arguments))] = overload.call
                return overload.call
        raise EvaluationError(
            f"no such overload: {describe_call(self.name, types, is_method=self.is_method)}"
        )

    def counts(self) -> list[int]:
        """List how many arguments calls may have, without a method's target."""
        return sorted({len(overload.parameters) - self.is_method for overload in self.overloads})


def _is_builtin(value: Any) -> bool:
    """Whether a type is one of a known few, so that tables by type cannot grow with the data."""
    return type(value).__module__ in {"builtins", "datetime", "manifest.cel_values"}


def short_name(name: str) -> str:
    """Name a type as messages do."""
    return _SHORT_NAMES.get(name, name)


def describe_call(name: str, types: Iterable[str], *, is_method: bool) -> str:
    """Write a call with types in place of its arguments."""
    shown = [short_name(each) for each in types]
    if not name[0].isalpha() or name == "in":
        return f" {name} ".join(shown) if len(shown) > 1 else f"{name}{shown[0]}"
    if is_method:
        return f"{shown[0]}.{name}({', '.join(shown[1:])})"
    return f"{name}({', '.join(shown)})"


def _table() -> dict[tuple[str, bool], Function]:
    functions: dict[tuple[str, bool], Function] = {}

    def add(signature: str, call: Callable[..., Any], *, is_lenient: bool) -> None:
        match = _SIGNATURE.fullmatch(signature)
        assert match is not None, signature
        target, name = match["target"], match["name"]
        is_method = target is not None and _FULL_NAMES.get(target, target) in TYPE_NAMES
        if target is not None and not is_method:
            name = f"{target}.{name}"
        types = [each for each in match["types"].split(", ") if each and each != _ANY_NUMBER]
        parameters = tuple(_FULL_NAMES.get(each, each) for each in ([target] if is_method else []) + types)
        overload = Overload(
            parameters,
            _FULL_NAMES.get(match["result"], match["result"]),
            call,
            is_variadic=match["types"] == _ANY_NUMBER,
            is_lenient=is_lenient,
        )
        functions.setdefault((name, is_method), Function(name, is_method)).overloads.append(overload)

    for room in (cel_arithmetic, cel_convert, cel_strings, cel_format, cel_lists, cel_math, cel_time):
        for signature, call in room.OVERLOADS:
            add(signature, call, is_lenient=False)
    for signature, call in (*cel_arithmetic.LENIENT_OVERLOADS, *cel_math.LENIENT_OVERLOADS):
        add(signature, call, is_lenient=True)
    return functions


FUNCTIONS = _table()


def closest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate that was probably meant, or an empty string."""
    names = sorted(candidates)
    for candidate in names:
        if candidate.lower() == name.lower().replace("_", "") and candidate != name:
            return candidate
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.7)), "")
