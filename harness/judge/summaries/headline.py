"""The verdict in one sentence that a manager can act on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.criteria import CriterionResult
from cutover.harness.judge.policy.gate import Reason, StageVerdict, effect
from cutover.harness.judge.policy.wording import plural

__all__ = ["JudgedCounts", "headline"]

_NAMED = 3
_LONGEST = 160
_PHRASES = (
    (Verdict.FAIL, "broken"),
    (Verdict.ERROR, "could not be judged"),
    (Verdict.INVALID, "not to be relied on"),
    (Verdict.INCONCLUSIVE, "undecided"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCounts:
    """How much was judged: trials, those of them that failed, crash cases, and the paths that waivers answered for.

    `drawn` counts the scenarios that chance chose, each content once: shares are proven of what they were drawn from.
    `other_policy` says that the thresholds are not those of the rollout plan.
    """

    trials: int
    failed: int
    cases: int = 0
    waived: int = 0
    drawn: int = 0
    other_policy: bool = False


def headline(
    verdict: StageVerdict,
    stage: int,
    blocking: Sequence[Reason],
    criteria: Sequence[CriterionResult],
    judged: JudgedCounts,
) -> str:
    """Returns what was decided and why: the reasons by name, the first with its evidence, and what would help.

    The last part says which workflows that is true of.
    """
    own = [reason for reason in blocking if effect(reason) is verdict]
    parts: list[str] = []
    match verdict:
        case StageVerdict.GO:
            parts.append(
                f"the candidate passed all of {plural(judged.trials, 'trial')}, "
                f"{plural(judged.cases, 'crash case')} and {plural(len(criteria), 'criterion')}"
            )
            if judged.waived:
                parts.append(f"waivers answer for {plural(judged.waived, 'path')}")
            if judged.other_policy:
                parts.append("by a policy that is not the rollout plan's")
        case StageVerdict.ROLLBACK:
            parts.append("take the traffic back to the control")
            parts += _named(own)
        case StageVerdict.NO_GO:
            if judged.failed:
                parts.append(f"the candidate failed {judged.failed:,} of {plural(judged.trials, 'trial')}")
            parts += _named(own)
        case StageVerdict.INCONCLUSIVE:
            away = {result.criterion.id for result in criteria if not result.measured}
            parts += _named([reason for reason in own if reason.id not in away]) if own else ["there is no evidence"]
            parts += _wanted(criteria, len(away))
    return f"{verdict} for stage {stage} %: {'; '.join((*parts, _scope(judged)))}."


def _scope(judged: JudgedCounts) -> str:
    if not judged.drawn:
        return "this speaks of the workflows that it was given, not of production's"
    return f"this speaks of {plural(judged.drawn, 'different workflow')} that the generator drew, not of production's"


def _named(reasons: Sequence[Reason]) -> Iterator[str]:
    """What is wrong with the run in its own words, all else by name; the first failure with its evidence."""
    yield from (_cut(reason.text) for reason in reasons if _of_the_run(reason))
    for verdict, phrase in _PHRASES:
        ids = [reason.id for reason in reasons if reason.verdict is verdict and not _of_the_run(reason)]
        if ids:
            rest = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
            yield f"{phrase}: {', '.join(ids[:_NAMED])}{rest}"
    first = next((reason for reason in reasons if reason.part != "run"), None)
    if first is not None and first.verdict is not Verdict.INCONCLUSIVE:
        yield f"{first.id} says: {_cut(first.text)}"


def _of_the_run(reason: Reason) -> bool:
    """Whether its text speaks of the run as a whole; a waiver's speaks of one that it does not name."""
    return reason.part == "run" and not reason.id.startswith("waiver ")


def _wanted(criteria: Sequence[CriterionResult], away: int) -> Iterator[str]:
    """How many more measurements would decide, and what only production can tell."""
    short = [result.n_needed for result in criteria if result.verdict is Verdict.INCONCLUSIVE and result.n_needed]
    if short:
        yield f"about {plural(max(short), 'more clean measurement')} would decide"
    if away:
        yield f"{plural(away, 'criterion')} only production can tell"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
