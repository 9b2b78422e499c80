"""Parse a filter's text into a tree: the grammar is cel-python's, literals and macros are read here."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Sequence
from typing import Any

from manifest import cel_ast as ast
from manifest.cel_functions import FUNCTIONS
from manifest.cel_source import Source, SourceError
from manifest.cel_values import DURATION, INT64_MAX, INT64_MIN, TIMESTAMP, UINT64_MAX, CelType, UInt

MAX_DEPTH = 100
MACROS: dict[str, tuple[str, ...]] = {
    "all": ("variable, condition",),
    "exists": ("variable, condition",),
    "exists_one": ("variable, condition",),
    "existsOne": ("variable, condition",),
    "filter": ("variable, condition",),
    "map": ("variable, value", "variable, condition, value"),
    "sortBy": ("variable, key",),
}
RESERVED_NAMES = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop"}
    | {"package", "namespace", "return", "var", "void", "while", "in", "null", "true", "false"},
)
_MESSAGE_TYPES = {TIMESTAMP: CelType(TIMESTAMP), DURATION: CelType(DURATION)}
_WRAPPERS = frozenset(
    {"expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication"}
) | {
    "unary",
    "member",
    "primary",
    "paren_expr",
}
_BINARY = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}
_LOGIC = {"conditionalor": "||", "conditionaland": "&&"}
_HINTS = {
    "=": "write == to compare",
    "&": "write && for 'and'",
    "|": "write || for 'or'",
    "and": "write && for 'and'",
    "or": "write || for 'or'",
    "not": "write ! for 'not'",
    "is": "write == to compare",
}
# The parser builds its scanners at first use and shares them, so one thread at a time may parse.
_PARSER_LOCK = threading.Lock()


def parse(source: Source, problems: list[tuple[int, str]]) -> ast.Node:
    """Parse scanned text; misused macros and literals are added to the problems.

    Raises:
        SourceError: The text is no expression.
    """
    return _Converter(source, problems).convert(_syntax_tree(source), 0)


def _syntax_tree(source: Source) -> Any:
    # Importing the library and building its grammar costs 0.3 s, which a manifest without filters must not pay.
    from celpy.celparser import CELParseError, CELParser

    with _PARSER_LOCK:
        try:
            return CELParser().parse(source.masked)
        except CELParseError as error:
            offset, message = _explain(source, error.__context__)
    raise SourceError(offset, message)


def _explain(source: Source, error: Any) -> tuple[int, str]:
    """Say where the grammar stopped, and what to write instead."""
    token = getattr(error, "token", None)
    if token is None:
        offset = int(getattr(error, "pos_in_stream", 0))
        found = source.text[offset : offset + 1]
    elif token.type == "$END":
        end = len(source.masked.rstrip())
        return end, "the filter ends too early: something is missing here"
    else:
        offset = int(token.start_pos)
        found = source.text[offset : offset + len(token)]
    before = source.masked[:offset].rstrip()
    previous = re.search(r"\w+$", before)
    hint = _HINTS.get(found) or (_HINTS.get(previous[0]) if previous else None)
    return offset, f"unexpected {found!r}" + (f": {hint}" if hint else "")


class _Converter:
    """Turns the grammar's tree, one level per rule of precedence, into ours."""

    def __init__(self, source: Source, problems: list[tuple[int, str]]) -> None:
        self._source = source
        self._problems = problems

    def convert(self, tree: Any, depth: int) -> ast.Node:
        while len(tree.children) == 1 and tree.data in _WRAPPERS:
            tree = tree.children[0]
        offset = tree.meta.start_pos if not tree.meta.empty else 0
        if depth > MAX_DEPTH:
            message = f"the expression is nested more than {MAX_DEPTH} deep: write it flatter"
            raise SourceError(offset or 0, message)  # the grammar says no place of ``true`` and the like
        name = str(tree.data)
        if name in _LOGIC:
            return self._logic(tree, depth)
        if name in {"relation", "addition", "multiplication"}:
            operator, right = tree.children
            symbol = _BINARY[operator.data]
            operands = (self.convert(operator.children[0], depth + 1), self.convert(right, depth + 1))
            return ast.Call(operator.meta.end_pos - len(symbol), symbol, operands)
        if name == "unary":
            symbol = "!" if tree.children[0].data == "unary_not" else "-"
            return ast.Call(offset, symbol, (self.convert(tree.children[1], depth + 1),))
        if name == "expr":
            condition, then, otherwise = (self.convert(child, depth + 1) for child in tree.children)
            at = self._source.masked.find("?", tree.children[0].meta.end_pos)
            return ast.Conditional(at, condition, then, otherwise)
        return self._member(tree, name, offset, depth)

    def _member(self, tree: Any, name: str, offset: int, depth: int) -> ast.Node:
        children = tree.children
        if name == "literal":
            return ast.Literal(offset, self._literal(children[0], offset))
        if name in {"ident", "dot_ident"}:
            token = children[0]
            if token in RESERVED_NAMES:
                return self._broken(token.start_pos, f"reserved word {str(token)!r} cannot be a name")
            return ast.Ident(token.start_pos, str(token))
        if name == "member_dot":
            selected = ast.Select(
                children[1].start_pos, self.convert(children[0], depth + 1), str(children[1])
            )
            constant = _MESSAGE_TYPES.get(ast.qualified_name(selected))
            return selected if constant is None else ast.Literal(offset, constant)
        if name == "member_index":
            return ast.Index(
                offset=self._source.masked.find("[", children[0].meta.end_pos),
                operand=self.convert(children[0], depth + 1),
                key=self.convert(children[1], depth + 1),
            )
        if name in {"ident_arg", "dot_ident_arg"}:
            return self._function(children[0], self._list(children[1:], depth))
        if name == "member_dot_arg":
            target = self.convert(children[0], depth + 1)
            return self._method(target, children[1], self._list(children[2:], depth))
        if name == "list_lit":
            return ast.ListLiteral(offset, self._list(children, depth))
        if name == "map_lit":
            parts = self._list(children, depth)
            return ast.MapLiteral(offset, tuple(zip(parts[::2], parts[1::2], strict=True)))
        return self._broken(offset, "messages cannot be built in a filter: write a map, {'key': value}")

    def _list(self, children: Sequence[Any], depth: int) -> tuple[ast.Node, ...]:
        return tuple(self.convert(child, depth + 1) for child in children[0].children) if children else ()

    def _logic(self, tree: Any, depth: int) -> ast.Node:
        rule, symbol = tree.data, _LOGIC[tree.data]
        found = []
        while tree.data == rule and len(tree.children) == 2:
            found.append(tree.children[1])
            tree = tree.children[0]
        offset = self._source.masked.find(symbol, tree.meta.end_pos)
        terms: list[ast.Node] = []
        for child in (tree, *reversed(found)):
            term = self.convert(child, depth + 1)
            terms.extend(term.terms if isinstance(term, ast.Logic) and term.symbol == symbol else (term,))
        return ast.Logic(offset, symbol, tuple(terms))

    def _function(self, token: Any, arguments: tuple[ast.Node, ...]) -> ast.Node:
        name = str(token)
        if name != "has":
            return ast.Call(token.start_pos, name, arguments)
        if len(arguments) == 1 and isinstance(arguments[0], ast.Select):
            return ast.Has(token.start_pos, arguments[0].operand, arguments[0].name)
        message = "has() takes one field, as in has(data.name); for other keys write 'key' in data"
        return self._broken(token.start_pos, message)

    def _method(self, target: ast.Node, token: Any, arguments: tuple[ast.Node, ...]) -> ast.Node:
        name, offset = str(token), token.start_pos
        if name == "bind" and isinstance(target, ast.Ident) and target.name == "cel":
            if len(arguments) != 3:
                return self._arity(offset, "cel.bind", len(arguments), ("variable, value, expression",))
            return ast.Bind(offset, self._variable("cel.bind", arguments[0]), arguments[1], arguments[2])
        qualified = f"{ast.qualified_name(target)}.{name}"
        if (qualified, False) in FUNCTIONS:
            return ast.Call(offset, qualified, arguments)
        if name not in MACROS:
            return ast.Call(offset, name, (target, *arguments), is_method=True)
        shapes = MACROS[name]
        if len(arguments) not in {shape.count(",") + 1 for shape in shapes}:
            return self._arity(offset, name, len(arguments), shapes)
        variable = self._variable(name, arguments[0])
        macro = "exists_one" if name == "existsOne" else name
        return ast.Macro(offset, macro, target, variable, arguments[1:])

    def _arity(self, offset: int, name: str, count: int, shapes: tuple[str, ...]) -> ast.Node:
        wanted = " or ".join(f"{name}({shape})" for shape in shapes)
        return self._broken(offset, f"wrong number of arguments for {name!r}: write {wanted}, not {count}")

    def _variable(self, macro: str, node: ast.Node) -> str:
        if isinstance(node, ast.Ident):
            return node.name
        self._problems.append(
            (node.offset, f"the first argument of {macro!r} must be a plain name for the variable")
        )
        return ""

    def _broken(self, offset: int, message: str) -> ast.Node:
        """Note a problem and stand in with a node of unknown type, so that no further problem follows from it."""
        self._problems.append((offset, message))
        return ast.Call(offset, "dyn", (ast.Literal(offset, None),))

    def _literal(self, token: Any, offset: int) -> Any:
        kind, text = token.type, str(token)
        if offset in self._source.literals:
            return self._source.literals[offset]
        if kind == "BOOL_LIT":
            return text == "true"
        if kind == "NULL_LIT":
            return None
        if kind == "FLOAT_LIT":
            if not re.fullmatch(r"-?\d*\.\d+(?:[eE][+-]?\d+)?|-?\d+[eE][+-]?\d+", text):
                self._problems.append((offset, f"the number {text} lacks a digit after its point"))
            if math.isinf(float(text)):
                self._problems.append((offset, f"the number {text} is out of range for a double"))
            return float(text)
        digits = text.rstrip("uU")
        low, high = (0, UINT64_MAX) if kind == "UINT_LIT" else (INT64_MIN, INT64_MAX)
        number = int(digits, 16) if "x" in digits else int(digits) if len(digits) < 40 else high + 1
        if not low <= number <= high:
            self._problems.append((offset, f"the number {text} is out of range for 64 bits"))
        return UInt(number) if kind == "UINT_LIT" else number
