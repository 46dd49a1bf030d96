"""Criteria judged on measurements from any source: no trial is needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pytest

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.measurements import Count, Gauge, Measurement, Share
from cutover.harness.judge.policy.criteria import CriterionResult, judge_criteria
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import PolicyError


@dataclass(frozen=True, slots=True)
class Given:
    """Measurements by metric; None is one of which nothing can be told."""

    given: Mapping[str, Measurement | None]
    told: str = ""

    @property
    def metrics(self) -> Collection[str]:
        return self.given.keys()

    def measure(self, metric: str) -> Measurement | None:
        return self.given[metric]

    def explains(self, metric: str, limit: float, estimate: float) -> str:
        return self.told.format(metric, limit, estimate)


class Broken(Given):
    """A source that cannot measure what it says it can."""

    def measure(self, metric: str) -> Measurement | None:
        raise ZeroDivisionError(metric)


def results(
    source: Given, stage: int = 0, production: Mapping[str, Measurement] | None = None
) -> dict[str, CriterionResult]:
    return {each.criterion.id: each for each in judge_criteria(default_policy(), stage, source, production)}


def test_a_mapping_of_measurements_is_judged_as_the_policy_says() -> None:
    found = results(Given({"e2e_success": Share(successes=598, n=598), "critical_bugs": Count(count=1, n=598)}))
    assert (found["e2e"].verdict, found["e2e"].n) == (Verdict.PASS, 598)
    assert (found["critical-bugs"].verdict, found["critical-bugs"].estimate) == (Verdict.FAIL, 1)


def test_every_criterion_of_the_stage_has_a_result_in_the_policy_s_order() -> None:
    assert list(results(Given({}), 50)) == [each.id for each in default_policy().criteria_of(50)]


def test_a_metric_that_the_source_does_not_know_is_not_measured() -> None:
    for found in results(Given({}), 100).values():
        assert (found.verdict, found.measured, found.n) == (Verdict.INCONCLUSIVE, False, 0)


def test_a_metric_of_which_the_source_tells_nothing_is_inconclusive() -> None:
    found = results(Given({"e2e_success": None}))["e2e"]
    assert (found.verdict, found.measured) == (Verdict.INCONCLUSIVE, True)


def test_a_failure_that_the_source_explains_is_a_question_and_keeps_its_numbers() -> None:
    failed: dict[str, Measurement | None] = {
        "critical_bugs": Count(count=1, n=598),
        "e2e_success": Share(successes=598, n=598),
    }
    found = results(Given(failed, "{0}: {2} is not told from {1} here"))
    bugs = found["critical-bugs"]
    assert (bugs.verdict, bugs.estimate, bugs.n_needed) == (Verdict.INCONCLUSIVE, 1, None)
    assert bugs.reason == "1 in 598, wanted 0; critical_bugs: 1 is not told from 0.0 here"
    assert found["e2e"].verdict is Verdict.PASS
    assert "told" not in found["e2e"].reason


def test_a_source_that_raises_is_an_error_of_its_criteria_alone() -> None:
    found = results(Broken({"e2e_success": None}))
    assert found["e2e"].verdict is Verdict.ERROR
    assert "ZeroDivisionError: e2e_success" in found["e2e"].reason
    assert found["critical-bugs"].verdict is Verdict.INCONCLUSIVE


def test_what_only_production_can_tell_is_never_asked_of_the_source() -> None:
    memory = Given({"memory_utilisation": Gauge(value=0.1)})
    assert results(memory, 50)["memory"].measured is False
    assert results(Given({}), 50, memory.given)["memory"].verdict is Verdict.PASS  # type: ignore[arg-type]


def test_a_stage_that_the_policy_does_not_have_is_refused() -> None:
    with pytest.raises(PolicyError, match="has no stage 7 %"):
        judge_criteria(default_policy(), 7, Given({}))


def test_a_criterion_on_a_metric_that_nobody_knows_is_not_measured() -> None:
    policy = default_policy()
    unknown = replace(policy, criteria=tuple(replace(each, metric="no_such_metric") for each in policy.criteria))
    found = judge_criteria(unknown, 0, Given({"e2e_success": Share(successes=598, n=598)}))
    assert not any(each.measured for each in found)
