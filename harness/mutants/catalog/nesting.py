"""The mutants that go wrong in loops in loops, or beside a loop that is open. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import EngineMutant, Trials

__all__ = ["NESTING_MUTANTS"]


def _mutant(name: str, pattern: str, check: str, engine: str, *scenarios: str) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", Trials(scenarios))


NESTING_MUTANTS: Final = (
    _mutant("counts-turns-by-depth", "one count for loops as deep as each other", "OUT", "CountsTurnsByDepth", "114"),
    _mutant("wakes-the-innermost", "signals for the deepest waits alone", "OUT", "WakesTheInnermost", "115"),
    _mutant("leaves-loops-open", "a failure that leaves other loops open", "OUT", "LeavesLoopsOpen", "116"),
    _mutant("fails-two-loops-deep", "any error two loops deep is a failure", "OUT", "FailsTwoLoopsDeep", "118"),
    _mutant("joins-early-two-loops-deep", "joins with their first branch", "OUT", "JoinsEarlyTwoLoopsDeep", "119"),
    _mutant("times-out-into-the-step", "a timeout taken for the signal", "OUT", "TimesOutIntoTheStep", "120"),
)
