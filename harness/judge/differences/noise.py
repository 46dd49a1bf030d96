"""Noise: what the candidate's outputs do no more often than the control's own. Pure.

In a trial in which the control differs from itself at a path, the candidate is excused there at once. But an engine
that is noisy now and then is so in other trials than its twin. So over all trials of one workflow each such path is
asked: is the candidate alone at odds with the control significantly more often than the control's second arm alone
is? An exact one-sided sign test, alpha 0.01, Holm over the paths (`cutover.harness.judge.measures.stats` names the
sources). Where it is not, the path is noise in every trial. A path at which the control never differs
from itself is never noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.measures.stats import holm, sign_test
from cutover.harness.judge.outcomes.diff import may_be_noise
from cutover.harness.judge.view import DifferencePlace, place_of
from cutover.harness.record.trials import Trial

__all__ = ["ALPHA", "Noise", "NoisyPath"]

ALPHA = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyPath:
    """A path at which the control differs from itself, in `own` trials of a workflow.

    In `worse` trials the candidate alone differed from the control, in `better` the control's second arm alone.
    `noise` says that the sign test did not find the candidate worse.
    """

    workflow: str
    path: str
    own: int
    worse: int
    better: int
    p_value: float
    noise: bool


class Noise:
    """Takes in trials one at a time and counts place by place."""

    def __init__(self) -> None:
        self._counts: dict[DifferencePlace, list[int]] = {}

    def add(self, trial: Trial, own: Iterable[str], differences: Sequence[Difference]) -> None:
        """Takes one in: the paths at which its control differs from itself, and the candidate's classed differences.

        A trial with a companion says nothing: what executions that run at once do to each other is not noise.
        """
        if any(arm.companion is not None for arm in trial.arms.values()):
            return
        mine = {place_of(trial.scenario, path) for path in own}
        between = {
            place_of(trial.scenario, each.path)
            for each in differences
            if each.klass is not DifferenceClass.BOTH_WRONG and may_be_noise(each)
        }
        for place in mine | between:
            counts = self._counts.setdefault(place, [0, 0, 0])
            counts[0] += place in mine
            counts[1] += place not in mine
            counts[2] += place not in between

    def part(self) -> list[list[object]]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        return [[*place, *counts] for place, counts in self._counts.items()]

    def absorb(self, part: Iterable[tuple[str, str, int, int, int]]) -> None:
        """Takes over what was counted in other trials."""
        for workflow, path, *more in part:
            counts = self._counts.setdefault((workflow, path), [0, 0, 0])
            counts[:] = [one + other for one, other in zip(counts, more, strict=True)]

    def paths(self) -> tuple[NoisyPath, ...]:
        """Returns every path at which the control differs from itself, tested."""
        found = sorted((place, counts) for place, counts in self._counts.items() if counts[0])
        p_values = [sign_test(worse, better) for _, (_, worse, better) in found]
        return tuple(
            NoisyPath(
                workflow=place[0],
                path=place[1],
                own=own,
                worse=worse,
                better=better,
                p_value=p_value,
                noise=not systematic,
            )
            for (place, (own, worse, better)), p_value, systematic in zip(
                found, p_values, holm(p_values, ALPHA), strict=True
            )
        )

    def places(self) -> frozenset[DifferencePlace]:
        """Returns the places at which the candidate is excused in every trial, not only where the control is noisy."""
        return frozenset((each.workflow, each.path) for each in self.paths() if each.noise and each.worse)
