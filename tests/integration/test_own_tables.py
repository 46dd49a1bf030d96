"""Engines that keep their rows where no query of the plan looks: their journal is enough for all but READ's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from cutover.engines.registry import resolve
from cutover.harness.cli.main import _outcome
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.public_tables import EXECUTIONS, STEPS, public_tables
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.shadow import execution_id
from cutover.scenarios.catalog import load_catalog

CATALOG = {scenario.id: scenario for scenario in load_catalog()}
RETRIES = CATALOG["04-retry-second-attempt"]
OWN = "own_tables:create"


def played(engine: str, dsn: str) -> ArmRecord:
    install_engine(engine, dsn)
    arm = Arm("candidate", resolve(engine), dsn)
    try:
        return arm.run(RETRIES, execution_id(1, RETRIES, "candidate", 1), 0, None)
    finally:
        arm.close()


def test_a_table_is_the_plans_by_its_columns_and_not_by_its_name(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert public_tables(connection) == frozenset()
        connection.execute("CREATE TABLE workflow_executions (id text, status text)")
        assert public_tables(connection) == frozenset()
        connection.execute("DROP TABLE workflow_executions")
        install_engine("v1", dsn)
        assert public_tables(connection) == {EXECUTIONS, STEPS}


def test_a_step_that_is_called_again_is_looked_up_in_the_journal(dsn: str) -> None:
    own = played(OWN, dsn)
    assert own.failure is None
    assert own.untold == ()
    assert [entry.after_completion for entry in own.ledger if entry.attempt > 1] == [False]


def test_a_journal_that_cannot_be_read_meanwhile_is_no_fault_of_the_call(dsn: str) -> None:
    unread = played("own_tables:unread", dsn)
    assert unread.failure is None
    assert unread.untold == tuple({entry.step_id for entry in unread.ledger if entry.attempt > 1})
    assert unread.untold


def reasons(folder: Path) -> Mapping[str, tuple[str, str]]:
    document = json.loads((folder / "report.json").read_text("utf-8"))
    return {each["id"]: (each["verdict"], each["text"]) for each in document["reasons"]}


def test_a_run_holds_nothing_against_them(server: Server, tmp_path: Path) -> None:
    asked = ("run", "--control", "own_tables:control", "--candidate", OWN, "--trials", "12", "--seed", "3")
    rest = ("--skip", "crashes,memory,costs,plays", "--postgres", server.dsn, "--quiet", "--out", str(tmp_path / "run"))
    assert _outcome([*asked, *rest]) == 3
    told = reasons(tmp_path / "run")
    assert {name for name, (verdict, _) in told.items() if verdict in {"FAIL", "ERROR", "INVALID"}} == set()
    assert {told[check][0] for check in ("OUT", "DUP", "LOST", "RETRY")} == {"PASS"}
    assert told["READ"][0] == "INCONCLUSIVE"
    assert "the plan's tables were not looked at" in told["READ"][1]


@pytest.mark.parametrize("scenario", ["04-retry-second-attempt"])
def test_every_crash_case_passes(server: Server, tmp_path: Path, scenario: str) -> None:
    asked = ("crash", "--engine", OWN, "--only", scenario, "--ways", "once,zombie", "--limit", "12")
    assert _outcome([*asked, "--postgres", server.dsn, "--out", str(tmp_path / "run"), "--quiet"]) == 0
