"""The verdict in one sentence that a manager can act on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judge.criteria import CriterionResult
from harness.judge.findings import Verdict
from harness.judge.gate import Reason, StageVerdict, effect
from harness.judge.wording import plural

__all__ = ["headline"]

_NAMED = 3


def headline(
    verdict: StageVerdict,
    stage: int,
    blocking: Sequence[Reason],
    criteria: Sequence[CriterionResult],
    *,
    trials: int,
    failed: int,
) -> str:
    """What was decided and, first of all, why."""
    head = f"{verdict} for stage {stage} %: "
    match verdict:
        case StageVerdict.GO:
            return (
                head
                + f"the candidate passed all of {plural(trials, 'trial')} and {plural(len(criteria), 'criterion')}."
            )
        case StageVerdict.ROLLBACK:
            return head + f"take the traffic back to the control; {_why(verdict, blocking)}."
        case StageVerdict.NO_GO:
            count = f"the candidate failed {failed:,} of {plural(trials, 'trial')}; " if failed else ""
            return head + f"{count}{_why(verdict, blocking)}."
        case StageVerdict.INCONCLUSIVE:
            return head + f"{_why(verdict, blocking)}{_more(criteria)}."


def _why(verdict: StageVerdict, blocking: Sequence[Reason]) -> str:
    """The reasons of the verdict's own strength, the first few by name."""
    own = [reason for reason in blocking if effect(reason) is verdict]
    if not own:
        return "there is no evidence"
    first = own[0]
    others = [reason.id for reason in own[1:_NAMED]]
    rest = len(own) - 1 - len(others)
    text = f"{_NAMES[first.verdict]} {first.id} ({first.text})"
    if others:
        text += f", also {', '.join(others)}" + (f" and {rest} more" if rest else "")
    return text


def _more(criteria: Sequence[CriterionResult]) -> str:
    """How many more trials would decide, and what only production can tell."""
    short = [result.n_needed for result in criteria if result.verdict is Verdict.INCONCLUSIVE and result.n_needed]
    away = sum(not result.measured for result in criteria)
    text = f"; about {max(short):,} more clean measurements would decide" if short else ""
    return text + (f"; {plural(away, 'criterion')} only production can tell" if away else "")


_NAMES = {
    Verdict.FAIL: "failed",
    Verdict.ERROR: "could not run",
    Verdict.INVALID: "cannot judge by",
    Verdict.INCONCLUSIVE: "undecided",
    Verdict.PASS: "passed",
}
