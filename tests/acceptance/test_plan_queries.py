"""The rollout plan's seven queries, word for word, on databases that both engines have filled through the router."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Edge,
    EngineContext,
    ExecutionRequest,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ActivityError
from cutover.engines.flags import PERCENT, SWITCH, EnvironmentFlags
from cutover.engines.registry import resolve
from cutover.engines.router import Router
from cutover.harness.run.world.clock import VirtualClock
from cutover.reports.queries import QUERIES

START = StartNode(id="start")
SHIP = Workflow(
    id="ship-order",
    nodes=(START, ActivityNode(id="ship", activity="ship")),
    edges=(Edge(source="start", target="ship"),),
)
HOLD = Workflow(
    id="hold-order",
    nodes=(START, WaitNode(id="wait", signal="go")),
    edges=(Edge(source="start", target="wait"),),
)


class Carrier:
    """Fails each execution's first so many attempts."""

    def __init__(self) -> None:
        self.failures: dict[UUID, int] = {}

    def call(self, call: ActivityCall) -> ActivityResult:
        if call.attempt <= self.failures[call.execution_id]:
            raise ActivityError("carrier is busy")
        return ActivityResult(output="shipped")


class Traffic:
    """A router over one database, and executions started through it."""

    def __init__(self, dsn: str) -> None:
        self.carrier = Carrier()
        self.environ: dict[str, str] = {}
        context = EngineContext(dsn=dsn, activities=self.carrier, clock=VirtualClock(), log=lambda _line: None)
        self.router = Router(
            control=resolve("v1")(context),
            candidate=resolve("v2")(context),
            flags=EnvironmentFlags(self.environ),
            dsn=dsn,
        )
        self.router.install()
        self.connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)

    def ship(self, failures: int = 0) -> UUID:
        return self._start(SHIP, failures)

    def hold(self) -> UUID:
        return self._start(HOLD, 0)

    def ask(self, name: str) -> list[dict[str, Any]]:
        return self.connection.execute(QUERIES[name].encode()).fetchall()

    def close(self) -> None:
        self.router.close()
        self.connection.close()

    def _start(self, workflow: Workflow, failures: int) -> UUID:
        execution_id = uuid4()
        self.carrier.failures[execution_id] = failures
        self.router.execute(ExecutionRequest(execution_id=execution_id, workflow=workflow, input={"order": 7}))
        return execution_id


@pytest.fixture
def traffic(dsn: str) -> Iterator[Traffic]:
    made = Traffic(dsn)
    yield made
    made.close()


@pytest.fixture
def filled(traffic: Traffic) -> Traffic:
    """On V1 3 completed, 1 failed, 2 paused; on V2 4 completed (0, 0, 1, 3 retries), 1 failed, 1 paused."""
    for failures in (0, 0, 0, 1):
        traffic.ship(failures)
    traffic.hold()
    traffic.hold()
    traffic.environ.update({SWITCH: "true", PERCENT: "100"})
    for failures in (0, 0, 1, 3, 4):
        traffic.ship(failures)
    traffic.hold()
    return traffic


def test_the_files_are_the_plans_blocks_to_the_letter() -> None:
    plan = Path(__file__).resolve().parents[3] / "shared" / "ROLLOUT_PLAN.md"
    if not plan.is_file():
        pytest.skip("needs ../shared/ROLLOUT_PLAN.md beside the project")
    blocks = re.findall(r"^```sql\n(.*?)^```$", plan.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 7
    assert list(QUERIES.values()) == blocks


def test_active_version_lists_the_ten_newest_starts(filled: Traffic) -> None:
    rows = filled.ask("active_version")
    assert [row["event_message"] for row in rows] == ["Using orchestrator v2"] * 6 + ["Using orchestrator v1"] * 4
    times = [row["timestamp"] for row in rows]
    assert times == sorted(times, reverse=True)


def test_success_rate_compares_the_engines(filled: Traffic) -> None:
    rates = {row["version"]: float(row["success_rate"]) for row in filled.ask("success_rate")}
    assert rates == {"V1": 50.0, "V2": pytest.approx(100 * 4 / 6)}


def test_checkpoint_performance_is_that_of_the_rows(filled: Traffic) -> None:
    rows = filled.connection.execute("SELECT metadata FROM workflow_checkpoints").fetchall()
    durations = sorted(row["metadata"]["duration_ms"] for row in rows if "duration_ms" in row["metadata"])
    [found] = filled.ask("checkpoint_performance")
    assert found["total_checkpoints"] == len(rows) >= 6
    assert len(durations) >= 5
    assert all(duration > 0 for duration in durations)
    assert float(found["avg_duration_ms"]) == pytest.approx(statistics.fmean(durations))
    p95 = statistics.quantiles(durations, n=20, method="inclusive")[18]
    assert found["p95_duration_ms"] == pytest.approx(p95)


def test_retry_effectiveness_counts_by_retries(filled: Traffic) -> None:
    rows = [
        (r["retry_count"], r["total"], r["successes"], float(r["success_rate"]))
        for r in filled.ask("retry_effectiveness")
    ]
    assert rows == [(0, 2, 2, 100.0), (1, 1, 1, 100.0), (3, 2, 1, 50.0)]


def test_top_transitions_counts_v2s_events_most_frequent_first(filled: Traffic) -> None:
    rows = filled.ask("top_transitions")
    counts = [row["count"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    # six executions of three starts each; a start node, an activity and the execution complete in four of them, and
    # the start node alone in the failed and the paused one; 1 + 3 + 3 retries
    assert {(row["from_state"], row["to_state"]): row["count"] for row in rows} == {
        ("pending", "running"): 18,
        ("running", "completed"): 14,
        ("running", "retrying"): 7,
        ("retrying", "running"): 7,
        ("running", "failed"): 2,
        ("running", "paused"): 1,
    }


def test_failed_checkpoints_names_the_commit_that_had_to_be_tried_again(traffic: Traffic) -> None:
    assert traffic.ask("failed_checkpoints") == []
    traffic.connection.execute("CREATE SEQUENCE checkpoints_tried")  # a sequence keeps counting across a rollback
    traffic.connection.execute("""
        CREATE FUNCTION refuse_the_second() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('checkpoints_tried') = 2 THEN
                RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
            END IF;
            RETURN NEW;
        END $$""")
    traffic.connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON workflow_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_the_second()"
    )
    traffic.environ.update({SWITCH: "true", PERCENT: "100"})
    refused = traffic.ship()
    traffic.ship()
    [row] = traffic.ask("failed_checkpoints")
    assert (row["execution_id"], row["node_id"], row["failures"]) == (refused, "ship", 1)
    assert "could not serialize access" in row["error_message"]
    assert traffic.router.journal(refused).execution.status == "completed"


def test_paused_long_lists_waits_of_both_engines_longest_first(filled: Traffic) -> None:
    assert filled.ask("paused_long") == []
    paused = filled.connection.execute(
        "SELECT id, metadata ->> 'orchestrator_version' AS version FROM workflow_executions"
        " WHERE status = 'running' ORDER BY created_at"
    ).fetchall()
    assert [row["version"] for row in paused] == ["v1", "v1", "v2"]
    for row, minutes in zip(paused, (29, 45, 120), strict=True):
        filled.connection.execute(
            "UPDATE workflow_executions SET started_at = now() - %s * interval '1 minute' WHERE id = %s",
            (minutes, row["id"]),
        )
    found = filled.ask("paused_long")
    assert [(row["id"], row["workflow_id"], row["current_node_id"]) for row in found] == [
        (paused[2]["id"], "hold-order", "wait"),
        (paused[1]["id"], "hold-order", "wait"),
    ]
    assert [int(row["duration_paused"].total_seconds()) // 60 for row in found] == [120, 45]


def test_a_database_that_only_v1_has_filled_answers_too(traffic: Traffic) -> None:
    traffic.ship()
    [rate] = traffic.ask("success_rate")
    assert (rate["version"], float(rate["success_rate"])) == ("V1", 100.0)
    assert [row["event_message"] for row in traffic.ask("active_version")] == ["Using orchestrator v1"]
    [checkpoints] = traffic.ask("checkpoint_performance")
    assert (checkpoints["total_checkpoints"], checkpoints["avg_duration_ms"]) == (0, None)
    for name in ("retry_effectiveness", "top_transitions", "failed_checkpoints", "paused_long"):
        assert traffic.ask(name) == []
