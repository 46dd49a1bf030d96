"""The structured log line: one JSON object with the rollout plan's nine fields first. Pure.

Text is ASCII with escapes, so NUL and lone surrogates never break a line; a value that JSON does not know is shown
by its `repr`, because a log line must not end an execution.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from cutover.engines.api import JsonValue

__all__ = ["FIELDS", "instant", "log_line"]

FIELDS = (
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
"""The fields that every line has, in the plan's order."""

_encode = json.JSONEncoder(allow_nan=False, separators=(", ", ": "), check_circular=True).encode


def log_line(
    *,
    level: str,
    type: str,  # noqa: A002 - the plan's own field name
    execution_id: UUID,
    node_id: str | None,
    from_state: str | None,
    to_state: str | None,
    event: str | None,
    timestamp: datetime,
    orchestrator_version: str,
    **extra: JsonValue,
) -> str:
    """One line without its newline; `timestamp` is aware and shown in UTC, extras follow the nine fields."""
    fields: dict[str, JsonValue] = {
        "level": level,
        "type": type,
        "execution_id": str(execution_id),
        "node_id": node_id,
        "from_state": from_state,
        "to_state": to_state,
        "event": event,
        "timestamp": instant(timestamp),
        "orchestrator_version": orchestrator_version,
    }
    if extra:
        fields.update(extra)
    try:
        return _encode(fields)
    except (TypeError, ValueError, RecursionError):
        return _encode({key: _shown(value) for key, value in fields.items()})


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z, as the plan writes it: `2025-01-08T10:30:00Z`."""
    text = moment.astimezone(UTC).isoformat()
    return text[:-6] + "Z"


def _shown(value: JsonValue) -> JsonValue:
    try:
        _encode(value)
    except (TypeError, ValueError, RecursionError):
        try:
            return repr(value)
        except Exception:  # noqa: BLE001 - whatever a foreign repr raises, the line still goes out
            return f"<{type(value).__name__}>"
    return value
