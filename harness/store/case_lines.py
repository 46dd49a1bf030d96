"""Crash cases and their baselines as JSON lines, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import TypeAdapter

from cutover.harness.record.cases import CaseRecord, CrashCase, KillPoint
from cutover.harness.record.trials import ArmRecord
from cutover.harness.store.lines import encode_fields

__all__ = ["Baseline", "decode_baseline", "decode_case", "encode_baseline", "encode_case"]

Baseline = tuple[ArmRecord, Mapping[KillPoint, tuple[str, ...]]]
"""The uninterrupted run, and its kill points with the step ids that each touches."""

_RECORD = TypeAdapter(CaseRecord)
_ARM = TypeAdapter(ArmRecord)


def encode_case(record: CaseRecord) -> bytes:
    """One case, its name under `case`; without a newline."""
    return encode_fields(record, case=str(record.case))


def decode_case(line: bytes | str) -> CaseRecord:
    """The record; raises ValueError or CaseError."""
    row = json.loads(line)
    row["case"] = CrashCase.parse(row["case"])
    return _RECORD.validate_python(row)


def encode_baseline(scenario_id: str, arm: ArmRecord, points: Mapping[KillPoint, tuple[str, ...]]) -> bytes:
    """The uninterrupted run of a scenario, with `scenario` and `points` beside its fields."""
    return encode_fields(arm, scenario=scenario_id, points={str(point): steps for point, steps in points.items()})


def decode_baseline(line: bytes | str) -> tuple[str, Baseline]:
    """The scenario's id and its baseline; raises ValueError or CaseError."""
    row = json.loads(line)
    scenario_id = str(row.pop("scenario"))
    points = {KillPoint.parse(name): tuple(steps) for name, steps in row.pop("points").items()}
    return scenario_id, (_ARM.validate_python(row), points)
