"""Engines with a limit that nobody asked for, or that look at less than the whole."""

from __future__ import annotations

from typing import ClassVar, Final
from uuid import UUID

import psycopg
from psycopg import sql as sql_parts
from psycopg.conninfo import make_conninfo

from cutover.engines.api import EngineContext, JsonText, LoopNode, WaitNode
from cutover.engines.errors import EngineError
from cutover.engines.v2 import store
from cutover.engines.v2.lease import Renewer
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch, patched

__all__ = [
    "CountsTheLastAttempt",
    "CutsLongKeys",
    "IgnoresOptions",
    "KeepsAHundredSignals",
    "LimitsHistories",
    "LimitsLoopResults",
    "NamesTheOnlySource",
    "NeverVacuums",
    "SharesItsRenewer",
    "TimesKeptSignalsOut",
    "WaitsForNoLock",
]

_MOST_EVENTS: Final = 10_240
_MOST_BYTES: Final = 4 << 20
_MOST_SIGNALS: Final = 100
_KEY_LENGTH: Final = 255


class LimitsHistories(BrokenV2):
    """Goes no further with an execution of more than 10,240 events."""

    def work(self, run: ExecutionRun, step: Step) -> None:
        """As V2, up to there."""
        if run.sequence > _MOST_EVENTS:
            raise EngineError("the history is too long")
        super().work(run, step)


class LimitsLoopResults(BrokenV2):
    """Fails a loop whose results are larger than a message may be."""

    def patches(self) -> tuple[Patch, ...]:
        """How a step is completed."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            if isinstance(step.node, LoopNode) and len(output) > _MOST_BYTES:
                run.fail(step, "the results are too large")
            else:
                original(run, step, output, ports)

        return ((ExecutionRun, "complete", complete),)


class KeepsAHundredSignals(BrokenV2):
    """Keeps the hundred newest of the signals that came early."""

    def patches(self) -> tuple[Patch, ...]:
        """Which signal a wait gets."""
        original = ExecutionRun._pause

        def pause(run: ExecutionRun, step: Step, now: object) -> None:
            run.signals = run.signals[-_MOST_SIGNALS:]
            original(run, step, now)  # type: ignore[arg-type]

        return ((ExecutionRun, "_pause", pause),)


class TimesKeptSignalsOut(BrokenV2):
    """Does not look for a kept signal where a wait waits no time."""

    def patches(self) -> tuple[Patch, ...]:
        """How a wait begins."""
        original = ExecutionRun._pause

        def pause(run: ExecutionRun, step: Step, now: object) -> None:
            kept = run.signals
            if isinstance(step.node, WaitNode) and step.node.timeout_ms == 0:
                run.signals = []
            original(run, step, now)  # type: ignore[arg-type]
            run.signals = kept

        return ((ExecutionRun, "_pause", pause),)


class CountsTheLastAttempt(BrokenV2):
    """Measures the last attempt of a step alone."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, from nothing."""
        step.busy_ms = step.elapsed_ms = 0.0
        super().attempt(run, step)


class SharesItsRenewer(BrokenV2):
    """Has one renewing thread for all engines of a process, which ends with the first of them."""

    renewers: ClassVar[dict[str, Renewer]] = {}

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.renewer = self.renewers.setdefault(context.dsn, self.renewer)


class CutsLongKeys(BrokenV2):
    """Keeps the first 255 characters of an idempotency key."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """Cut."""
        key = super().idempotency_key(execution_id, step_id)
        return None if key is None else key[:_KEY_LENGTH]


class NamesTheOnlySource(BrokenV2):
    """Gives a step an object keyed by its only source, where that leads to it by two ports."""

    def patches(self) -> tuple[Patch, ...]:
        """What a step is given."""
        original = Frame.input_of

        def input_of(frame: Frame, index: int) -> JsonText:
            given, sources = original(frame, index), frame.taken[index]
            if len(sources) < 2 or len(set(sources)) > 1:
                return given
            return f'{{"{frame.graph.nodes[sources[0]].id}":{given}}}'

        return ((Frame, "input_of", input_of),)


class _OwnConnections(BrokenV2):
    """V2 that opens its connections in another way."""

    def opened(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of its kind."""
        raise NotImplementedError

    def patches(self) -> tuple[Patch, ...]:
        """How connections are opened."""
        return ((store, "connect", lambda _dsn: self.opened()),)

    def install(self) -> None:
        """As V2, by such a connection."""
        with patched(self.patches()):
            super().install()


class IgnoresOptions(_OwnConnections):
    """Puts its own options in place of those that it is given."""

    def opened(self) -> psycopg.Connection[tuple[object, ...]]:
        """Without the options of the dsn."""
        return psycopg.connect(make_conninfo(self.store._dsn, options=store._SETTINGS), autocommit=True)


class WaitsForNoLock(_OwnConnections):
    """Gives up where it does not get a lock within a fifth of a second."""

    def opened(self) -> psycopg.Connection[tuple[object, ...]]:
        """With little patience."""
        connection = psycopg.connect(self.store._dsn, autocommit=True)
        connection.execute("SET lock_timeout = 200")
        return connection


class NeverVacuums(BrokenV2):
    """Turns autovacuum off for the table that changes with each step."""

    def install(self) -> None:
        """As V2, and turns it off."""
        super().install()
        table = sql_parts.Identifier("workflow_step_executions")
        self.store.connection.execute(sql_parts.SQL("ALTER TABLE {} SET (autovacuum_enabled = false)").format(table))
