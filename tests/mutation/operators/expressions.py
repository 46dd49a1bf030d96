"""Mutations of expressions: each operator takes a place and says what may stand there instead. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, TypeVar

from mutation.operators.walk import Place, changed

__all__ = [
    "arguments",
    "arithmetic",
    "boolean",
    "comparison",
    "function",
    "negation",
    "number",
    "string",
    "truth",
]

_Node = TypeVar("_Node", bound=ast.AST)
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_COMPARISON: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
"""Orderings move their boundary; what their opposite does, `negation` shows."""
_LARGE: Final = 100
_FUNCTIONS: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}


def arithmetic(place: Place) -> Iterator[ast.AST]:
    """Another operator of arithmetic or of bits; a minus sign left out."""
    match place.node:
        case ast.BinOp(left=left, op=op, right=right) as node:
            if type(op) in _ARITHMETIC and not (isinstance(op, ast.Add) and (_joins(left) or _joins(right))):
                yield changed(node, op=_ARITHMETIC[type(op)]())
        case ast.AugAssign(op=op, value=value) as node:
            if type(op) in _ARITHMETIC and not (isinstance(op, ast.Add) and _joins(value)):
                yield changed(node, op=_ARITHMETIC[type(op)]())
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield operand


def comparison(place: Place) -> Iterator[ast.AST]:
    """Another comparison: the opposite of an equality, the other boundary of an ordering."""
    if isinstance(place.node, ast.Compare):
        for index, op in enumerate(place.node.ops):
            yield changed(place.node, ops=_with(place.node.ops, index, _COMPARISON[type(op)]()))


def boolean(place: Place) -> Iterator[ast.AST]:
    """`or` for `and`, `and` for `or`; one operand left out."""
    if isinstance(place.node, ast.BoolOp):
        yield changed(place.node, op=ast.Or() if isinstance(place.node.op, ast.And) else ast.And())
        for index in range(len(place.node.values)):
            left = _without(place.node.values, index)
            yield left[0] if len(left) == 1 else changed(place.node, values=left)


def negation(place: Place) -> Iterator[ast.AST]:
    """The opposite of a condition, of `if`, `while`, a conditional expression, a comprehension or a `case`."""
    node = place.node
    if not isinstance(node, ast.expr) or place.field not in {"test", "ifs", "guard"}:
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif not (isinstance(node, ast.Compare) and all(not _is_ordering(op) for op in node.ops)):  # `comparison` has these
        yield ast.UnaryOp(op=ast.Not(), operand=node)


def number(place: Place) -> Iterator[ast.AST]:
    """A number that is off by one, either way; twice or half of one so large that one more is as good."""
    value = place.node.value if isinstance(place.node, ast.Constant) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        more, less = (value * 2, value // 2) if value >= _LARGE else (value + 1, value - 1)
        yield ast.Constant(value=more)
        yield ast.Constant(value=less)


def truth(place: Place) -> Iterator[ast.AST]:
    """False for True, True for False."""
    if isinstance(place.node, ast.Constant) and isinstance(place.node.value, bool):
        yield ast.Constant(value=not place.node.value)


def string(place: Place) -> Iterator[ast.AST]:
    """A text with an `x` after it; none that has blanks, which is a sentence for people."""
    if isinstance(place.node, ast.Constant) and isinstance(place.node.value, str) and " " not in place.node.value:
        yield ast.Constant(value=place.node.value + "x")


def arguments(place: Place) -> Iterator[ast.AST]:
    """Two neighbours among the arguments swapped; a keyword argument left out."""
    if not isinstance(place.node, ast.Call) or ast.unparse(place.node.func) == "cast":
        return
    args = place.node.args
    for index, (one, two) in enumerate(pairwise(args)):
        if not isinstance(one, ast.Starred) and not isinstance(two, ast.Starred):
            yield changed(place.node, args=[*args[:index], two, one, *args[index + 2 :]])
    for index, keyword in enumerate(place.node.keywords):
        if keyword.arg is not None:
            yield changed(place.node, keywords=_without(place.node.keywords, index))


def function(place: Place) -> Iterator[ast.AST]:
    """Another built-in function: `max` for `min`, `all` for `any`, the order of arrival for a sorted one."""
    match place.node:
        case ast.Call(func=ast.Name(id=name)) as node if name in _FUNCTIONS:
            keywords = [] if name == "sorted" else node.keywords
            yield changed(node, func=ast.Name(id=_FUNCTIONS[name], ctx=ast.Load()), keywords=keywords)


def _is_ordering(op: ast.cmpop) -> bool:
    return isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE)


def _joins(node: ast.AST) -> bool:
    """Whether adding this can only mean to join texts or lists: a minus there fails at once and shows nothing."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joins(node.left) or _joins(node.right)
    return isinstance(node, ast.JoinedStr | ast.Tuple | ast.List) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _with(values: list[ast.cmpop], index: int, value: ast.cmpop) -> list[ast.cmpop]:
    return [*values[:index], value, *values[index + 1 :]]


def _without(values: list[_Node], index: int) -> list[_Node]:
    return [*values[:index], *values[index + 1 :]]
