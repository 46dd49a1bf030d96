"""Which unit tests look at a module of the judge: those that import it, the closest first. Reads sources."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mutation.targets import ROOT, Target

__all__ = ["Suites", "distances", "imports"]


class Suites:
    """The test files for each module of a target."""

    def __init__(self, target: Target) -> None:
        modules = {target.module(file): ROOT / file for file in target.files()}
        self._graph = {name: imports(path.read_text(encoding="utf-8"), modules) for name, path in modules.items()}
        tests = sorted((ROOT / "tests" / "unit").glob("test_*.py"))
        found = {path: imports(path.read_text(encoding="utf-8"), modules) for path in tests}
        self._tests = {path: names for path, names in found.items() if names}

    def of(self, module: str) -> list[str]:
        """The tests that import the module, or another that does, and so on; those with the shortest way first.

        Among those with an equal way the ones first that import least.
        """
        ranked = []
        for path, names in self._tests.items():
            distance = distances(names, self._graph).get(module)
            if distance is not None:
                ranked.append((distance, len(names), str(path.relative_to(ROOT))))
        return [path for *_, path in sorted(ranked)]

    def all(self) -> list[str]:
        """Every test that imports anything of the target."""
        return [str(path.relative_to(ROOT)) for path in self._tests]


def imports(source: str, modules: Iterable[str] | Mapping[str, Path]) -> set[str]:
    """Which of these modules a source imports, wherever in it."""
    known = set(modules)
    return {name for node in ast.walk(ast.parse(source)) for name in _named(node) if name in known}


def distances(start: Iterable[str], graph: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """How many imports away each module is that can be reached; those at the start are 0 away."""
    found = dict.fromkeys(start, 0)
    line = list(found)
    for name in line:
        for following in graph.get(name, ()):
            if following not in found:
                found[following] = found[name] + 1
                line.append(following)
    return found


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
