"""A small run from end to end, in this process: arms, desk, store, crash cases, analysis. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

from engines.registry import resolve
from harness.errors import RunError
from harness.judge.analysis import analyse
from harness.judge.cases import CaseRecord, CrashTrial, PointKind, Way
from harness.judge.classify import Waives
from harness.judge.crash import CrashTally
from harness.judge.findings import Verdict
from harness.judge.policy import default_policy
from harness.judge.records import ARMS, EngineInfo, Manifest, role
from harness.mutants.scenarios import scenario
from harness.run import crash_plan, shadow
from harness.run.arm import Arm
from harness.run.baseline import BaselineRun
from harness.run.case import CaseRun
from harness.run.lines import encode_arm
from harness.run.pool import Recorded
from harness.run.saved import (
    crash_scenarios,
    iter_cases,
    iter_trials,
    load_manifest,
)
from harness.run.stage import Stage
from harness.run.store import RunWriter
from scenarios.model import Scenario

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
    with Stage(resolve("v2"), dsn) as stage:
        trial, records = _sweep(stage, chosen, get_args(PointKind))
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
    desk = shadow._Desk(scenarios, 1, dict.fromkeys(ARMS, "v2"))
    with TemporaryDirectory(prefix="cutover-") as folder, RunWriter(Path(folder) / "run", _manifest(specs)) as writer:
        for number, each in enumerate(scenarios, start=1):
            for position, name in enumerate(shadow.arm_order(number, 1)):
                record = arms[name].run(each, uuid.uuid4(), position, None)
                trial = desk.take(Recorded(number, name, encode_arm(number, each.id, record)))
                if trial is not None:
                    writer.write(trial)
        for arm in arms.values():
            arm.close()
        writer.write_crash_scenarios([scenario(_KILLED)])
        with Stage(resolve("v2"), dsn) as stage:
            for case in _sweep(stage, scenario(_KILLED), _EFFECT)[1]:
                writer.write_case(case)
        writer.finish(seconds=1.0)
        yield writer.folder


def _sweep(stage: Stage, chosen: Scenario, kinds: Collection[PointKind]) -> tuple[CrashTrial, list[CaseRecord]]:
    """Every kill point of these kinds in one scenario, once each."""
    arm, points = BaselineRun(stage, chosen, uuid.uuid4()).run()
    wanted = {point: steps for point, steps in points.items() if point.kind in kinds}
    trial = CrashTrial(scenario=chosen, baseline=arm, points=wanted)
    plan = crash_plan.Plan(engine="v2", ways=(Way.ONCE,))
    records = [
        replace(CaseRun(stage, chosen, case, uuid.uuid4()).run(), node_kinds=crash_plan.kinds_at(trial, case.point))
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
    )
