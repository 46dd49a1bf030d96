"""How each difference between control and candidate is to be read, with the reference model as third opinion. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from cutover.harness.judge.differences.flaws import flaws_of
from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.outcomes.diff import diff_outcomes, may_be_noise
from cutover.harness.judge.view import ArmView, TrialView
from cutover.harness.record.trials import Trial

__all__ = ["Waives", "classify"]

Waives: TypeAlias = Callable[[Difference, Trial], bool]
"""Whether a waiver covers a classed difference of a trial."""


def classify(view: TrialView, waives: Waives | None = None) -> Sequence[Difference]:
    """Returns every difference between control (left) and candidate (right), classed.

    EQUAL where both are right in different legal orders; NOISE where the control differs from itself likewise, in this
    trial or by what the whole run shows (`cutover.harness.judge.differences.noise`);
    IMPROVEMENT where only the candidate obeys the reference; REGRESSION where the candidate breaks it. Where both
    break it in the same way there is no difference between them: such paths follow as BOTH_WRONG, reference left.
    `waives` may turn any but EQUAL and NOISE into WAIVED. Empty where either arm is absent.
    """
    control, candidate = view.arms.get("control"), view.arms.get("candidate")
    if control is None or candidate is None:
        return ()
    flaws = {difference.path: flaw for difference, flaw in flaws_of(view, control)}
    classed = [*_between(view, control, candidate, flaws), *_shared(control, candidate, flaws)]
    return classed if waives is None else [_waived(difference, view.trial, waives) for difference in classed]


def _between(
    view: TrialView, control: ArmView, candidate: ArmView, flaws: Mapping[str, str | None]
) -> Iterable[Difference]:
    between = diff_outcomes(control.outcome, candidate.outcome)
    if not between:
        return
    control_wrong = [difference.path for difference in control.differences]
    candidate_wrong = [difference.path for difference in candidate.differences]
    for difference in between:
        path = difference.path
        if any(_related(path, other) for other in view.noise) or (may_be_noise(difference) and view.is_noisy(path)):
            yield replace(difference, klass=DifferenceClass.NOISE)
        elif any(_related(path, other) for other in candidate_wrong):
            yield replace(difference, klass=DifferenceClass.REGRESSION)
        elif any(_related(path, other) for other in control_wrong):
            yield replace(difference, klass=DifferenceClass.IMPROVEMENT, flaw=_flaw(path, flaws))
        elif candidate_wrong or control_wrong:
            yield _by_arm(difference, wrong=bool(candidate_wrong), flaws=flaws)
        else:
            yield replace(difference, klass=DifferenceClass.EQUAL)


def _by_arm(difference: Difference, *, wrong: bool, flaws: Mapping[str, str | None]) -> Difference:
    """For a path at which neither is wrong by itself, as after a step that one of them left out."""
    if wrong:
        return replace(difference, klass=DifferenceClass.REGRESSION)
    names = set(flaws.values())
    return replace(difference, klass=DifferenceClass.IMPROVEMENT, flaw=names.pop() if len(names) == 1 else None)


def _shared(control: ArmView, candidate: ArmView, flaws: Mapping[str, str | None]) -> Iterable[Difference]:
    theirs = {(difference.path, difference.kind, difference.right) for difference in control.differences}
    for difference in candidate.differences:
        if (difference.path, difference.kind, difference.right) in theirs:
            yield replace(difference, klass=DifferenceClass.BOTH_WRONG, flaw=flaws.get(difference.path))


def _flaw(path: str, flaws: Mapping[str, str | None]) -> str | None:
    return next((flaw for other, flaw in flaws.items() if flaw is not None and _related(path, other)), None)


def _related(path: str, other: str) -> bool:
    """Whether one path is the other, or lies inside it."""
    short, long = (path, other) if len(path) <= len(other) else (other, path)
    return long.startswith(short) and (len(long) == len(short) or long[len(short)] in "/.[")


def _waived(difference: Difference, trial: Trial, waives: Waives) -> Difference:
    if difference.klass in {DifferenceClass.EQUAL, DifferenceClass.NOISE} or not waives(difference, trial):
        return difference
    return replace(difference, klass=DifferenceClass.WAIVED)
