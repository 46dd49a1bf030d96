"""The report: one JSON document from an analysis and its run's manifest; every other format renders it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import JsonValue

from cutover.harness.judge.analysis import Analysis
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.harness.record.trials import Manifest
from cutover.reports.parts.base import ReportPart
from cutover.reports.parts.crash import CrashPart, crash_part
from cutover.reports.parts.differences import (
    DifferencePart,
    NoisePart,
    NormalisationPart,
    WaiverPart,
    difference_parts,
    noise_parts,
    normalisation_parts,
    waiver_parts,
)
from cutover.reports.parts.evidence import CheckPart, CriterionPart, ReasonPart, check_parts, criterion_parts
from cutover.reports.parts.machine import MachinePart
from cutover.reports.parts.material import MaterialPart, material_part
from cutover.reports.parts.run import Commands, FailedScenario, RunPart
from cutover.reports.parts.sides import DistributionPart, SidePart

__all__ = ["SCHEMA_VERSION", "Document", "build", "json_schema"]

SCHEMA_VERSION: Literal[3] = 3
"""Of a report; from 2 on its shares are proven by drawn scenarios alone, and it says what the material showed."""


class Document(ReportPart):
    """What a run comes to at one stage, with the evidence. `exit_status` is the one `cutover` leaves by.

    `drawn` counts the trials whose scenario chance chose, each content once: shares are proven by these alone.
    """

    schema_version: Literal[3] = SCHEMA_VERSION
    verdict: StageVerdict
    exit_status: int
    headline: str
    stage: int
    stage_name: str
    policy_name: str
    policy_digest: str
    trials: int
    drawn: int = 0
    trials_failed: int
    failed_scenarios: tuple[FailedScenario, ...]
    blocking: tuple[ReasonPart, ...]
    reasons: tuple[ReasonPart, ...]
    criteria: tuple[CriterionPart, ...]
    checks: tuple[CheckPart, ...]
    differences: tuple[DifferencePart, ...]
    waivers: tuple[WaiverPart, ...] = ()
    noise: tuple[NoisePart, ...] = ()
    normalisation: tuple[NormalisationPart, ...] = ()
    side_by_side: tuple[SidePart, ...]
    distributions: tuple[DistributionPart, ...]
    crash: CrashPart | None
    material: MaterialPart | None = None
    machine: tuple[MachinePart, ...] = ()
    not_tested: tuple[str, ...]
    reproduce: str
    run: RunPart


def build(analysis: Analysis, manifest: Manifest, *, judged_by: Mapping[str, str] = MappingProxyType({})) -> Document:
    """Returns the document; numbers and texts are copied from the analysis, nothing is judged again.

    `judged_by` has the options of `cutover run`, with their values, that differ from those that the run was made with;
    the stage is known from the analysis.
    """
    stage = {} if analysis.stage == manifest.stage else {"--stage": str(analysis.stage)}
    commands = Commands.of(manifest, {**stage, **judged_by})
    return Document(
        verdict=analysis.verdict,
        exit_status=analysis.verdict.exit_status,
        headline=analysis.headline,
        stage=analysis.stage,
        stage_name=analysis.stage_name,
        policy_name=analysis.policy_name,
        policy_digest=analysis.policy_digest,
        trials=analysis.trials,
        drawn=analysis.drawn,
        trials_failed=analysis.trials_failed,
        failed_scenarios=tuple(
            FailedScenario(trial=number, scenario=scenario, reproduce=commands.trial(scenario))
            for number, scenario in analysis.failed_scenarios
        ),
        blocking=tuple(ReasonPart.model_validate(reason) for reason in analysis.blocking),
        reasons=tuple(ReasonPart.model_validate(reason) for reason in analysis.reasons),
        criteria=criterion_parts(analysis),
        checks=check_parts(analysis, commands),
        differences=difference_parts(analysis),
        waivers=waiver_parts(analysis),
        noise=noise_parts(analysis),
        normalisation=normalisation_parts(analysis),
        side_by_side=tuple(SidePart.model_validate(side) for side in analysis.side_by_side),
        distributions=tuple(DistributionPart.model_validate(each) for each in analysis.distributions),
        crash=crash_part(analysis.crash, commands.case) if analysis.crash else None,
        material=None if analysis.material is None else material_part(analysis.material),
        machine=tuple(MachinePart.model_validate(each) for each in analysis.machine),
        not_tested=analysis.not_tested,
        reproduce=commands.run,
        run=RunPart.model_validate(manifest),
    )


def json_schema() -> dict[str, JsonValue]:
    """Returns the document's JSON Schema, as `reports/schema/report.schema.json` publishes it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(mode="serialization"),
    }
