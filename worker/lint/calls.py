"""What one call costs: the runtime's own policy is asked, with the very objects that a session would ask about."""

from __future__ import annotations

import asyncio
import builtins
import importlib
import inspect
import io
import pathlib
import types
import typing
from dataclasses import dataclass
from typing import Any, Final

import autokitteh
from autokitteh.activities import activity, inhibit_activities
from worker.lint.values import (
    PART,
    PLAIN,
    UNKNOWN,
    Class,
    Container,
    Function,
    Instance,
    Known,
    Lambda,
    Object,
    Outside,
    Plain,
    Unordered,
    Value,
)
from worker.usercode import callees
from worker.usercode.policy import Policy, activity_name

# How many events a step leaves in Temporal's history, with the workflow task that follows it.
EVENTS: Final = {"activity": 6, "step": 6, "child": 6, "timer": 5, "wait": 4, "local": 3, "read": 1}
DURABLE: Final = frozenset(EVENTS)

_CHILDREN: Final = frozenset({"start"})
_WAITS: Final = frozenset({"next_event", "next_signal", "wait_for_signal"})
_READS: Final = frozenset({"get_value", "list_values_keys"})
_AWAITED_NAMES: Final = frozenset({"next_signal", "wait_for_signal"})  # registered in a step, the first time
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
_FUNCTIONS: Final = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_STORE_READS: Final = frozenset(
    {"get", "keys", "values", "items", "__getitem__", "__contains__", "__iter__", "__len__"}
)
_STORE_STEPS: Final = frozenset({"pop", "setdefault", "update", "__setitem__", "__delitem__", "clear"})
# Clients whose calls are made on the object itself, since it cannot be sent.
_STAYS: Final = frozenset({"httpx.Client", "httpx.AsyncClient"})
_SLEEPS: Final = ("time.sleep", "asyncio.sleep")
# Types of results that libraries do not annotate.
_RETURNS: Final = {
    "requests.api": "requests.Response",
    "requests.sessions.Session": "requests.Response",
    "urllib.request.urlopen": "worker.payload.answers.Answer",  # it is read to its end when it comes
    "re.match": "re.Match",
    "re.search": "re.Match",
    "re.fullmatch": "re.Match",
    "threading.allocate_lock": "_thread.LockType",
    "threading.RLock": "_thread.RLock",
    "csv.reader": "_csv.Reader",
    "csv.writer": "_csv.Writer",
    "hmac.new": "hmac.HMAC",
    "logging.getLogger": "logging.Logger",
    "subprocess.run": "subprocess.CompletedProcess",
    "sqlite3.connect": "sqlite3.Connection",
    "sqlite3.Connection.execute": "sqlite3.Cursor",
    "sqlite3.Connection.cursor": "sqlite3.Cursor",
    "sqlite3.Cursor.execute": "sqlite3.Cursor",
    "socket.create_connection": "socket.socket",
    "datetime.datetime.now": "datetime.datetime",
    "datetime.datetime.utcnow": "datetime.datetime",
    "datetime.datetime.today": "datetime.datetime",
    "datetime.datetime.fromisoformat": "datetime.datetime",
    "datetime.datetime.fromtimestamp": "datetime.datetime",
    "datetime.datetime.strptime": "datetime.datetime",
    "datetime.datetime.replace": "datetime.datetime",
    "datetime.datetime.astimezone": "datetime.datetime",
    "datetime.date.today": "datetime.date",
    "datetime.date.fromisoformat": "datetime.date",
    "uuid.uuid1": "uuid.UUID",
    "uuid.uuid4": "uuid.UUID",
    "pathlib.Path.cwd": "pathlib.Path",
    "pathlib.Path.home": "pathlib.Path",
    "pathlib.Path.resolve": "pathlib.Path",
    "pathlib.Path.absolute": "pathlib.Path",
    "pathlib.Path.expanduser": "pathlib.Path",
    "pathlib.PurePath.joinpath": "pathlib.Path",
    "pathlib.PurePath.with_name": "pathlib.Path",
    "pathlib.PurePath.with_suffix": "pathlib.Path",
}
_LISTS: Final = {
    "pathlib.Path.glob": pathlib.Path,
    "pathlib.Path.rglob": pathlib.Path,
    "pathlib.Path.iterdir": pathlib.Path,
}
_TEXTS: Final = frozenset(
    {"subprocess.check_output", "subprocess.getoutput", "pathlib.Path.read_text", "pathlib.Path.read_bytes"}
)
_DATA: Final = frozenset(
    {
        "builtins",
        "json",
        "re",
        "os",
        "math",
        "string",
        "textwrap",
        "csv",
        "base64",
        "hashlib",
        "time",
        "secrets",
        "random",
        "html",
        "urllib.parse",
    }
)


@dataclass(frozen=True)
class Verdict:
    """How a call is made: kind (activity, step, child, timer, wait, local, read, inline, refuse, unknown), why, result."""

    kind: str
    name: str
    reason: str
    result: Value = UNKNOWN
    user: Function | None = None

    @property
    def events(self) -> int:
        """About how many events the call leaves in the history."""
        awaits = self.name.rpartition(".")[2] in _AWAITED_NAMES
        return EVENTS.get(self.kind, 0) + (EVENTS["step"] if awaits and self.kind == "wait" else 0)


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
        if isinstance(callee, Plain | Container):
            return Verdict("inline", name, "a method of data", PLAIN)
        result = PART if isinstance(callee, Outside) else UNKNOWN
        return Verdict("unknown", name, "decided when it runs: by what the object is", result)

    def _of_function(self, function: Function) -> Verdict:
        name = f"{function.module}.{function.qualname}"
        marked = is_activity(function)
        if marked:
            return Verdict("activity", name, "marked @activity", Outside(), function)
        wrapper = next((item for item in function.decorators if self._wraps(item)), None)
        if wrapper is not None:
            assert isinstance(wrapper, Known)
            library = callees.place_of(wrapper.object).module.partition(".")[0]
            return Verdict(
                "activity", name, f"a wrapper of {library} around it: one step", Outside(), function
            )
        return Verdict("inline", name, "the user's own code", UNKNOWN, function)

    def _wraps(self, decorator: Value) -> bool:
        if not isinstance(decorator, Known) or not callable(decorator.object):
            return False
        return bool(self._policy.decide(decorator.object).kind == "activity")

    def passed(self, value: Value) -> Verdict | None:
        """How a function is called that was handed over uncalled; None when this costs nothing or it is no function."""
        function = value.function if isinstance(value, Lambda) else value
        if isinstance(function, Function):
            return self.of(function, function.qualname)
        if isinstance(value, Known) and isinstance(value.object, _FUNCTIONS):
            verdict = self.of_object(value.object, "")
            return verdict if verdict.kind in DURABLE else None
        return None

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
        kind, reason = decision.kind, decision.reason
        owner = callee.__self__ if isinstance(callee, types.MethodType) else None
        if kind == "activity" and isinstance(owner, type) and callees.place_of(owner).full_name in _STAYS:
            kind, reason = "local", "its object holds locks and stays in this process"
        return Verdict(kind, spoken, reason, _result(callee, place, made=kind == "inline"))

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


def of_store(owner: Value, method: str) -> Verdict | None:
    """What an operator does on ``autokitteh.store``; None for all other objects."""
    if not isinstance(owner, Known) or owner.object is not autokitteh.store:
        return None
    return _of_store(method)


def _of_store(method: str) -> Verdict | None:
    if method in _STORE_READS:
        name = (
            "list_values_keys" if method in {"keys", "__contains__", "__iter__", "__len__"} else "get_value"
        )
        return Verdict("read", f"autokitteh.{name}", "reads the store", PLAIN)
    if method in _STORE_STEPS:
        names = {"setdefault": "check_and_set_value", "pop": "del_value", "__delitem__": "del_value"}
        return Verdict(
            "step", f"autokitteh.{names.get(method, 'set_value')}", "changes something outside", PLAIN
        )
    return None


def _of_sdk(callee: Any) -> Verdict | None:
    if isinstance(callee, types.MethodType) and callee.__self__ is autokitteh.store:
        return _of_store(callee.__name__)
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
        return Instance(type(pathlib.Path()) if callee is pathlib.Path else callee, made=made)
    if place in _TEXTS:
        return PLAIN
    if place in _LISTS:
        return Container("list", _of_type(_LISTS[place]))
    kind = _annotated(callee) or _tabled(place)
    if kind is not None:
        return _of_type(kind)
    if made:
        return PLAIN if any(place.startswith(f"{top}.") for top in _DATA) else UNKNOWN
    return Outside()


def _of_type(kind: type) -> Value:
    kind = type(pathlib.Path()) if kind is pathlib.Path else kind
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
        if place == prefix or place.startswith(f"{prefix}."):
            module, _, name = target.rpartition(".")
            try:
                found = getattr(importlib.import_module(module), name, None)
            except ImportError:
                return None
            return found if isinstance(found, type) else None
    return None
