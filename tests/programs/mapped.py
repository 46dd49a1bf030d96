"""V2 without a journal: its rows are in tables of its own, with words of its own, which mapped.toml names."""

from __future__ import annotations

from uuid import UUID

import psycopg

from cutover.engines.api import EngineContext, Journal
from cutover.engines.registry import resolve

TABLES = """
CREATE SCHEMA IF NOT EXISTS team;
CREATE OR REPLACE VIEW team.runs AS
    SELECT id AS run, workflow_id AS flow, CASE status WHEN 'completed' THEN 'done' ELSE status::text END AS state,
           input, output, error, metadata, checkpoint_version, created_at, started_at, finished_at
    FROM workflow_executions;
CREATE OR REPLACE VIEW team.run_steps AS
    SELECT execution_id::text AS run, step_id AS name, node_id,
           CASE status WHEN 'completed' THEN 'done' WHEN 'paused' THEN 'asleep' ELSE status::text END AS state, attempt,
           input, output, ports, error, started_at, finished_at FROM workflow_step_executions;
CREATE OR REPLACE VIEW team.history AS
    SELECT execution_id AS run, sequence, event_type, step_id, node_id, attempt, payload, timestamp
    FROM workflow_events;
"""


class MappedEngine:
    """V2, with views of its rows, and without a journal."""

    def __init__(self, context: EngineContext) -> None:
        self._dsn = context.dsn
        self._engine = engine = resolve("v2")(context)
        self.name = "mapped"
        self.execute, self.resume, self.cancel, self.close = engine.execute, engine.resume, engine.cancel, engine.close

    def install(self) -> None:
        self._engine.install()
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            connection.execute(TABLES)

    def journal(self, execution_id: UUID) -> Journal:
        raise NotImplementedError(f"the tables say it of {execution_id}")
