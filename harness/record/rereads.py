"""What the executions of a run were when all its trials had ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cutover.engines.api import Journal
from cutover.harness.record.trials import ArmName, Failure

__all__ = ["Reread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """One execution, read again at the end.

    `changed` says that its journal is not the one of its trial; `journal` is there only then. `failure` says why it
    could not be read. `tables` names the public tables that do not agree with the journal; None where the database has
    no such tables, so that nothing can be said.
    """

    trial: int
    scenario: str
    arm: ArmName
    execution_id: UUID
    changed: bool = False
    journal: Journal | None = None
    failure: Failure | None = None
    tables: tuple[str, ...] | None = None
