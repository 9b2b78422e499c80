"""Follow values through the expressions of one function: which calls stand in it, and what they are made on.

One pass, in the order of evaluation; a name means what was assigned to it last. That is less than a type checker does
and enough to know ``client.get(url)`` when ``client = requests.Session()`` stands above it. Nothing is run.

1. What is not known is said to be unknown, never guessed.
2. A call of the user's own function is followed later, when somebody asks what the handler does in all.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field

from worker.lint import shape
from worker.lint.calls import Judge, Verdict
from worker.lint.code import Code, Source
from worker.lint.values import (
    LAZY,
    OUTSIDE,
    PLAIN,
    UNKNOWN,
    Class,
    Function,
    Instance,
    Known,
    Lambda,
    Module,
    Object,
    Outside,
    Plain,
    Unordered,
    Value,
)

_LISTS = frozenset({"list", "tuple", "enumerate", "reversed", "iter", "map", "filter", "zip"})
_SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})


@dataclass(frozen=True)
class Loop:
    """A loop around a call. ``turns``: how many, where a literal says so; ``over``: what it runs over."""

    line: int
    turns: int | None
    over: Value
    forever: bool = False
    restarts: bool = False


@dataclass(frozen=True)
class Call:
    """One call site."""

    line: int
    verdict: Verdict
    loops: tuple[Loop, ...]
    node: ast.Call
    arguments: tuple[Value, ...] = ()
    callee: Value = UNKNOWN


@dataclass
class Summary:
    """What stands in one function."""

    function: Function
    calls: list[Call] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    compared: list[tuple[int, Value, Value]] = field(default_factory=list)
    returned: list[tuple[int, Value]] = field(default_factory=list)
    entered: list[tuple[int, Value, ast.expr]] = field(default_factory=list)
    properties: list[tuple[int, Function]] = field(default_factory=list)
    inner: list[Function] = field(default_factory=list)


class Expressions:
    """Reads the expressions of one function: a method for each kind of expression."""

    def __init__(self, code: Code, source: Source, judge: Judge, function: Function) -> None:
        self._code = code
        self._source = source
        self._judge = judge
        self._names: dict[str, Value] = dict(function.closure)
        self._loops: list[Loop] = []
        self.summary = Summary(function)

    # Names

    def bind(self, target: ast.expr, value: Value) -> None:
        """Give a name its value; parts of a tuple are taken from a value whose parts are alike."""
        if isinstance(target, ast.Name):
            self._names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                part = value if isinstance(value, Outside | Plain) else UNKNOWN
                self.bind(item.value if isinstance(item, ast.Starred) else item, part)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value)
            if isinstance(owner, Object) and target.attr not in owner.kind.members:
                owner.kind.attributes.setdefault(target.attr, value)
        else:
            self.value(target)

    def lookup(self, name: str) -> Value:
        """What a name means here."""
        if name in self._names:
            return self._names[name]
        if name in self._source.names:
            return self._source.names[name]
        if hasattr(builtins, name):
            return Known(getattr(builtins, name))
        return UNKNOWN

    # Expressions

    def value(self, node: ast.expr | None) -> Value:
        """What an expression may be; the calls in it are noted."""
        if node is None:
            return UNKNOWN
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Value = method(node)
            return found
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return PLAIN if isinstance(node, ast.JoinedStr | ast.FormattedValue) else UNKNOWN

    def _constant(self, node: ast.Constant) -> Value:
        return Known(node.value) if node.value is None or isinstance(node.value, bool) else PLAIN

    def _name(self, node: ast.Name) -> Value:
        return self.lookup(node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr, node.lineno)

    def attribute(self, owner: Value, name: str, line: int) -> Value:
        """What ``owner.name`` is."""
        if isinstance(owner, Module | Known):
            return self._code.attribute_of_module(owner, name) or UNKNOWN
        if isinstance(owner, Plain):
            return PLAIN
        if isinstance(owner, Unordered):
            return Known(getattr(set, name)) if hasattr(set, name) else UNKNOWN
        if isinstance(owner, Instance):
            return self._of_instance(owner.kind, name)
        if isinstance(owner, Object | Class):
            return self._of_class(owner.kind if isinstance(owner, Object) else owner, name, line)
        return OUTSIDE if isinstance(owner, Outside) else UNKNOWN

    def _of_instance(self, kind: type, name: str) -> Value:
        if kind.__module__.startswith("autokitteh"):
            return PLAIN  # an event and its data
        return self._judge.method(kind, name)

    def _of_class(self, kind: Class, name: str, line: int) -> Value:
        found = kind.find(name)
        if found is None:
            for base in kind.library_bases():
                member = self._judge.method(base, name)
                if not isinstance(member, Plain):
                    return member
            return UNKNOWN
        if isinstance(found, Function) and shape.is_property(found):
            self.summary.properties.append((line, found))
            return UNKNOWN
        return found

    def _call(self, node: ast.Call) -> Value:
        callee = self.value(node.func)
        arguments = [self.value(item) for item in node.args]
        arguments += [self.value(item.value) for item in node.keywords]
        verdict = self._judge.of(callee, shape.spoken(node.func))
        if isinstance(callee, Class):
            self._construct(callee, node, arguments)
            return Object(callee)
        if isinstance(callee, Lambda) and callee.function is not None:
            verdict = Verdict(
                "inline", shape.spoken(node.func), "the user's own code", UNKNOWN, callee.function
            )
        self._note(node, verdict, arguments, callee)
        return self._result(node, callee, verdict, arguments)

    def _construct(self, kind: Class, node: ast.Call, arguments: list[Value]) -> None:
        for name in ("__init__", "__post_init__", "__new__"):
            found = kind.find(name)
            if isinstance(found, Function):
                verdict = Verdict("inline", kind.qualname, "the user's own code", Object(kind), found)
                self._note(node, verdict, arguments, kind)

    def _note(self, node: ast.Call, verdict: Verdict, arguments: list[Value], callee: Value) -> None:
        call = Call(node.lineno, verdict, tuple(self._loops), node, tuple(arguments), callee)
        self.summary.calls.append(call)
        for argument in arguments:  # a function handed over may be called by whoever gets it
            function = argument.function if isinstance(argument, Lambda) else argument
            if isinstance(function, Function):
                passed = self._judge.of(function, function.qualname)
                self.summary.calls.append(Call(node.lineno, passed, tuple(self._loops), node, (), function))

    def _result(self, node: ast.Call, callee: Value, verdict: Verdict, arguments: list[Value]) -> Value:
        name = shape.spoken(node.func)
        method = name.rpartition(".")[2]
        owner = self.value_quietly(node.func.value) if isinstance(node.func, ast.Attribute) else UNKNOWN
        if isinstance(owner, Unordered) and method in _SET_METHODS:
            return Unordered()
        if name in _LISTS and any(isinstance(item, Unordered) for item in arguments):
            return next(item for item in arguments if isinstance(item, Unordered))
        if name == "set" and len(arguments) == 1:
            return Unordered(stable=isinstance(arguments[0], Unordered) and arguments[0].stable)
        if isinstance(callee, Function) and shape.is_generator(callee):
            return LAZY
        return verdict.result

    def value_quietly(self, node: ast.expr) -> Value:
        """What an expression may be, without noting its calls a second time."""
        noted = self.summary
        self.summary = Summary(noted.function)
        try:
            return self.value(node)
        finally:
            self.summary = noted

    def _lambda(self, node: ast.Lambda) -> Value:
        function = Function(
            self._source.name, self._source.file, node, "<lambda>", local=True, closure=dict(self._names)
        )
        self.summary.inner.append(function)
        return Lambda(function)

    def _set(self, node: ast.Set) -> Value:
        for item in node.elts:
            self.value(item)
        return Unordered(stable=all(_is_number(item) for item in node.elts))

    def _setcomp(self, node: ast.SetComp) -> Value:
        self._comprehension(node.generators, [node.elt])
        return Unordered()

    def _listcomp(self, node: ast.ListComp) -> Value:
        over = self._comprehension(node.generators, [node.elt])
        return over if isinstance(over, Unordered) else PLAIN

    def _generatorexp(self, node: ast.GeneratorExp) -> Value:
        over = self._comprehension(node.generators, [node.elt])
        return over if isinstance(over, Unordered) else LAZY

    def _dictcomp(self, node: ast.DictComp) -> Value:
        self._comprehension(node.generators, [node.key, node.value])
        return PLAIN

    def _comprehension(self, generators: list[ast.comprehension], parts: list[ast.expr]) -> Value:
        first: Value = UNKNOWN
        for index, item in enumerate(generators):
            over = self.value(item.iter)
            first = over if index == 0 else first
            self._loops.append(self._loop(item.iter, over))
            self.bind(item.target, shape.element(over))
            for condition in item.ifs:
                self.value(condition)
        for part in parts:
            self.value(part)
        del self._loops[len(self._loops) - len(generators) :]
        return first

    def _loop(self, node: ast.expr, over: Value, around: ast.AST | None = None) -> Loop:
        again = shape.restarts(around) if around is not None else False
        return Loop(node.lineno, shape.turns(node), over, forever=shape.is_count(node), restarts=again)

    def _dict(self, node: ast.Dict) -> Value:
        for item in (*node.keys, *node.values):
            self.value(item)
        return PLAIN

    def _list(self, node: ast.List | ast.Tuple) -> Value:
        for item in node.elts:
            self.value(item)
        return PLAIN

    _tuple = _list

    def _starred(self, node: ast.Starred) -> Value:
        return self.value(node.value)

    def _await(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def _subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        self.value(node.slice)
        return owner if isinstance(owner, Outside | Plain) else UNKNOWN

    def _binop(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, Unordered) or isinstance(right, Unordered):
            return Unordered()
        return PLAIN if isinstance(left, Plain) and isinstance(right, Plain) else UNKNOWN

    def _boolop(self, node: ast.BoolOp) -> Value:
        found = [self.value(item) for item in node.values]
        return found[0] if len({type(item) for item in found}) == 1 else UNKNOWN

    def _ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return (self.value(node.body), self.value(node.orelse))[0]

    def _namedexpr(self, node: ast.NamedExpr) -> Value:
        found = self.value(node.value)
        self.bind(node.target, found)
        return found

    def _compare(self, node: ast.Compare) -> Value:
        left = self.value(node.left)
        for operator, item in zip(node.ops, node.comparators, strict=True):
            right = self.value(item)
            if isinstance(operator, ast.Is | ast.IsNot):
                self.summary.compared.append((node.lineno, left, right))
            left = right
        return PLAIN

    def _yield(self, node: ast.Yield) -> Value:
        self.value(node.value)
        return UNKNOWN


def _is_number(node: ast.expr) -> bool:
    """Whether this is a constant whose hash, and so its place in a set, is the same everywhere."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float | None)
