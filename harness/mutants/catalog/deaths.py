"""Engine mutants that show at a death in depth, or at the death of the server. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import Crashes, EngineMutant
from cutover.harness.record.cases import Way

__all__ = ["DEATH_MUTANTS"]

_FLOW: Final = "03-data-flow"
_AT_EFFECTS: Final = ("call", "reply")
_AT_REQUESTS: Final = ("request",)
_SERVER: Final = (Way.RESTART,)
_DEEPER: Final = (Way.ONCE, Way.AGAIN)
_AWAY: Final = (Way.OUTAGE,)


def _engine(name: str, pattern: str, check: str, engine: str, experiment: Crashes) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


DEATH_MUTANTS: Final = (
    _engine(
        "waits-for-no-disk",
        "commits answered before they are durable",
        "ACK",
        "DoesNotWaitForTheDisk",
        Crashes(_FLOW, _SERVER, _AT_REQUESTS),
    ),
    _engine(
        "tables-in-memory",
        "tables that a server crash empties",
        "ACK",
        "KeepsTablesInMemory",
        Crashes("01", _SERVER, _AT_EFFECTS),
    ),
    _engine(
        "history-in-memory",
        "history that a server crash empties",
        "ACK",
        "KeepsHistoryInMemory",
        Crashes("01", _SERVER, _AT_EFFECTS),
    ),
    _engine(
        "tells-aside",
        "history by a session that does not wait",
        "ACK",
        "TellsAside",
        Crashes(_FLOW, _SERVER, _AT_EFFECTS),
    ),
    _engine(
        "commits-in-pairs",
        "activity called inside an open transaction",
        "ACK",
        "CommitsInPairs",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "trusts-the-lost-answer",
        "lost answer taken for a commit",
        "ACK",
        "TrustsTheLostAnswer",
        Crashes(_FLOW, (Way.DROP,), _AT_REQUESTS),
    ),
    _engine(
        "rewinds-on-takeover",
        "one step back on resume",
        "ACK",
        "RewindsOnTakeover",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "first-effect-again",
        "first effect again once two are done",
        "DUP",
        "FirstEffectAgain",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "hurries-with-signals",
        "what a signal brings about acknowledged before it is durable",
        "ACK",
        "HurriesWithSignals",
        Crashes("41", _SERVER, ("call",)),
    ),
    _engine(
        "repeats-at-the-second",
        "duplicate at the second takeover",
        "DUP",
        "RepeatsAtTheSecondTakeover",
        Crashes(_FLOW, _DEEPER, _AT_EFFECTS),
    ),
    _engine(
        "gives-up-at-the-third",
        "failed at the third takeover",
        "RESUME",
        "GivesUpAtTheThirdTakeover",
        Crashes(_FLOW, _DEEPER, _AT_EFFECTS),
    ),
    _engine(
        "stores-the-second-refusal",
        "second 40001 in a row stored as a result",
        "RESUME",
        "StoresTheSecondRefusal",
        Crashes(_FLOW, (Way.SERIALIZATION,), _AT_REQUESTS),
    ),
    _engine(
        "gives-the-server-up",
        "a server that was away once counted as gone for good",
        "STUCK",
        "GivesTheServerUp",
        Crashes(_FLOW, _AWAY, _AT_REQUESTS),
    ),
    _engine(
        "stays-marked",
        "mark in memory that an error leaves behind",
        "STUCK",
        "StaysMarked",
        Crashes(_FLOW, _AWAY, _AT_REQUESTS),
    ),
    _engine(
        "takes-the-refused-for-done",
        "commit refused too often taken for done",
        "ACK",
        "TakesTheRefusedForDone",
        Crashes(_FLOW, (Way.SERIALIZATION,), _AT_REQUESTS),
    ),
    _engine(
        "resumes-in-text-order",
        "loop results in text order past the tenth",
        "RESUME",
        "ResumesInTextOrder",
        Crashes("79", (Way.ONCE,), ("call",)),
    ),
    _engine(
        "loses-inner-results",
        "results of a loop in a loop lost",
        "RESUME",
        "LosesInnerResults",
        Crashes("55", (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "cuts-on-resume",
        "large payload cut on resume",
        "RESUME",
        "CutsOnResume",
        Crashes("78", (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine("forgets-waits", "output of a wait lost on resume", "RESUME", "ForgetsWaits", Crashes("45", (Way.ONCE,))),
    _engine(
        "forgets-branches",
        "branches not begun forgotten",
        "STUCK",
        "ForgetsBranches",
        Crashes("30", (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "resumes-the-last-branch",
        "only one branch resumed",
        "RESUME",
        "ResumesTheLastBranch",
        Crashes("75", (Way.ONCE,), ("request",)),
    ),
)
