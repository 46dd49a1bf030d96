"""Mutations of statements: each operator takes a place and says what may stand there instead. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from mutation.operators.walk import Place, changed

__all__ = ["case", "decorator", "exception", "loop", "removal", "result", "unguarded"]

_FOR_THE_TYPE_CHECKER: Final = frozenset({"abstractmethod", "final", "overload", "override", "runtime_checkable"})


def removal(place: Place) -> Iterator[ast.AST]:
    """Nothing in place of a call, a raise, a bare return, a deletion, or an assignment to an attribute or an item.

    An assignment to a name stays: without it the name is missing, which everything notices.
    """
    match place.node:
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.Return(value=None) | ast.Delete():
            yield ast.Pass()
        case ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[*targets]) if all(isinstance(each, ast.Attribute | ast.Subscript) for each in targets):
            yield ast.Pass()


def result(place: Place) -> Iterator[ast.AST]:
    """None in place of what a function returns."""
    match place.node:
        case ast.Return(value=ast.Constant(value=None | False)) | ast.Return(value=None):
            return
        case ast.Return() as node:
            yield changed(node, value=ast.Constant(value=None))


def exception(place: Place) -> Iterator[ast.AST]:
    """A clause that catches nothing, or one kind less; an exception of another kind raised."""
    match place.node:
        case ast.ExceptHandler(type=ast.Tuple(elts=kinds)) as node:
            for index in range(len(kinds)):
                left = [*kinds[:index], *kinds[index + 1 :]]
                yield changed(node, type=ast.Tuple(elts=left, ctx=ast.Load()))
        case ast.ExceptHandler(type=ast.expr()) as node:
            yield changed(node, type=ast.Tuple(elts=[], ctx=ast.Load()))
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=[_, *_]) as node:
            yield changed(node, args=[])
        case ast.Raise(exc=ast.Call() as call) as node:
            yield changed(node, exc=changed(call, func=ast.Name(id="RuntimeError", ctx=ast.Load())))


def loop(place: Place) -> Iterator[ast.AST]:
    """`continue` for `break`, `break` for `continue`; a `for` over nothing."""
    match place.node:
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
        case ast.For() as node:
            yield changed(node, iter=ast.Tuple(elts=[], ctx=ast.Load()))


def unguarded(place: Place) -> Iterator[ast.AST]:
    """The body of a `with` that nothing is around: no lock, no transaction, nothing suppressed."""
    match place.node:
        case ast.With(items=items, body=body) if all(item.optional_vars is None for item in items):
            yield ast.If(test=ast.Constant(value=True), body=body, orelse=[])


def decorator(place: Place) -> Iterator[ast.AST]:
    """One decorator left out, but for those that speak to the type checker."""
    node = place.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for index, each in enumerate(node.decorator_list):
            if ast.unparse(each).rpartition(".")[2] not in _FOR_THE_TYPE_CHECKER:
                yield changed(node, decorator_list=[*node.decorator_list[:index], *node.decorator_list[index + 1 :]])


def case(place: Place) -> Iterator[ast.AST]:
    """A `match` with one case less, but for a last one that does nothing for all the rest."""
    if isinstance(place.node, ast.Match) and len(place.node.cases) > 1:
        for index, each in enumerate(place.node.cases):
            match each:
                case ast.match_case(pattern=ast.MatchAs(pattern=None), guard=None, body=[ast.Pass()]):
                    continue
            yield changed(place.node, cases=[*place.node.cases[:index], *place.node.cases[index + 1 :]])
