"""Which crash cases a run must have: those of a sample in the order that the seed draws, or all that were planned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from cutover.harness.cli.jobs.parts import RESTARTS, scenarios_to_kill
from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.run.crash.plan import SAMPLE_WAYS, CasePlan, next_deaths
from cutover.harness.run.crash.play import MOST_HUNG, most_restarts
from cutover.harness.run.crash.sampling import DEEPER_EACH, Sampler
from cutover.harness.store.lines import scenario_text
from cutover.harness.store.reader import crash_scenarios, crash_trials, iter_cases
from cutover.reports.words import plain
from cutover.scenarios.model import Scenario

__all__ = ["check_numbers", "check_sample", "hung"]

_KIND: Final = "crash cases"
_RUNNERS_EACH: Final = 2
"""Runner processes for each worker of a run."""


def check_sample(run: ClaimedRun, scenarios: Sequence[Scenario]) -> None:
    """Raises RunError where the crash cases of a run are not those that its seed draws, as far as they were played.

    How many were played is a matter of time, so a sample may end anywhere; nothing in it may be missing.
    """
    if not run.whole:
        run.unchecked.append("crash cases: the run was interrupted")
        return
    trials = crash_trials(run.folder)
    records = list(iter_cases(run.folder))
    if not run.newer:
        if records:
            run.unchecked.append("crash cases: the version that made the run did not save how they were planned")
        return
    check_numbers(run, records)
    _check_scenarios(run, scenarios)
    if hung(records):
        run.unchecked.append("the order of crash cases: the engine hung, so not all that had begun were waited for")
        return
    manifest = run.manifest
    plan = CasePlan(engine=manifest.candidate.spec, ways=SAMPLE_WAYS, seed=manifest.seed)
    records.sort(key=lambda record: record.number)
    restarts = most_restarts(RESTARTS, manifest.crash_budget_s or 0.0)
    any_restart = any(record.case.way is Way.RESTART for record in records)
    told = [
        _Sample(trials, plan, count, most_unheard=_RUNNERS_EACH * manifest.workers).unlike(records)
        for count in ([restarts] if any_restart else [restarts, 0])
    ]
    if all(told):
        run.differs(_KIND, told[0])


def check_numbers(run: ClaimedRun, records: Collection[CaseRecord]) -> None:
    """Raises RunError where the cases are not numbered from 1 without a gap; the engine hung where one is allowed."""
    numbers = sorted(record.number for record in records)
    for wanted, number in enumerate(numbers, start=1):
        if number != wanted and not (number > wanted and hung(records)):
            raise run.refusal(f"crash case {wanted} is missing or there twice; run again")


def hung(records: Collection[CaseRecord]) -> bool:
    """Whether the engine hung so often that the harness stopped before it had all cases that had begun."""
    failures = [record.arm.failure for record in records]
    return sum(failure is not None and failure.kind == "timeout" for failure in failures) >= MOST_HUNG


def _check_scenarios(run: ClaimedRun, scenarios: Sequence[Scenario]) -> None:
    found = [scenario_text(each) for each in crash_scenarios(run.folder).values()]
    if not found and not run.manifest.cases and not run.manifest.files.keys() & {"cases-0001.jsonl.gz"}:
        return  # nothing was killed, which META says
    if found != [scenario_text(each) for each in scenarios_to_kill(scenarios)]:
        run.differs(_KIND, "the scenarios of its crash cases are not those that are chosen from the run's")


class _Sample:
    """The order in which a sample takes its cases, walked once more beside what was saved.

    A case with another death is taken where one is known by then; which were known depends on when each case ended. So
    it must follow from a case before it, and be there where more than `most_unheard` could be followed up: no more
    cases than these were under way, or had ended and were not heard of yet.
    """

    def __init__(self, trials: Sequence[CrashTrial], plan: CasePlan, restarts: int, *, most_unheard: int) -> None:
        self._plan, self._most_unheard = plan, most_unheard
        self._sampler = Sampler(trials, plan)
        self._last = self._sampler.restarts(restarts)
        self._cases = self._sampler.cases()
        self._deeper: set[CrashCase] = set()
        self._turn = 0
        self._due = False

    def unlike(self, records: Sequence[CaseRecord]) -> str:
        """Returns what is not as the seed draws it, or nothing."""
        last = [record.case for record in records if record.case.way is Way.RESTART]
        if [record.case for record in records[len(records) - len(last) :]] != list(self._last[: len(last)]):
            return "the crash cases in which the server died are not those that the seed draws"
        return next(filter(None, map(self._unlike, records[: len(records) - len(last)])), "")

    def _unlike(self, record: CaseRecord) -> str:
        case, deeper = record.case, record.case.way is Way.AGAIN
        if deeper and case not in self._deeper:
            return f"crash case {record.number}, {plain(str(case))}, follows from no case before it"
        if self._due and not deeper and len(self._deeper) > self._most_unheard:
            return f"before crash case {record.number}, {plain(str(case))}, one with another death is missing"
        self._sampler.know([case] if deeper else [])
        wanted = next(self._cases, None)
        if wanted != case:
            return f"crash case {record.number} is {plain(str(case))}, and the seed draws {wanted}: one was taken out"
        self._deeper.discard(case)
        self._turn += not deeper
        self._due = not deeper and self._turn % DEEPER_EACH == 0
        if record.fired == record.planned and case.way in {Way.ONCE, Way.AGAIN}:
            self._deeper.update(next_deaths(case, record.resume_points, self._plan))
        return ""
