"""Sound engines that look odd: what they do differently is theirs to decide, and no check may mind. Does I/O as V2."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from cutover.engines.api import (
    ActivityResult,
    Clock,
    EngineContext,
    ExecutionRequest,
    JoinNode,
    JsonText,
    StartNode,
    WaitNode,
)
from cutover.engines.payloads import encode
from cutover.engines.v2 import checkpoints, events, store
from cutover.engines.v2.checkpoints import Stored
from cutover.engines.v2.events import Event
from cutover.engines.v2.planner import Frame, Step
from cutover.engines.v2.record import Record
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.store import PostgresUnreachable, Statement
from cutover.engines.v2.writer import Statements, Writer
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CommitsInTransactions",
    "ConnectsEachCommand",
    "KeysInOrder",
    "LivesLater",
    "LooksTwice",
    "ReadsNoCheckpoints",
    "SaysMore",
    "TakesItsTime",
    "TakesTheLastFirst",
    "TellsOfItself",
    "WaitsForTheServer",
]

_LATER: Final = timedelta(days=400, microseconds=1)
_PAUSE_S: Final = 0.004
_LOOKS: Final = 5
_RECENT: Final = 40
_WORKERS: Final = 4
_LOOKS_EACH_S: Final = 0.02
_MOST_LOOKS: Final = 500


class _Later:
    """A clock that is ahead of another."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + _LATER

    def sleep_until(self, deadline: datetime) -> None:
        self._clock.sleep_until(deadline - _LATER)


class LivesLater(BrokenV2):
    """Lives more than a year later, and has a name of its own in every row."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(replace(context, clock=_Later(context.clock)))


class TakesTheLastFirst(BrokenV2):
    """Takes the ready node that is defined last."""

    def patches(self) -> tuple[Patch, ...]:
        """How ready nodes are lined up."""
        original = ExecutionRun.line_up

        def line_up(run: ExecutionRun, frame: Frame, ready: list[int]) -> None:
            nodes = frame.graph.nodes
            ordinary = [index for index in ready if not isinstance(nodes[index], StartNode | JoinNode | WaitNode)]
            original(run, frame, [index for index in ready if index not in ordinary])
            run.ready += [((1, *(-place for place in (*frame.place, index))), index, frame) for index in ordinary]
            run.ready.sort()

        return ((ExecutionRun, "line_up", line_up),)


class SaysMore(BrokenV2):
    """Adds an informational event to every completion."""

    def patches(self) -> tuple[Patch, ...]:
        """What a completion leaves behind."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            _tell(run)
            original(run, step, output, ports)

        return ((ExecutionRun, "complete", complete),)


class _Slow(Writer):
    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        time.sleep(_PAUSE_S)
        return super()._write(statements, run, held, landed)


class TakesItsTime(BrokenV2):
    """Takes longer over each commit, within what is allowed."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.writer = _Slow(self.store, context.clock, self.lines, self.owner)


class KeysInOrder(BrokenV2):
    """Keeps objects with their keys in another order than they came."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, keys backwards."""

        def backwards(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            return dict(reversed(pairs))

        turned = json.loads(encode(result.output), object_pairs_hook=backwards)
        super().succeeded(run, step, replace(result, output=turned))


class ReadsNoCheckpoints(BrokenV2):
    """Keeps its checkpoints for people to read, and goes on by its rows alone."""

    def patches(self) -> tuple[Patch, ...]:
        """How checkpoints are verified."""

        def newest(_id: UUID, _version: int, _sequence: int, rows: Sequence[Stored], _steps: object) -> str:
            return rows[-1].checksum if rows else checkpoints.FIRST_CHECKSUM

        return ((checkpoints, "verify", newest),)


def _tell(run: Record) -> None:
    run.sequence = events.next_sequence(run.sequence)
    run.delta.events.append(Event(run.sequence, "PROGRESS", None, None, "", "", 0, None, None, None))


class LooksTwice(BrokenV2):
    """Makes sure before each attempt, and at each pause a few times, where its execution is: two round trips a step."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, once it is sure."""
        self.store.run("probe", {"id": run.execution_id})
        super().attempt(run, step)

    def go_on(self, run: ExecutionRun, step: Step | None) -> None:
        """As V2, and makes sure."""
        super().go_on(run, step)
        for _ in range(_LOOKS):
            self.store.run("probe", {"id": run.execution_id})


class ConnectsEachCommand(BrokenV2):
    """Opens a connection for each command and closes it again; beside it keeps a few workers and recent outputs."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.recent: deque[object] = deque(maxlen=_RECENT)
        self.stop = threading.Event()
        self.pool: list[threading.Thread] = []

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, on a connection of its own."""
        if len(self.pool) < _WORKERS:
            self.pool.append(threading.Thread(target=self.stop.wait, daemon=True))
            self.pool[-1].start()
        super().execute(request)
        self.store.close()

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, and remembers the newest outputs."""
        super().succeeded(run, step, result)
        self.recent.append(result.output)

    def close(self) -> None:
        """Ends the workers too."""
        self.stop.set()
        super().close()


class TellsOfItself(BrokenV2):
    """Looks at its clock and says something when it is made, installed and closed."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._log = context.log
        self._say("made")

    def install(self) -> None:
        """As V2, and tells when."""
        super().install()
        self._say("installed")

    def close(self) -> None:
        """As V2, and tells when."""
        super().close()
        self._say("closed")

    def _say(self, what: str) -> None:
        self._log(f"{what} at {self.clock.now().isoformat()}")


class WaitsForTheServer(BrokenV2):
    """Raises nothing while Postgres is away: looks for it again and again, for ten seconds."""

    def patches(self) -> tuple[Patch, ...]:
        """How a connection is opened."""
        original = store.connect

        def connect(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
            for _ in range(_MOST_LOOKS):
                with suppress(PostgresUnreachable):
                    return original(dsn)
                time.sleep(_LOOKS_EACH_S)
            return original(dsn)

        return ((store, "connect", connect),)


class CommitsInTransactions(BrokenV2):
    """Begins and commits its transactions in statements of their own, and so holds locks between round trips."""

    def patches(self) -> tuple[Patch, ...]:
        """How a delta is written."""
        original = store.Store._commit

        def commit(
            own: store.Store, statement: Statement, parameters: Sequence[str | None], meanwhile: Callable[[], None]
        ) -> bool:
            with own.connection.transaction():
                return original(own, statement, parameters, meanwhile)

        return ((store.Store, "_commit", commit),)
