"""What the kit asks of the engine beneath it, and the messages that it waits for. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cutover.engines.api import Clock, JsonText, JsonValue, Signal
from cutover.engines.payloads import decode

__all__ = [
    "Durable",
    "Primitives",
    "at_of",
    "kept_text",
    "kept_value",
    "now_text",
    "signal_message",
    "time_message",
    "with_message",
]


class Durable(Protocol):
    """An engine's own way to do something once, to sleep, and to wait, for one execution.

    Names are unique in an execution and the same in each replay, `STEP_ID#ATTEMPT` for an attempt; those that begin
    with `$` are the kit's own. What is returned under a name is kept for good, and is asked for in the same order.
    """

    def step(self, name: str, work: Callable[[], JsonValue], /) -> JsonValue:
        """Returns what is kept under the name; where nothing is, runs `work` and keeps what it returned.

        `work` may have an effect, so nothing may run it again once its result is kept. Whatever the engine raises
        because this worker is to stop passes through the kit.
        """

    def sleep(self, name: str, until: datetime, /) -> None:
        """Returns when the engine's clock has reached a deadline that is durable already."""

    def receive(self, name: str, deadline: datetime | None, /) -> JsonValue:
        """Returns the next message that nobody received yet, and keeps under the name which one it was.

        Messages are made by `signal_message`, or by `time_message` where the clock has reached the deadline. None
        (nothing is kept) says that there is none and that `drive` is to return: the execution waits.
        """


@dataclass(frozen=True, slots=True)
class Primitives:
    """A `Durable` of two functions, for an engine that sleeps by the clock of its context."""

    step: Callable[[str, Callable[[], JsonValue]], JsonValue]
    receive: Callable[[str, datetime | None], JsonValue]
    clock: Clock

    def sleep(self, _name: str, until: datetime, /) -> None:
        """Sleeps by the clock."""
        self.clock.sleep_until(until)


def signal_message(signal: Signal) -> JsonValue:
    """Returns a signal as a message."""
    return {"id": signal.id, "name": signal.name, "payload": signal.payload, "at": now_text()}


def time_message(now: datetime) -> JsonValue:
    """Returns the message that it is `now` by the engine's clock."""
    return {"now": now.isoformat(), "at": now_text()}


def with_message(kept: Mapping[str, JsonValue], message: JsonValue) -> dict[str, JsonValue]:
    """Returns what is kept together with one more message, under the name by which `drive` will ask for it."""
    received = sum(name.startswith("$message#") for name in kept)
    return {**kept, f"$message#{received + 1}": message}


def kept_text(value: JsonValue) -> JsonText:
    """Returns what `step` and `receive` are to keep as ASCII JSON, which any column of text carries unchanged.

    It may nest a few levels deeper than a payload may, since payloads stand inside it.
    """
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def kept_value(text: JsonText) -> JsonValue:
    """Returns what `kept_text` was given, to the last digit and the sign of zero."""
    return decode(text)


def now_text() -> str:
    """Returns the machine's time, by which rows are dated, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat()


def at_of(kept: JsonValue, key: str = "at") -> datetime:
    """Returns a time of something that was kept."""
    assert isinstance(kept, dict)  # noqa: S101 - all that the kit keeps is
    return datetime.fromisoformat(str(kept[key]))
