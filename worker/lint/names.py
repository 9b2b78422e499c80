"""What names mean in one function, and what is noted while it is read: calls, loops, comparisons, results."""

from __future__ import annotations

import ast
import builtins
import enum
from dataclasses import dataclass, field
from typing import Protocol

from worker.lint import shape
from worker.lint.calls import Judge, Verdict, of_store
from worker.lint.code import Code, Source
from worker.lint.values import (
    PART,
    PLAIN,
    UNKNOWN,
    Class,
    Container,
    Function,
    Instance,
    Known,
    Module,
    Object,
    Outside,
    Plain,
    Unordered,
    Value,
    element,
    join,
)


@dataclass(frozen=True)
class Loop:
    """A loop around a call. ``turns``: how many, where the code says so; ``over``: what it runs over."""

    line: int
    turns: int | None
    over: Value
    forever: bool = False
    restarts: bool = False


@dataclass(frozen=True)
class Call:
    """One call site. ``choice`` is the same number for calls of which only one is made."""

    line: int
    verdict: Verdict
    loops: tuple[Loop, ...]
    node: ast.AST
    arguments: tuple[Value, ...] = ()
    callee: Value = UNKNOWN
    choice: int = 0


@dataclass
class Summary:
    """What stands in one function."""

    function: Function
    calls: list[Call] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    compared: list[tuple[int, Value, Value]] = field(default_factory=list)
    returned: list[tuple[int, Value]] = field(default_factory=list)
    yielded: list[tuple[int, Value]] = field(default_factory=list)
    entered: list[tuple[int, Value, ast.expr]] = field(default_factory=list)
    inner: list[Function] = field(default_factory=list)


class Follower(Protocol):
    """Who knows the project's other functions."""

    def returned(self, function: Function) -> Value:
        """What a function gives."""

    def applied(self, function: Function, arguments: list[Value]) -> Value:
        """What a function gives for these arguments."""

    def for_call(self, function: Function, bound: dict[str, Value]) -> Function:
        """The function as it is read for these parameters."""


class Names:
    """What names mean in one function."""

    def __init__(
        self, code: Code, source: Source, judge: Judge, function: Function, follower: Follower
    ) -> None:
        self._code = code
        self._source = source
        self._judge = judge
        self._follower = follower
        self._names: dict[str, Value] = dict(function.closure)
        self._changing = shape.bound_again(function.node)
        self._loops: list[Loop] = []
        self.summary = Summary(function)

    def bind(self, target: ast.expr, value: Value) -> None:
        """Give a name its value; parts of a tuple are taken from it in their order."""
        if isinstance(target, ast.Name):
            self._names[target.id] = self._bound(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = value.parts if isinstance(value, Container) else None
            if parts is None or len(parts) != len(target.elts):
                parts = (element(value),) * len(target.elts)
            for item, part in zip(target.elts, parts, strict=True):
                self.bind(item.value if isinstance(item, ast.Starred) else item, part)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value)
            if isinstance(owner, Object) and target.attr not in owner.kind.members:
                owner.kind.assign(target.attr, shape.anything(value))
        elif isinstance(target, ast.Subscript):
            owner = self.value(target.value)
            self.value(target.slice)
            if isinstance(owner, Container):
                owner.put(value)
            self.on_store(owner, "__setitem__", target)
            self.implied(owner, "__setitem__", target)
        else:
            self.value(target)

    def _bound(self, name: str, value: Value) -> Value:
        if name not in self._changing:
            return value
        return shape.anything(value)  # how often a loop runs must not be read from what changes

    def lookup(self, name: str) -> Value:
        """What a name means here."""
        if name in self._names:
            return self._names[name]
        if name in self._source.names:
            return self._source.names[name]
        if hasattr(builtins, name):
            return Known(getattr(builtins, name))
        return UNKNOWN

    def value(self, node: ast.expr | None) -> Value:
        """What an expression may be; the calls in it are noted."""
        raise NotImplementedError

    def note(self, line: int, verdict: Verdict, node: ast.AST, callee: Value = UNKNOWN) -> None:
        """Something that is as good as a call stands here."""
        self.summary.calls.append(Call(line, verdict, tuple(self._loops), node, (), callee))

    def on_store(self, owner: Value, method: str, node: ast.expr) -> None:
        """``autokitteh.store[…]`` is a call, though none is written."""
        verdict = of_store(owner, method)
        if verdict is not None:
            self.note(node.lineno, verdict, node)

    def implied(self, owner: Value, names: str, node: ast.AST) -> Value:
        """What the method of the user's gives that an operator or a statement calls, the first of these there is."""
        found = (owner.kind.find(name) for name in names.split()) if isinstance(owner, Object) else iter(())
        function = next((item for item in found if isinstance(item, Function)), None)
        if function is None:
            return UNKNOWN
        verdict = Verdict("inline", function.qualname, "the user's own code", UNKNOWN, function)
        self.note(getattr(node, "lineno", 0), verdict, node, owner)
        return self._follower.returned(function)

    def turns(self, over: Value, node: ast.AST) -> Value:
        """What a loop really runs over: an object of the user's is asked for an iterator, and that for its members."""
        if not isinstance(over, Object):
            return over
        made = self.implied(over, "__iter__ __aiter__", node)
        return made if not isinstance(made, Object) else UNKNOWN

    def attribute(self, owner: Value, name: str, node: ast.expr) -> Value:
        """What ``owner.name`` is."""
        if isinstance(owner, Module | Known):
            return self._code.attribute_of_module(owner, name) or UNKNOWN
        if isinstance(owner, Plain | Container):
            return PLAIN
        if isinstance(owner, Unordered):
            return Known(getattr(set, name)) if hasattr(set, name) else UNKNOWN
        if isinstance(owner, Instance):
            return self._of_instance(owner.kind, name)
        if isinstance(owner, Object | Class):
            return self._of_class(owner.kind if isinstance(owner, Object) else owner, name, node)
        return PART if isinstance(owner, Outside) else UNKNOWN

    def _of_instance(self, kind: type, name: str) -> Value:
        if kind.__module__.startswith("autokitteh"):
            return PLAIN  # an event and its data
        return self._judge.method(kind, name)

    def _of_class(self, kind: Class, name: str, node: ast.expr) -> Value:
        found = kind.find(name)
        overriding = kind.overriding(name)
        if found is None:
            for base in kind.library_bases():
                member = self._judge.method(base, name)
                if not isinstance(member, Plain):
                    return member
            found = overriding[0] if overriding else UNKNOWN
        if not isinstance(found, Function) and any(
            issubclass(base, enum.Enum) for base in kind.library_bases()
        ):
            return UNKNOWN  # a member, which is the same object everywhere
        if isinstance(found, Function) and shape.is_property(found):
            verdict = Verdict("inline", found.qualname, "a property of the user's", UNKNOWN, found)
            self.note(node.lineno, verdict, node, found)
            return self._follower.returned(found)
        for other in overriding if isinstance(found, Function) else []:
            found = join(found, other)
        return found
