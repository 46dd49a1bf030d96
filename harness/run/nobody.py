"""The activities of an engine that is made only to look something up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from engines.api import ActivityCall, ActivityResult
from engines.errors import ActivityError

__all__ = ["Nobody"]


@dataclass(frozen=True, slots=True)
class Nobody:
    """Runs nothing; `who` says in the error what the engine had been made for."""

    who: str

    def call(self, call: ActivityCall) -> ActivityResult:
        """Refuses."""
        raise ActivityError(f"{self.who} was asked to run step {call.step_id}", retryable=False)
