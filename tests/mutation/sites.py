"""All mutants of a module: what each changes, by what it is known, and its code. Pure."""

from __future__ import annotations

import ast
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType
from typing import Final, TypeAlias

from mutation.covering.marks import Statement, met_with
from mutation.operators import expressions, statements
from mutation.operators.walk import Place, places, render

__all__ = ["OPERATORS", "Key", "Mutant", "Site", "drawn", "sites"]

Operator: TypeAlias = Callable[[Place], Iterator[ast.AST]]

OPERATORS: Final[Mapping[str, Operator]] = {
    "arithmetic": expressions.arithmetic,
    "comparison": expressions.comparison,
    "boolean": expressions.boolean,
    "negation": expressions.negation,
    "number": expressions.number,
    "truth": expressions.truth,
    "string": expressions.string,
    "arguments": expressions.arguments,
    "function": expressions.function,
    "removal": statements.removal,
    "result": statements.result,
    "exception": statements.exception,
    "loop": statements.loop,
    "unguarded": statements.unguarded,
    "decorator": statements.decorator,
    "case": statements.case,
}
"""By name; a new operator is a line here. In a default argument the name of any is `default`."""

Key: TypeAlias = tuple[str, str, str, str, str, int]
"""(file, function, operator, before, after, nth): what a mutant is known by when the lines around it have moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One small change. `before` and `after` are the statement that it is in, as Python writes it down.

    `file` is a path from the root of the project, `function` the qualified name of the function or class around it;
    `nth` tells apart what is otherwise the same change in one function, from 1. `line` is where it is now.
    """

    file: str
    line: int
    function: str
    operator: str
    before: str
    after: str
    nth: int = 1

    @property
    def key(self) -> Key:
        """All of it but the line."""
        return (self.file, self.function, self.operator, self.before, self.after, self.nth)

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" + (f" {self.function}" if self.function else "")
        return f"{where}: {self.operator}"


@dataclass(frozen=True, slots=True)
class Site:
    """A mutant and how it is made of its module's tree, which `code` changes for a moment.

    `statement` is what a course knows the place by.
    """

    mutant: Mutant
    tree: ast.Module
    place: Place
    replacement: ast.AST
    statement: Statement

    @property
    def lines(self) -> tuple[int, int]:
        """The first and the last line of its statement; of a compound one the line of the node alone."""
        statement = self.place.statement
        if getattr(statement, "body", None):
            return self.mutant.line, self.mutant.line
        first = int(getattr(statement, "lineno", self.mutant.line))
        return first, int(getattr(statement, "end_lineno", first))

    def source(self) -> str:
        """The mutated module, as Python writes it down."""
        with _replaced(self.place, self.replacement):
            ast.fix_missing_locations(self.tree)
            return ast.unparse(self.tree)

    def code(self, filename: str) -> CodeType:
        """The mutated module, compiled; raises SyntaxError where that is not Python."""
        with _replaced(self.place, self.replacement):
            ast.fix_missing_locations(self.tree)
            return compile(self.tree, filename, "exec", dont_inherit=True)


def sites(file: str, source: str) -> list[Site]:
    """Every mutant of a module, in the order of its places and of OPERATORS."""
    tree = ast.parse(source)
    known = met_with(tree, file)
    seen: Counter[Key] = Counter()
    found = []
    for place in places(tree):
        for name, operator in OPERATORS.items():
            for replacement in operator(place):
                mutant = _mutant(file, "default" if place.in_default else name, place, replacement)
                if mutant is None:
                    continue
                seen[mutant.key] += 1
                if (nth := seen[mutant.key]) > 1:
                    mutant = Mutant(**{field: getattr(mutant, field) for field in mutant.__slots__} | {"nth": nth})
                found.append(Site(mutant, tree, place, replacement, known[id(place.statement)]))
    return found


def drawn(found: Sequence[Site], seed: int, sample: int | None) -> list[Site]:
    """The first of all sites in an order drawn by the seed, so that a larger sample has the smaller ones in it."""
    draw = random.Random(seed)  # noqa: S311 - a sample, no secret
    return draw.sample(found, len(found))[:sample]


def _mutant(file: str, operator: str, place: Place, replacement: ast.AST) -> Mutant | None:
    """None where nothing would change."""
    node = place.node
    ast.copy_location(replacement, node)
    before = render(place.statement)
    with _replaced(place, replacement):
        after = render(replacement if place.statement is node else place.statement)
    if isinstance(node, ast.Match):
        before, after = (_cases(each) for each in (node, replacement))
    if before == after:
        return None
    line = int(getattr(node, "lineno", getattr(place.statement, "lineno", 0)))
    return Mutant(file=file, line=line, function=place.function, operator=operator, before=before, after=after)


def _cases(node: ast.AST) -> str:
    """A `match` with the heads of its cases."""
    assert isinstance(node, ast.Match)
    return "\n".join([render(node), *(render(each) for each in node.cases)])


@contextmanager
def _replaced(place: Place, replacement: ast.AST) -> Iterator[None]:
    """The tree with the replacement in the node's place."""
    if place.index is None:
        setattr(place.parent, place.field, replacement)
    else:
        getattr(place.parent, place.field)[place.index] = replacement
    try:
        yield
    finally:
        if place.index is None:
            setattr(place.parent, place.field, place.node)
        else:
            getattr(place.parent, place.field)[place.index] = place.node
