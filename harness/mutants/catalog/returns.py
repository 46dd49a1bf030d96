"""Engine mutants that show when an execution is taken over, woken or tried again. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import AT_EFFECTS, Costs, Crashes, EngineMutant, Trials
from cutover.harness.record.cases import Way

__all__ = ["RETURN_MUTANTS"]


def _engine(name: str, pattern: str, check: str, engine: str, experiment: Trials | Crashes | Costs) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


RETURN_MUTANTS: Final = (
    _engine(
        "dates-the-start-anew",
        "an execution's start dated by each takeover",
        "SM",
        "DatesTheStartAnew",
        Trials(("68",)),
    ),
    _engine(
        "takes-another-order",
        "ready nodes last to first",
        "ORD",
        "TakesTheLastFirst",
        Trials(("75", "101"), control="v1"),
    ),
    _engine(
        "takes-them-by-name",
        "ready nodes by their ids after a takeover",
        "ORD",
        "TakesThemByName",
        Crashes("101", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "counts-iterations-anew",
        "a loop's limit counted from the takeover",
        "RESUME",
        "CountsIterationsAnew",
        Crashes("65", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "pauses-from-the-call",
        "a retry's pause counted from the attempt's start",
        "RETRY",
        "PausesFromTheCall",
        Trials(("102",)),
    ),
    _engine(
        "forgives-the-redelivered",
        "failure after a takeover not counted",
        "RETRY",
        "ForgivesTheRedelivered",
        Crashes("07", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "grants-one-more",
        "an attempt made anew counted for none",
        "RETRY",
        "GrantsOneMore",
        Crashes("07", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "queues-its-joins",
        "a join for any that takes its turn",
        "ORD",
        "QueuesItsJoins",
        Crashes("113", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "prepares-for-each",
        "a statement kept prepared by each execution",
        "PERF",
        "PreparesForEach",
        Costs(("many-60",)),
    ),
    _engine(
        "keys-by-checksum",
        "keys that are a checksum",
        "IDENT",
        "KeysByChecksum",
        Trials(("01", "03", "04", "15", "30", "31", "34", "39", "73")),
    ),
    _engine(
        "counts-the-paused",
        "all paused executions read at each wake-up",
        "PERF",
        "CountsThePaused",
        Costs(("waits-6", "left-waiting-40", "waits-6-after-40")),
    ),
)
