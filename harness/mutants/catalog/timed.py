"""Engines that are late, and one that is not: played with a clock, and judged by the policy's criteria. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import EngineMutant, SoundControl, Timing

__all__ = ["TIMED_CONTROLS", "TIMED_MUTANTS"]

_FLOW: Final = "03-data-flow"
_ENGINES: Final = "cutover.harness.mutants.engines"

TIMED_MUTANTS: Final = (
    EngineMutant(
        "stalls-now-and-then",
        "a few executions far slower",
        "stalled",
        f"{_ENGINES}:StallsNowAndThen",
        Timing(_FLOW, 30),
    ),
    EngineMutant(
        "waits-for-others",
        "held up by somebody else's lock",
        "delayed",
        f"{_ENGINES}:WaitsForOthers",
        Timing(_FLOW, 40),
    ),
    EngineMutant(
        "drags-one-workflow",
        "one class of workflows far slower",
        "tail-share",
        f"{_ENGINES}:DragsOneWorkflow",
        Timing("30", 20),
    ),
)

TIMED_CONTROLS: Final = (
    SoundControl("itself-timed", "the engine against itself, timed", "v2", (Timing(_FLOW, 40),)),
    SoundControl("slow-commits-timed", "slower commits, timed", f"{_ENGINES}:TakesItsTime", (Timing(_FLOW, 40, "v1"),)),
)
