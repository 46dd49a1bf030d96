"""What an engine gets that is made to be installed, looked at or routed to, and runs nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.engines.api import ActivityCall, ActivityResult, EngineContext
from cutover.engines.errors import ActivityError
from cutover.harness.run.world.clock import VirtualClock

__all__ = ["Nobody", "idle"]


@dataclass(frozen=True, slots=True)
class Nobody:
    """Runs nothing; `who` says in the error what the engine had been made for."""

    who: str

    def call(self, call: ActivityCall) -> ActivityResult:
        """Refuses."""
        raise ActivityError(f"{self.who} was asked to run step {call.step_id}", retryable=False)


def idle(dsn: str, who: str) -> EngineContext:
    """The surroundings of such an engine; its logs go nowhere. `who` is what it is made for."""
    return EngineContext(dsn=dsn, activities=Nobody(who), clock=VirtualClock(), log=_drop)


def _drop(_line: str) -> None:
    """Logs of an engine that runs nothing say nothing."""
