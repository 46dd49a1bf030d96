"""One crash case: repeated from its name, or shown as a run saved it. Does I/O."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from cutover.harness.cli.console import captured, emit
from cutover.harness.cli.jobs.crash import STATUS, CrashPlan, scenarios_of
from cutover.harness.cli.jobs.manifest import engine_info
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.options import IMPORTERS
from cutover.harness.cli.status import Status
from cutover.harness.errors import RunError, UsageProblem
from cutover.harness.judge.checks import asked_of
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.record.cases import CaseRecord, CrashCase
from cutover.harness.run.crash.matrix import SETTINGS, replay
from cutover.harness.store.case_lines import encode_case
from cutover.harness.store.reader import crash_scenarios, iter_cases, load_manifest
from cutover.reports.terminal.crash import render_timeline
from cutover.reports.words import json_text
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

__all__ = ["explain_job", "repeat_job"]

_AROUND = 12
"""Moments shown on each side of the fault unless the whole time line is asked for."""


def repeat_job(plan: CrashPlan, name: str, *, whole: bool, as_json: bool) -> int:
    """Repeats one case and shows its time line. Raises CaseError where the name is not one of a case."""
    case = CrashCase.parse(name)
    scenario = _scenario(plan, case)
    engine = engine_info(plan.engine, killed=True)  # refuses what is not an engine before a server is started
    with started_server(plan.url, plan.choice, settings=SETTINGS) as server:
        record = replay(server, scenario, case, plan.engine, deadline_s=plan.deadline_s, takeover_s=plan.takeover_s)
    return _show(scenario, record, engine.lacks, whole=whole, as_json=as_json)


def explain_job(folder: Path, case: CrashCase, *, whole: bool) -> int:
    """Shows the time line of one saved case. Raises UsageProblem where the run has no such case."""
    for record in iter_cases(folder):
        if record.case == case:
            scenario = crash_scenarios(folder).get(case.scenario)
            if scenario is None:
                raise RunError(f"{folder} has case {case} and not its scenario; run again")
            return _show(scenario, record, load_manifest(folder).candidate.lacks, whole=whole, as_json=False)
    raise UsageProblem(f"{folder} has no case {case}; `cutover crash --case {case}` plays it")


def _scenario(plan: CrashPlan, case: CrashCase) -> Scenario:
    """Returns the scenario of a case: from files or imported workflows, generated again, or from the catalog."""
    for scenario in (*scenarios_of(plan, quiet=True), *load_catalog()):
        if scenario.id == case.scenario:
            return scenario
    sources = " or ".join(("--scenarios", *(f"--{name}" for name in IMPORTERS)))
    raise UsageProblem(
        f"no scenario {case.scenario}; give {sources} PATH where it is yours, "
        "or the --generated and --seed of the run where it was generated"
    )


def _show(scenario: Scenario, record: CaseRecord, lacks: Collection[str], *, whole: bool, as_json: bool) -> int:
    judged = judge_case(scenario, record, asked_of(lacks))
    if as_json:
        emit(json_text(encode_case(record).decode("ascii")))
    else:
        around = None if whole else _AROUND
        emit(captured(lambda console: render_timeline(record, judged, console, around=around)))
    return STATUS.get(judged.verdict, Status.INCONCLUSIVE)
