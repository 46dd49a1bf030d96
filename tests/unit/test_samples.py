"""Which findings of a check are shown: of as many kinds, and from as many places, as there are."""

from __future__ import annotations

import pytest

from cutover.harness.judge.findings import CheckResult, Finding, Verdict, place_of
from cutover.harness.judge.summaries.checks import CheckCollector


def finding(scenario: str, message: str, trial: int = 1) -> Finding:
    return Finding(check="OUT", verdict=Verdict.FAIL, trial=trial, scenario=scenario, arm="candidate", message=message)


def result(*findings: Finding) -> CheckResult:
    return CheckResult(check="OUT", arm="candidate", examined=9, findings=findings)


def shown(collector: CheckCollector) -> list[tuple[str, str]]:
    [summary] = collector.summaries(["OUT"])
    return [(each.scenario, each.message) for each in summary.samples]


MANY = [finding("the play again", f"it is {word}", 0) for word in ("late", "lost", "odd", "gone", "torn", "bare")]
FEW = [
    finding("a", "it is late"),
    finding("b", "it is late"),
    finding("b", "it is new"),
    finding("c", "step x is late"),
]


@pytest.mark.parametrize("parts", [1, 2, 10])
def test_samples_come_from_everywhere_however_they_are_gathered(parts: int) -> None:
    found = [*MANY, *FEW]
    whole = CheckCollector({"OUT": "holds"})
    for first in range(parts):
        part = CheckCollector({"OUT": "holds"})
        for each in found[first * len(found) // parts : (first + 1) * len(found) // parts]:
            part.add([result(each)])
        whole.absorb(part.part())
    assert shown(whole) == [
        ("the play again", "it is late"),
        ("b", "it is new"),
        ("c", "step x is late"),
        ("the play again", "it is lost"),
        ("the play again", "it is odd"),
    ]


def test_one_kind_from_one_place_is_shown_five_times() -> None:
    collector = CheckCollector({"OUT": "holds"})
    collector.add([result(*(finding("a", f"step s{number} is late", number) for number in range(1, 9)))])
    assert [message for _, message in shown(collector)] == [f"step s{number} is late" for number in range(1, 6)]


@pytest.mark.parametrize(("trial", "words"), [(3, "trial 3, a"), (0, "a")])
def test_a_place_without_a_trial_names_none(trial: int, words: str) -> None:
    assert place_of(trial, "a") == words
