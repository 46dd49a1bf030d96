"""The gate: from the verdicts of checks and criteria to the verdict of a stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from cutover.harness.judge.findings import Verdict

__all__ = ["Part", "Reason", "Severity", "StageVerdict", "decide", "effect", "ordered"]

Severity: TypeAlias = Literal["gate", "alert", "rollback"]
Part: TypeAlias = Literal["check", "criterion", "run"]


class StageVerdict(StrEnum):
    """What a stage comes to; the team may go on with GO alone."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCONCLUSIVE = "INCONCLUSIVE"
    ROLLBACK = "ROLLBACK"

    @property
    def exit_status(self) -> int:
        """The status with which a command ends: 0, 1, 3 or 5."""
        return _EXIT_STATUS[self]


_EXIT_STATUS = {
    StageVerdict.GO: 0,
    StageVerdict.NO_GO: 1,
    StageVerdict.INCONCLUSIVE: 3,
    StageVerdict.ROLLBACK: 5,
}
_STRONGEST_FIRST = (StageVerdict.ROLLBACK, StageVerdict.NO_GO, StageVerdict.INCONCLUSIVE, StageVerdict.GO)
_WITHIN_A_STAGE = (Verdict.FAIL, Verdict.ERROR, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.PASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One part of the evidence and what it came to; `text` says why in one sentence.

    `id` names the check, the criterion, or the fact about the run.
    """

    part: Part
    id: str
    verdict: Verdict
    severity: Severity = "gate"
    text: str = ""


def effect(reason: Reason) -> StageVerdict:
    """Returns what one reason alone would make of the stage.

    A failed rollback criterion rolls back, any other failure is NO-GO. What could not be judged, for want of data
    (INCONCLUSIVE), of the check (INVALID) or by its own fault (ERROR), never lets the stage go.
    """
    match reason.verdict:
        case Verdict.PASS:
            return StageVerdict.GO
        case Verdict.FAIL:
            return StageVerdict.ROLLBACK if reason.severity == "rollback" else StageVerdict.NO_GO
        case Verdict.INCONCLUSIVE | Verdict.INVALID | Verdict.ERROR:
            return StageVerdict.INCONCLUSIVE


def decide(reasons: Iterable[Reason]) -> StageVerdict:
    """Returns the stage's verdict: ROLLBACK > NO-GO > INCONCLUSIVE > GO. Without any reason it is INCONCLUSIVE."""
    effects = {effect(reason) for reason in reasons}
    return next((verdict for verdict in _STRONGEST_FIRST if verdict in effects), StageVerdict.INCONCLUSIVE)


def ordered(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Returns the reasons that keep the stage from GO, strongest first, otherwise in the order given."""
    blocking = [reason for reason in reasons if reason.verdict is not Verdict.PASS]
    return tuple(sorted(blocking, key=lambda r: (_STRONGEST_FIRST.index(effect(r)), _WITHIN_A_STAGE.index(r.verdict))))
