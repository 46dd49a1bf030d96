"""Which crash cases a run must have: those of a sample in the order that the seed draws, or all that were planned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import Final

from cutover.harness.cli.jobs.parts import RESTARTS, scenarios_to_kill
from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.record.cases import CaseRecord, CrashTrial, Way
from cutover.harness.record.kills import PlayedPart
from cutover.harness.run.crash.plan import SAMPLE_WAYS, CasePlan, ways_without
from cutover.harness.run.crash.play import MOST_HUNG, most_restarts
from cutover.harness.run.crash.sampling import Sampler
from cutover.harness.store.lines import scenario_text
from cutover.harness.store.reader import crash_scenarios, crash_trials, iter_cases
from cutover.reports.words import plain
from cutover.scenarios.model import Scenario

__all__ = ["check_numbers", "check_sample", "hung"]

_KIND: Final = "crash cases"


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
            run.leave_open("crash cases: the version that made the run did not save how they were planned")
        return
    check_numbers(run, records)
    _check_scenarios(run, scenarios)
    if hung(records):
        run.unchecked.append("the order of crash cases: the engine hung, so not all that had begun were waited for")
        return
    manifest = run.manifest
    ways = ways_without(SAMPLE_WAYS, manifest.candidate.lacks)
    plan = CasePlan(engine=manifest.candidate.spec, ways=ways, seed=manifest.seed)
    restarts = most_restarts(RESTARTS, manifest.crash_budget_s or 0.0)
    any_restart = any(record.case.way is Way.RESTART for record in records)
    told = [_unlike(trials, plan, count, records) for count in ([restarts] if any_restart else [restarts, 0])]
    if all(told):
        run.differs(_KIND, f"{told[0]}: one was taken out, added or replaced")


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
    plan = run.plan()
    asked = plan.crash_usual_s > 0 and PlayedPart.CRASHES not in plan.skip
    wanted = scenarios_to_kill(scenarios, run.manifest.candidate.lacks) if asked else ()
    if list(map(scenario_text, crash_scenarios(run.folder).values())) != list(map(scenario_text, wanted)):
        run.differs(_KIND, "the scenarios of its crash cases are not those that are chosen from the run's")


def _unlike(trials: Sequence[CrashTrial], plan: CasePlan, restarts: int, records: Sequence[CaseRecord]) -> str:
    """Returns what of a sample is not as the seed draws it, or nothing; the records are in the order of their end.

    Which case comes next depends on those that had ended by then, for these have shown where another death can be; so
    the sampler is led once more through what it was told at the time.
    """
    sampler = Sampler(trials, plan)
    last = sampler.restarts(restarts)
    begun = sorted(records, key=lambda record: record.number)
    many = sum(record.case.way is Way.RESTART for record in records)
    if [record.case for record in begun[len(begun) - many :]] != list(last[:many]):
        return "the crash cases in which the server died are not those that the seed draws"
    cases, ended = sampler.cases(), iter(records)
    heard = 0
    for record in begun[: len(begun) - many]:
        for before in islice(ended, max(0, record.heard - heard)):
            sampler.heard(before)
        heard = max(heard, record.heard)
        wanted = next(cases, None)
        if wanted != record.case:
            return f"crash case {record.number} is {plain(str(record.case))}, and by the seed it is {wanted}"
    return ""
