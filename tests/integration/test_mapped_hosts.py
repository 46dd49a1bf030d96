"""An engine by process without a journal, whose tables are mapped: trials and deaths are judged as any other's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.engines.registry import resolve
from cutover.harness.judge.checks import CHECKS, run_checks
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import Trial
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.trials.arm import Arm

PROGRAMS = Path(__file__).parents[1] / "programs"
ASKED = ("OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "MET", "RETRY", "ORD", "DATA", "IDEM", "IDENT")


@pytest.fixture(autouse=True)
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = json.dumps([sys.executable, str(PROGRAMS / "wrapped.py"), "mapped:MappedEngine"])
    mapping = (PROGRAMS / "mapped.toml").read_text("utf-8")
    (tmp_path / "cutover.toml").write_text(f"[engines.mapped]\ncommand = {command}\nready_timeout_s = 120\n{mapping}")


def test_its_trials_are_right(dsn: str) -> None:
    install_engine("mapped", dsn)
    arm = Arm("candidate", resolve("mapped"), dsn)
    try:
        for name in ("05-retry-third-attempt", "41-wait-for-signal", "53-loop-three-items"):
            record = arm.run(CATALOG[name], uuid4(), 0, None)
            assert record.failure is None
            view = view_of(Trial(number=1, scenario=CATALOG[name], arms={"candidate": record}))
            results = {each.check: each for each in run_checks(view, {check: CHECKS[check] for check in ASKED})}
            assert {check: [found.message for found in results[check].findings] for check in ASKED} == {
                check: [] for check in ASKED
            }
            assert all(results[check].examined for check in ("OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "MET"))
    finally:
        arm.close()


def test_its_deaths_are_resumed(dsn: str) -> None:
    with made("mapped", dsn, deadline_s=60) as testbed:
        for name in ("answer:2/once", "reply:1/zombie"):
            record = play(testbed, f"01-one-activity@{name}")
            judged = judge_case(CATALOG["01-one-activity"], record)
            assert judged.verdict is Verdict.PASS, (name, [finding.message for finding in judged.findings])
            assert record.fired
            assert [entry.effect for entry in record.arm.ledger].count("applied") == 1
