"""What n8n recorded of one execution: which nodes ran, when, from where, with what outcome. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from cutover.engines.api import StepStatus
from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.source import WorkflowFile, as_float

__all__ = ["Execution", "NodeRun", "message_of", "parse_execution"]

_STEP: dict[str, StepStatus] = {
    "success": "completed",
    "error": "failed",
    "crashed": "failed",
    "canceled": "cancelled",
    "waiting": "paused",
    "running": "running",
    "new": "running",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """One run of a node, `number` from 0. `came` says from which node, output and run its data came.

    `outputs` has the items of each output of the node, as recorded.
    """

    node: str
    number: int
    status: StepStatus
    came: tuple[tuple[str, int, int], ...]
    outputs: tuple[Any, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution; its runs are in the order in which they started."""

    status: Literal["completed", "failed", "cancelled", "running"]
    runs: tuple[NodeRun, ...]

    @property
    def start(self) -> str:
        """The node at which it began."""
        return self.runs[0].node


def parse_execution(document: Any, source: WorkflowFile) -> Execution:
    """The execution in a JSON value; raises ImportRefused where it is none, or one of another workflow."""
    result = _at(document, "data", "resultData")
    recorded = _at(result, "runData")
    if not isinstance(result, dict) or not isinstance(recorded, dict):
        raise ImportRefused("$.data.resultData.runData: an object from node names to runs is needed")
    unknown = [name for name in recorded if name not in source.nodes]
    if unknown:
        raise ImportRefused(f"$.data.resultData.runData: the workflow has no node {unknown[0]!r}")
    runs = sorted(_runs(recorded, source), key=lambda found: found[0])
    if not runs:
        raise ImportRefused("$.data.resultData.runData: no node ran")
    return Execution(status=_status(document, result), runs=tuple(run for _, run in runs))


def _runs(recorded: dict[str, Any], source: WorkflowFile) -> Iterator[tuple[tuple[float, float, int], NodeRun]]:
    """Each run of a node of the main flow, with what it is sorted by: start, n8n's own count, place in the file."""
    for position, (name, runs) in enumerate(recorded.items()):
        for number, raw in enumerate(runs if isinstance(runs, list) else ()):
            if not isinstance(raw, dict):
                raise ImportRefused(f"$.data.resultData.runData[{name!r}][{number}]: a run is an object")
            outputs = _at(raw, "data", "main")
            if name in source.attached or (outputs is None and raw.get("data")):
                continue
            run = NodeRun(
                node=name,
                number=number,
                status=_step_status(raw),
                came=tuple(_came(raw.get("source"))),
                outputs=tuple(outputs) if isinstance(outputs, list) else (),
                error=message_of(raw.get("error")),
            )
            yield (_number(raw.get("startTime")), _number(raw.get("executionIndex")), position), run


def _came(raw: Any) -> Iterator[tuple[str, int, int]]:
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, dict) and isinstance(one.get("previousNode"), str):
            yield (
                one["previousNode"],
                int(_number(one.get("previousNodeOutput"))),
                int(_number(one.get("previousNodeRun"))),
            )


def _step_status(raw: dict[str, Any]) -> StepStatus:
    if raw.get("error"):
        return "failed"
    return _STEP.get(str(raw.get("executionStatus", "success")), "completed")


def _status(document: Any, result: dict[str, Any]) -> Literal["completed", "failed", "cancelled", "running"]:
    status = document.get("status")
    if result.get("error") or status in {"error", "crashed", "failed"}:
        return "failed"
    if status == "canceled":
        return "cancelled"
    return "completed" if document.get("finished") is True or status == "success" else "running"


def message_of(error: Any) -> str | None:
    """An error's message, cut to 1,000 characters; None where there is no error."""
    if not error:
        return None
    text = str(error.get("message") or "failed without a message") if isinstance(error, dict) else str(error)
    return text[:1_000].replace("\0", "").encode(errors="replace").decode()


def _number(value: Any) -> float:
    return as_float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
