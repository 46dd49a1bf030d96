"""LOG: every operation has its structured log line, with all nine fields. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final, TypeAlias

from harness.judge.checks.base import ArmCheck, Sheet, parsed_object
from harness.judge.view import ArmView

__all__ = ["CHECK", "FIELDS"]

FIELDS: Final = (
    "level",
    "type",
    "execution_id",
    "node_id",
    "from_state",
    "to_state",
    "event",
    "timestamp",
    "orchestrator_version",
)
"""The rollout plan's nine."""
_NAMES: Final = frozenset(FIELDS)
_changed = itemgetter("node_id", "from_state", "to_state", "event")
_LEVELS: Final = frozenset({"debug", "info", "warning", "warn", "error", "critical"})
_NOTHING: Final[Sequence[str]] = ()
_Change: TypeAlias = tuple[str | None, str | None, str | None, str | None]


def _look(arm: ArmView, sheet: Sheet) -> None:
    logs = arm.record.logs
    journal = arm.record.journal
    told = None if journal is None else journal.execution.metadata.get("orchestrator_version")
    own, version = str(arm.record.execution_id), told or arm.record.engine
    logged: list[_Change] = []
    free: list[int] = []
    sheet.saw(len(logs))
    for i, text in enumerate(logs, 1):
        line = parsed_object(text)
        if line is None:
            free.append(i)
            continue
        if not line.keys() >= _NAMES:
            absent = sorted(_NAMES - line.keys())
            sheet.fault(f"log line {i} lacks {', '.join(absent)}", line=i, field=absent[0])
            continue
        for name in _wrong(line, own, version):
            sheet.fault(f"log line {i} has {name} {line[name]!r}", line=i, field=name)
        if line["type"] == "STATE_TRANSITION":
            logged.append(_change(line))
    if free:
        sheet.fault(
            f"{len(free)} of {len(logs)} log lines are free text, first line {free[0]}", line=free[0], lines=len(free)
        )
    _missing(arm, sheet, Counter(logged))


def _wrong(line: Mapping[str, object], own: str, version: object) -> Sequence[str]:
    """The fields whose value cannot be right."""
    wrong = []
    if line["execution_id"] != own:
        wrong.append("execution_id")
    if line["orchestrator_version"] != version:
        wrong.append("orchestrator_version")
    if not isinstance(line["level"], str) or line["level"] not in _LEVELS:
        wrong.append("level")
    if not isinstance(line["type"], str) or not line["type"]:
        wrong.append("type")
    if not _instant(line["timestamp"]):
        wrong.append("timestamp")
    return wrong or _NOTHING


def _missing(arm: ArmView, sheet: Sheet, logged: Counter[_Change]) -> None:
    sheet.saw(len(arm.transitions))
    happened: Counter[_Change] = Counter(
        (row.node_id, row.from_state, row.to_state, row.event) for row in arm.transitions
    )
    if logged == happened:
        return
    for node_id, from_state, to_state, event in happened - logged:
        sheet.fault(
            f"no log line says that {node_id or 'the execution'} went from {from_state} to {to_state} by {event}",
            node_id=node_id,
            event=event,
        )
    if arm.transitions and not arm.record.kills:
        for node_id, from_state, to_state, event in logged - happened:
            sheet.fault(
                f"a log line says that {node_id or 'the execution'} went from {from_state} to {to_state} by {event}; "
                "no event does",
                node_id=node_id,
                event=event,
            )


def _change(line: Mapping[str, object]) -> _Change:
    node_id, from_state, to_state, event = _changed(line)
    return _word(node_id), _word(from_state), _word(to_state), _word(event)


def _word(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _instant(value: object) -> bool:
    """Whether it is an ISO 8601 time with its zone."""
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


CHECK = ArmCheck(
    "LOG", "every transition has a structured log line with all nine fields, and no line is free text", _look
)
