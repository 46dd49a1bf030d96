"""The metrics that a policy may name: the shape of each one's measurement, and its unit. Pure data.

How one is measured is a matter of the source (`cutover.harness.judge.measures.measurements.MeasurementSource`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cutover.harness.judge.measures.measurements import Count, Gauge, Measurement, Paired, Pairs, Samples, Share, Unit

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A name that a criterion may use: the shape of its measurement, and the unit.

    `needs_minutes`: its criteria say how long counts as stuck.
    """

    shape: type[Measurement]
    unit: Unit
    needs_minutes: bool = False


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    {
        "candidate_only_errors": Metric(shape=Share, unit="share"),
        "checkpoint_duration": Metric(shape=Samples, unit="ms"),
        "catalog_success": Metric(shape=Share, unit="share"),
        "critical_bugs": Metric(shape=Count, unit="count"),
        "days_without_incident": Metric(shape=Gauge, unit="days"),
        "delayed_latency": Metric(shape=Paired, unit="evidence"),
        "doubled_latency": Metric(shape=Paired, unit="evidence"),
        "duplicated_steps": Metric(shape=Count, unit="count"),
        "e2e_success": Metric(shape=Share, unit="share"),
        "error_rate": Metric(shape=Share, unit="share"),
        "errors_against_control": Metric(shape=Paired, unit="evidence"),
        "events_registered": Metric(shape=Share, unit="share"),
        "execution_success": Metric(shape=Share, unit="share"),
        "latency": Metric(shape=Pairs, unit="ratio"),
        "memory_utilisation": Metric(shape=Gauge, unit="share"),
        "operations_logged": Metric(shape=Share, unit="share"),
        "retry_success": Metric(shape=Share, unit="share"),
        "stable_days": Metric(shape=Gauge, unit="days"),
        "stalled_latency": Metric(shape=Paired, unit="evidence"),
        "stuck_executions": Metric(shape=Count, unit="count", needs_minutes=True),
        "tail_latency": Metric(shape=Paired, unit="evidence"),
        "worker_memory": Metric(shape=Gauge, unit="share"),
    }
)
