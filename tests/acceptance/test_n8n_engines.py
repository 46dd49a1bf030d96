"""Both engines run the executions that n8n recorded, and take the same steps, in the same order, to the same end."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutover.harness.record.trials import ArmRecord, Trial
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.shadow import run_trials
from cutover.scenarios.importers.n8n.importer import IMPORTER
from cutover.scenarios.model import Recorded

pytestmark = pytest.mark.corpora

EXECUTIONS = 73


def test_the_engines_do_what_n8n_recorded_or_the_importer_says_why_not(server: Server, corpora: Path) -> None:
    folder = IMPORTER.import_folder(corpora / "n8n-executions")
    recorded = {scenario.id: one for one in folder for scenario in one.scenarios if scenario.recorded is not None}
    scenarios = [scenario for one in folder for scenario in one.scenarios if scenario.id in recorded]
    assert len(scenarios) == EXECUTIONS
    trials: list[Trial] = []
    run_trials(
        scenarios,
        control="v1",
        candidate="v2",
        server=server,
        companion_every=0,
        on_trial=lambda done: trials.append(done.trial),
    )
    assert len(trials) == EXECUTIONS
    unexplained: list[str] = []
    for trial in trials:
        record = trial.scenario.recorded
        assert record is not None
        different = [name for name, arm in trial.arms.items() if _took(arm) != _kept(record)]
        if different and not recorded[trial.scenario.id].unlike:
            unexplained.append(f"{trial.scenario.id}: {', '.join(different)}")
    assert unexplained == []


def _took(arm: ArmRecord) -> list[tuple[str, str]]:
    """The steps that started, by start, and the end; loops and their starts stand for no n8n node."""
    assert arm.journal is not None
    rows = [row for row in arm.journal.steps if row.started_at is not None and row.status != "skipped"]
    rows.sort(key=lambda row: (row.started_at is None, row.started_at))
    loops = {row.step_id.rpartition("/")[0].rpartition("[")[0] for row in rows if "/" in row.step_id}
    steps = [row for row in rows if row.step_id not in loops and not row.step_id.endswith("/start")]
    return [*((row.step_id, row.status) for row in steps), ("", arm.journal.execution.status)]


def _kept(record: Recorded) -> list[tuple[str, str]]:
    """What n8n recorded, in the same form."""
    steps = sorted(record.steps, key=lambda step: step.order)
    return [*((step.step_id, step.status) for step in steps), ("", record.status)]
