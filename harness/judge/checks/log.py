"""LOG: every operation has its structured log line, with all nine fields. Pure.

The operations are the events: each transition, and whatever else the engine kept an event of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from cutover.harness.judge.checks.base import ArmCheck, Sheet, parsed_object
from cutover.harness.judge.view import ArmView

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
_LEVELS: Final = frozenset({"debug", "info", "warning", "warn", "error", "critical"})
_Change: TypeAlias = tuple[str | None, str | None, str | None, str | None]
_Note: TypeAlias = tuple[str, str | None]
"""The type of an event without states, and its node."""


class _Line(msgspec.Struct):
    """A line that has the nine fields, each of its type; other fields are not read."""

    level: str
    type: str
    execution_id: str
    node_id: str | None
    from_state: str | None
    to_state: str | None
    event: str | None
    timestamp: str
    orchestrator_version: str


_decode = msgspec.json.Decoder(_Line).decode


def _look(arm: ArmView, sheet: Sheet) -> None:
    logs = arm.record.logs
    journal = arm.record.journal
    told = None if journal is None else journal.execution.metadata.get("orchestrator_version")
    own, version = str(arm.record.execution_id), told or arm.record.engine
    logged: list[_Change] = []
    besides: list[_Note] = []
    free: list[int] = []
    sheet.saw(len(logs))
    for i, text in enumerate(logs, 1):
        try:
            good = _decode(text) if text.startswith("{") else None
        except (ValueError, RecursionError):
            good = None
        if (
            good is None
            or good.execution_id != own
            or good.orchestrator_version != version
            or good.level not in _LEVELS
            or not good.type
            or not _instant(good.timestamp)
        ):
            line = parsed_object(text)
            change = None if line is None else _blame(sheet, i, line, own, version)
            if line is None:
                free.append(i)
            elif change is not None:
                logged.append(change)
        elif good.type == "STATE_TRANSITION":
            logged.append((good.node_id, good.from_state, good.to_state, good.event))
        else:
            besides.append((good.type, good.node_id))
    if free:
        sheet.fault(
            f"{len(free)} of {len(logs)} log lines are free text, first line {free[0]}", line=free[0], lines=len(free)
        )
    _missing(arm, sheet, logged)
    _unsaid(arm, sheet, besides)


def _blame(sheet: Sheet, i: int, line: Mapping[str, object], own: str, version: object) -> _Change | None:
    """Writes down what is wrong with a line; returns the transition that it tells of all the same."""
    absent = sorted(_NAMES - line.keys())
    if absent:
        sheet.fault(f"log line {i} lacks {', '.join(absent)}", line=i, field=absent[0])
        return None
    for name in _wrong(line, own, version):
        sheet.fault(f"log line {i} has {name} {line[name]!r}", line=i, field=name)
    return _change(line) if line["type"] == "STATE_TRANSITION" else None


def _wrong(line: Mapping[str, object], own: str, version: object) -> Sequence[str]:
    """Returns the fields whose value cannot be right."""
    wrong = []
    if line["execution_id"] != own:
        wrong.append("execution_id")
    if line["orchestrator_version"] != version:
        wrong.append("orchestrator_version")
    if not isinstance(line["level"], str) or line["level"] not in _LEVELS:
        wrong.append("level")
    if not isinstance(line["type"], str) or not line["type"]:
        wrong.append("type")
    if not isinstance(line["timestamp"], str) or not _instant(line["timestamp"]):
        wrong.append("timestamp")
    return wrong


def _missing(arm: ArmView, sheet: Sheet, lines: Sequence[_Change]) -> None:
    sheet.saw(len(arm.transitions))
    changes = [(row.node_id, row.from_state, row.to_state, row.event) for row in arm.transitions]
    if lines == changes:
        return
    logged, happened = Counter(lines), Counter[_Change](changes)
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


def _unsaid(arm: ArmView, sheet: Sheet, lines: Sequence[_Note]) -> None:
    """Events that change no state have a line of their type too."""
    journal = arm.record.journal
    notes = (
        Counter((row.type, row.node_id) for row in journal.events if row.to_state is None)
        if journal
        else Counter[_Note]()
    )
    sheet.saw(notes.total())
    for kind, node_id in notes - Counter(lines):
        sheet.fault(f"no log line says {kind} of {node_id or 'the execution'}", node_id=node_id, event=kind)


def _change(line: Mapping[str, object]) -> _Change:
    return _word(line["node_id"]), _word(line["from_state"]), _word(line["to_state"]), _word(line["event"])


def _word(value: object) -> str | None:
    return value if value is None else str(value)


@lru_cache(maxsize=1_024)
def _instant(value: str) -> bool:
    """Whether it is an ISO 8601 time with its zone."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


CHECK = ArmCheck(
    "LOG", "every transition has a structured log line with all nine fields, and no line is free text", _look
)
