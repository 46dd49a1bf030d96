"""Which files a path on the command line stands for, and which scenarios in them are the same. Reads folders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cutover.harness.errors import UsageProblem

if TYPE_CHECKING:
    from cutover.scenarios.model import Scenario

__all__ = ["n8n_files", "recorded_beside", "without_repeats"]

_EXECUTIONS = "executions"
_WORKFLOWS = "workflows"


def n8n_files(path: Path) -> tuple[Path, ...]:
    """The workflow definitions at a path: the file itself, or every `.json` below the folder, sorted.

    Files in a folder named `executions` are what n8n recorded. Raises UsageProblem where none is left.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise UsageProblem(f"{path}: no such file or folder")
    found = sorted(file for file in path.rglob("*.json") if _EXECUTIONS not in file.relative_to(path).parts[:-1])
    if not found:
        raise UsageProblem(f"{path}: no .json file in it or below it")
    return tuple(found)


def recorded_beside(definition: Path) -> Path | None:
    """The execution that n8n recorded for a definition: `executions/X.json` beside `workflows/X.json`, or beside X."""
    folder = definition.parent
    places = [folder / _EXECUTIONS]
    if folder.name == _WORKFLOWS:
        places.insert(0, folder.parent / _EXECUTIONS)
    return next((place / definition.name for place in places if (place / definition.name).is_file()), None)


def without_repeats(scenarios: Iterable[Scenario]) -> tuple[list[Scenario], list[str]]:
    """The scenarios without those that occur twice, as when a file lies there under two names; and the ids left out.

    Raises UsageProblem where two scenarios of one id differ.
    """
    from cutover.scenarios.files import dumps

    kept: dict[str, Scenario] = {}
    repeated: list[str] = []
    for scenario in scenarios:
        twin = kept.setdefault(scenario.id, scenario)
        if twin is scenario:
            continue
        if dumps(twin) != dumps(scenario):
            raise UsageProblem(f"two different scenarios have the id {scenario.id!r}; give each an id of its own")
        repeated.append(scenario.id)
    return list(kept.values()), repeated
