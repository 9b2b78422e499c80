"""What one call costs: the runtime's own policy is asked, with the very objects that a session would ask about."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import inspect
import io
import types
import typing
from dataclasses import dataclass
from typing import Any, Final

import autokitteh
from autokitteh.activities import activity, inhibit_activities
from worker.lint.values import (
    OUTSIDE,
    PLAIN,
    UNKNOWN,
    Class,
    Function,
    Instance,
    Known,
    Object,
    Outside,
    Plain,
    Unordered,
    Value,
)
from worker.usercode import callees
from worker.usercode.policy import Policy, activity_name

# How many events a step leaves in Temporal's history, with the workflow task that follows it.
EVENTS: Final = {"activity": 6, "step": 6, "child": 6, "timer": 5, "wait": 4, "local": 4, "read": 4}
DURABLE: Final = frozenset(EVENTS)

_CHILDREN: Final = frozenset({"start"})
_WAITS: Final = frozenset({"next_event", "next_signal", "wait_for_signal"})
_READS: Final = frozenset({"get_value", "list_values_keys"})
_STEPS: Final = frozenset(
    [
        "subscribe",
        "unsubscribe",
        "signal",
        "set_value",
        "del_value",
        "add_values",
        "check_and_set_value",
        "mutate_value",
        "publish_value",
        "unpublish_value",
        "http_outcome",
        "outcome",
    ]
)
_SLEEPS: Final = ("time.sleep", "asyncio.sleep")
# Types of results that libraries do not annotate.
_RETURNS: Final = {
    "requests.api": "requests.Response",
    "requests.sessions.Session": "requests.Response",
    "urllib.request.urlopen": "http.client.HTTPResponse",  # read to its end when it comes
}


@dataclass(frozen=True)
class Verdict:
    """How a call is made: kind (activity, step, child, timer, wait, local, read, inline, refuse, unknown), why, result."""

    kind: str
    name: str
    reason: str
    result: Value = UNKNOWN
    user: Function | None = None


class Judge:
    """Decides about calls."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def of(self, callee: Value, name: str) -> Verdict:
        """How a call of this value is made; ``name`` is what the code calls it."""
        if isinstance(callee, Function):
            return self._of_function(callee)
        if isinstance(callee, Class):
            return Verdict("inline", callee.qualname, "the user's own code", Object(callee))
        if isinstance(callee, Known):
            return self.of_object(callee.object, name)
        if isinstance(callee, Plain):
            return Verdict("inline", name, "a method of data", PLAIN)
        result = OUTSIDE if isinstance(callee, Outside) else UNKNOWN
        return Verdict("unknown", name, "decided when it runs: by what the object is", result)

    def _of_function(self, function: Function) -> Verdict:
        name = f"{function.module}.{function.qualname}"
        marked = is_activity(function)
        if marked:
            return Verdict("activity", name, "marked @activity", OUTSIDE, function)
        wrapper = next((item for item in function.decorators if self._wraps(item)), None)
        if wrapper is not None:
            assert isinstance(wrapper, Known)
            library = callees.place_of(wrapper.object).module.partition(".")[0]
            return Verdict("activity", name, f"a wrapper of {library} around it: one step", OUTSIDE, function)
        return Verdict("inline", name, "the user's own code", UNKNOWN, function)

    def _wraps(self, decorator: Value) -> bool:
        if not isinstance(decorator, Known) or not callable(decorator.object):
            return False
        return bool(self._policy.decide(decorator.object).kind == "activity")

    def of_object(self, callee: Any, name: str) -> Verdict:
        """How a call of a library's object is made."""
        if not callable(callee):
            return Verdict("unknown", name, "it cannot be called", UNKNOWN)
        sdk = _of_sdk(callee)
        if sdk is not None:
            return sdk
        place = callees.place_of(callee).full_name
        decision = self._policy.decide(callee)
        if callee is asyncio.sleep or decision.target in _SLEEPS:
            return Verdict("timer", "sleep", "a durable timer", PLAIN)
        spoken = activity_name(callee)
        if decision.kind == "local" and decision.target == "open":
            return Verdict("inline", spoken, decision.reason, Instance(io.TextIOWrapper, made=True))
        if decision.kind == "substitute":
            return Verdict("inline", spoken, decision.reason, _result(callee, place, made=True))
        return Verdict(
            decision.kind, spoken, decision.reason, _result(callee, place, made=decision.kind == "inline")
        )

    def method(self, kind: type, name: str) -> Value:
        """A method of an object of a library's class, as something to be judged; unknown when it has none."""
        member = inspect.getattr_static(kind, name, None)
        if isinstance(member, types.FunctionType):
            return Known(types.MethodType(member, kind))
        if isinstance(member, (staticmethod, classmethod)):
            return Known(types.MethodType(member.__func__, kind))
        if isinstance(member, (types.MethodDescriptorType, types.BuiltinFunctionType)):
            return Known(member)
        return UNKNOWN if member is not None or hasattr(kind, "__getattr__") else PLAIN


def is_activity(function: Function) -> bool:
    """Whether a function of the user's is marked."""
    return any(isinstance(item, Known) and item.object is activity for item in function.decorators)


def is_inhibited(function: Function) -> bool:
    """Whether activities are switched off inside it."""
    return any(isinstance(item, Known) and item.object is inhibit_activities for item in function.decorators)


def _of_sdk(callee: Any) -> Verdict | None:
    if not isinstance(callee, types.FunctionType) or not callee.__module__.startswith("autokitteh"):
        return None
    name = callee.__name__
    if getattr(autokitteh, name, None) is not callee and callee.__module__ != "autokitteh.store":
        return None
    spoken = f"autokitteh.{name}"
    if name in _CHILDREN:
        return Verdict("child", spoken, "a session of its own", PLAIN)
    if name in _WAITS:
        return Verdict("wait", spoken, "waits, however long", PLAIN)
    if name in _READS:
        return Verdict("read", spoken, "reads the store", PLAIN)
    if name in _STEPS:
        return Verdict("step", spoken, "changes something outside", PLAIN)
    return Verdict("inline", spoken, "a function of the SDK", UNKNOWN)


def _result(callee: Any, place: str, *, made: bool) -> Value:
    if isinstance(callee, type):
        if issubclass(callee, set | frozenset):
            return Unordered()
        if callee.__module__ == "builtins":
            return PLAIN
        return Instance(callee, made=made)
    kind = _annotated(callee) or _tabled(place)
    if kind is not None:
        return _of_type(kind)
    if made:
        return PLAIN if place.partition(".")[0] in {"builtins", "json", "re", "os", "math"} else UNKNOWN
    return OUTSIDE


def _of_type(kind: type) -> Value:
    if issubclass(kind, set | frozenset):
        return Unordered()
    return PLAIN if kind.__module__ == "builtins" else Instance(kind)


def _annotated(callee: Any) -> type | None:
    function = getattr(callee, "__func__", callee)
    if not isinstance(function, types.FunctionType):
        return None
    found = function.__annotations__.get("return")
    if isinstance(found, str):
        found = function.__globals__.get(found, getattr(builtins, found, None))
    origin = typing.get_origin(found)
    found = origin if isinstance(origin, type) else found
    return found if isinstance(found, type) and not getattr(found, "_is_protocol", False) else None


def _tabled(place: str) -> type | None:
    for prefix, target in _RETURNS.items():
        if place.startswith(prefix) and target:
            module, _, name = target.rpartition(".")
            try:
                found = getattr(importlib.import_module(module), name, None)
            except ImportError:
                return None
            return found if isinstance(found, type) else None
    return None
