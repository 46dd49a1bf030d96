"""Differences of all trials, summed up by class, flaw and what differs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.summaries.checks import SAMPLES, as_fields
from cutover.harness.record.trials import Trial

__all__ = ["DifferenceCollector", "DifferenceSample", "DifferenceSummary", "fingerprint"]

_MOST_TELLING = (
    DifferenceClass.REGRESSION,
    DifferenceClass.BOTH_WRONG,
    DifferenceClass.IMPROVEMENT,
    DifferenceClass.WAIVED,
    DifferenceClass.NOISE,
    DifferenceClass.EQUAL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceSample:
    """One difference and where it was seen."""

    trial: int
    scenario: str
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceSummary:
    """All differences of one class, one flaw (None where none explains them) and one fingerprint.

    `count` is of all, `trials` of the trials that show one; at most five samples.
    """

    klass: DifferenceClass
    flaw: str | None
    fingerprint: str
    count: int
    trials: int
    samples: tuple[DifferenceSample, ...]


@dataclass(slots=True)
class _DifferenceGroup:
    count: int = 0
    trials: int = 0
    newest: int | None = None
    samples: list[DifferenceSample] = field(default_factory=list)


class DifferenceCollector:
    """Groups differences by class, flaw and fingerprint."""

    def __init__(self) -> None:
        self._groups: dict[tuple[DifferenceClass, str | None, str], _DifferenceGroup] = {}

    def add(self, trial: Trial, differences: Iterable[Difference]) -> None:
        """Takes in the differences of one trial."""
        for difference in differences:
            # what nobody has classed has not been shown to be harmless
            klass = difference.klass or DifferenceClass.REGRESSION
            group = self._groups.setdefault((klass, difference.flaw, fingerprint(difference)), _DifferenceGroup())
            group.count += 1
            group.trials += group.newest != trial.number
            group.newest = trial.number
            if len(group.samples) < SAMPLES:
                group.samples.append(
                    DifferenceSample(trial=trial.number, scenario=trial.scenario.id, difference=difference)
                )

    def part(self) -> list[Any]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        return [
            [
                *key,
                group.count,
                group.trials,
                [[sample.trial, sample.scenario, as_fields(sample.difference)] for sample in group.samples],
            ]
            for key, group in self._groups.items()
        ]

    def absorb(self, part: Iterable[Sequence[Any]]) -> None:
        """Takes over the differences of trials that come after those here."""
        for klass, flaw, pattern, count, trials, samples in part:
            group = self._groups.setdefault((DifferenceClass(klass), flaw, pattern), _DifferenceGroup())
            group.count += count
            group.trials += trials
            group.samples += map(_sample, samples[: SAMPLES - len(group.samples)])

    def summaries(self) -> tuple[DifferenceSummary, ...]:
        """Returns the groups, the most telling class first and then the largest."""
        ranked = sorted(
            self._groups.items(), key=lambda item: (_MOST_TELLING.index(item[0][0]), -item[1].count, item[0][2])
        )
        return tuple(
            DifferenceSummary(
                klass=klass,
                flaw=flaw,
                fingerprint=pattern,
                count=group.count,
                trials=group.trials,
                samples=tuple(group.samples),
            )
            for (klass, flaw, pattern), group in ranked
        )


def _sample(part: tuple[int, str, Mapping[str, Any]]) -> DifferenceSample:
    trial, scenario, difference = part
    klass = None if difference["klass"] is None else DifferenceClass(difference["klass"])
    return DifferenceSample(trial=trial, scenario=scenario, difference=Difference(**{**difference, "klass": klass}))


def fingerprint(difference: Difference) -> str:
    """Returns the kind and the path without step names and numbers, as `value steps/*/output.total`."""
    head, slash, rest = difference.path.partition("/")
    if slash and head in {"steps", "effects"}:
        column = re.search(r"/((?:output|status|error|ports|input)\b[^/]*)$", rest)
        path = f"{head}/*/{column[1]}" if column else f"{head}/*"
    else:
        path = difference.path
    numberless = re.sub(r"\[[0-9]+\]", "[*]", path)
    return f"{difference.kind} {numberless}"
