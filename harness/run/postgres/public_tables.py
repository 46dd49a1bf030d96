"""Which of the plan's tables a database has: an engine may keep its rows elsewhere. Does I/O."""

from __future__ import annotations

from typing import Any, Final

import psycopg

from cutover.engines.sqlfiles import sql

__all__ = ["CHECKPOINTS", "EVENTS", "EXECUTIONS", "METRICS", "STEPS", "public_tables"]

EXECUTIONS: Final = "workflow_executions"
STEPS: Final = "workflow_step_executions"
EVENTS: Final = "workflow_events"
CHECKPOINTS: Final = "workflow_checkpoints"
METRICS: Final = "workflow_metrics"


def public_tables(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """Returns the names of those that are there with the plan's columns; asked of the catalog, so it never fails."""
    return frozenset(name for (name,) in connection.execute(sql("cutover.harness.run.postgres", "public_tables")))
