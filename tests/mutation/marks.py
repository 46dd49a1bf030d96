"""Which statements of a package are run, and by what: its modules with a mark before each statement. Changes imports.

The marks are bytes that all processes share which are forked from this one, so what a host has run is known although
it was killed.
"""

from __future__ import annotations

import ast
import mmap
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from mutation.hook import supply
from mutation.targets import ROOT, Target

__all__ = ["MARKS", "Marked", "Statement", "marked", "met_with"]

Statement: TypeAlias = tuple[str, int]
"""A file, and the line on which a statement begins."""

MARKS: Final = mmap.mmap(-1, 1 << 16)
"""One byte for each statement, 1 where it has been run."""
_NAME: Final = "__marks__"
_BODIES: Final = ("body", "orelse", "finalbody")


class Marked:
    """The modules of a target, imported with marks from here on; `take` says what has been run since the last time."""

    def __init__(self, target: Target) -> None:
        self._known: list[Statement] = []
        for file in target.files():
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            self._known += marked(tree, file, len(self._known))
            supply(target.module(file), ROOT / file, compile(tree, str(ROOT / file), "exec", dont_inherit=True))
        if len(self._known) > len(MARKS):
            raise AssertionError(f"{len(self._known)} statements; make more room than {len(MARKS)} bytes")

    def take(self) -> frozenset[Statement]:
        """The statements that have been run since the last time."""
        found = frozenset(each for each, ran in zip(self._known, MARKS[: len(self._known)], strict=True) if ran)
        MARKS[: len(self._known)] = bytes(len(self._known))
        return found

    @property
    def known(self) -> tuple[Statement, ...]:
        """Every statement there is."""
        return tuple(self._known)


def marked(tree: ast.Module, file: str, first: int) -> list[Statement]:
    """Puts a mark before each statement of a module, numbered from `first`; returns the statements in that order."""
    found: list[Statement] = []

    def mark(body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in body:
            if not _stays_first(statement):
                made.append(_mark(statement, first + len(found)))
                found.append((file, statement.lineno))
            made.append(statement)
        return made

    for node in list(ast.walk(tree)):
        for name in _BODIES:
            held = getattr(node, name, None)
            if isinstance(held, list) and held and isinstance(held[0], ast.stmt):
                setattr(node, name, mark(held))
    place = next((i for i, each in enumerate(tree.body) if not _stays_first(each)), len(tree.body))
    tree.body.insert(place, ast.ImportFrom(module=__name__, names=[ast.alias("MARKS", _NAME)], level=0))
    ast.fix_missing_locations(tree)
    return found


def met_with(tree: ast.Module, file: str) -> Mapping[int, Statement]:
    """By the identity of each statement, `except` clause and `case` the statement whose mark tells that it was met."""
    found: dict[int, Statement] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            found[id(node)] = file, node.lineno
        for inner in _clauses(node):
            assert isinstance(node, ast.stmt)
            found[id(inner)] = file, node.lineno
    return found


def _clauses(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Try):
        yield from node.handlers
    elif isinstance(node, ast.Match):
        yield from node.cases


def _stays_first(statement: ast.stmt) -> bool:
    """Whether it is a docstring, or an import from the future."""
    return (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)) or (
        isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
    )


def _mark(statement: ast.stmt, number: int) -> ast.stmt:
    made = ast.parse(f"{_NAME}[{number}] = 1").body[0]
    return ast.copy_location(made, statement)
