"""Engines that do more, or less, than they should: at cancels, in pauses, at installs, with signals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import psycopg

from cutover.engines.api import ActivityNode, EngineContext, ExecutionRequest, JsonText, LoopNode, Signal
from cutover.engines.errors import ExecutionHeld
from cutover.engines.payloads import encode
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import orchestrator
from cutover.engines.v2.planner import Step
from cutover.engines.v2.recovery import Claimed, Rows
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.writer import Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "BeginsWithoutAWord",
    "ClearsAfterLoops",
    "ClearsAfterRetries",
    "DropsSignalsInAPause",
    "GoesOnToCancel",
    "IsRuledByMetadata",
    "KeepsItsNamesToItself",
    "KnowsSignalsByContent",
    "RetiresAtInstall",
    "RewritesKeptSignals",
    "TakesTheNewerPayload",
    "TellsIdsByName",
    "TouchesKeptSignals",
]

_HERE = "cutover.harness.mutants.engines"


class GoesOnToCancel(BrokenV2):
    """Does all that an execution can do by now, and then cancels it."""

    def cancel(self, execution_id: UUID) -> None:
        """As V2, of an execution that is up to date."""
        with suppress(ExecutionHeld):
            self.resume(execution_id)
        super().cancel(execution_id)


class BeginsWithoutAWord(BrokenV2):
    """Makes another attempt as soon as its pause is over, and commits its beginning with its end."""

    def work(self, run: ExecutionRun, step: Step) -> None:
        """As V2, in one go."""
        paused = step.status == "retrying"
        super().work(run, step)
        if paused:
            super().work(run, step)


class TellsIdsByName(BrokenV2):
    """Takes a signal for another one where its id comes with another name."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, with an id of the two."""
        super().resume(execution_id, signal and replace(signal, id=f"{signal.name}/{signal.id}"))


class TakesTheNewerPayload(BrokenV2):
    """Keeps of a signal what came last by its id."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, once the kept one is as the new one."""
        if signal is not None:
            new = {"id": execution_id, "signal": signal.id, "payload": encode(signal.payload)}
            self.store.connection.execute(sql(_HERE, "overwrite_signal"), new)
        super().resume(execution_id, signal)


class KnowsSignalsByContent(BrokenV2):
    """Knows a signal that came before by its name and payload, whatever its id."""

    def is_new(self, signal: Signal, rows: Rows) -> bool:
        """Not where one of that content has come."""
        known = {(name, payload) for name, payload, _ in rows.signals.values()}
        return super().is_new(signal, rows) and (signal.name, encode(signal.payload)) not in known


class DropsSignalsInAPause(BrokenV2):
    """Has no place for a signal where it takes over in the pause before another attempt."""

    asleep = False

    def restore(self, execution_id: UUID, claimed: Claimed) -> tuple[ExecutionRun, Rows]:
        """As V2, and sees where it is."""
        run, rows = super().restore(execution_id, claimed)
        self.asleep = run.active is not None and run.active.status == "retrying"
        return run, rows

    def is_new(self, signal: Signal, rows: Rows) -> bool:
        """Not there."""
        return super().is_new(signal, rows) and not self.asleep


class IsRuledByMetadata(BrokenV2):
    """Lets a request say by whom it is served."""

    def patches(self) -> tuple[Patch, ...]:
        """What is kept as metadata."""
        original = orchestrator._metadata

        def metadata(request: ExecutionRequest) -> dict[str, str]:
            return {**original(request), **request.metadata}

        return ((orchestrator, "_metadata", metadata),)


class KeepsItsNamesToItself(BrokenV2):
    """Drops what a request says under names that have a meaning for routers."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, without them."""
        told = {key: value for key, value in request.metadata.items() if not key.startswith("rollout_")}
        super().execute(replace(request, metadata=told))


class RetiresAtInstall(BrokenV2):
    """Makes room, where it is installed for the first time, by what ended long ago."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.first = "has_checkpoints", "delete_ended"

    def install(self) -> None:
        """As V2, in less room."""
        found = self.store.connection.execute(sql(_HERE, self.first[0])).fetchone()
        if found is not None and not found[0]:
            with suppress(psycopg.Error):
                self.store.connection.execute(sql(_HERE, self.first[1]))
        super().install()


class ClearsAfterLoops(BrokenV2):
    """Keeps no signal over the end of a loop."""

    def patches(self) -> tuple[Patch, ...]:
        """How a step ends well."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            if isinstance(step.node, LoopNode):
                del run.signals[:]
            original(run, step, output, ports)

        return ((ExecutionRun, "complete", complete),)


class ClearsAfterRetries(BrokenV2):
    """Keeps no signal over the pause before another attempt."""

    def work(self, run: ExecutionRun, step: Step) -> None:
        """As V2, and has forgotten them when it wakes."""
        if isinstance(step.node, ActivityNode) and step.status == "retrying":
            del run.signals[:]
        super().work(run, step)


class RewritesKeptSignals(BrokenV2):
    """Writes all signals that are kept with each commit."""

    def patches(self) -> tuple[Patch, ...]:
        """How a delta is written."""
        original = Writer.commit

        def commit(writer: Writer, run: ExecutionRun) -> None:
            for kept in run.signals:
                run.delta.signals.setdefault(kept[0], (*kept, None))
            original(writer, run)

        return ((Writer, "commit", commit),)


class TouchesKeptSignals(BrokenV2):
    """Has the server write all signals that are kept anew with each step, and sends none of them."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once they are."""
        self.store.connection.execute(sql(_HERE, "touch_signals"), {"id": run.execution_id})
        super().attempt(run, step)
