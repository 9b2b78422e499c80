"""Every call of user code passes here: ``f(x)`` was written, ``route(f, site)(x)`` runs.

Routing the callee instead of the call leaves no frame of ours in tracebacks and repacks no arguments. What an
inline call costs is this function, so it is written for speed:

- A plain function is known by its code object. Code objects are compiled once per process, so a process-wide table
  of those that run inline holds no session alive. It is keyed by identity: the hash of a code object is computed
  from all of its constants, each time. A mark (``@activity``) sits on the function object, hence the look at
  ``__dict__``. A method of the user's own is known in the same way, whatever object it belongs to.
- Everything else is known by its type and name, per session.

Which command a call produces is a pure function of the callee and its marks: the sets only remember the answer.
"""

from __future__ import annotations

import _thread
import functools
import types
from collections.abc import Callable
from typing import Any

from worker.contracts import UserValue
from worker.errors import CallError
from worker.session import calls
from worker.session.host import Host
from worker.session.session import Session
from worker.usercode import frames
from worker.usercode.policy import Decision

_BUILTIN = types.BuiltinFunctionType
_FUNCTION = types.FunctionType
_METHOD = types.MethodType
_MODULE = types.ModuleType
_SLOTS = (types.MethodWrapperType, types.WrapperDescriptorType, types.MethodDescriptorType)
_PASSED_UNCALLED = frozenset({_BUILTIN, _FUNCTION, _METHOD, functools.partial})
_MARKS = ("__ak_activity__", "__ak_inhibit__")
_HIDDEN = Decision("activity", "network behind an attribute or an iterator")

Router = Callable[[UserValue, str], UserValue]


def build(host: Host, own_functions: tuple[types.FunctionType, ...] = ()) -> tuple[Router, Router]:
    """The two functions that transformed code calls: ``route`` for callees, ``ref`` for functions passed uncalled.

    Args:
        host: the process's host; ``host.state`` says which session runs.
        own_functions: functions of ours that stand in user namespaces (``print`` …): always inline.

    Length: closures over a few local names are what makes an inline call cheap; they share them by standing here.
    """
    state = host.state
    get_ident = _thread.get_ident
    codes = {id(function.__code__): function.__code__ for function in own_functions}
    methods: dict[int, types.CodeType] = {}

    def route(callee: UserValue, site: str) -> UserValue:
        if get_ident() != state.thread:
            return callee
        session = state.current
        if session is None:
            return callee
        kind = type(callee)
        if kind is _FUNCTION:
            if id(callee.__code__) in codes and not session.driver.closed:
                marks = callee.__dict__
                if not marks or not (_MARKS[0] in marks or _MARKS[1] in marks):
                    return callee
        elif (
            kind is _METHOD and type(callee.__func__) is _FUNCTION and id(callee.__func__.__code__) in methods
        ):
            marks = callee.__func__.__dict__
            if not session.driver.closed and not (marks and (_MARKS[0] in marks or _MARKS[1] in marks)):
                return callee
        elif kind is _BUILTIN:
            owner = type(callee.__self__)
            if (
                callee in session.inline
                if owner is _MODULE
                else (owner, callee.__name__) in session.inline_methods
                or key_of(callee, kind) in session.inline
            ) and not session.driver.closed:
                return callee
        elif key_of(callee, kind) in session.inline and not session.driver.closed:
            return callee
        return decide(session, callee, site)

    def decide(session: Session, callee: UserValue, site: str) -> UserValue:
        session.driver.check_open()
        if not callable(callee):
            return callee  # Python's own TypeError says it best
        decision = host.policy.decide(callee, site)
        if decision.kind == "inline" and not getattr(callee, "__ak_inhibit__", False):
            remember(session, callee)
            return callee
        return carry_out(session, callee, site, decision)

    def remember(session: Session, callee: UserValue) -> None:
        if not host.policy.decides_alike(callee):
            return
        kind = type(callee)
        if kind is _FUNCTION:
            if not any(mark in callee.__dict__ for mark in _MARKS):
                codes[id(callee.__code__)] = callee.__code__
        elif kind is _METHOD and host.policy.is_own(callee) and key_of(callee, kind) is not None:
            methods[id(callee.__func__.__code__)] = callee.__func__.__code__
        else:
            key = key_of(callee, kind)
            if key is not None:
                session.inline.add(key)
                # Of classes and modules the type says nothing, they are known one by one.
                if kind is _BUILTIN and not isinstance(callee.__self__, type | types.ModuleType | None):
                    session.inline_methods[key] = None

    def ref(value: UserValue, site: str) -> UserValue:
        kind = type(value)
        if kind not in _PASSED_UNCALLED or get_ident() != state.thread:
            return value
        session = state.current
        if session is None or (kind is _FUNCTION and id(value.__code__) in codes and not value.__dict__):
            return value
        if hasattr(value, "__ak_routed__"):
            return value
        decision = host.policy.decide(value, site)
        if decision.kind == "inline":
            return value
        return carry_out(session, value, site, decision)

    def carry_out(session: Session, callee: UserValue, site: str, decision: Decision) -> UserValue:
        if decision.kind == "inline":
            return inhibiting(session, callee) if getattr(callee, "__ak_inhibit__", False) else callee
        if decision.kind == "substitute":
            return session.standins.get(decision.target, callee, site)
        if session.inhibited or state.loading or calls.never_activity(session, callee):
            return callee
        if decision.kind == "refuse":
            raise CallError(decision.reason, where=calls.place(site))
        if decision.kind == "local" and decision.target == "open":
            return callee  # reading the project's files is fine; the guard reports the rest
        return calls.Routed(session, callee, site, decision)

    return route, ref


def build_divert(host: Host) -> Callable[[UserValue], UserValue | None]:
    """The function that libraries with hidden calls ask: what to call instead, or None to go on as they are."""
    state = host.state

    def divert(callee: UserValue) -> UserValue | None:
        if _thread.get_ident() != state.thread:
            return None
        session = state.current
        if session is None or session.inhibited or state.loading or calls.never_activity(session, callee):
            return None
        session.driver.check_open()
        return calls.Routed(session, callee, f"{frames.calling_line(host.directory)}:0", _HIDDEN)

    return divert


def key_of(callee: UserValue, kind: type) -> Any:
    """What identifies a callee that is not a plain function, or None when nothing safe does."""
    if kind is _BUILTIN:
        owner = callee.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return callee
        return (owner if isinstance(owner, type) else type(owner), callee.__name__)
    if kind is _METHOD:
        function, owner = callee.__func__, callee.__self__
        if type(function) is not _FUNCTION or any(mark in function.__dict__ for mark in _MARKS):
            return None
        return (function.__code__, owner if isinstance(owner, type) else type(owner))
    if isinstance(callee, type):
        return callee
    if kind in _SLOTS:
        return (
            kind,
            callee.__objclass__ if hasattr(callee, "__objclass__") else type(callee.__self__),
            callee.__name__,
        )
    return None


def inhibiting(session: Session, callee: Callable[..., UserValue]) -> Callable[..., UserValue]:
    """The callee with activities switched off while it runs."""

    @functools.wraps(callee)
    def run(*args: UserValue, **kwargs: UserValue) -> UserValue:
        session.inhibited += 1
        try:
            return callee(*args, **kwargs)
        finally:
            session.inhibited -= 1

    return run
