"""Plays one engine through a fast form of `run` and `crash` until a check holds something against it. Does I/O.

This runs in a process of its own, which may be killed at any time; the stages go from cheap to dear. What it leaves
out is what statistics over many trials decide.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final, TypeAlias

from cutover.engines.api import EngineFactory
from cutover.engines.registry import describe, resolve
from cutover.harness.judge.checks import run_checks
from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.view import view_of
from cutover.harness.mutants.plays import played, read_again_at_the_end
from cutover.harness.record.cases import CrashCase, CrashTrial, KillPoint, Way
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.trials import Trial
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.plan import SAMPLE_WAYS, CasePlan
from cutover.harness.run.crash.sampling import Sampler
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.side.costs import count_costs
from cutover.harness.run.side.listing import LONG_PLAYS, PLAYS
from cutover.harness.run.trials.arm import Arm
from cutover.scenarios.model import Scenario
from mutation.covering.course import Course, Step
from mutation.covering.marks import Marked
from mutation.forks import PATIENCE, Say
from mutation.material import Material
from mutation.mutant import SPEC
from mutation.results import Kill

__all__ = ["Slot", "Stages", "play_engine", "walk"]

STAGES: Final = ("trials", "rereads", "plays", "crashes", "restarts", "lapses", "costs", "lasting")
_Wanted: TypeAlias = Mapping[str, Sequence[str]] | None
"""The names of the steps by stage; None for all there are."""
_NAMESPACE: Final = uuid.UUID("5d4b5f5c-8a1f-5c39-9a5a-4a2a7c1f0b11")
_ELSEWHERE: Final = frozenset({"costs"})
"""Stages whose engine runs in a process that no mark reaches."""
_LADDER: Final = "the ladder"
_LAPSED: Final = "03-data-flow"

_RENEWS: Final = "cutover.harness.mutants.engines:RenewsOften"
"""V2, hurried: it renews a lease as often as a harness needs in which time runs fast."""
_COMPANION_EVERY: Final = 8
"""As in a run: in every so many trials, executions of the next scenario run in between."""
_COMMAND_S: Final = 10.0
"""Real time for one command in a crash case."""
_LADDER_S: Final = 60.0
"""Real time for all plays of the ladder, which are told of when they have ended."""
_LASTING_S: Final = 90.0
"""Real time for what takes long of the plays: an activity that outlasts a lease by the clock on the wall."""
_LAPSES: Final = 2
"""Calls that outlast a lease."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A database for one mutant at a time; `restart` is there where it has the server to itself."""

    dsn: str
    restart: Callable[[], None] | None = None


class Stages:
    """One engine on its way through all steps, or those of a course; what each step runs is told to `note`."""

    def __init__(self, material: Material, slot: Slot, control: Sequence[PlayCosts], say: Say) -> None:
        self._material, self._slot, self._control, self._say = material, slot, control, say
        self._factory = resolve(SPEC)
        self._count = 0
        self.stage = "install"
        self.note: Callable[[str, str], None] = lambda _stage, _name: None

    def install(self) -> None:
        """Makes the engine and installs it; raises whatever it raises."""
        describe(SPEC)
        install_engine(SPEC, self._slot.dsn)

    def play(self, steps: Sequence[Step] | None = None) -> Kill | None:
        """The first thing that is held against the engine; None where nothing is."""
        wanted: _Wanted = None
        if steps is not None:
            wanted = {stage: [each.name for each in steps if each.stage == stage] for stage in STAGES}
        parts = (self._trials, self._plays, self._crashes, self._lapses, self._costs, self._lasting)
        return next(chain.from_iterable(part(wanted) for part in parts), None)

    def _begin(self, stage: str, *, patience_s: float = 0.0) -> None:
        self.stage = stage
        self._count += stage != "baseline"
        self._say({"stage": stage, "cases": self._count, PATIENCE: patience_s})

    def _id(self, name: str) -> uuid.UUID:
        return uuid.uuid5(_NAMESPACE, f"{self._material.seed}:{self.stage}:{name}")

    def _kills(self, where: str, results: Iterable[CheckResult]) -> Iterator[Kill]:
        """What the checks have found, if they have."""
        self.note(self.stage, where)
        for result in results:
            for finding in result.findings:
                yield Kill(stage=self.stage, by=result.check, cases=self._count, detail=f"{where}: {finding.message}")

    def _trials(self, wanted: _Wanted) -> Iterator[Kill]:
        """One engine for all of them, as a run's worker has; in the end every execution is read again."""
        arm, chosen, trials = Arm("candidate", self._factory, self._slot.dsn), _names(wanted, "trials"), []
        for number, scenario in enumerate(self._material.trials, start=1):
            if chosen is not None and scenario.id not in chosen:
                continue
            self._begin("trials")
            beside = self._material.trials[number % len(self._material.trials)]
            record = arm.run(scenario, self._id(scenario.id), 0, None if number % _COMPANION_EVERY else beside)
            trials.append(Trial(number=number, scenario=scenario, arms={"candidate": record}))
            yield from self._kills(scenario.id, run_checks(view_of(trials[-1])))
        if trials:
            self._begin("rereads")
            yield from self._kills("in the end", read_again_at_the_end(arm, self._slot.dsn, trials))
        arm.close()

    def _plays(self, wanted: _Wanted) -> Iterator[Kill]:
        chosen = _names(wanted, "plays")
        for name in PLAYS:
            if chosen is None or name in chosen:
                self._begin("plays")
                yield from self._kills(name, played(name, self._factory, self._slot.dsn, self._material.seed))

    def _crashes(self, wanted: _Wanted) -> Iterator[Kill]:
        """Cases of all ways and kinds of point and further deaths, in the order of a run's sample."""
        by_id = {each.id: each for each in self._material.crashed}
        if wanted is None:
            yield from self._sample(by_id)
            return
        cases = [CrashCase.parse(name) for stage in ("crashes", "restarts") for name in wanted[stage]]
        if cases:
            with self._testbed(self._factory) as testbed:
                for case in cases:
                    yield from self._case(testbed, by_id[case.scenario], case)

    def _sample(self, by_id: Mapping[str, Scenario]) -> Iterator[Kill]:
        plan = CasePlan(engine="", ways=SAMPLE_WAYS, seed=self._material.seed)
        with self._testbed(self._factory) as testbed:
            sampler = Sampler([self._baseline(testbed, each) for each in self._material.crashed], plan)
            for case in islice(sampler.cases(), self._material.cases):
                yield from self._case(testbed, by_id[case.scenario], case, sampler)
            for case in sampler.restarts(self._material.restarts if self._slot.restart is not None else 0):
                yield from self._case(testbed, by_id[case.scenario], case)

    def _lapses(self, wanted: _Wanted) -> Iterator[Kill]:
        """Activities that take longer than a lease, on an engine that renews as fast as time runs here."""
        scenario = next(each for each in self._material.trials if each.id == _LAPSED)
        cases = [CrashCase(_LAPSED, KillPoint("call", number), Way.LAPSE) for number in range(1, _LAPSES + 1)]
        chosen = _names(wanted, "lapses")
        if chosen is None or chosen:
            with self._testbed(resolve(_RENEWS)) as testbed:
                for case in cases:
                    if chosen is None or str(case) in chosen:
                        yield from self._case(testbed, scenario, case)

    def _costs(self, wanted: _Wanted) -> Iterator[Kill]:
        """The ladder, in a process that loads the engine anew."""
        if wanted is None or wanted["costs"]:
            self._begin("costs", patience_s=_LADDER_S)
            rows = [*self._control, *count_costs({"candidate": (SPEC, self._slot.dsn)})]
            found = judge_costs(rows, CostLimits())
            yield from self._kills(_LADDER, [result for result in found if result.arm == "candidate"])

    def _lasting(self, wanted: _Wanted) -> Iterator[Kill]:
        """What takes long of the plays; a course has it for mutants of the lease alone."""
        chosen = _names(wanted, "lasting")
        for name in LONG_PLAYS:
            if chosen is None or name in chosen:
                self._begin("lasting", patience_s=_LASTING_S)
                yield from self._kills(name, played(name, self._factory, self._slot.dsn, self._material.seed))

    def _testbed(self, factory: EngineFactory) -> Testbed:
        self._begin("baseline")
        return Testbed(factory, self._slot.dsn, deadline_s=_COMMAND_S, restart=self._slot.restart)

    def _baseline(self, testbed: Testbed, scenario: Scenario) -> CrashTrial:
        self._begin("baseline")
        arm, points = BaselineRun(testbed, scenario, self._id(scenario.id)).run()
        return CrashTrial(scenario=scenario, baseline=arm, points=points)

    def _case(
        self, testbed: Testbed, scenario: Scenario, case: CrashCase, sampler: Sampler | None = None
    ) -> Iterator[Kill]:
        self._begin("restarts" if case.way is Way.RESTART else "lapses" if case.way is Way.LAPSE else "crashes")
        record = CaseRun(testbed, scenario, case, self._id(str(case))).run()
        if sampler is not None:
            sampler.heard(record)
        yield from self._kills(str(case), judge_case(scenario, record).results)


def play_engine(
    material: Material, slot: Slot, control: Sequence[PlayCosts], say: Say, steps: Sequence[Step]
) -> Kill | None:
    """The first thing that is held against what is imported as the engine, on these steps. The database is empty."""
    say({"stage": "install", "cases": 0})
    try:
        stages = Stages(material, slot, control, say)
        stages.install()
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises when it is to be loaded
        return Kill(stage="install", by=type(error).__name__, cases=0, detail=str(error))
    return stages.play(steps)


def walk(
    material: Material, slot: Slot, control: Sequence[PlayCosts], say: Say, marks: Marked
) -> tuple[Course, Kill | None]:
    """All steps of the engine itself, with what each of them runs, and what is held against it."""
    stages = Stages(material, slot, control, say)
    stages.install()
    course = Course(loaded=marks.take())
    began = time.perf_counter()

    def note(stage: str, name: str) -> None:
        nonlocal began
        ran = marks.take() if stage not in _ELSEWHERE else None
        course.steps.append(Step(stage, name, time.perf_counter() - began, ran))
        began = time.perf_counter()

    stages.note = note
    return course, stages.play()


def _names(wanted: _Wanted, stage: str) -> frozenset[str] | None:
    return None if wanted is None else frozenset(wanted[stage])
