"""Engines whose install is not kind to what it finds, and engines that do not keep what has ended."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import psycopg

from cutover.engines.api import EngineContext, ExecutionRequest, Journal
from cutover.engines.sqlfiles import sql
from cutover.harness.mutants.engines.broken import BrokenV2

__all__ = [
    "AdoptsTheControls",
    "ChangesTheEnded",
    "DeletesTheOld",
    "EmptiesAtInstall",
    "EmptiesAtSecondInstall",
    "EndsAtInstall",
    "EndsLeasesAtInstall",
    "ForgetsAtThirdRead",
    "HidesItsSteps",
    "KeepsTheNewest",
    "RemovesTheControls",
]

HERE = "cutover.harness.mutants.engines"


class _OwnInstall(BrokenV2):
    """V2 that does something more to the tables when it is installed."""

    statement = ""

    def install(self) -> None:
        """As V2, after the damage."""
        if self.harms():
            self.store.connection.execute(sql(HERE, self.statement))
        super().install()

    def harms(self) -> bool:
        """Whether this install is one that does damage: where there are tables to damage."""
        try:
            self.store.connection.execute(sql(HERE, "count_executions"))
        except psycopg.Error:
            return False
        return True


class EmptiesAtInstall(_OwnInstall):
    """Begins with empty tables."""

    statement = "empty_executions"


class EmptiesAtSecondInstall(_OwnInstall):
    """Empties the tables where it finds its own."""

    statement = "empty_executions"

    def harms(self) -> bool:
        """Where it was installed before."""
        found = self.store.connection.execute(sql(HERE, "has_checkpoints")).fetchone()
        return found is not None and found[0]


class EndsAtInstall(_OwnInstall):
    """Ends what is under way as failed, for nobody can be at work while it is installed."""

    statement = "fail_running"


class EndsLeasesAtInstall(BrokenV2):
    """Lets every lease run out, for nobody can be at work while it is installed."""

    def install(self) -> None:
        """As V2, and then by its clock."""
        super().install()
        self.store.connection.execute(sql(HERE, "end_leases"), {"now": self.clock.now()})


class RemovesTheControls(_OwnInstall):
    """Removes what the older engine has left."""

    statement = "delete_older"


class AdoptsTheControls(_OwnInstall):
    """Marks what the older engine has under way as its own."""

    statement = "adopt_older"


class DeletesTheOld(BrokenV2):
    """Removes executions a minute after they ended."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, after tidying up."""
        self.store.connection.execute(sql(HERE, "delete_old"))
        super().execute(request)


class KeepsTheNewest(BrokenV2):
    """Keeps the executions that ended last, and no others."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, after tidying up."""
        self.store.connection.execute(sql(HERE, "delete_all_but_one"))
        super().execute(request)


class ChangesTheEnded(BrokenV2):
    """Empties the outputs of ended executions, to save space."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, after tidying up."""
        self.store.connection.execute(sql(HERE, "drop_outputs"))
        super().execute(request)


class ForgetsAtThirdRead(BrokenV2):
    """Tells of the last event twice, and then no more."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self.reads: dict[UUID, int] = {}

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, but for the third time on."""
        found = super().journal(execution_id)
        if found.execution.status == "running":
            return found
        self.reads[execution_id] = self.reads.get(execution_id, 0) + 1
        if self.reads[execution_id] < _THIRD:
            return found
        return Journal(execution=found.execution, steps=found.steps, events=found.events[:-1])


_THIRD = 3


class HidesItsSteps(BrokenV2):
    """Keeps the steps of ended executions elsewhere, and nothing of them where dashboards look."""

    elsewhere: ClassVar[dict[UUID, Journal]] = {}

    def journal(self, execution_id: UUID) -> Journal:
        """As V2, from elsewhere where it has ended."""
        known = self.elsewhere.get(execution_id)
        if known is not None:
            return known
        found = super().journal(execution_id)
        if found.execution.status != "running":
            self.elsewhere[execution_id] = found
            self.store.connection.execute(sql(HERE, "delete_steps"), {"id": execution_id})
        return found
