"""What surprises people in durable code, found by reading it. Each finding has a code, a place and a remedy.

A finding must be worth its line: what is not sure
enough is not said.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Final

from worker.lint import marked
from worker.lint.calls import is_activity
from worker.lint.findings import ERROR, IN_ACTIVITY, NOTE, WARNING, Hazard, hazard
from worker.lint.names import Call, Loop, Summary
from worker.lint.reader import Reader
from worker.lint.shape import is_property, spoken
from worker.lint.values import (
    Container,
    Function,
    Instance,
    Known,
    Object,
    Outside,
    Picked,
    Plain,
    Unordered,
    Value,
)
from worker.usercode.hints import NEEDS_ONE_PROCESS

_MANY_TURNS: Final = 10_000_000
_SLOW: Final = frozenset({"hashlib.pbkdf2_hmac", "hashlib.scrypt", "bcrypt.hashpw", "bcrypt.checkpw"})
_READ_BY_OTHERS: Final = frozenset(
    [
        "__getattr__",
        "__repr__",
        "__str__",
        "__format__",
        "__len__",
        "__bool__",
        "__eq__",
        "__hash__",
        "__del__",
    ]
)
_PROTOCOLS: Final = {
    "__iter__": ("io-in-iterator", "each run over the object makes steps"),
    "__next__": ("io-in-iterator", "each turn of a loop makes a step"),
    "__enter__": ("io-in-with", "entering a `with` makes a step"),
    "__exit__": ("io-in-with", "leaving a `with` makes a step"),
}
_FILE_OPENERS: Final = frozenset(
    ["io.open", "pathlib.Path.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open"]
)
_FILE_WRITERS: Final = frozenset(
    [
        "pathlib.Path.write_text",
        "pathlib.Path.write_bytes",
        "pathlib.Path.mkdir",
        "pathlib.Path.touch",
        "pathlib.Path.unlink",
        "pathlib.Path.rename",
        "os.remove",
        "os.rename",
        "os.makedirs",
        "os.mkdir",
        "shutil.copy",
        "shutil.move",
        "shutil.rmtree",
    ]
)


def find(reader: Reader) -> list[Hazard]:
    """All findings of a project, in the order of its lines."""
    found: set[Hazard] = set()
    todo = list(reader.functions)
    seen: set[int] = set()
    while todo or (todo := [item for item in reader.readings() if id(item) not in seen]):
        function = todo.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        summary = reader.summary(function)
        todo += summary.inner
        found.update(_of_function(reader, function, summary))
    live = {(item.file, item.line) for item in found if item.code in {"unkeepable-result", "refused"}}
    told: dict[tuple[str, int, str], Hazard] = {}
    for item in sorted(found):
        if item.code != "hidden-io" or (item.file, item.line) not in live:  # the same thing, said better
            told.setdefault((item.file, item.line, item.code), item)
    return list(told.values())


def _of_function(reader: Reader, function: Function, summary: Summary) -> Iterator[Hazard]:
    if isinstance(function.node, ast.Module):
        yield from _at_module_level(reader, function, summary)
        return
    if is_activity(function):
        yield from marked.changed_arguments(function)
        yield from marked.unkeepable_results(function, summary)
        return
    for call in summary.calls:
        yield from _of_call(function, call)
    yield from _orders(reader, function, summary)
    yield from _identities(function, summary)
    yield from _entered(function, summary)
    yield from _long(reader, function, summary)
    yield from _read_by_others(reader, function)


def _at_module_level(reader: Reader, function: Function, summary: Summary) -> Iterator[Hazard]:
    for call in summary.calls:
        name = call.verdict.name
        if call.verdict.kind in {"activity", "local"} and call.verdict.user is None:
            yield hazard(
                function,
                call.line,
                "module-level-io",
                WARNING,
                f"{name} is called at module level: once in every session and again on every replay",
                "call it in the handler, where it is one recorded step",
            )
        elif call.verdict.user is not None and _is_made(call) and _calls_out(reader, call.verdict.user):
            yield hazard(
                function,
                call.line,
                "module-level-io",
                WARNING,
                f"{name} calls to the outside, at module level: once in every session and again on every replay",
                "call it in the handler, where its calls are recorded steps",
            )
        elif call.verdict.kind in {"step", "child", "wait"}:
            yield hazard(
                function,
                call.line,
                "module-level-step",
                WARNING,
                f"{name} has no effect at module level: there is no session yet",
                "call it in the handler",
            )
        elif _writes_file(call):
            yield _written(function, call)


def _is_made(call: Call) -> bool:
    """Whether the function is called here; one that is handed over may be called by others, later."""
    user = call.verdict.user
    if user is None or not isinstance(call.node, ast.Call):
        return False
    return user.name in {"__init__", spoken(call.node.func).rpartition(".")[2]}


def _calls_out(reader: Reader, function: Function) -> bool:
    return is_activity(function) or any(call.verdict.kind == "activity" for _, call in reader.calls(function))


def _of_call(function: Function, call: Call) -> Iterator[Hazard]:
    verdict = call.verdict
    if verdict.kind == "refuse":
        yield hazard(
            function, call.line, "refused", ERROR, f"{verdict.name} is refused in a session", verdict.reason
        )
    elif (needs_one_process(call) and verdict.kind in {"activity", "local", "inline"}) or (
        verdict.kind == "activity" and verdict.user is None and marked.is_live(verdict.result)
    ):
        yield hazard(
            function,
            call.line,
            "unkeepable-result",
            ERROR if verdict.kind == "activity" else WARNING,
            f"{verdict.name} gives an object that belongs to one process and cannot be kept",
            IN_ACTIVITY,
        )
    elif _writes_file(call):
        yield _written(function, call)
    elif _plain_path(verdict.name) in _FILE_WRITERS and verdict.kind == "activity":
        yield hazard(
            function,
            call.line,
            "file-write",
            NOTE,
            f"{verdict.name} changes a file of the machine on which this step happens to run",
            "keep what must last in autokitteh.store or outside; a later step may run on another machine",
        )
    elif verdict.name in _SLOW:
        yield hazard(
            function,
            call.line,
            "long-computation",
            WARNING,
            f"{verdict.name} computes for long on the thread that all sessions share, and again on every replay",
            IN_ACTIVITY,
        )


def needs_one_process(call: Call) -> bool:
    """Whether this makes one of the objects that live in one process, by whatever name it was imported."""
    if call.verdict.name in NEEDS_ONE_PROCESS:
        return True
    if not isinstance(call.callee, Known) or not callable(call.callee.object):
        return False
    for name in NEEDS_ONE_PROCESS:
        module, _, last = name.rpartition(".")
        if module in sys.modules and getattr(sys.modules[module], last, None) == call.callee.object:
            return True
    return False


def _plain_path(name: str) -> str:
    """A name with ``Path`` in it, whatever the system calls its paths."""
    return name.replace("PosixPath", "Path").replace("WindowsPath", "Path")


def _written(function: Function, call: Call) -> Hazard:
    return hazard(
        function,
        call.line,
        "file-write",
        WARNING,
        f"{call.verdict.name.removeprefix('io.')} writes to a file where it stands: again on every replay, and on this machine only",
        IN_ACTIVITY,
    )


def _writes_file(call: Call) -> bool:
    """Whether this opens a file for writing where it stands."""
    name = _plain_path(call.verdict.name)
    if name not in _FILE_OPENERS or call.verdict.kind != "inline":
        return False
    node = call.node
    if not isinstance(node, ast.Call):
        return False
    place = 0 if name == "pathlib.Path.open" else 1
    given = [item.value for item in node.keywords if item.arg == "mode"] or node.args[place : place + 1]
    return bool(
        given
        and isinstance(given[0], ast.Constant)
        and isinstance(given[0].value, str)
        and set(given[0].value) & set("wax+")
    )


def _orders(reader: Reader, function: Function, summary: Summary) -> Iterator[Hazard]:
    """Steps whose order is that of a set."""
    for call in summary.calls:
        loop = next((item for item in call.loops if _unordered(item.over)), None)
        if loop is None and not any(isinstance(item, Picked) for item in call.arguments):
            continue
        if reader.is_step(call):
            line = loop.line if loop is not None else call.line
            yield _order(function, line, f"{call.verdict.name} (line {call.line})")


def _order(function: Function, line: int, what: str) -> Hazard:
    return hazard(
        function,
        line,
        "set-order",
        WARNING,
        f"the order of a set decides in which order steps are made: {what}",
        "iterate over sorted(…): a set has no order that a later version or another machine must repeat",
    )


def _unordered(value: Value) -> bool:
    return isinstance(value, Unordered) and not value.stable


def _identities(function: Function, summary: Summary) -> Iterator[Hazard]:
    for line, left, right in summary.compared:
        if left is not right and (
            (_copied(left) and _is_object(right)) or (_copied(right) and _is_object(left))
        ):
            yield hazard(
                function,
                line,
                "identity-of-result",
                WARNING,
                "`is` compares a result of a step, which is a copy: it is never the same object as another",
                "compare with ==",
            )


def _copied(value: Value) -> bool:
    """What came from a step itself; its parts may be anything, also what was handed in as a default."""
    return (isinstance(value, Outside) and not value.part) or (isinstance(value, Instance) and not value.made)


def _is_object(value: Value) -> bool:
    """Whether it is an object of its own: None, classes, functions and members of enums are the same everywhere."""
    if isinstance(value, Known):
        return type(value.object) is object
    return isinstance(value, Outside | Instance | Object | Plain | Container | Unordered)


def _entered(function: Function, summary: Summary) -> Iterator[Hazard]:
    """Objects of libraries that are entered or run over where the guard forbids the network."""
    steps = {id(call.node) for call in summary.calls if call.verdict.kind == "activity"}
    for line, value, node in summary.entered:
        copied = isinstance(value, Outside) or (
            isinstance(value, Instance)
            and id(node) in steps
            and not value.kind.__name__.endswith(("Response", "Answer"))
        )  # a response that was read is closed, and that is all
        if copied:
            yield hazard(
                function,
                line,
                "hidden-io",
                WARNING,
                "`with` enters and leaves an object that came from a step: what that does is not recorded",
                f"{IN_ACTIVITY}, with the `with` in it",
            )
    for loop in summary.loops:
        if isinstance(loop.over, Instance) and loop.over.made and _is_foreign_iterator(loop.over.kind):
            yield hazard(
                function,
                loop.line,
                "hidden-io",
                WARNING,
                f"running over a {loop.over.kind.__qualname__} may reach outside where no call is written down",
                f"{IN_ACTIVITY}, or name it under `hidden` in pyproject.toml",
            )


def _is_foreign_iterator(kind: type) -> bool:
    top = kind.__module__.partition(".")[0]
    return top not in sys.stdlib_module_names and top != "autokitteh" and "__next__" in dir(kind)


def _long(reader: Reader, function: Function, summary: Summary) -> Iterator[Hazard]:
    for loop in summary.loops:
        inside = [call for call in summary.calls if loop in call.loops]
        steps = any(reader.is_step(call) or call.verdict.kind == "unknown" for call in inside)
        if loop.forever and not steps:
            yield hazard(
                function,
                loop.line,
                "long-computation",
                ERROR,
                "this loop neither ends nor waits: the session is ended after its time budget",
                f"wait in it (time.sleep, next_event), or {IN_ACTIVITY}",
            )
        elif loop.forever and steps and not loop.restarts:
            yield hazard(
                function,
                loop.line,
                "endless-history",
                NOTE,
                "this loop adds to the session's history without end; Temporal ends a run at 51,200 events",
                "call autokitteh.restart(data) every few thousand turns",
            )
        elif not steps and _turns_in_all(loop, summary) >= _MANY_TURNS:
            yield hazard(
                function,
                loop.line,
                "long-computation",
                WARNING,
                f"{_turns_in_all(loop, summary):,} turns on the thread that all sessions share, and again on every replay",
                IN_ACTIVITY,
            )


def _turns_in_all(loop: Loop, summary: Summary) -> int:
    """Turns of a loop, times those of the loops around it where a call shows which these are."""
    around = next((call.loops for call in summary.calls if loop in call.loops), (loop,))
    product = 1
    for item in around[: around.index(loop) + 1]:
        product *= item.turns or 1
    return product


def _read_by_others(reader: Reader, function: Function) -> Iterator[Hazard]:
    """Steps in what is called without a call being written down."""
    is_read = is_property(function)
    if not is_read and function.name not in _READ_BY_OTHERS and function.name not in _PROTOCOLS:
        return
    step = next((call for call in reader.summary(function).calls if reader.is_step(call)), None)
    if step is None:
        return
    if function.name in _PROTOCOLS:
        code, what = _PROTOCOLS[function.name]
        message = f"{step.verdict.name} in {function.name}: {what}, though no call is written there"
        yield hazard(
            function, step.line, code, NOTE, message, "make it a method that is called where it happens"
        )
        return
    what = "a property" if is_read else function.name
    yield hazard(
        function,
        step.line,
        "io-in-property",
        WARNING,
        f"{step.verdict.name} in {what}: reading an attribute, printing or comparing makes a step, each time",
        "make it a method, and keep its result",
    )
