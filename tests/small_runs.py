"""A saved run of three trials, of literal rows: quick to make, and judged like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from rows import CALL, ENGINES, EXECUTION, MANIFEST, SHIP, STEP

from cutover.engines.api import Journal, StepRow
from cutover.engines.registry import describe
from cutover.harness.cli.jobs.manifest import built_in
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.rereads import Reread
from cutover.harness.record.trials import ARMS, Again, ArmName, ArmRecord, EngineInfo, Trial, role
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.store.lines import encode_fields
from cutover.harness.store.tables import POLICY, Table
from cutover.harness.store.writer import RunWriter
from cutover.scenarios.model import Response, Scenario

__all__ = ["info", "save"]

NONE: Final[Mapping[str, str]] = MappingProxyType({})
TOTAL = replace(SHIP, world={"ship": (Response(output={"total": 7}),)})
ASKED = "--control v1 --candidate v2 --stage 0 --scenarios mine --seed 1 {} --skip crashes"


def total(number: int) -> Scenario:
    return replace(TOTAL, id=f"ship-{number}")


def reread(number: int, name: ArmName) -> bytes:
    scenario = total(number)
    own = execution_id(1, scenario, name, number)
    return encode_fields(Reread(trial=number, scenario=scenario.id, arm=name, execution_id=own))


def info(spec: str) -> EngineInfo:
    name, digest = describe(spec)
    return EngineInfo(spec=spec, name=name, digest=digest)


def arm(name: ArmName, number: int, output: str) -> ArmRecord:
    own = execution_id(1, total(number), name, number)
    return ArmRecord(
        arm=name,
        engine=ENGINES[role(name)],
        execution_id=own,
        position=0,
        journal=Journal(
            execution=replace(EXECUTION, id=own, output=output),
            steps=(step("start", "1"), step("ship", output)),
        ),
        ledger=(replace(CALL, output=output, idempotency_key=f"{own}:ship"),),
        again=Again(calls=0, rows_changed=False),
        duration_ms=9.0,
    )


def step(name: str, output: str) -> StepRow:
    return replace(STEP, step_id=name, node_id=name, output=output)


def save(
    folder: Path,
    *,
    run_id: str = "r1",
    last: int = 7,
    policy: str = "",
    texts: Mapping[str, str] = NONE,
    asked: str = "",
) -> Path:
    """Saves a run of three trials; in the third the candidate's total is that one.

    `policy` is the text of one that is not built in, `texts` are further files, `asked` further arguments.
    """
    manifest = replace(
        MANIFEST,
        run_id=run_id,
        control=info("v1"),
        candidate=info("v2"),
        planned=3,
        arguments=tuple(ASKED.format(asked).split()),
        built_in=built_in(),
    )
    with RunWriter(folder, manifest) as writer:
        for name, text in {POLICY: policy or default_policy().text, **texts}.items():
            writer.write_text(name, text)
        for number in (1, 2, 3):
            totals = {"control": 7, "candidate": last if number == 3 else 7}
            arms = {name: arm(name, number, f'{{"total":{totals[role(name)]}}}') for name in ARMS}
            writer.write(Trial(number=number, scenario=total(number), arms=arms))
        candidates: tuple[ArmName, ...] = ("candidate", "candidate_again")
        for number in (1, 2, 3):
            writer.write_lines(Table.REREADS, [reread(number, name) for name in candidates])
        writer.finish(seconds=1.0)
    return folder
