"""Every place in a module where a mutation makes sense, with what an operator must know about it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

__all__ = ["Place", "changed", "places", "render", "shows_text_to_people"]

_Node = TypeVar("_Node", bound=ast.AST)
_NOT_RUN: Final = frozenset({"annotation", "returns", "type_comment", "type_params", "ctx"})
"""Fields of a node that say something to a type checker and nothing to the interpreter."""
_FOR_TOOLS: Final = frozenset({"__all__", "__slots__"})
"""Names whose values are for imports with a star and for the memory of an instance."""
_STUB: Final = ast.Expr(value=ast.Constant(value=...))
_BODIES: Final = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(frozen=True, slots=True)
class Place:
    """A node and where it stands: it is `field` of `parent`, or the item at `index` of that field.

    `statement` is the smallest statement, `except` clause or `case` around it; `function` the qualified name of the
    function or class around that, empty at the top of a module. `in_default` says that the node belongs to a default
    argument, `in_raise` that it belongs to an exception which is raised.
    """

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    statement: ast.AST
    function: str = ""
    in_default: bool = False
    in_raise: bool = False


def places(tree: ast.Module) -> Iterator[Place]:
    """The places of a module, each before those inside it, in the order of Python's grammar."""
    yield from _inside(Place(tree, tree, "", None, tree))


def shows_text_to_people(place: Place) -> bool:
    """Whether the node is the wording of an error, which no check can hold against anybody."""
    return place.in_raise and (isinstance(place.node, ast.JoinedStr) or _is_text(place.node))


def changed(node: _Node, **fields: object) -> _Node:
    """A copy of the node with other values in some of its fields."""
    kept = {name: getattr(node, name) for name in (*node._fields, *node._attributes) if hasattr(node, name)}
    return type(node)(**(kept | fields))


def render(node: ast.AST) -> str:
    """The source of a statement; of a compound one its head alone, with `...` as its body."""
    shown = changed(node)
    for name in _BODIES:
        held = getattr(shown, name, None)
        if isinstance(held, list) and held:
            setattr(shown, name, [_STUB] if name == "body" else [])
    if isinstance(shown, ast.Match):
        return f"match {ast.unparse(shown.subject)}:"
    if isinstance(shown, ast.Try):
        return "try:"
    return ast.unparse(shown).strip().removesuffix("\n    ...").strip()


def _inside(outer: Place) -> Iterator[Place]:
    for name, value in ast.iter_fields(outer.node):
        if name in _NOT_RUN:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not _is_for_tools(outer.node, name, index, child):
                place = _place(outer, name, index, child)
                if not shows_text_to_people(place):
                    yield place
                    yield from _inside(place)


def _place(outer: Place, name: str, index: int | None, child: ast.AST) -> Place:
    holder = isinstance(outer.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    inner = holder and name == "body"
    return replace(
        outer,
        node=child,
        parent=outer.node,
        field=name,
        index=index,
        statement=child if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case) else outer.statement,
        function=_qualified(outer) if inner else outer.function,
        in_default=outer.in_default or (isinstance(outer.node, ast.arguments) and name in {"defaults", "kw_defaults"}),
        in_raise=isinstance(outer.node, ast.Raise) or (outer.in_raise and not isinstance(child, ast.stmt)),
    )


def _qualified(place: Place) -> str:
    node = place.node
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return f"{place.function}.{node.name}" if place.function else node.name


def _is_for_tools(parent: ast.AST, field: str, index: int | None, child: ast.AST) -> bool:
    """Whether a node is not there for the interpreter: a docstring, a type, a list of names, an `assert`, an import."""
    match parent, child:
        case _, ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case _, ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _, ast.Assign(targets=[ast.Name(id=name)]) if name in _FOR_TOOLS:
            return True
        case _, ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Call(func=ast.Name(id="cast")), _:
            return field == "args" and index == 0
    return isinstance(child, ast.expr_context | ast.operator | ast.cmpop | ast.boolop | ast.unaryop)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
