"""What of control and candidate was equal only once it was normalised, counted by the rule that made it so. Pure.

Every rule hides something. A rule that hides more than it used to is how a comparison goes blind without a word, so a
report says how often each was needed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.outcomes.diff import diff_texts
from cutover.harness.judge.outcomes.outcome import EXECUTION, TIME, Effect
from cutover.harness.judge.view import ArmView, TrialView
from cutover.harness.record.trials import LedgerEntry

__all__ = ["RULES", "Normalisation", "NormalisationSummary"]

RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ids": "the execution's own id",
        "times": "the execution's own times",
        "words": "an error in the engine's own words",
        "json": "JSON spelt otherwise",
        "effects": "effects in another order",
        "order": "steps in another legal order",
        "noise": "noise of the control",
    }
)
"""Each rule, by name, and what it passes over."""

_Pair: TypeAlias = tuple[str | None, str | None, str | None, str | None]
"""A text of the control and one of the candidate, each as it was saved and as it was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisationSummary:
    """How many comparisons of control and candidate there were, and how many were equal only by each rule."""

    compared: int = 0
    by_rule: Mapping[str, int] = field(default_factory=dict)


class Normalisation:
    """Takes in trials one at a time and counts."""

    def __init__(self) -> None:
        self._compared = 0
        self._rules: Counter[str] = Counter()

    def add(self, view: TrialView, differences: Iterable[Difference]) -> None:
        """Takes one in: the first arms of both engines, and how their differences were classed."""
        control, candidate = view.arms.get("control"), view.arms.get("candidate")
        if control is None or candidate is None:
            return
        for pair in _pairs(control, candidate):
            self._compared += 1
            if (rule := _rule(*pair)) is not None:
                self._rules[rule] += 1
        if _reordered(control.outcome.effects, candidate.outcome.effects):
            self._rules["effects"] += 1
        for difference in differences:
            if difference.klass is DifferenceClass.EQUAL:
                self._rules["order"] += 1
            elif difference.klass is DifferenceClass.NOISE:
                self._rules["noise"] += 1

    def part(self) -> dict[str, Any]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        return {"compared": self._compared, "rules": dict(self._rules)}

    def absorb(self, part: Mapping[str, Any]) -> None:
        """Takes over what was counted in other trials."""
        self._compared += part["compared"]
        self._rules.update(part["rules"])

    def summary(self) -> NormalisationSummary:
        """Returns the counts; rules that were not needed are there with 0."""
        return NormalisationSummary(compared=self._compared, by_rule={name: self._rules[name] for name in RULES})


def _pairs(control: ArmView, candidate: ArmView) -> Iterator[_Pair]:
    """Yields every text that both engines have: the output, each step's output and error, each effect's input."""
    left, right = control.record.journal, candidate.record.journal
    if left is not None and right is not None:
        yield left.execution.output, right.execution.output, control.outcome.output, candidate.outcome.output
        for step_id, one in control.outcome.steps.items():
            other = candidate.outcome.steps.get(step_id)
            if other is None:
                continue
            mine, theirs = control.rows[step_id], candidate.rows[step_id]
            yield mine.output, theirs.output, one.output, other.output
            if one.error is not None and other.error is not None:
                yield mine.error, theirs.error, one.error, other.error
    theirs_of = _by_step(candidate.record.ledger, candidate.outcome.effects)
    for step, effects in _by_step(control.record.ledger, control.outcome.effects).items():
        for (entry, effect), (other_entry, other_effect) in zip(effects, theirs_of.get(step, ()), strict=False):
            yield entry.input, other_entry.input, effect.input, other_effect.input


def _by_step(
    ledger: Sequence[LedgerEntry], effects: Sequence[Effect]
) -> Mapping[tuple[str, str], Sequence[tuple[LedgerEntry, Effect]]]:
    """Returns the calls with an effect, each with the effect as it was compared, by step and activity."""
    found: dict[tuple[str, str], list[tuple[LedgerEntry, Effect]]] = defaultdict(list)
    applied = [entry for entry in ledger if entry.effect == "applied"]
    for entry, effect in zip(applied, effects, strict=True):
        found[entry.step_id, entry.activity].append((entry, effect))
    return found


def _rule(saved: str | None, other_saved: str | None, compared: str | None, other: str | None) -> str | None:
    """Returns the rule by which two texts that differ are equal all the same, if one makes them so."""
    if saved == other_saved or compared is None or other is None:
        return None
    if compared == other:
        return "ids" if EXECUTION in compared else "times" if TIME in compared else "words"
    return None if diff_texts(compared, other, "") else "json"


def _reordered(control: Sequence[Effect], candidate: Sequence[Effect]) -> bool:
    """Whether the same effects came in another order."""
    return control != candidate and Counter(control) == Counter(candidate)
