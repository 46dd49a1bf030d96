"""Engines that mix things up: equal values, definitions that look alike, waits of one node, moments of one journal."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import replace
from typing import ClassVar
from uuid import UUID

from cutover.engines.api import ConditionNode, ExecutionRequest, Journal, JsonValue, Signal
from cutover.engines.journal import read_journal
from cutover.engines.payloads import decode, encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import delta, graph, recovery
from cutover.engines.v2 import run as running
from cutover.engines.v2.graph import Graph
from cutover.engines.v2.nodes import choose
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "HandsSignalsOn",
    "KeepsSignalsAsNumbersGo",
    "KnowsAnswersAgain",
    "KnowsDefinitionsByShape",
    "LooksTimersUpByNode",
    "ReadsInTwoParts",
    "WritesBarePorts",
]

_HERE = "cutover.harness.mutants.engines"
_BARE = re.compile(r"\w+\Z", re.ASCII)


class KnowsAnswersAgain(BrokenV2):
    """Knows the port of a value again that it has seen, by a dictionary, to which true and 1 are one key."""

    def patches(self) -> tuple[Patch, ...]:
        """How a condition's port is found."""
        known: dict[tuple[ConditionNode, Hashable], str] = {}

        def look_up(node: ConditionNode, value: JsonValue) -> str:
            if not isinstance(value, Hashable):
                return choose(node, value)
            return known.setdefault((node, value), choose(node, value))

        return ((running, "choose", look_up),)


class WritesBarePorts(BrokenV2):
    """Writes an array's element in quotes only where it has other characters than letters, digits and lines."""

    def patches(self) -> tuple[Patch, ...]:
        """How ports are written."""
        original = delta._array

        def array(ports: tuple[str, ...]) -> str:
            inside = (port if _BARE.match(port) else original((port,))[1:-1] for port in ports)
            return "{" + ",".join(inside) + "}"

        return ((delta, "_array", array),)


class KnowsDefinitionsByShape(BrokenV2):
    """Makes a workflow ready once for all that have its id and its nodes' ids."""

    ready: ClassVar[dict[tuple[str, ...], Graph]] = {}

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, and keeps the workflow."""
        key = (request.workflow.id, *(node.id for node in request.workflow.nodes))
        self.ready.setdefault(key, Graph(request.workflow))
        super().execute(request)

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, by the workflow that is kept."""
        workflow = graph.load(claimed.definition)
        key = (workflow.id, *(node.id for node in workflow.nodes))
        rows = recovery.read_rows(self.store.run("load", {"id": execution_id}))
        kept = self.ready.setdefault(key, Graph(workflow))
        return recovery.restore(execution_id, claimed, kept, rows), rows


class LooksTimersUpByNode(BrokenV2):
    """Finds a paused wait's timer by its node, so that one of an earlier turn that never fired is found first."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with the first timer of each node."""
        self.store.connection.execute(sql(_HERE, "adopt_timer"), {"id": execution_id})
        super().resume(execution_id, signal)


class HandsSignalsOn(BrokenV2):
    """Has one box for signals that nobody has used, and does not empty it when an execution ends."""

    box: ClassVar[list[tuple[str, str, str]]] = []

    def patches(self) -> tuple[Patch, ...]:
        """How an execution begins."""
        original, box = ExecutionRun.begin, self.box

        def begin(run: ExecutionRun) -> None:
            run.signals, box[:] = list(box), []
            original(run)

        return ((ExecutionRun, "begin", begin),)

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and leaves what is left."""
        super().go_on(run, step)
        if run.status != "running":
            self.box[:] = run.signals


class KeepsSignalsAsNumbersGo(BrokenV2):
    """Reads the payload of a kept signal back by a codec to which 1e22 is a whole number."""

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, with other numbers."""
        run, rows = super().restore(execution_id, claimed)
        run.signals = [(signal_id, name, encode(_whole(decode(text)))) for signal_id, name, text in run.signals]
        return run, rows


def _whole(value: JsonValue) -> JsonValue:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(each) for each in value]
        case dict():
            return {key: _whole(each) for key, each in value.items()}
    return value


class ReadsInTwoParts(BrokenV2):
    """Reads an execution's rows first, and then its history."""

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, by two statements."""
        rows = read_journal(self.store.connection, execution_id, tables="v1")
        history = super().journal(execution_id)
        return replace(history, execution=replace(rows.execution, version=history.execution.version), steps=rows.steps)
