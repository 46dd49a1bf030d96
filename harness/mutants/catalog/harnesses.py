"""Broken harnesses: a part of the harness changed for the worse, and the guard that must speak up. Does I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy import criteria, gate
from cutover.harness.judge.policy import rules as policy_rules
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.judge.policy.model import Criterion
from cutover.harness.mutants.patching import Patch, patched
from cutover.harness.mutants.sample import judged_run, judged_sweep
from cutover.harness.record.cases import CrashCase, CrashTrial, KillPoint
from cutover.harness.record.mutants import Kill
from cutover.harness.record.trials import ArmName, ArmRecord
from cutover.harness.run.crash import plan as crash_plan
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.injector import FaultInjector
from cutover.harness.run.process.host import Host
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.trials.arm import Arm
from cutover.harness.store.writer import RunWriter

__all__ = ["HARNESS_MUTANTS", "HarnessMutant", "play_guard"]

Experiment = Callable[[str], Mapping[str, str]]
"""From a database to what the harness has to say against the run, by guard."""


@dataclass(frozen=True, slots=True)
class HarnessMutant:
    """A broken harness. `check` is the guard that must speak, and that must be silent without the mutant."""

    id: str
    pattern: str
    check: str
    patches: Callable[[], tuple[Patch, ...]]
    experiment: Experiment = judged_run
    sound: Experiment = judged_run


def play_guard(mutant: HarnessMutant, dsn: str) -> Kill:
    """What the harness says of itself, as it is and broken; guards that speak in both cases do not count."""
    began = time.perf_counter()
    before = _sound(mutant.sound, dsn)
    with patched(mutant.patches()):
        after = mutant.experiment(dsn)
    seen = {guard: 1 for guard in after if guard not in before}
    problem = f"{mutant.check} speaks without the mutant too: {before[mutant.check]}" if mutant.check in before else ""
    return Kill(
        kind="harness",
        id=mutant.id,
        pattern=mutant.pattern,
        check=mutant.check,
        seen=seen,
        witness=after.get(mutant.check, ""),
        looked_at=1,
        seconds=time.perf_counter() - began,
        problem=problem,
    )


@cache
def _sound(experiment: Experiment, dsn: str) -> Mapping[str, str]:
    """The experiment without any mutant, once a process."""
    return experiment(dsn)


def _verdict_of(change: Callable[[Criterion, Any, Verdict], Verdict]) -> tuple[Patch, ...]:
    original = criteria._verdict
    return (
        (criteria, "_verdict", lambda criterion, reading: change(criterion, reading, original(criterion, reading))),
    )


def _empty_passes() -> tuple[Patch, ...]:
    return _verdict_of(lambda _criterion, reading, verdict: Verdict.PASS if reading.n == 0 else verdict)


def _few_pass() -> tuple[Patch, ...]:
    original = criteria._verdict
    return ((criteria, "_verdict", lambda criterion, reading: original(replace(criterion, min_n=1), reading)),)


def _never_fires() -> tuple[Patch, ...]:
    def inject_at(injector: FaultInjector, _point: KillPoint | None) -> None:
        injector.point = None
        injector.round_trips = injector.activity_calls = 0

    return ((FaultInjector, "inject_at", inject_at),)


def _swapped() -> tuple[Patch, ...]:
    original = Arm.run
    others: dict[ArmName, ArmName] = {"control": "candidate", "candidate": "control"}

    def run(arm: Arm, *given: Any) -> ArmRecord:
        record = original(arm, *given)
        return replace(record, arm=others.get(record.arm, record.arm))

    return ((Arm, "run", run),)


def _inconclusive_is_0() -> tuple[Patch, ...]:
    return ((gate, "_EXIT_STATUS", {**gate._EXIT_STATUS, StageVerdict.INCONCLUSIVE: 0}),)


def _unknown_ignored() -> tuple[Patch, ...]:
    return ((policy_rules, "_measured", lambda _criterion: ()),)


def _rolled_back() -> tuple[Patch, ...]:
    original = CaseRun._inject

    def inject(run: CaseRun, host: Host, channel: Channel | None) -> None:
        if run._caller.world._ledger:
            run._caller.world._ledger.pop()
        original(run, host, channel)

    return ((CaseRun, "_inject", inject),)


def _first_point_only() -> tuple[Patch, ...]:
    original = crash_plan.plan_cases

    def plan_cases(trial: CrashTrial, plan: crash_plan.CasePlan) -> Iterator[CrashCase]:
        cases = list(original(trial, plan))
        return (case for case in cases if case.point == cases[0].point)

    return ((crash_plan, "plan_cases", plan_cases),)


def _truncated() -> tuple[Patch, ...]:
    original = RunWriter.write

    def write(writer: RunWriter, trial: Any) -> None:
        if trial.number == 1:
            original(writer, trial)
        else:
            writer.finished += 1

    return ((RunWriter, "write", write),)


def _broken_candidate(dsn: str) -> Mapping[str, str]:
    return judged_run(
        dsn, candidate="cutover.harness.mutants.engines:AnotherOutput", waives=lambda _difference, _trial: True
    )


HARNESS_MUTANTS: Final = (
    HarnessMutant("empty-sample-passes", "an empty sample passes", "META laws", _empty_passes),
    HarnessMutant("faults-never-fire", "planned faults never fire", "META fired", _never_fires),
    HarnessMutant("arms-swapped", "arms swapped", "META engines", _swapped),
    HarnessMutant("inconclusive-is-0", "INCONCLUSIVE mapped to exit status 0", "META laws", _inconclusive_is_0),
    HarnessMutant("unknown-threshold", "an unknown threshold ignored", "META laws", _unknown_ignored),
    HarnessMutant("ledger-rolled-back", "the ledger in the engine's transaction", "META", _rolled_back),
    HarnessMutant("waives-everything", "a waiver that ignores everything", "OUT", tuple, _broken_candidate),
    HarnessMutant("below-the-minimum", "a sample below the minimum", "META laws", _few_pass),
    HarnessMutant(
        "first-point-only",
        "a sweep that stops at the first point",
        "META sweep",
        _first_point_only,
        judged_sweep,
        judged_sweep,
    ),
    HarnessMutant("silent-truncation", "rows dropped without a word", "store", _truncated),
)
