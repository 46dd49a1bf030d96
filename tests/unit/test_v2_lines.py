"""V2's log lines of committed events are those of `log_line`, to the letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quoted
from uuid import UUID

import pytest

from cutover.engines.logs import log_line
from cutover.engines.v2.events import Event, signal_received
from cutover.engines.v2.lines import LogLines

WHEN = datetime(2025, 1, 8, 10, 30, 0, 5, tzinfo=UTC)
STEP = 'a "step" of \u00e9\ud800'
ENTRIES = [
    Event(1, "STATE_TRANSITION", None, None, "", "", 0, "pending", "START", "running"),
    Event(2, "STATE_TRANSITION", f"loop[0]/{STEP}", STEP, quoted(f"loop[0]/{STEP}"), quoted(STEP), 3,
          "running", "RETRY", "retrying", WHEN),
    signal_received(3, "id-1", "approved"),
]  # fmt: skip


class _Clock:
    def now(self) -> datetime:
        return WHEN

    def sleep_until(self, deadline: datetime) -> None:
        raise AssertionError(deadline)


@pytest.mark.parametrize("entry", ENTRIES, ids=["execution", "step", "signal"])
def test_a_committed_event_is_said_as_log_line_says_it(entry: Event) -> None:
    said: list[str] = []
    lines = LogLines(said.append, _Clock())
    lines.say(lines.of(UUID(int=7), [entry], WHEN))
    expected = log_line(
        level="info",
        type=entry.type,
        execution_id=UUID(int=7),
        node_id=entry.node_id,
        from_state=entry.from_state,
        to_state=entry.to_state,
        event=entry.event,
        timestamp=WHEN,
        orchestrator_version="v2",
        step_id=entry.step_id,
        attempt=entry.attempt,
        sequence=entry.sequence,
    )
    assert said == [expected]
    assert json.loads(said[0])["sequence"] == entry.sequence
