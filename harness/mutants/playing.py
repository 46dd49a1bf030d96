"""Plays the experiment of one mutant in this process, and says which checks saw it. Does I/O."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, cast

from cutover.engines.api import EngineFactory
from cutover.engines.errors import CutoverError
from cutover.engines.registry import resolve
from cutover.harness.judge.checks import run_checks
from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.differences.classify import classify
from cutover.harness.judge.findings import CheckResult, Difference, DifferenceClass
from cutover.harness.judge.flag import judge_routing
from cutover.harness.judge.view import view_of
from cutover.harness.mutants.model import Costs, Crashes, EngineMutant, Routing, SoundControl, Trials
from cutover.harness.mutants.scenarios import scenario
from cutover.harness.record.cases import CrashCase, CrashTrial
from cutover.harness.record.mutants import Kill
from cutover.harness.record.trials import Trial
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.plan import CasePlan, plan_cases
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.side.costs import count_costs
from cutover.harness.run.side.ladder import rung
from cutover.harness.run.side.routing import RouterFactory, run_routing
from cutover.harness.run.trials.arm import Arm

__all__ = ["play_control", "play_mutant"]

_ARM_S: Final = 20
_COMMAND_S: Final = 6.0
"""Real time for one command in a crash case; a hang costs so much."""
_MOST_HANGS: Final = 2
_ROUTED: Final = 120
"""Executions through a router: those that start with the switch on are enough to test the split."""


class _LateCommand(BaseException):
    """An arm took too long; no `except Exception` of an engine may swallow it."""


@dataclass(slots=True)
class _CheckTally:
    """What the checks held against an engine so far; `draw` makes the ids of its executions."""

    draw: random.Random
    checks: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    witness: dict[str, str] = field(default_factory=dict)
    looked_at: int = 0
    unfired: int = 0
    hangs: int = 0

    def id(self) -> uuid.UUID:
        """An execution id, the same for the same seed."""
        return uuid.UUID(int=self.draw.getrandbits(128), version=4)

    def add(self, where: str, results: Iterable[CheckResult]) -> None:
        """Adds the results of one arm or case."""
        self.looked_at += 1
        for result in results:
            self.counts.update(result.counts)
            if result.findings:
                self.checks[result.check] += len(result.findings)
                self.witness.setdefault(result.check, f"{where}: {result.findings[0].message}")

    def differ(self, where: str, differences: Iterable[Difference]) -> None:
        """Adds how two engines differ; what is equal, or better than the control, is not a fault."""
        for difference in differences:
            if difference.klass not in {DifferenceClass.EQUAL, DifferenceClass.IMPROVEMENT}:
                self.checks["OUT"] += 1
                self.witness.setdefault("OUT", f"{where}: {difference.klass} at {difference.path}")


def play_mutant(mutant: EngineMutant, dsn: str, seed: int) -> Kill:
    """What the checks say of a broken engine; `dsn` is a database in which V2 is installed."""
    began = time.perf_counter()
    seen = _CheckTally(random.Random(f"{seed}:{mutant.id}"))  # noqa: S311 - ids for a test, no secret
    _play(mutant.experiment, mutant.engine, dsn, seen)
    return Kill(
        kind="engine",
        id=mutant.id,
        pattern=mutant.pattern,
        check=mutant.check,
        seen=dict(seen.checks),
        witness=seen.witness.get(mutant.check, ""),
        looked_at=seen.looked_at,
        unfired=seen.unfired,
        seconds=time.perf_counter() - began,
    )


def play_control(control: SoundControl, dsn: str, seed: int) -> Kill:
    """What the checks say of a sound engine; a fault that does not fire, or a count that stays 0, is a problem."""
    began = time.perf_counter()
    seen = _CheckTally(random.Random(f"{seed}:{control.id}"))  # noqa: S311 - ids for a test, no secret
    for experiment in control.experiments:
        _play(experiment, control.engine, dsn, seen)
    problem = f"{seen.unfired} planned faults did not fire" if seen.unfired else ""
    if control.counts and not seen.counts[control.counts]:
        problem = f"nothing counted as {control.counts}"
    return Kill(
        kind="control",
        id=control.id,
        pattern=control.pattern,
        check="",
        seen=dict(seen.checks),
        witness=next(iter(seen.witness.values()), ""),
        looked_at=seen.looked_at,
        unfired=seen.unfired,
        seconds=time.perf_counter() - began,
        problem=problem,
    )


def _play(experiment: Trials | Crashes | Routing | Costs, engine: str, dsn: str, seen: _CheckTally) -> None:
    factory = resolve(engine)
    match experiment:
        case Trials():
            _trials(experiment, factory, dsn, seen)
        case Crashes():
            _crashes(experiment, factory, dsn, seen)
        case Costs(plays):
            _costs(engine, dsn, plays, seen)
        case Routing():
            ids = [seen.id() for _ in range(_ROUTED)]
            seen.add("routing", [judge_routing(run_routing(cast("RouterFactory", factory), dsn, ids=ids))])


def _costs(engine: str, dsn: str, plays: Sequence[str], seen: _CheckTally) -> None:
    rows = count_costs({"candidate": (engine, dsn)}, [rung(name) for name in plays])
    if problems := [f"{row.play}: {row.problem}" for row in rows if row.problem]:
        raise CutoverError(f"costs could not be counted: {problems[0]}")
    seen.add("costs", judge_costs(rows, CostLimits()))


def _trials(experiment: Trials, factory: EngineFactory, dsn: str, seen: _CheckTally) -> None:
    arms = [Arm("candidate", factory, dsn)]
    if experiment.control is not None:
        control = resolve(experiment.control)
        arms += [Arm("control", control, dsn), Arm("control_again", control, dsn)]
    companion = scenario(experiment.companion) if experiment.companion else None
    for number, name in enumerate(experiment.scenarios, start=1):
        with _within(_ARM_S):
            records = [arm.run(scenario(name), seen.id(), place, companion) for place, arm in enumerate(arms)]
        trial = Trial(number=number, scenario=scenario(name), arms={record.arm: record for record in records})
        view = view_of(trial)
        results = run_checks(view)
        seen.add(name, [result for result in results if result.arm == "candidate"])
        seen.differ(name, classify(view))
    for arm in arms:
        arm.close()


def _crashes(experiment: Crashes, factory: EngineFactory, dsn: str, seen: _CheckTally) -> None:
    chosen = scenario(experiment.scenario)
    with Testbed(factory, dsn, deadline_s=_COMMAND_S) as testbed:
        arm, points = BaselineRun(testbed, chosen, seen.id()).run()
        kinds = experiment.points or ("request", "answer", "call", "reply", "signal")
        trial = CrashTrial(
            scenario=chosen,
            baseline=arm,
            points={point: steps for point, steps in points.items() if point.kind in kinds},
        )
        for case in plan_cases(trial, CasePlan(engine="", ways=experiment.ways)):
            if seen.hangs < _MOST_HANGS:
                _case(testbed, trial, case, seen)


def _case(testbed: Testbed, trial: CrashTrial, case: CrashCase, seen: _CheckTally) -> None:
    record = CaseRun(testbed, trial.scenario, case, seen.id()).run()
    judged = judge_case(trial.scenario, record)
    seen.unfired += record.fired < record.planned
    seen.hangs += record.arm.failure is not None and record.arm.failure.kind == "timeout"
    seen.add(str(case), judged.results)


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Raises _LateCommand where the block takes longer; only in the main thread of a process of its own."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise _LateCommand

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
