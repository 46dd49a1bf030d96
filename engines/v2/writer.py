"""Writes a delta: one statement, one round trip, one commit, guarded by the lease's epoch and the version. Does I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from engines.api import Clock
from engines.errors import LeaseLost
from engines.sqlfiles import sql
from engines.v2 import checkpoints
from engines.v2.delta import Delta
from engines.v2.lease import TTL
from engines.v2.lines import VERSION, Lines
from engines.v2.run import Run
from engines.v2.store import Store

__all__ = ["Writer"]


class Writer:
    """Makes what an execution has come to durable."""

    def __init__(self, store: Store, clock: Clock, lines: Lines, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._owner = owner
        self._first = _tight(sql("engines.v2", "hold_new") + sql("engines.v2", "write"))
        self._next = _tight(sql("engines.v2", "hold") + sql("engines.v2", "write"))

    def start(self, run: Run, first: Mapping[str, Any]) -> bool:
        """Writes a new execution and its first delta; False, and nothing written, where the execution exists.

        Where the answer is lost the statement is sent again: it finds the execution and leaves it to a claim.
        """
        return self._write(self._first, run, first, lambda _: False)

    def commit(self, run: Run) -> None:
        """Writes the delta; raises LeaseLost, and nothing is written, where another worker took the execution over."""
        if not self._write(self._next, run, {}, lambda version: self._landed(run, version)):
            raise LeaseLost(
                f"execution {run.execution_id} was taken over by another worker after version {run.version}; drop it"
            )

    def guard(self, run: Run) -> dict[str, Any]:
        """What must still be so for a commit to change anything."""
        return {"id": run.execution_id, "epoch": run.epoch, "version": run.version}

    def _write(self, statement: str, run: Run, first: Mapping[str, Any], landed: Callable[[int], bool]) -> bool:
        delta, run.delta = run.delta, Delta()
        now = self._clock.now()
        state = delta.state()
        version = checkpoints.next_version(run.version)
        checksum = checkpoints.checksum(run.checksum, version, run.sequence, state)
        free = run.status != "running" or run.paused
        parameters: dict[str, Any] = {
            **delta.parameters(),
            **self.guard(run),
            "status": run.status,
            "node_id": run.node_id,
            "output": run.output,
            "error": run.error,
            "sequence": run.sequence,
            "owner": None if free else self._owner,
            "expires": None if free else (now + TTL).isoformat(),
            "served_by": VERSION,
            "state": state,
            "checksum": checksum,
            "schema_version": checkpoints.SCHEMA_VERSION,
            "checkpoint_metadata": checkpoints.metadata(run.checkpoint_ms, None),
            "error_message": None,
            **first,
        }

        def refused(problem: str) -> None:
            parameters["error_message"] = problem
            parameters["checkpoint_metadata"] = checkpoints.metadata(run.checkpoint_ms, problem)
            self._lines.operation("COMMIT_REFUSED", run.execution_id, run.node_id, level="warning", problem=problem)

        began = time.perf_counter()
        if not self._store.commit(statement, parameters, lambda: landed(version), refused):
            return False
        run.checkpoint_ms = (time.perf_counter() - began) * 1_000
        run.version, run.checksum, run.released = version, checksum, free
        for step in delta.steps.values():
            step.stored = True
        self._lines.committed(run.execution_id, delta.events, now)
        return True

    def _landed(self, run: Run, version: int) -> bool:
        """Whether the commit that made this version is in the database, though its answer was lost."""
        return self._store.run("probe", {"id": run.execution_id}) == [(run.epoch, version)]


def _tight(statement: str) -> str:
    """Without comments and line breaks: psycopg parses a statement of more than 4,096 characters at every use."""
    return " ".join(" ".join(line.partition("--")[0].split()) for line in statement.splitlines())
