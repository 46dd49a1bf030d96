"""What the judge's check says of a history: its verdict, and its findings' sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from checks.arms import ARM, arms_of
from checks.aside import costs_of, manifest_of, plays_of, rereads_of, routed_of, trials_of
from checks.interrupted import CASE, case_of
from checks.lines import HistoryError, HistoryLine, lines_of, taken
from checks.listed import sentences
from checks.planned import PLANNED, scenario_of
from cutover.harness.judge.checks import CHECKS, run_checks
from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import CheckResult, Verdict
from cutover.harness.judge.flag import judge_routing
from cutover.harness.judge.identity import RunKeys
from cutover.harness.judge.meta import RunFacts
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.rereads import judge_rereads
from cutover.harness.judge.summaries.checks import CheckCollector
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import Trial, role
from cutover.scenarios.model import Scenario

__all__ = ["Sentence", "judged"]

_COSTS: Final = ("costs", "before", "step", "after", "execution", "tables", "size", "held")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A verdict with its reason: of one finding, or of the check as a whole where it has none; PASS has no words."""

    verdict: Verdict
    text: str = ""


def judged(check: str, history: str) -> tuple[Sentence, ...]:
    """Returns what the check holds against the candidate of the history; raises HistoryError where it is none."""
    planned, lines = taken(list(lines_of(history)), PLANNED)
    if not lines:
        raise HistoryError("the history is empty")
    scenario = scenario_of(planned)
    words = {line.word for line in lines}
    if "manifest" in words:
        return _facts(lines, scenario)
    results = [result for result in _results(check, lines, scenario, words) if result.check == check]
    collector = CheckCollector(sentences())
    collector.add(results)
    (summary,) = (each for each in collector.summaries({check}) if each.check == check)
    found = tuple(
        Sentence(finding.verdict, finding.message)
        for result in results
        if role(result.arm) == "candidate"
        for finding in result.findings
    )
    if found and summary.verdict not in {each.verdict for each in found}:
        raise HistoryError(f"the check as a whole is {summary.verdict}, and no finding of it is")
    whole = Sentence(summary.verdict, "" if summary.verdict is Verdict.PASS else summary.reason)
    return found or (whole,)


def _results(check: str, lines: Sequence[HistoryLine], scenario: Scenario, words: set[str]) -> Sequence[CheckResult]:
    """Returns the results of whatever part of the judge reads such rows."""
    if "case" in words:
        _only(lines, (*CASE, *ARM))
        return judge_case(scenario, case_of(lines, scenario)).results
    if "play" in words:
        _only(lines, ("play", "asked", *ARM))
        return judge_plays(plays_of(lines, scenario, check))
    if "reread" in words:
        _only(lines, ("reread",))
        return [judge_rereads(rereads_of(lines))]
    if "routed" in words:
        _only(lines, ("routed",))
        return [judge_routing(routed_of(lines))]
    if "costs" in words:
        _only(lines, _COSTS)
        return judge_costs(costs_of(lines), CostLimits())
    _only(lines, ARM)
    trial = Trial(number=1, scenario=scenario, arms=arms_of(lines, scenario))  # type: ignore[arg-type]
    keys = RunKeys()
    keys.add(trial)
    return [*run_checks(view_of(trial), {check: CHECKS[check]}), keys.result()]


def _facts(lines: Sequence[HistoryLine], scenario: Scenario) -> tuple[Sentence, ...]:
    """Returns what META holds against the run whose manifest, trials and cases these are."""
    manifests, others = taken(lines, {"manifest"})
    cases, trials = taken(others, {"case"})
    _only(trials, ("trial", *ARM))
    facts = RunFacts(manifest_of(manifests[0]))
    for trial in trials_of(trials, scenario):
        facts.add(trial)
    for case in cases:
        facts.add_case(case_of([case], scenario))
    bad = tuple(
        Sentence(reason.verdict, f"{reason.id}: {reason.text}")
        for reason in facts.reasons()
        if reason.verdict is not Verdict.PASS
    )
    return bad or (Sentence(Verdict.PASS),)


def _only(lines: Sequence[HistoryLine], words: Sequence[str]) -> None:
    for line in lines:
        if line.word not in words and not (line.word.endswith(":") and "case" in words):
            raise HistoryError(f"{line.text!r}: such a history has lines of {', '.join(words)}")
