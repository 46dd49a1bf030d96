"""Plays the experiment of one mutant in this process, and says which checks saw it. Does I/O."""

from __future__ import annotations

import random
import signal
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
from cutover.harness.mutants.model import Costs, Crashes, EngineMutant, Plays, Routing, SoundControl, Timing, Trials
from cutover.harness.mutants.plays import played, read_again_at_the_end
from cutover.harness.mutants.scenarios import scenario
from cutover.harness.mutants.timing import broken_criteria
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.record.mutants import Kill
from cutover.harness.record.trials import Trial
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.plan import CasePlan, next_deaths, plan_cases
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.side.costs import count_costs
from cutover.harness.run.side.ladder import rung
from cutover.harness.run.side.listing import LONG_PLAYS
from cutover.harness.run.side.routing import RouterFactory, run_routing
from cutover.harness.run.trials.arm import Arm

__all__ = ["play_control", "play_mutant"]

_ARM_S: Final = 20
_LONG_PLAY_S: Final = 80
"""Real time for an arm or a play, and for a play that lasts long."""
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


def play_mutant(mutant: EngineMutant, dsn: str, seed: int, restart: Callable[[], None] | None = None) -> Kill:
    """What the checks say of a broken engine; `dsn` is a database in which V2 is installed.

    `restart` stops the server and starts it again, for an engine that has the server to itself.
    """
    began = time.perf_counter()
    seen = _CheckTally(random.Random(f"{seed}:{mutant.id}"))  # noqa: S311 - ids for a test, no secret
    _play(mutant.experiment, mutant.engine, dsn, seen, restart)
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


def _play(
    experiment: Trials | Crashes | Plays | Routing | Timing | Costs,
    engine: str,
    dsn: str,
    seen: _CheckTally,
    restart: Callable[[], None] | None = None,
) -> None:
    factory = resolve(engine)
    match experiment:
        case Trials():
            _trials(experiment, factory, dsn, seen)
        case Crashes():
            _crashes(experiment, factory, dsn, seen, restart)
        case Plays():
            for name in experiment.plays:
                with _within(_LONG_PLAY_S if name in LONG_PLAYS else _ARM_S):
                    seen.add(name, played(name, factory, dsn, seen.draw.getrandbits(64)))
        case Timing():
            _timing(experiment, factory, dsn, seen)
        case Costs(plays):
            _costs(engine, dsn, plays, seen)
        case Routing():
            ids = [seen.id() for _ in range(_ROUTED)]
            seen.add("routing", [judge_routing(run_routing(cast("RouterFactory", factory), dsn, ids=ids))])


def _timing(experiment: Timing, factory: EngineFactory, dsn: str, seen: _CheckTally) -> None:
    seen.looked_at += experiment.times
    for criterion, reason in broken_criteria(experiment, factory, dsn, seen.id):
        seen.checks[criterion] += 1
        seen.witness.setdefault(criterion, reason)


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
    trials: list[Trial] = []
    for number, name in enumerate(experiment.scenarios, start=1):
        with _within(_ARM_S):
            records = [arm.run(scenario(name), seen.id(), place, companion) for place, arm in enumerate(arms)]
        trial = Trial(number=number, scenario=scenario(name), arms={record.arm: record for record in records})
        trials.append(trial)
        view = view_of(trial)
        results = run_checks(view)
        seen.add(name, [result for result in results if result.arm == "candidate"])
        seen.differ(name, classify(view))
    seen.add("in the end", read_again_at_the_end(arms[0], dsn, trials))
    for arm in arms:
        arm.close()


def _crashes(
    experiment: Crashes, factory: EngineFactory, dsn: str, seen: _CheckTally, restart: Callable[[], None] | None
) -> None:
    chosen = scenario(experiment.scenario)
    plan = CasePlan(engine="", ways=experiment.ways)
    with Testbed(factory, dsn, deadline_s=_COMMAND_S, takeover_s=experiment.takeover_s, restart=restart) as testbed:
        arm, points = BaselineRun(testbed, chosen, seen.id()).run()
        kinds = experiment.points or ("request", "answer", "call", "reply", "signal")
        trial = CrashTrial(
            scenario=chosen,
            baseline=arm,
            points={point: steps for point, steps in points.items() if point.kind in kinds},
        )
        cases = deque(plan_cases(trial, plan))
        while cases and seen.hangs < _MOST_HANGS:
            record = _case(testbed, trial, cases.popleft(), seen)
            if Way.AGAIN in experiment.ways:
                cases += next_deaths(record.case, record.resume_points, plan)


def _case(testbed: Testbed, trial: CrashTrial, case: CrashCase, seen: _CheckTally) -> CaseRecord:
    record = replace(CaseRun(testbed, trial.scenario, case, seen.id()).run(), order=trial.order)
    judged = judge_case(trial.scenario, record)
    seen.unfired += record.fired < record.planned
    seen.hangs += record.arm.failure is not None and record.arm.failure.kind == "timeout"
    seen.add(str(case), judged.results)
    return record


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
