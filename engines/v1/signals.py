"""What the legacy engine notes in an execution's metadata: when waits are due, which signals have come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from cutover.engines.api import JsonValue, Signal, WaitNode
from cutover.engines.payloads import decode, encode

__all__ = ["RecordedWaits"]

_DUE = "v1_due"
_SIGNALS = "v1_signals"


class RecordedWaits:
    """The notes of one execution. A signal is kept as JSON text, since `jsonb` would lose part of its payload."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        due, signals = metadata.get(_DUE), metadata.get(_SIGNALS)  # texts where a request has them of its own
        self._due = _moments(due) if isinstance(due, dict) else {}
        self._signals: list[Any] = [decode(text) for text in signals] if isinstance(signals, list) else []
        self.changed = False

    def notes(self) -> JsonValue:
        """Returns what is to be written to the metadata now."""
        self.changed = False
        return {
            _DUE: {step_id: moment.isoformat() for step_id, moment in self._due.items()},
            _SIGNALS: [encode(signal) for signal in self._signals],
        }

    def arrive(self, signal: Signal, now: datetime) -> None:
        """Keeps a signal that has not come before."""
        if all(known["id"] != signal.id for known in self._signals):
            self._signals.append(
                {"id": signal.id, "name": signal.name, "payload": signal.payload, "at": now.isoformat(), "step": None}
            )
            self.changed = True

    def serve(self, node: WaitNode, step_id: str, now: datetime) -> tuple[JsonValue, str] | None:
        """What ends the wait, as payload and port: a signal that came in time or the timer; None while neither has."""
        due = self._due.get(step_id)
        for signal in self._signals:
            mine = signal["name"] == node.signal and signal["step"] in (None, step_id)
            if mine and (due is None or datetime.fromisoformat(signal["at"]) < due):
                if signal["step"] is None:
                    signal["step"] = step_id
                    self.changed = True
                return signal["payload"], "out"
        if node.timeout_ms is None:
            return None
        if due is None:
            due = self._due[step_id] = now + timedelta(milliseconds=node.timeout_ms)
            self.changed = True
        if due > now:
            return None
        return None, "out" if node.signal is None else "timeout"

    def due(self, step_ids: Iterable[str], now: datetime) -> bool:
        """Whether one of these waits is up."""
        return any(step_id in self._due and self._due[step_id] <= now for step_id in step_ids)


def _moments(due: Mapping[str, str]) -> dict[str, datetime]:
    return {step_id: datetime.fromisoformat(moment) for step_id, moment in due.items()}
