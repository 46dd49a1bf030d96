"""Writes a delta: one statement, one round trip, one commit, guarded by the lease's epoch and the version. Does I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from cutover.engines.api import Clock, JsonText
from cutover.engines.errors import LeaseLost
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import checkpoints
from cutover.engines.v2.delta import Delta
from cutover.engines.v2.lease import TTL
from cutover.engines.v2.lines import LogLines
from cutover.engines.v2.run import ExecutionRun
from cutover.engines.v2.statement import Statements, bind
from cutover.engines.v2.store import Store

__all__ = ["Writer"]


class Writer:
    """Makes what an execution has come to durable."""

    def __init__(self, store: Store, clock: Clock, lines: LogLines, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._owner = owner
        self._first = Statements("first", sql("cutover.engines.v2", "hold_new"))
        self._next = Statements("next", sql("cutover.engines.v2", "hold"))

    def start(self, run: ExecutionRun, workflow_id: str, definition: JsonText, metadata: JsonText) -> bool:
        """Writes a new execution and its first delta; False, and nothing written, where the execution exists.

        Where the answer is lost the statement is sent again: it finds the execution and leaves it to a claim.
        """
        new = (str(run.execution_id), workflow_id, definition, run.top.input, metadata)
        return self._write(self._first, run, new, lambda _: False)

    def commit(self, run: ExecutionRun) -> None:
        """Writes the delta; raises LeaseLost, and nothing is written, where another worker took the execution over."""
        guard = (str(run.execution_id), str(run.epoch), str(run.version))
        if not self._write(self._next, run, guard, lambda version: self._landed(run, version)):
            raise LeaseLost(
                f"execution {run.execution_id} was taken over by another worker after version {run.version}; drop it"
            )

    def _write(
        self, statements: Statements, run: ExecutionRun, held: Sequence[str], landed: Callable[[int], bool]
    ) -> bool:
        """Sends the delta; `held` is what the row is found by, or made of."""
        delta, run.delta = run.delta, Delta()
        now = self._clock.now()
        state = delta.state()
        version = checkpoints.next_version(run.version)
        checksum = checkpoints.checksum(run.checksum, version, run.sequence, state)
        free = run.status != "running" or run.paused
        shape, rows = bind(delta.rows())
        sequence = str(run.sequence)
        ended = "f" if run.status == "running" else "t"
        owner, expires = (None, None) if free else (self._owner, (now + TTL).isoformat())
        parameters = [run.status, run.node_id, run.output, run.error, ended, sequence, owner, expires, *held, *rows]
        parameters += [run.node_id, str(checkpoints.SCHEMA_VERSION), sequence, state, checksum, None]
        parameters.append(checkpoints.metadata(run.checkpoint_ms, None))
        said: list[str] = []

        def refusal(problem: str) -> None:
            parameters[-2:] = problem, checkpoints.metadata(run.checkpoint_ms, problem)
            self._lines.operation("COMMIT_REFUSED", run.execution_id, run.node_id, level="warning", problem=problem)

        def meanwhile() -> None:
            said[:] = self._lines.of(run.execution_id, delta.events, now)

        began = time.perf_counter()
        if not self._store.commit(statements.of(shape), parameters, lambda: landed(version), refusal, meanwhile):
            return False
        run.checkpoint_ms = (time.perf_counter() - began) * 1_000
        run.version, run.checksum, run.released = version, checksum, free
        for step in delta.steps.values():
            step.stored = True
        self._lines.say(said)
        return True

    def _landed(self, run: ExecutionRun, version: int) -> bool:
        """Whether the commit that made this version is in the database, though its answer was lost."""
        return self._store.run("probe", {"id": run.execution_id}) == [(run.epoch, version)]
