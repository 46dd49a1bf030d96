"""Imports n8n workflows, and the executions that n8n recorded of them, as scenarios. Reads files, writes none."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.importers.imported import Imported, ImportRefused
from cutover.scenarios.importers.n8n.execution import Execution, parse_execution
from cutover.scenarios.importers.n8n.flow import reachable, starts
from cutover.scenarios.importers.n8n.payload import items_of, redacted
from cutover.scenarios.importers.n8n.plan import plans
from cutover.scenarios.importers.n8n.recorded import recorded_scenario
from cutover.scenarios.importers.n8n.source import WorkflowFile, parse_source, read_json
from cutover.scenarios.importers.n8n.workflow import Built, build
from cutover.scenarios.inputs.files import FileRefused, below, kind_of, read_bytes, size_of
from cutover.scenarios.inputs.limits import N8N_BYTES, N8N_FOLDER_BYTES
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import validate_scenario

__all__ = ["IMPORTER", "N8nImporter", "import_file"]

_EXECUTIONS = "executions"
_WORKFLOWS = "workflows"


@dataclass(frozen=True, slots=True)
class N8nImporter:
    """Meets `cutover.scenarios.importers.imported.Importer`."""

    name: str = "n8n"
    reads: str = "n8n workflows"

    def import_folder(self, path: Path, /) -> tuple[Imported, ...]:
        """What became of each definition at a path: the file itself, or every `.json` below the folder, sorted.

        Files in a folder named `executions` are what n8n recorded: `executions/X.json` is the recording of
        `workflows/X.json` beside that folder, or of X.json in the folder around it. Raises ImportRefused where no
        definition is left.
        """
        return tuple(import_file(file, _recorded_beside(file)) for file in _definitions(path))


IMPORTER: Final = N8nImporter()


def _definitions(path: Path) -> tuple[Path, ...]:
    try:
        kind = kind_of(path)
        if kind is None:
            raise ImportRefused(f"{path}: no such file or folder")
        if kind != "a folder":
            return (path,)
        found = [file for file in below(path) if file.name.endswith(".json")]
        if sum(size_of(file) for file in found) > N8N_FOLDER_BYTES.most:
            raise ImportRefused(f"{path}: its files have more than {N8N_FOLDER_BYTES}, the most that is read; split it")
    except FileRefused as error:
        raise ImportRefused(str(error)) from error
    found = sorted(file for file in found if _EXECUTIONS not in file.relative_to(path).parts[:-1])
    if not found:
        raise ImportRefused(f"{path}: no .json file in it or below it")
    return tuple(found)


def _recorded_beside(definition: Path) -> Path | None:
    folder = definition.parent
    places = [folder / _EXECUTIONS]
    if folder.name == _WORKFLOWS:
        places.insert(0, folder.parent / _EXECUTIONS)
    return next((place / definition.name for place in places if (place / definition.name).is_file()), None)


def import_file(path: Path | str, execution: Path | str | None = None) -> Imported:
    """What becomes of one workflow file, with what n8n recorded of it where `execution` names that file.

    Nothing is raised for the file's sake: a file that is refused says why, and where. One that the importer fails on is
    refused too, so that it does not cost the others.
    """
    file = Path(path)
    try:
        document = read_json(file)
        source = parse_source(document)
        return _import(file, document, source, Path(execution) if execution is not None else None)
    except ImportRefused as refused:
        return Imported(file=str(file), refused=f"{file.name}: {refused}")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        return Imported(file=str(file), refused=f"{file.name}: not understood ({type(error).__name__}: {error!s:.200})")


def _import(file: Path, document: Any, source: WorkflowFile, execution: Path | None) -> Imported:
    chosen, dropped = starts(source)
    if not chosen:
        raise ImportRefused("$.nodes: no node to start at (a trigger, or a node without incoming connections)")
    dropped = [*source.notes, *_never_kept(document), *dropped, *_unreached(source, chosen)]
    recording, found = _recording(execution, source)
    dropped += found
    if recording is not None and recording.start not in chosen:
        chosen = [recording.start, *chosen]
    scenarios: list[Scenario] = []
    unlike: list[str] = []
    for name, start in _names(file, chosen).items():
        built = build(source, start, name)
        dropped += built.notes
        if recording is not None and execution is not None and recording.start == start:
            title = f"{redacted(source.name) or file.stem}, as n8n recorded it"
            scenario, losses, differs = recorded_scenario(
                built, recording, source, scenario_id=name, title=title, label=f"n8n execution {execution.name}"
            )
            scenarios.append(scenario)
            dropped += losses
            unlike += differs
        else:
            scenarios += _planned(built, source, start, name, file.stem)
    for scenario in scenarios:
        try:
            validate_scenario(scenario)
        except ScenarioError as error:
            raise ImportRefused(f"scenario {scenario.id}: {error}") from error
    return Imported(
        file=str(file),
        scenarios=tuple(scenarios),
        dropped=tuple(dict.fromkeys(dropped)),
        unlike=tuple(dict.fromkeys(unlike)),
    )


def _recording(path: Path | None, source: WorkflowFile) -> tuple[Execution | None, list[str]]:
    if path is None:
        return None, []
    try:
        return parse_execution(read_json(path), source), []
    except ImportRefused as refused:
        return None, [f"the recorded execution {path.name}: {refused}; responses are planned instead"]


def _planned(built: Built, source: WorkflowFile, start: str, name: str, stem: str) -> Iterator[Scenario]:
    """The planned scenarios of one start; pinned data of the start are the input, where there are any."""
    pinned = items_of(source.pinned.get(start), Counter())
    for scenario_id, plan in plans(built.workflow, built.origins, name):
        yield Scenario(
            id=scenario_id,
            title=f"{redacted(source.name) or stem}, from {start}",
            origin="n8n",
            tags=("n8n", "planned"),
            workflow=built.workflow,
            input=pinned or [{"start": start, "token": plan.token}],
            world=plan.world,
            signals=tuple(plan.signals.values()),
        )


def _names(file: Path, chosen: list[str]) -> dict[str, str]:
    """An id for each start: the file's name, six digits of its digest, and the start where there are several."""
    digest = hashlib.sha256(file.stem.encode(errors="surrogateescape") + read_bytes(file, N8N_BYTES)).hexdigest()[:6]
    base = f"n8n-{_slug(file.stem)[:60]}-{digest}"
    if len(chosen) == 1:
        return {base: chosen[0]}
    names: dict[str, str] = {}
    for number, start in enumerate(chosen, 1):
        name = f"{base}.{_slug(start)[:30]}"
        names[name if name not in names else f"{name}-{number}"] = start
    return names


def _slug(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "-", text).strip("-").lower() or "x"


def _never_kept(document: Any) -> Iterator[str]:
    """The lines for what no scenario ever holds."""
    holding = sum(bool(node.get("credentials")) for node in document["nodes"])
    if holding:
        yield f"credentials of {holding} nodes: never kept"
    if any(node.get("parameters") for node in document["nodes"]):
        yield "parameters, code and expressions: never kept, never run; responses say what each node did"


def _unreached(source: WorkflowFile, chosen: list[str]) -> Iterator[str]:
    reached = {name for start in chosen for name in reachable(source, start)}
    lost = [name for name in source.nodes if name not in reached and name not in source.attached]
    if lost:
        shown = ", ".join(map(repr, lost[:5])) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        yield f"{len(lost)} nodes to which no start leads: {shown}"
