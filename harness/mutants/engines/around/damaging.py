"""Engines that do not leave alone what they cannot read: they go by a damaged checkpoint, or end its execution."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from cutover.engines.api import Signal
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import checkpoints, recovery
from cutover.engines.v2.checkpoints import FIRST_CHECKSUM, CheckpointCorrupt, Stored
from cutover.engines.v2.recovery import Rows
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["EndsTheDamaged", "TrustsItsCheckpoints"]

HERE = "cutover.harness.mutants.engines"


class TrustsItsCheckpoints(BrokenV2):
    """Takes from its checkpoints where each step is, and verifies none of them."""

    def patches(self) -> Iterable[Patch]:
        """How rows are read, and how checkpoints are verified."""
        original = recovery.read_rows

        def by_checkpoints(found: Iterable[tuple[str, int, str]]) -> Rows:
            rows = original(found)
            folded: dict[str, Any] = {}
            for checkpoint in rows.checkpoints:
                folded |= json.loads(checkpoint.state)
            known = {
                step_id: row._replace(status=folded[step_id]["status"], attempt=folded[step_id]["attempt"])
                for step_id, row in rows.steps.items()
                if step_id in folded
            }
            return rows._replace(steps=known)

        def newest(_id: UUID, _version: int, _sequence: int, rows: list[Stored], _steps: object) -> str:
            return rows[-1].checksum if rows else FIRST_CHECKSUM

        return ((recovery, "read_rows", by_checkpoints), (checkpoints, "verify", newest))


class EndsTheDamaged(BrokenV2):
    """Ends an execution as failed whose checkpoints it cannot verify."""

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """As V2, which leaves it to somebody to look at."""
        try:
            super().resume(execution_id, signal)
        except CheckpointCorrupt:
            self.store.connection.execute(sql(HERE, "fail_one"), {"id": execution_id})
            raise
