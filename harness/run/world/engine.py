"""An engine that runs nothing here: what it is given, and how it is asked what it has committed. Calls the engine."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cutover.engines.api import ActivityCall, ActivityResult, Engine, EngineContext, Journal
from cutover.engines.errors import ActivityError
from cutover.harness.errors import CutoverProblem
from cutover.harness.run.world.clock import VirtualClock

__all__ = ["EngineProblem", "NoActivities", "committed", "idle"]


class EngineProblem(CutoverProblem):
    """The engine cannot be tested as it is, because its journal cannot be read; the message says how it failed."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class NoActivities:
    """Refuses every activity call; `purpose` says in the error what the engine was made for."""

    purpose: str

    def call(self, call: ActivityCall) -> ActivityResult:
        """Refuses."""
        raise ActivityError(f"{self.purpose} was asked to run step {call.step_id}", retryable=False)


def idle(dsn: str, purpose: str) -> EngineContext:
    """Returns the context of an engine that is made to be installed, looked at or routed to; its logs are discarded."""
    return EngineContext(dsn=dsn, activities=NoActivities(purpose), clock=VirtualClock(), log=_discard)


def committed(engine: Engine, execution_id: UUID) -> Journal:
    """Returns an execution's journal.

    Raises what the engine raises, and TypeError where it returns anything else.
    """
    found: object = engine.journal(execution_id)
    if not isinstance(found, Journal):
        raise TypeError(f"journal() gave {type(found).__name__} instead of cutover.engines.api.Journal")
    return found


def _discard(_line: str) -> None:
    """An engine that runs nothing has nothing to say."""
