"""A small run from end to end, in this process: arms, assembly, store, crash cases, analysis. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

from cutover.engines.registry import resolve
from cutover.harness.errors import RunError
from cutover.harness.judge.analysis import analyse
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.judge.differences.classify import Waives
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.mutants.scenarios import scenario
from cutover.harness.record.cases import CaseRecord, CrashTrial, PointKind, Way
from cutover.harness.record.trials import ARMS, EngineInfo, Manifest, role
from cutover.harness.run.crash import plan as crash_plan
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.lifetime import folder_prefix
from cutover.harness.run.trials import shadow
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.pool import RecordedArm
from cutover.harness.store.lines import encode_arm
from cutover.harness.store.reader import (
    crash_scenarios,
    iter_cases,
    iter_trials,
    load_manifest,
)
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.model import Scenario

__all__ = ["judged_run", "judged_sweep"]

_TRIALS: Final = ("01-one-activity", "03-data-flow")
_KILLED: Final = "01-one-activity"
_EFFECT: Final[tuple[PointKind, ...]] = ("call", "reply")


def judged_run(dsn: str, *, candidate: str = "v2", waives: Waives | None = None) -> dict[str, str]:
    """What keeps a run of two trials and a few crash cases from GO: the text of each reason, by its id.

    `store` is what the saved run itself says, where it cannot be read.
    """
    with _recorded(dsn, candidate) as folder:
        manifest = load_manifest(folder)
        known = crash_scenarios(folder)
        cases = ((known[record.case.scenario], record) for record in iter_cases(folder))
        try:
            analysis = analyse(manifest, iter_trials(folder), default_policy(), 0, cases=cases, waives=waives)
        except RunError as error:
            return {"store": str(error)}
    blocking = {reason.id: reason.text for reason in analysis.blocking}
    found = {check.check: check.reason for check in analysis.checks if check.verdict is Verdict.FAIL}
    return {**found, **blocking}


def judged_sweep(dsn: str) -> dict[str, str]:
    """What keeps a sweep over all kill points of one scenario from PASS."""
    chosen = scenario(_KILLED)
    tally = CrashTally("v2", 1)
    with Testbed(resolve("v2"), dsn) as testbed:
        trial, records = _sweep(testbed, chosen, get_args(PointKind))
        for record in records:
            tally.add(chosen, record)
    tally.expect_sweep([trial])
    summary = tally.summary()
    return {"META sweep": f"{summary.missed} kill points were missed"} if summary.missed else {}


@contextmanager
def _recorded(dsn: str, candidate: str) -> Iterator[Path]:
    """The folder of a saved run."""
    scenarios = tuple(scenario(name) for name in _TRIALS)
    specs = {"control": "v1", "candidate": candidate}
    arms = {name: Arm(name, resolve(specs[role(name)]), dsn) for name in ARMS}
    assembly = shadow._TrialAssembly(scenarios, 1, dict.fromkeys(ARMS, "v2"))
    with (
        TemporaryDirectory(prefix=folder_prefix()) as folder,
        RunWriter(Path(folder) / "run", _manifest(specs)) as writer,
    ):
        for number, each in enumerate(scenarios, start=1):
            for position, name in enumerate(shadow.arm_order(number, 1)):
                record = arms[name].run(each, uuid.uuid4(), position, None)
                trial = assembly.take(RecordedArm(number, name, encode_arm(number, each.id, record)))
                if trial is not None:
                    writer.write(trial)
        for arm in arms.values():
            arm.close()
        writer.write_crash_scenarios([scenario(_KILLED)])
        with Testbed(resolve("v2"), dsn) as testbed:
            for case in _sweep(testbed, scenario(_KILLED), _EFFECT)[1]:
                writer.write_case(case)
        writer.finish(seconds=1.0)
        yield writer.folder


def _sweep(testbed: Testbed, chosen: Scenario, kinds: Collection[PointKind]) -> tuple[CrashTrial, list[CaseRecord]]:
    """Every kill point of these kinds in one scenario, once each."""
    arm, points = BaselineRun(testbed, chosen, uuid.uuid4()).run()
    wanted = {point: steps for point, steps in points.items() if point.kind in kinds}
    trial = CrashTrial(scenario=chosen, baseline=arm, points=wanted)
    plan = crash_plan.CasePlan(engine="v2", ways=(Way.ONCE,))
    records = [
        replace(CaseRun(testbed, chosen, case, uuid.uuid4()).run(), node_kinds=crash_plan.kinds_at(trial, case.point))
        for case in crash_plan.plan_cases(trial, plan)
    ]
    return trial, records


def _manifest(specs: dict[str, str]) -> Manifest:
    info = {role: EngineInfo(spec=spec, name="v1" if spec == "v1" else "v2", digest="") for role, spec in specs.items()}
    return Manifest(
        run_id="sample",
        created_at=datetime.now(UTC),
        cutover_version="",
        seed=1,
        stage=0,
        control=info["control"],
        candidate=info["candidate"],
        server="",
        server_version="",
        planned=len(_TRIALS),
        finished=0,
        workers=1,
        seconds=0.0,
        material="chosen",
    )
