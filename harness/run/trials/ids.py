"""The ids of a run's executions. Pure."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from cutover.harness.record.trials import ArmName
from cutover.scenarios.model import Scenario

__all__ = ["execution_id"]

_NAMESPACE: Final = UUID("6f0f7f0e-3b0a-5c1f-9d52-6b7a0c9f41d1")


def execution_id(seed: int, scenario: Scenario, arm: ArmName, number: int) -> UUID:
    """Returns the id of an arm, the same for the same seed, so that a trial can be run again as it was."""
    return uuid5(_NAMESPACE, f"{seed}:{scenario.id}:{arm}:{number}")
