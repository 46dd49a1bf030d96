"""The death of the server: what it takes along, and that ACK sees it. On servers of our own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import psycopg
import pytest

from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.record.cases import CaseRecord, CrashCase, Way
from cutover.harness.run.crash.matrix import crash_matrix, replay
from cutover.harness.run.crash.plan import Budget, CasePlan
from cutover.harness.run.postgres.backend import crash_backend
from cutover.harness.run.postgres.container import _connect_once
from cutover.harness.run.postgres.server import Server, provision
from cutover.scenarios.catalog import load_catalog

FLOW = next(scenario for scenario in load_catalog() if scenario.id == "03-data-flow")
MUTANTS = "cutover.harness.mutants.engines"


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    with provision(mode="embedded") as server:
        yield server


def docker_answers() -> bool:
    try:
        _connect_once()
    except OSError:
        return False
    return True


def kept(server: Server, die: Callable[[], None]) -> tuple[int, int, int]:
    """How many rows outlive it: of a commit that waited, of one that did not, of a table without a log."""
    database = server.create_database()
    with psycopg.connect(database.dsn, autocommit=True) as session:
        for table in ("waited", "hurried"):
            session.execute(psycopg.sql.SQL("CREATE TABLE {} (i int)").format(psycopg.sql.Identifier(table)))
        session.execute("CREATE UNLOGGED TABLE unlogged (i int)")
        session.execute("INSERT INTO unlogged VALUES (1)")
        session.execute("INSERT INTO waited VALUES (1)")
        session.execute("SET synchronous_commit = off")
        session.execute("INSERT INTO hurried VALUES (1)")
    die()
    with psycopg.connect(database.dsn, autocommit=True) as session:
        [row] = session.execute(
            "SELECT (SELECT count(*) FROM waited), (SELECT count(*) FROM hurried), (SELECT count(*) FROM unlogged)"
        ).fetchall()
    database.drop()
    waited, hurried, unlogged = row
    return waited, hurried, unlogged


def test_a_restart_keeps_what_was_durable_and_nothing_else(own: Server) -> None:
    assert own.restart is not None
    assert kept(own, own.restart) == (1, 0, 0)


def test_so_does_a_server_one_of_whose_processes_was_killed(own: Server) -> None:
    def die() -> None:
        crash_backend(own.dsn, lambda pid: os.kill(pid, signal.SIGKILL))

    assert kept(own, die) == (1, 0, 0)


@pytest.mark.docker
def test_so_does_a_server_in_a_container() -> None:
    if not docker_answers():
        pytest.skip("needs a Docker engine")
    with provision(mode="container") as server:
        assert server.restart is not None
        assert kept(server, server.restart) == (1, 0, 0)


def found(own: Server, engine: str, case: str) -> dict[str, list[str]]:
    record = replay(own, FLOW, CrashCase.parse(f"{FLOW.id}@{case}"), engine)
    assert record.fired == record.planned
    results = judge_case(FLOW, record).results
    return {
        name: [finding.message for result in results if result.check == name for finding in result.findings]
        for name in {result.check for result in results}
    }


@pytest.mark.parametrize("point", ["request:3", "answer:3", "call:2", "reply:2"])
def test_v2_keeps_what_it_acknowledged(own: Server, point: str) -> None:
    messages = found(own, "v2", f"{point}/restart")
    assert "ACK" in messages
    assert {name: said for name, said in messages.items() if said} == {}


def test_an_engine_that_does_not_wait_for_the_disk_loses_what_it_has_gone_beyond(own: Server) -> None:
    said = found(own, f"{MUTANTS}:DoesNotWaitForTheDisk", "call:2/restart")["ACK"]
    assert any("at the death of the server, and at the return of the server it" in message for message in said)
    assert any("was called again" in message for message in said)


def test_what_postgres_had_answered_and_nobody_heard_may_be_lost(own: Server) -> None:
    assert found(own, f"{MUTANTS}:DoesNotWaitForTheDisk", "answer:1/restart")["ACK"] == []


def test_an_engine_with_its_tables_in_memory_loses_the_execution(own: Server) -> None:
    said = found(own, f"{MUTANTS}:KeepsTablesInMemory", "reply:1/restart")["ACK"]
    assert "the execution was there at the death of the server, and at the return of the server it was gone" in said


def test_a_sample_ends_with_deaths_of_the_server_and_goes_into_depth(own: Server) -> None:
    records: list[CaseRecord] = []
    planned: list[int] = []
    crash_matrix(
        own,
        [FLOW],
        CasePlan(engine="v2", ways=(Way.ONCE, Way.AGAIN, Way.SERIALIZATION)),
        workers=2,
        on_record=records.append,
        on_planned=planned.append,
        budget=Budget(usual_s=600, most_s=600, restarts=2),
    )
    assert [record.case.way for record in records[-2:]] == [Way.RESTART] * 2
    assert {len(record.case.further) for record in records if record.case.way is Way.AGAIN} == {1, 2}
    assert {len(record.case.further) for record in records if record.case.way is Way.SERIALIZATION} == {0, 1, 2}
    assert planned[-1] == len(records)
    assert all(record.fired == record.planned for record in records)
    assert {str(record.case): judge_case(FLOW, record).findings for record in records} == {
        str(record.case): () for record in records
    }
