"""Follow values through the expressions of one function: which calls stand in it, and what they are made on.

One pass, in the order of evaluation; a name means what was assigned to it last. That is less than a type checker does
and enough to know ``client.get(url)`` when ``client = requests.Session()`` stands above it. Nothing is run.

1. What is not known is said to be unknown, never guessed.
2. A call of the user's own function is followed later, when somebody asks what the handler does in all; what it returns
   is asked here.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import replace
from typing import Final

from worker.lint import results, shape, sites
from worker.lint.calls import Verdict
from worker.lint.names import Call, Loop, Names, Summary
from worker.lint.values import (
    PICKED,
    PLAIN,
    UNKNOWN,
    Class,
    Container,
    Function,
    Instance,
    Known,
    Lambda,
    Lazy,
    Object,
    Picked,
    Plain,
    Several,
    Unordered,
    Value,
    element,
    fresh,
    join,
    size_of,
)

_EACH: Final = frozenset({"map", "imap", "imap_unordered", "starmap", "parallel", "filter"})
_BY_KEY: Final = frozenset({"sorted", "max", "min", "sort", "groupby"})


class Expressions(Names):
    """Reads the expressions of one function: a method for each kind of expression."""

    def value(self, node: ast.expr | None) -> Value:
        """What an expression may be; the calls in it are noted."""
        if node is None:
            return UNKNOWN
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            found: Value = method(node)
            return found
        inner = [self.value(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, ast.FormattedValue):
            self.implied(inner[0], "__format__ __str__ __repr__", node)
        if isinstance(node, ast.JoinedStr | ast.FormattedValue):
            return PICKED if any(isinstance(item, Picked) for item in inner) else PLAIN
        return UNKNOWN

    def _constant(self, node: ast.Constant) -> Value:
        if node.value is None or isinstance(node.value, bool):
            return Known(node.value)
        return Plain(node.value) if isinstance(node.value, int) else PLAIN

    def _name(self, node: ast.Name) -> Value:
        return self.lookup(node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr, node)

    def _call(self, node: ast.Call) -> Value:
        owner: Value = UNKNOWN
        method = ""
        if isinstance(node.func, ast.Attribute):
            owner, method = self.value(node.func.value), node.func.attr
            callee = self.attribute(owner, method, node.func)
        else:
            callee = self.value(node.func)
        arguments = [self.value(item) for item in node.args]
        given = [*arguments, *(self.value(item.value) for item in node.keywords)]
        spoken = shape.spoken(node.func)
        if isinstance(callee, Known) and callee.object is super:
            return self._super()
        if isinstance(callee, Several):
            return self._one_of(callee, node, owner, given, spoken)
        if isinstance(callee, Class):
            self._construct(callee, node, given)
            return Object(callee)
        if isinstance(callee, Object):
            owner, callee = callee, callee.kind.find("__call__") or UNKNOWN
        verdict = self._judge.of(callee, spoken)
        if isinstance(callee, Lambda) and callee.function is not None:
            verdict = Verdict("inline", spoken, "the user's own code", UNKNOWN, callee.function)
        verdict = self._for_call(verdict, owner, node, given)
        self._note(node, verdict, given, callee)
        if isinstance(callee, Known) and arguments and isinstance(arguments[0], Object):
            arguments[0] = self._asked(callee.object, arguments[0], node)
        return self._result(node, owner, callee, verdict, arguments)

    def _asked(self, callee: object, owner: Object, node: ast.Call) -> Value:
        """An argument whose own method a function of Python's calls: ``len(x)``, ``list(x)``."""
        for function, names in shape.ASKING:
            if callee is function:
                self.implied(owner, names, node)
                return owner
        if not any(callee is item for item in shape.ITERATING):
            return owner
        if any(callee is item for item in shape.MEASURING):
            self.implied(owner, "__len__ __length_hint__", node)
        return self.turns(owner, node)

    def _for_call(self, verdict: Verdict, owner: Value, node: ast.Call, values: list[Value]) -> Verdict:
        """The verdict with the function as it is read for the arguments of this call."""
        function = verdict.user
        if function is None or verdict.kind != "inline":
            return verdict
        # A library's function has the place where it is handed over, so it is noted there and not where it is called.
        values = [
            UNKNOWN if isinstance(item, Known) and self._judge.passed(item) is not None else item
            for item in values
        ]
        given = sites.arguments_of(function, owner)
        for item, value in zip(node.args, values, strict=False):
            many = self.value_quietly(item.value) if isinstance(item, ast.Starred) else None
            if many is None:
                given.append(value)
            elif isinstance(many, Container) and many.parts is not None:
                given += many.parts
            else:
                break  # how many there are is not known
        names = [item.arg for item in node.keywords]
        by_name = zip(names, values[len(values) - len(names) :], strict=False)
        named = {name: value for name, value in by_name if name is not None}
        bound = sites.bind(function, given, named)
        return replace(verdict, user=self._follower.for_call(function, bound))

    def _one_of(
        self, callee: Several, node: ast.Call, owner: Value, given: list[Value], spoken: str
    ) -> Value:
        found: Value | None = None
        for option in callee.options:
            verdict = self._for_call(self._judge.of(option, spoken), owner, node, given)
            self._note(node, verdict, given, option, choice=node.lineno * 1000 + node.col_offset + 1)
            user = verdict.user if verdict.kind == "inline" else None
            found = join(found, self._follower.returned(user) if user is not None else verdict.result)
        return fresh(found or UNKNOWN)

    def _super(self) -> Value:
        owner = self.summary.function.owner
        for base in owner.bases if owner is not None else ():
            if isinstance(base, Class):
                return Object(base)
            if isinstance(base, Known) and isinstance(base.object, type):
                return Instance(base.object, made=True)
        return UNKNOWN

    def _construct(self, kind: Class, node: ast.Call, arguments: list[Value]) -> None:
        for name in ("__init__", "__post_init__", "__new__"):
            found = kind.find(name)
            if isinstance(found, Function):
                verdict = Verdict("inline", kind.qualname, "the user's own code", Object(kind), found)
                verdict = self._for_call(verdict, Object(kind), node, arguments)
                self._note(node, verdict, arguments, kind)
                if verdict.user is not None:
                    self._follower.returned(verdict.user)  # says what the fields are

    def _note(
        self, node: ast.Call, verdict: Verdict, arguments: list[Value], callee: Value, *, choice: int = 0
    ) -> None:
        loops = tuple(self._loops)
        line = callee.line if isinstance(callee, Known) and callee.line else node.lineno
        self.summary.calls.append(Call(line, verdict, loops, node, tuple(arguments), callee, choice))
        if isinstance(callee, Known) and callee.object is functools.partial:
            return
        followed = verdict.user is not None and verdict.user.bound is not None
        each = self._each(node, arguments)
        for argument in arguments:  # a function handed over may be called by whoever gets it
            if followed and not isinstance(argument, Known):
                continue  # the reading with these arguments says itself what it calls
            passed = self._judge.passed(argument)
            if passed is not None:
                around = loops if each is None else (*loops, each)
                line = argument.line if isinstance(argument, Known) and argument.line else node.lineno
                self.summary.calls.append(Call(line, passed, around, node, (), argument))

    def _each(self, node: ast.Call, arguments: list[Value]) -> Loop | None:
        """The loop that ``map(f, items)`` is."""
        last = shape.spoken(node.func).rpartition(".")[2]
        if last in _EACH and len(arguments) > 1:
            return Loop(node.lineno, size_of(arguments[1]), arguments[1])
        if last in _BY_KEY and any(item.arg == "key" for item in node.keywords):
            over = arguments[0] if node.args else UNKNOWN
            return Loop(node.lineno, size_of(over), UNKNOWN)
        return None

    def _result(
        self, node: ast.Call, owner: Value, callee: Value, verdict: Verdict, arguments: list[Value]
    ) -> Value:
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        found = results.of_open(verdict.result, node) or results.of_method(owner, method, arguments)
        if found is None and isinstance(callee, Known):
            if callee.object is functools.partial and arguments and isinstance(arguments[0], Known):
                return Known(arguments[0].object, node.lineno)
            if callee.object is functools.partial and arguments and isinstance(arguments[0], Function):
                first = arguments[0]
                return replace(first, ahead=(*first.ahead, *arguments[1:]), origin=first.root)
            if callee.object is getattr and len(node.args) > 1:
                return self._getattr(node, arguments[0])
            found = results.of_known(callee.object, arguments)
        if found is not None:
            return found
        function = verdict.user if verdict.user is not None else callee
        if not isinstance(function, Function) or verdict.kind != "inline":
            return verdict.result
        returned = self._follower.returned(function)
        if isinstance(returned, Function | Lambda) and arguments:
            return self._follower.applied(function, arguments)
        return fresh(returned)

    def _getattr(self, node: ast.Call, owner: Value) -> Value:
        name = node.args[1]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            return self.attribute(owner, name.value, node)
        return UNKNOWN

    def value_quietly(self, node: ast.expr) -> Value:
        """What an expression may be, without noting its calls a second time."""
        noted = self.summary
        self.summary = Summary(noted.function)
        try:
            return self.value(node)
        finally:
            self.summary = noted

    def _lambda(self, node: ast.Lambda) -> Value:
        outer = self.summary.function
        function = Function(
            *(self._source.name, self._source.file, node, "<lambda>"), local=True, closure=dict(self._names)
        )
        function.owner = outer.owner
        self.summary.inner.append(function)
        return Lambda(function)

    def _set(self, node: ast.Set) -> Value:
        for item in node.elts:
            self.value(item)
        return Unordered(stable=all(shape.is_number(item) for item in node.elts))

    def _setcomp(self, node: ast.SetComp) -> Value:
        self._comprehension(node.generators, [node.elt])
        return Unordered()

    def _listcomp(self, node: ast.ListComp) -> Value:
        over, (made,) = self._comprehension(node.generators, [node.elt])
        size = size_of(over) if len(node.generators) == 1 and not node.generators[0].ifs else None
        return over if isinstance(over, Unordered) else Container("list", made, size=size)

    def _generatorexp(self, node: ast.GeneratorExp) -> Value:
        over, (made,) = self._comprehension(node.generators, [node.elt])
        return over if isinstance(over, Unordered) else Lazy(made)

    def _dictcomp(self, node: ast.DictComp) -> Value:
        over, (_, made) = self._comprehension(node.generators, [node.key, node.value])
        return over if isinstance(over, Unordered) else Container("dict", made)

    def _comprehension(
        self, generators: list[ast.comprehension], parts: list[ast.expr]
    ) -> tuple[Value, list[Value]]:
        first: Value = UNKNOWN
        for index, item in enumerate(generators):
            over = self.turns(self.value(item.iter), item.iter)
            first = over if index == 0 else first
            loop = self._loop(item.iter, over)
            self.summary.loops.append(loop)
            self._loops.append(loop)
            self.bind(item.target, element(over))
            for condition in item.ifs:
                self.value(condition)
        made = [self.value(part) for part in parts]
        del self._loops[len(self._loops) - len(generators) :]
        return first, made

    def _loop(self, node: ast.expr, over: Value, around: ast.AST | None = None) -> Loop:
        again = shape.restarts(around) if around is not None else False
        return Loop(node.lineno, size_of(over), over, forever=shape.is_count(node), restarts=again)

    def _dict(self, node: ast.Dict) -> Value:
        found = Container("dict")
        for key, item in zip(node.keys, node.values, strict=True):
            self.value(key)
            value = self.value(item)
            found.put(value if key is not None else element(value))
        found.size = len(node.keys) if all(node.keys) else None
        return found

    def _list(self, node: ast.List | ast.Tuple) -> Value:
        parts = [self.value(item) for item in node.elts]
        found = Container("tuple" if isinstance(node, ast.Tuple) else "list")
        for part in parts:
            found.put(part)
        if not any(isinstance(item, ast.Starred) for item in node.elts):
            found.parts, found.size = tuple(parts), len(parts)
        return found

    _tuple = _list

    def _starred(self, node: ast.Starred) -> Value:
        return element(self.value(node.value))

    def _await(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def _subscript(self, node: ast.Subscript) -> Value:
        owner = self.value(node.value)
        self.value(node.slice)
        self.on_store(owner, "__getitem__", node)
        if isinstance(owner, Object):
            missing = (
                self.summary.function.name == "__missing__"
            )  # which puts the key there, and then reads it
            return self.implied(owner, "__getitem__" if missing else "__getitem__ __missing__", node)
        return results.of_subscript(owner, node.slice)

    def _binop(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        name = shape.METHODS.get(type(node.op), "")
        if isinstance(left, Object):
            return self.implied(left, f"__{name}__", node)
        if isinstance(right, Object):
            return self.implied(right, f"__r{name}__", node)
        return results.of_operator(node.op, left, right)

    def _boolop(self, node: ast.BoolOp) -> Value:
        found = [self.value(item) for item in node.values]
        first: Value = found[0]
        for item in found[1:]:
            first = join(first, item)
        return first

    def _ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        return join(self.value(node.body), self.value(node.orelse))

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
            elif isinstance(operator, ast.In | ast.NotIn):
                self.on_store(right, "__contains__", item)
                self.implied(right, "__contains__ __iter__", item)
            else:
                self.implied(left, f"__{shape.METHODS[type(operator)]}__", item)
            left = right
        return PLAIN

    def _yield(self, node: ast.Yield) -> Value:
        self.summary.yielded.append((node.lineno, self.value(node.value)))
        return UNKNOWN

    def _yieldfrom(self, node: ast.YieldFrom) -> Value:
        self.summary.yielded.append((node.lineno, element(self.value(node.value))))
        return UNKNOWN
