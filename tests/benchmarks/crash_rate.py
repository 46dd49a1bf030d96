"""Crash cases a second, beside the bare cost of fork, kill and reconnect. Does I/O."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from uuid import uuid4

from plan import Plan
from results import Result

from cutover.harness.record.cases import CrashCase, CrashTrial, Way
from cutover.harness.run.crash.plan import CasePlan, plan_cases
from cutover.harness.run.crash.runners import CaseJob, Runners
from cutover.harness.run.postgres.installation import installed_copies
from cutover.harness.run.postgres.server import Server
from cutover.harness.store.case_lines import decode_baseline, decode_case
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

__all__ = ["crash_growth", "crash_rate"]

_WORKERS = 4
"""Of each subject, on two processors: a process that waits for the disk or for another leaves its processor idle."""
_FEW, _MANY = 1_000, 4_000
_WINDOW = 500
_BARE, _ENGINE = (str(Path(__file__).with_name(name)) for name in ("crash_bare.py", "crash_engine.py"))


def crash_rate(server: Server, plan: Plan) -> list[Result]:
    """Kill-and-resume cases a second against the bare cycles a second, in turns; and V2's cycles without a harness."""
    with installed_copies(server, "v2", _WORKERS, relaxed=True) as dsns, _runners(dsns) as runners:
        scenario, cases = _cases(runners)
        ours, bare, engine = [], [], []
        for number in range(plan.rounds):
            bare.append(_cycles(_BARE, server.dsn, plan.seconds))
            began = time.perf_counter()
            jobs = (CaseJob(scenario, case, uuid4()) for case in cycle(cases))
            played = sum(1 for _ in runners.play(jobs, until=time.monotonic() + plan.seconds))
            ours.append(played / (time.perf_counter() - began))
            engine.append(_cycles(_ENGINE, dsns[0], plan.seconds))
            plan.say(
                f"round {number + 1} of {plan.rounds}: {ours[-1]:.0f} cases/s, {bare[-1]:.0f} bare cycles/s,"
                f" {engine[-1]:.0f} cycles/s of V2 without a harness"
            )
    medians = {"cases": ours, "bare": bare, "V2 without a harness": engine}
    return [
        Result(
            name="e  crash cases / bare fork, kill and reconnect",
            sense="at least",
            target=0.5,
            samples=tuple(mine / theirs for mine, theirs in zip(ours, bare, strict=True)),
            detail="median a second: "
            + ", ".join(f"{statistics.median(rates):,.0f} {what}" for what, rates in medians.items()),
        )
    ]


def crash_growth(server: Server, plan: Plan) -> list[Result]:
    """The cost of a case after 4,000 cases against the cost after 1,000: what the median case of a window took."""
    took: list[float] = []
    with installed_copies(server, "v2", _WORKERS, relaxed=True) as dsns, _runners(dsns) as runners:
        scenario, cases = _cases(runners)
        jobs = (CaseJob(scenario, case, uuid4()) for case in islice(cycle(cases), _MANY))
        for _, line in runners.play(jobs):
            took.append(decode_case(line).moments[-1].at_ms)
            if len(took) % _WINDOW == 0:
                plan.say(f"{len(took)} of {_MANY} cases: median {statistics.median(took[-_WINDOW:]):.1f} ms")
    early, late = (statistics.median(took[end - _WINDOW : end]) for end in (_FEW, _MANY))
    return [
        Result(
            name="e  a crash case after 4,000 / after 1,000",
            sense="at most",
            target=1.15,
            samples=(late / early,),
            detail=f"median of {_WINDOW}: {early:.1f} ms and {late:.1f} ms",
        )
    ]


def _runners(dsns: Sequence[str]) -> Runners:
    return Runners("v2", dsns, deadline_s=20.0, takeover_s=31.0)


def _cases(runners: Runners) -> tuple[Scenario, list[CrashCase]]:
    scenario = load_catalog()[0]
    [(_, line)] = runners.play([CaseJob(scenario, None, uuid4())])
    _, (arm, points) = decode_baseline(line)
    trial = CrashTrial(scenario=scenario, baseline=arm, points=points)
    return scenario, list(plan_cases(trial, CasePlan(engine="v2", ways=(Way.ONCE,))))


def _cycles(script: str, url: str, seconds: float) -> float:
    """Cycles a second of as many processes, each small, as what forks the hosts is."""
    command = [sys.executable, script, url, str(seconds)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_WORKERS)]
    return sum(float(worker.communicate()[0]) for worker in workers)
