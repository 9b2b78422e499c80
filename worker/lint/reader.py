"""All functions of a project: module-level names, a summary of each function, and what it does in all."""

from __future__ import annotations

import ast
import dataclasses

from worker.lint.calls import DURABLE, Judge, is_activity, is_inhibited
from worker.lint.code import Code, Source, is_main_guard
from worker.lint.names import Call, Summary
from worker.lint.shape import anything
from worker.lint.sites import Readings
from worker.lint.values import (
    UNKNOWN,
    Class,
    Function,
    Instance,
    Known,
    Lazy,
    Object,
    Outside,
    Value,
    join,
)
from worker.lint.walker import Walker

_DEEP = 40  # functions that return what others return
_PASSES = 2  # names that modules give each other in a circle are known at the second


class Reader:
    """Reads a project; everything is remembered."""

    def __init__(self, code: Code, judge: Judge, event: type) -> None:
        self.code = code
        self.judge = judge
        self.functions: list[Function] = []
        self.modules: dict[str, Function] = {}
        self._event = event
        self._handlers: set[int] = set()
        self._summaries: dict[int, Summary] = {}
        self._durable: dict[int, bool] = {}
        self._reached: dict[int, frozenset[int]] = {}
        self._asked: list[int] = []
        self._readings = Readings()
        for turn in range(_PASSES):
            self.functions.clear()
            self._summaries.clear()
            self._readings.clear()
            for source in code.sources.values():
                self._read_module(source, last=turn == _PASSES - 1)
        # What functions do was looked at while names were still missing.
        own = {id(function) for function in self.modules.values()}
        self._summaries = {key: found for key, found in self._summaries.items() if key in own}
        self._readings.clear()

    def _read_module(self, source: Source, *, last: bool) -> None:
        function = Function(source.name, source.file, source.tree, "<module>")
        walker = _TopLevel(self, source, function)
        walker.read(source.tree.body)
        source.names = walker.names
        if last:
            self.modules[source.file] = function
            self._summaries[id(function)] = walker.summary
            self.functions.append(function)

    def handler(self, location: str) -> Function | None:
        """The function a trigger names, ``main.py:on_event``; its first parameter is the event."""
        file, _, name = location.partition(":")
        source = self.code.by_file(file)
        found = source.names.get(name) if source is not None else None
        if not isinstance(found, Function):
            return None
        inner: Function | None = found
        while inner is not None:
            self._handlers.add(id(inner.root))
            self._summaries.pop(id(inner), None)
            inner = inner.wraps
        return found

    def returned(self, function: Function) -> Value:
        """What a call of a function gives, as far as its ``return`` and ``yield`` say."""
        if is_activity(function):
            return Outside()
        if id(function) in self._asked or len(self._asked) > _DEEP:
            return UNKNOWN
        self._asked.append(id(function))
        summary = self.summary(function)
        self._asked.pop()
        found: Value | None = None
        if summary.yielded:
            for _, value in summary.yielded:
                found = join(found, value)
            return Lazy(found or UNKNOWN)
        for _, value in summary.returned:
            found = join(found, value)
        if found is None or found == UNKNOWN or isinstance(found, Outside):
            promised = self._promised(function)
            return promised if promised != UNKNOWN else found or UNKNOWN
        return found

    def _promised(self, function: Function) -> Value:
        """What its annotation says that a function gives."""
        node = function.node
        if not isinstance(node, ast.FunctionDef) or node.returns is None:
            return UNKNOWN
        walker = Walker(self.code, self.code.sources[function.module], self.judge, function, self)
        return walker.annotated(node.returns)

    def for_call(self, function: Function, bound: dict[str, Value]) -> Function:
        """The function as it is read for these parameters."""
        return self._readings.of(function, bound)

    def readings(self) -> list[Function]:
        """The functions as they were read for one kind of call each."""
        return self._readings.all()

    def applied(self, function: Function, arguments: list[Value]) -> Value:
        """What a function gives for these arguments: for decorators and other makers of functions."""
        if is_activity(function):
            return Outside()
        return self.returned(dataclasses.replace(function, given=tuple(arguments)))

    def summary(self, function: Function) -> Summary:
        """What stands in a function."""
        if id(function) not in self._summaries:
            source = self.code.sources[function.module]
            walker = Walker(self.code, source, self.judge, function, self)
            self._summaries[id(function)] = walker.summary
            self._bind_parameters(walker, function)
            node = function.node
            if isinstance(node, ast.Lambda):
                walker.summary.returned.append((node.lineno, walker.value(node.body)))
            else:
                for statement in node.body:
                    walker.visit(statement)
        return self._summaries[id(function)]

    def _bind_parameters(self, walker: Walker, function: Function) -> None:
        if isinstance(function.node, ast.Module):
            return
        arguments = function.node.args
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        defaults = self._defaults(walker, function) if function.bound is not None else {}
        promised = {item.arg: walker.annotated(item.annotation) for item in given}
        for name, value in promised.items():
            walker.bind(ast.Name(name, ast.Store()), value if value != UNKNOWN else defaults.get(name, value))
        static = any(isinstance(item, Known) and item.object is staticmethod for item in function.decorators)
        if function.owner is not None and given and not static:
            by_class = any(
                isinstance(item, Known) and item.object is classmethod for item in function.decorators
            )
            own: Value = function.owner if by_class else Object(function.owner)
            walker.bind(ast.Name(given[0].arg, ast.Store()), own)
        for parameter, value in zip(given, function.given, strict=False):
            walker.bind(ast.Name(parameter.arg, ast.Store()), value)
        for name, value in (function.bound or {}).items():
            if value == UNKNOWN or (isinstance(value, Outside) and promised.get(name, UNKNOWN) != UNKNOWN):
                if name in defaults and promised[name] == UNKNOWN:
                    walker.bind(ast.Name(name, ast.Store()), value)
                continue
            walker.bind(ast.Name(name, ast.Store()), value)
        if id(function.root) in self._handlers and given and function.owner is None:
            walker.bind(ast.Name(given[0].arg, ast.Store()), Instance(self._event))

    def _defaults(self, walker: Walker, function: Function) -> dict[str, Value]:
        """What parameters are that a call does not give."""
        node = function.node
        if isinstance(node, ast.Module):
            return {}
        given = [*node.args.posonlyargs, *node.args.args]
        written = [*zip(reversed(given), reversed(node.args.defaults), strict=False)]
        written += [
            (name, item)
            for name, item in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if item is not None
        ]
        return {name.arg: anything(walker.value_quietly(item)) for name, item in written}

    def calls(self, function: Function) -> list[tuple[Function, Call]]:
        """The calls that a function makes, its own and those of functions of the user's that it calls, each once.

        Not followed: a function that is one activity (what it calls runs inside), and one that inhibits activities.
        """
        found: list[tuple[Function, Call]] = []
        self._collect(function, found, set())
        return found

    def _collect(self, function: Function, found: list[tuple[Function, Call]], seen: set[int]) -> None:
        if is_inhibited(function) or id(function) in seen:
            return
        seen.add(id(function))
        for call in self.summary(function).calls:
            found.append((function, call))
            inner = call.verdict.user
            if inner is not None and call.verdict.kind == "inline":
                self._collect(inner, found, seen)

    def durable(self, function: Function) -> bool:
        """Whether a call of the function leaves a step in the history."""
        if is_activity(function):
            return True
        if id(function) not in self._durable:
            self._durable[id(function)] = False  # while it is being asked
            self._durable[id(function)] = any(
                call.verdict.kind in DURABLE for _, call in self.calls(function)
            )
        return self._durable[id(function)]

    def calls_itself(self, function: Function) -> bool:
        """Whether it is recursive, directly or through others."""
        return id(function.root) in self.reached(function)

    def reached(self, function: Function) -> frozenset[int]:
        """The functions of the user's that a call of it leads to, by the identity of their ``root``."""
        if id(function) not in self._reached:
            users = (call.verdict.user for _, call in self.calls(function))
            self._reached[id(function)] = frozenset(id(user.root) for user in users if user is not None)
        return self._reached[id(function)]

    def is_step(self, call: Call) -> bool:
        """Whether a call is a step, or leads to one."""
        if call.verdict.kind in DURABLE:
            return True
        inner = call.verdict.user
        return inner is not None and self.durable(inner)

    def register(self, function: Function) -> None:
        """A function with a name at module level or in a class."""
        self.functions.append(function)


class _TopLevel(Walker):
    """Reads a module's own statements; functions and classes become names of the module."""

    def __init__(self, reader: Reader, source: Source, function: Function) -> None:
        super().__init__(reader.code, source, reader.judge, function, reader)
        self._reader = reader
        self._class: Class | None = None
        self.names = self._names

    def read(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if not is_main_guard(statement):
                self.visit(statement)

    def define_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function of the module or of a class."""
        owner = self._class
        qualname = f"{owner.qualname}.{node.name}" if owner is not None else node.name
        function = Function(
            self._source.name, self._source.file, node, qualname, owner, self.decorators(node)
        )
        if owner is not None:
            owner.members[node.name] = self.decorated(function)
        else:
            self._names[node.name] = self.decorated(function)
        self._reader.register(function)

    def define_class(self, node: ast.ClassDef) -> None:
        """A class: its functions are members, its fields what is assigned to them anywhere."""
        outer = self._class
        qualname = f"{outer.qualname}.{node.name}" if outer is not None else node.name
        bases = [self.value_quietly(item) for item in node.bases]
        made = Class(self._source.name, self._source.file, node, qualname, bases)
        for base in bases:
            if isinstance(base, Class):
                base.derived.append(made)
        if outer is not None:
            outer.members[node.name] = made
        else:
            self._names[node.name] = made
        self._class = made
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.visit(statement)
            elif isinstance(statement, ast.Assign):
                found = self.value(statement.value)
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        made.attributes[target.id] = found
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                made.attributes[statement.target.id] = self.annotated(statement.annotation)
        self._class = outer
        self._fields_from_methods(made)

    def _fields_from_methods(self, made: Class) -> None:
        """``self.client = …`` in a method says what the field is, also to methods that stand above."""
        for member in made.members.values():
            if not isinstance(member, Function) or isinstance(member.node, ast.Lambda | ast.Module):
                continue
            parameters = {item.arg: item.annotation for item in member.node.args.args}
            for item in ast.walk(member.node):
                if not isinstance(item, ast.Assign) or len(item.targets) != 1:
                    continue
                target = item.targets[0]
                if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
                    continue
                if target.value.id != next(iter(parameters), ""):
                    continue
                found = (
                    self.annotated(parameters[item.value.id])
                    if isinstance(item.value, ast.Name) and item.value.id in parameters
                    else self.value_quietly(item.value)
                )
                if found is not UNKNOWN:
                    made.attributes.setdefault(target.attr, anything(found))
