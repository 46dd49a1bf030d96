"""Which statements and branches of a package are run, and by what: its modules with marks in them. Changes imports.

The marks are bytes that processes share: those that are forked from this one, and those that are started where the
environment names a file of them. So what a process has run is known although it was killed.
"""

from __future__ import annotations

import ast
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeGuard

from mutation.hook import supply
from mutation.targets import ROOT, Target

__all__ = ["MARKS", "SIZE", "VARIABLE", "Mark", "Marked", "Statement", "marked", "met_with"]

Statement: TypeAlias = tuple[str, int]
"""A file, and the line on which a statement begins; a negative line stands for the `else` that it does not have."""

VARIABLE: Final = "CUTOVER_MARKS"
"""A file for the marks, for processes that are not forked from one another."""
SIZE: Final = 1 << 16


class Mark(NamedTuple):
    """What one byte stands for; `branch` says that it is where one of several ways begins."""

    file: str
    line: int
    branch: bool


def _shared() -> mmap.mmap:
    if (name := os.environ.get(VARIABLE)) is None:
        return mmap.mmap(-1, SIZE)
    with Path(name).open("r+b") as file:
        return mmap.mmap(file.fileno(), SIZE)


MARKS: Final = _shared()
"""One byte for each statement, 1 where it has been run."""
_NAME: Final = "__marks__"
_BODIES: Final = ("body", "orelse", "finalbody")
_FORKS: Final = (ast.If, ast.For, ast.While, ast.match_case, ast.ExceptHandler)


class Marked:
    """The modules of targets, imported with marks from here on; `take` says what has been run since the last time."""

    def __init__(self, *targets: Target) -> None:
        self._known: list[Mark] = []
        for target in targets:
            for file in target.files():
                tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
                self._known += marked(tree, file, len(self._known))
                supply(target.module(file), ROOT / file, compile(tree, str(ROOT / file), "exec", dont_inherit=True))
        if len(self._known) > SIZE:
            raise AssertionError(f"{len(self._known)} marks; make more room than {SIZE} bytes")

    def take(self) -> frozenset[Statement]:
        """The statements that have been run since the last time."""
        found = frozenset((mark.file, mark.line) for mark in self.ran())
        MARKS[: len(self._known)] = bytes(len(self._known))
        return found

    def ran(self) -> list[Mark]:
        """The marks that have been met."""
        return [mark for mark, met in zip(self._known, MARKS[: len(self._known)], strict=True) if met]

    @property
    def known(self) -> tuple[Mark, ...]:
        """Every mark there is."""
        return tuple(self._known)


def marked(tree: ast.Module, file: str, first: int) -> list[Mark]:
    """Puts a mark before each statement of a module, and where an `else` or a last `case` could be.

    They are numbered from `first`; returns what each stands for.
    """
    found: list[Mark] = []

    def mark(line: int, *, branch: bool) -> ast.stmt:
        found.append(Mark(file, line, branch))
        made = ast.parse(f"{_NAME}[{first + len(found) - 1}] = 1").body[0]
        return ast.increment_lineno(made, abs(line) - 1)

    def body(statements: list[ast.stmt], *, branch: bool) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for place, statement in enumerate(statements):
            if not _stays_first(statement):
                made.append(mark(statement.lineno, branch=branch and place == 0))
            made.append(statement)
        return made

    for node in list(ast.walk(tree)):
        for name in _BODIES:
            held = getattr(node, name, None)
            if isinstance(held, list) and held and isinstance(held[0], ast.stmt):
                setattr(node, name, body(held, branch=isinstance(node, _FORKS)))
        if _may_pass_by(node):
            node.orelse = [mark(-node.lineno, branch=True)]
        elif isinstance(node, ast.Match) and not _takes_all(node.cases[-1]):
            node.cases.append(ast.match_case(pattern=ast.MatchAs(), body=[mark(-node.lineno, branch=True)]))
    place = next((i for i, each in enumerate(tree.body) if not _stays_first(each)), len(tree.body))
    tree.body.insert(place, ast.ImportFrom(module=__name__, names=[ast.alias("MARKS", _NAME)], level=0))
    ast.fix_missing_locations(tree)
    return found


def _may_pass_by(node: ast.AST) -> TypeGuard[ast.If | ast.For | ast.While]:
    """Whether it has no `else`, and can do without its body."""
    endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
    types_alone = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.If | ast.For | ast.While) and not (node.orelse or endless or types_alone)


def _takes_all(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


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
