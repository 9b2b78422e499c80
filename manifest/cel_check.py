"""Check an expression's names, arguments and certain types before any event is there."""

from __future__ import annotations

from collections.abc import Iterable

from manifest import cel_ast as ast
from manifest.cel_functions import DYN, FUNCTIONS, NAMESPACES, Function, closest, short_name
from manifest.cel_parse import MACROS
from manifest.cel_strings import compile_pattern
from manifest.cel_values import NUMBER_NAMES, EvaluationError, type_name

VARIABLES = {"data": "map", "event_type": "string"}
TYPE_IDENTS = frozenset(
    {"int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"}
)
_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_EQUALITIES = frozenset({"==", "!="})
_UNORDERED = frozenset({"list", "map", "null_type", "type"})
_OTHER_LANGUAGES = {
    "True": "true",
    "False": "false",
    "None": "null",
    "nil": "null",
    "len": "size",
    "str": "string",
    "float": "double",
    "and": "&&",
    "or": "||",
    "not": "!",
    "length": "size",
    "lower": "lowerAscii",
    "upper": "upperAscii",
    "strip": "trim",
    "any": "exists",
    "includes": "contains",
    "toLowerCase": "lowerAscii",
    "toUpperCase": "upperAscii",
}


def check_types(node: ast.Node, problems: list[tuple[int, str]], bound: Iterable[str] = ()) -> str:
    """Infer the type of an expression, ``dyn`` when it depends on the data, and add what is wrong with it.

    ``bound`` names the variables of loops around it, which may be anything.
    """
    return _Checker(problems).type_of(node, {**VARIABLES, **dict.fromkeys(bound, DYN)})


class _Checker:
    def __init__(self, problems: list[tuple[int, str]]) -> None:
        self._problems = problems

    def _problem(self, node: ast.Node, message: str) -> str:
        self._problems.append((node.offset, message))
        return DYN

    def type_of(self, node: ast.Node, scope: dict[str, str]) -> str:
        if isinstance(node, ast.Literal):
            return type_name(node.value)
        if isinstance(node, ast.Ident):
            return self._ident(node, scope)
        if isinstance(node, ast.Select):
            return self._select(node, scope)
        if isinstance(node, ast.Has):
            self._fields(node, self.type_of(node.operand, scope))
            return "bool"
        if isinstance(node, ast.Index):
            return self._index(node, scope)
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, ast.Logic):
            for term in node.terms:
                self._bool(term, scope, f"'{node.symbol}'")
            return "bool"
        if isinstance(node, ast.Conditional):
            return self._conditional(node, scope)
        if isinstance(node, ast.ListLiteral):
            for element in node.elements:
                self.type_of(element, scope)
            return "list"
        if isinstance(node, ast.MapLiteral):
            return self._map(node, scope)
        if isinstance(node, ast.Macro):
            return self._macro(node, scope)
        bound = self.type_of(node.value, scope)
        return self.type_of(node.body, {**scope, node.variable: bound})

    def _ident(self, node: ast.Ident, scope: dict[str, str]) -> str:
        if node.name in scope:
            return scope[node.name]
        if node.name in TYPE_IDENTS:
            return "type"
        meant = _OTHER_LANGUAGES.get(node.name) or closest(node.name, [*scope, "true", "false", "null"])
        hint = (
            f"did you mean {meant}?"
            if meant
            else f"a filter knows data and event_type: write data.{node.name}?"
        )
        return self._problem(node, f"undeclared reference to '{node.name}': {hint}")

    def _fields(self, node: ast.Select | ast.Has, operand: str) -> None:
        if operand not in {"map", DYN}:
            self._problem(node, f"a value of type {short_name(operand)} has no field '{node.name}'")

    def _select(self, node: ast.Select, scope: dict[str, str]) -> str:
        root = ast.qualified_name(node).partition(".")[0]
        if root in NAMESPACES and root not in scope:
            return self._problem(node, f"undeclared reference to '{ast.qualified_name(node)}'")
        self._fields(node, self.type_of(node.operand, scope))
        return DYN

    def _index(self, node: ast.Index, scope: dict[str, str]) -> str:
        operand = self.type_of(node.operand, scope)
        key = self.type_of(node.key, scope)
        if operand not in {"map", "list", DYN} or (operand == "list" and key not in NUMBER_NAMES | {DYN}):
            applied = f"{short_name(operand)}[{short_name(key)}]"
            return self._problem(node, f"found no matching overload for '[]' applied to '{applied}'")
        return DYN

    def _bool(self, node: ast.Node, scope: dict[str, str], what: str) -> None:
        found = self.type_of(node, scope)
        if found not in {"bool", DYN}:
            self._problem(node, f"{what} needs a bool, this is of type {short_name(found)}")

    def _conditional(self, node: ast.Conditional, scope: dict[str, str]) -> str:
        self._bool(node.condition, scope, "the condition before '?'")
        then = self.type_of(node.then, scope)
        otherwise = self.type_of(node.otherwise, scope)
        return then if then == otherwise else DYN

    def _map(self, node: ast.MapLiteral, scope: dict[str, str]) -> str:
        for key, value in node.entries:
            found = self.type_of(key, scope)
            if found not in {"string", "int", "uint", "bool", DYN}:
                self._problem(key, f"a value of type {short_name(found)} cannot be the key of a map")
            self.type_of(value, scope)
        return "map"

    def _macro(self, node: ast.Macro, scope: dict[str, str]) -> str:
        source = self.type_of(node.source, scope)
        if source not in ({"list", DYN} if node.name == "sortBy" else {"list", "map", DYN}):
            self._problem(
                node, f"'{node.name}' goes over a list or a map, this is of type {short_name(source)}"
            )
        inner = {**scope, node.variable: DYN}
        *conditions, last = node.bodies
        for condition in conditions:
            self._bool(condition, inner, f"the condition of '{node.name}'")
        if node.name in {"map", "sortBy"}:
            self.type_of(last, inner)
            return "list"
        self._bool(last, inner, f"the condition of '{node.name}'")
        return "list" if node.name == "filter" else "bool"

    def _call(self, node: ast.Call, scope: dict[str, str]) -> str:
        if node.name in _COMPARISONS or node.name in _EQUALITIES:
            return self._comparison(node, scope)
        if node.name == "!":
            self._bool(node.arguments[0], scope, "'!'")
            return "bool"
        target = node.arguments[0] if node.is_method else None
        namespace = ast.qualified_name(target) if target is not None else ""
        if namespace in NAMESPACES and namespace not in scope:
            for argument in node.arguments[1:]:
                self.type_of(argument, scope)
            return self._unknown(ast.Call(node.offset, f"{namespace}.{node.name}", ()))
        types = tuple(self.type_of(argument, scope) for argument in node.arguments)
        function = FUNCTIONS.get((node.name, node.is_method))
        if function is None:
            return self._unknown(node)
        self._pattern(node)
        return self._overload(node, function, types)

    def _comparison(self, node: ast.Call, scope: dict[str, str]) -> str:
        left, right = (self.type_of(argument, scope) for argument in node.arguments)
        if DYN in (left, right):
            unordered = node.name in _COMPARISONS and not _UNORDERED.isdisjoint((left, right))
        elif node.name in _EQUALITIES:
            unordered = (left == "type") != (right == "type")
        else:
            same = left == right or {left, right} <= NUMBER_NAMES
            unordered = not same or left in _UNORDERED
        if unordered:
            applied = f"({short_name(left)}, {short_name(right)})"
            hint = ": 'type' is no variable, did you mean event_type?" if node.name in _EQUALITIES else ""
            self._problem(node, f"found no matching overload for '{node.name}' applied to '{applied}'{hint}")
        return "bool"

    def _overload(self, node: ast.Call, function: Function, types: tuple[str, ...]) -> str:
        fitting = {each.result for each in function.overloads if not each.is_lenient and each.accepts(types)}
        if fitting:
            return fitting.pop() if len(fitting) == 1 else DYN
        shown = [short_name(each) for each in types]
        applied = f"{shown[0]}.({', '.join(shown[1:])})" if function.is_method else f"({', '.join(shown)})"
        counts = function.counts()
        hint = ""
        if function.overloads[0].is_variadic:
            hint = ": it takes numbers, or one list of them" if types else ": it takes at least 1 argument"
        elif len(types) - function.is_method not in counts:
            hint = f": it takes {' or '.join(map(str, counts))} argument{'' if counts == [1] else 's'}"
        return self._problem(
            node, f"found no matching overload for '{node.name}' applied to '{applied}'{hint}"
        )

    def _unknown(self, node: ast.Call) -> str:
        name, is_method = node.name, node.is_method
        if (name, not is_method) in FUNCTIONS or (name in MACROS and not is_method):
            form = f"function: write {name}(x)" if is_method else f"method: write x.{name}(…)"
            return self._problem(node, f"undeclared reference to '{name}': it is a {form}")
        names = {each for each, of_method in FUNCTIONS if of_method == is_method and each[0].isalpha()}
        meant = _OTHER_LANGUAGES.get(name) or closest(name, names | set(MACROS) if is_method else names)
        hint = f": did you mean {meant}?" if meant else ""
        return self._problem(node, f"undeclared reference to {'method ' if is_method else ''}'{name}'{hint}")

    def _pattern(self, node: ast.Call) -> None:
        """Compile a constant regular expression, so that a bad one is found now."""
        pattern = node.arguments[-1] if node.name == "matches" and len(node.arguments) == 2 else None
        if isinstance(pattern, ast.Literal) and isinstance(pattern.value, str):
            try:
                compile_pattern(pattern.value)
            except EvaluationError as error:
                self._problem(pattern, str(error))
