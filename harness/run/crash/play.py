"""Plays the crash matrix, or the sample of it that a budget of time allows. Does I/O through the runners."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count

from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.crash.plan import (
    BASIC_WAYS,
    Budget,
    CasePlan,
    kinds_at,
    next_deaths,
    pairs,
    plan_cases,
    sample,
)
from cutover.harness.run.crash.runners import CaseJob, Runners
from cutover.harness.run.crash.sampling import Sampler
from cutover.harness.store.case_lines import decode_baseline, decode_case
from cutover.scenarios.model import Scenario

__all__ = [
    "BASIC_WAYS",
    "MOST_HUNG",
    "MOST_RESTARTS",
    "MOST_THIRDS",
    "CasePlan",
    "most_restarts",
    "plan_cases",
    "replay_case",
    "run_crashes",
    "run_sample",
]

MOST_RESTARTS = 24
"""Restarting a server takes a second and nothing else can run meanwhile."""
MOST_THIRDS = 400
"""Third deaths beside all others; they are as many as second ones, and say little more."""
_RESTART_S, _SLOW_RESTART_S = 1.5, 4.0
"""What a restart of the server takes of a sample's time, s, with the start of the process that plays it.

The second is what one takes on a busy machine, where the sample goes on for as long as it may.
"""
_RESTARTS_SHARE = 0.25
"""Of the time that a sample may take at most, so much may go to restarts; a short one has fewer of them, or none."""
MOST_HUNG = 6
"""An engine that so often does not return has been found out; more of it would take a deadline each."""


def run_crashes(
    runners: Runners,
    scenarios: Sequence[Scenario],
    plan: CasePlan,
    on_record: Callable[[CaseRecord], None],
    on_planned: Callable[[int], None] = lambda _count: None,
    *,
    on_baselines: Callable[[Sequence[CrashTrial]], None] = lambda _trials: None,
) -> list[CrashTrial]:
    """Baselines first, then every planned case; `on_record` hears of each as it finishes.

    The trials hold no cases, which may be many: they went to `on_record`. `on_planned` hears how many there will be,
    `on_baselines` of the trials before the first case.
    """
    ordered = _baselines(runners, scenarios, plan)
    on_baselines(ordered)
    number = count(1)
    trials = {trial.scenario.id: trial for trial in ordered}
    cases = [case for trial in ordered for case in plan_cases(trial, plan)]
    restarts = sample([case for case in cases if case.way is Way.RESTART], plan.seed, MOST_RESTARTS)
    if not runners.restarts:
        restarts = []
    together = sample([case for case in cases if case.way is not Way.RESTART], plan.seed, plan.limit)
    on_planned(len(together) + len(restarts))
    resumes: dict[CrashCase, Mapping[str, int]] = {}
    for record in _play(runners, trials, together, plan.seed, number):
        if record.case.way is Way.ONCE:
            resumes[record.case] = record.resume_points
        on_record(record)
    played = len(together)
    if Way.AGAIN in plan.ways:
        second = [case for trial in ordered for case in pairs(trial, resumes, plan)]
        on_planned(played + len(restarts) + len(second))
        third: list[CrashCase] = []
        for record in _play(runners, trials, second, plan.seed, number):
            third += next_deaths(record.case, record.resume_points, plan)
            on_record(record)
        third = sample(third, plan.seed, MOST_THIRDS)
        on_planned(played + len(restarts) + len(second) + len(third))
        for record in _play(runners, trials, third, plan.seed, number):
            on_record(record)
    for record in _play(runners, trials, restarts, plan.seed, number, alone=True):
        on_record(record)
    return ordered


def run_sample(
    runners: Runners,
    scenarios: Sequence[Scenario],
    plan: CasePlan,
    *,
    on_record: Callable[[CaseRecord], None],
    on_planned: Callable[[int], None],
    on_baselines: Callable[[Sequence[CrashTrial]], None] = lambda _trials: None,
    budget: Budget,
    restarting: Callable[[], AbstractContextManager[Runners]] | None = None,
) -> list[CrashTrial]:
    """As `run_crashes`, but spread over the coverage and for no longer than the budget says.

    A case that has begun is ended. Scenarios whose baseline did not come in time are left out. `restarting` opens
    runners on a database of their own, that may restart the server; None where nobody may.
    """
    began = time.monotonic()
    restarts = most_restarts(budget.restarts, budget.most_s) if restarting is not None else 0
    kept_s = restarts * _RESTART_S
    until, latest = began + budget.usual_s - kept_s, began + budget.most_s
    last_case = max(until, latest - restarts * _SLOW_RESTART_S)
    ordered = _baselines(runners, scenarios, plan, until=last_case)
    on_baselines(ordered)
    number = count(1)
    trials = {trial.scenario.id: trial for trial in ordered}
    sampler = Sampler(ordered, plan)
    last = sampler.restarts(restarts)
    interrupted = 0

    def wanted() -> Iterator[CrashCase]:
        for case in sampler.cases():
            if interrupted + len(last) >= budget.least and time.monotonic() >= until:
                return
            on_planned(sampler.total + len(last))
            yield case

    on_planned(sampler.total + len(last))
    for record in _play(runners, trials, wanted(), plan.seed, number, until=last_case):
        interrupted += record.fired > 0
        sampler.heard(record)
        on_record(record)
    if last and restarting is not None and time.monotonic() < latest:
        with restarting() as alone:
            for record in _play(alone, trials, last, plan.seed, number, alone=True, until=latest):
                on_record(record)
    return ordered


def most_restarts(asked: int, most_s: float) -> int:
    """Returns how many restarts a sample of at most that time may have, of those asked for."""
    return min(asked, int(most_s * _RESTARTS_SHARE / _RESTART_S))


def replay_case(runners: Runners, scenario: Scenario, case: CrashCase) -> CaseRecord:
    """Plays one case, after a baseline that says what its kill point touches."""
    [trial] = _baselines(runners, [scenario], CasePlan(engine=""))
    [record] = _play(runners, {scenario.id: trial}, [case], 0, count(1))
    return record


def _baselines(
    runners: Runners, scenarios: Sequence[Scenario], plan: CasePlan, *, until: float | None = None
) -> list[CrashTrial]:
    """Plays the uninterrupted runs; returns them in the scenarios' order."""
    by_id = {scenario.id: scenario for scenario in scenarios}
    trials: dict[str, CrashTrial] = {}
    for _, line in runners.play((CaseJob(s, None, _id(plan.seed, s.id)) for s in scenarios), until=until):
        name, (arm, points) = decode_baseline(line)
        trials[name] = CrashTrial(scenario=by_id[name], baseline=arm, points=points)
        if sum(_hung(trial.baseline) for trial in trials.values()) >= MOST_HUNG:
            break
    return [trials[scenario.id] for scenario in scenarios if scenario.id in trials]


def _play(
    runners: Runners,
    trials: Mapping[str, CrashTrial],
    cases: Iterable[CrashCase],
    seed: int,
    number: Iterator[int],
    *,
    alone: bool = False,
    until: float | None = None,
) -> Iterator[CaseRecord]:
    hung = heard = 0
    jobs = (CaseJob(trials[case.scenario].scenario, case, _id(seed, str(case)), next(number), heard) for case in cases)
    for job, line in runners.play(jobs, alone=alone, until=until):
        record = decode_case(line)
        hung += _hung(record.arm)
        if job.case is not None:
            trial = trials[job.case.scenario]
            yield replace(
                record,
                node_kinds=kinds_at(trial, job.case.point),
                order=trial.order,
                number=job.number,
                heard=job.heard,
            )
            heard += 1
        if hung >= MOST_HUNG:
            break


def _hung(arm: ArmRecord) -> bool:
    return arm.failure is not None and arm.failure.kind == "timeout"


def _id(seed: int, name: str) -> uuid.UUID:
    """Returns an execution id that no other run on the same database has; a replay gets another one."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"cutover:{seed}:{name}:{uuid.uuid4()}")
