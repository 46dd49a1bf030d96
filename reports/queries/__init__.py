"""The rollout plan's own queries, word for word, for dashboards and for the test that runs them. Reads package data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cutover.engines.sqlfiles import sql

__all__ = ["QUERIES"]

_NAMES = (
    "active_version",
    "success_rate",
    "checkpoint_performance",
    "retry_effectiveness",
    "top_transitions",
    "failed_checkpoints",
    "paused_long",
)

QUERIES: Mapping[str, str] = MappingProxyType({name: sql("cutover.reports.queries", name) for name in _NAMES})
"""Each query's text by its name, in the plan's order."""
