"""Trials as JSON lines, and back. Pure.

A line is ASCII, so it survives every codec; payloads inside are JSON text, so a reader without big integers or lone
surrogates (pandas) can read the line all the same. Outside payloads a lone surrogate is spelt out.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
from pydantic import TypeAdapter

from cutover.harness.record.trials import ArmName, ArmRecord, Manifest, Trial
from cutover.harness.store.decoder import quick_arm
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import expression_problems

__all__ = [
    "RecordedTrial",
    "decode_arm",
    "decode_manifest",
    "decode_scenario",
    "encode_arm",
    "encode_fields",
    "encode_manifest",
    "encode_scenario",
    "read_as",
    "record_trial",
    "scenario_text",
]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RecordedTrial:
    """A finished trial as it is saved: `lines` maps each arm to its JSON line, without a newline."""

    number: int
    scenario: Scenario
    lines: dict[ArmName, bytes] = field(repr=False)

    @property
    def trial(self) -> Trial:
        """The same, decoded anew each time."""
        arms = {name: decode_arm(line)[1] for name, line in self.lines.items()}
        return Trial(number=self.number, scenario=self.scenario, arms=arms)


def record_trial(trial: Trial) -> RecordedTrial:
    """The trial, encoded."""
    lines = {name: encode_arm(trial.number, trial.scenario.id, arm) for name, arm in trial.arms.items()}
    return RecordedTrial(trial.number, trial.scenario, lines)


def encode_arm(number: int, scenario_id: str, arm: ArmRecord) -> bytes:
    """One arm of trial `number`: its fields, and beside them `trial` and `scenario`."""
    return _encode({"trial": number, "scenario": scenario_id, **_fields(arm)})


def encode_fields(value: object, **beside: object) -> bytes:
    """A dataclass as one line; `beside` adds fields to its own, or replaces them."""
    return _encode(_fields(value) | beside)


def decode_arm(line: bytes | str) -> tuple[int, ArmRecord]:
    """The trial's number and the arm; raises ValueError, which pydantic's ValidationError is.

    A quick codec comes first; what it refuses, as NaN, Python's own and pydantic decide on.
    """
    try:
        return quick_arm(line)
    except (ValueError, RecursionError):
        row = json.loads(line)
    number = row.pop("trial")
    del row["scenario"]
    arm: ArmRecord = _adapter(ArmRecord).validate_python(row)
    return int(number), arm


def encode_scenario(number: int, scenario: Scenario) -> bytes:
    """The scenario of trial `number`: what one filters by, and the whole as JSON text."""
    text = scenario_text(scenario)
    head = {"trial": number, "id": scenario.id, "title": scenario.title, "origin": scenario.origin}
    return _encode({**head, "tags": scenario.tags, "scenario": text})


def scenario_text(scenario: Scenario) -> str:
    """The scenario alone, as JSON text."""
    return _encoder.encode(scenario)


def decode_scenario(line: bytes | str) -> tuple[int, Scenario]:
    """The trial's number and its scenario; raises ValueError."""
    row = _scenario_line(line)
    scenario: Scenario = _adapter(Scenario).validate_python(json.loads(row.scenario))
    for problem in expression_problems(scenario, len(row.scenario)):
        raise ValueError(problem)
    return row.trial, scenario


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest, indented for people."""
    return (json.dumps(manifest, default=_plain, ensure_ascii=True, indent=2) + "\n").encode("ascii")


def decode_manifest(text: bytes | str) -> Manifest:
    """The manifest; raises ValueError."""
    manifest: Manifest = _adapter(Manifest).validate_python(json.loads(text))
    return manifest


def read_as(kind: type[_T], row: object) -> _T:
    """A row of JSON as a dataclass of that kind; raises ValueError."""
    value: _T = _adapter(cast("Any", kind)).validate_python(row)
    return value


class _ScenarioLine(msgspec.Struct):
    """What of a scenario's line is needed to read it; the rest is there to filter by."""

    trial: int
    scenario: str


_scenario_line = msgspec.json.Decoder(_ScenarioLine).decode


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


def _fields(value: object) -> dict[str, object]:
    kind: Any = type(value)
    return {name: getattr(value, name) for name in _names(kind)}


def _plain(value: object) -> object:
    """What json cannot write by itself; lists and objects under test never come here, so none is too deep."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return _fields(value)


_encoder = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False, default=_plain)


_ESCAPE = re.compile(rb"\\(?:(ud[89ab]..\\ud[c-f]..)|(ud[89a-f]..)|.)", re.DOTALL)


def _encode(value: object) -> bytes:
    line = _encoder.encode(value).encode("ascii")
    return _ESCAPE.sub(_spell_out, line) if b"\\ud" in line else line


def _spell_out(escape: re.Match[bytes]) -> bytes:
    """A lone surrogate outside a payload (a message, a log line) as six characters of text; all else unchanged."""
    return escape[0] if escape[2] is None else b"\\\\" + escape[2]
