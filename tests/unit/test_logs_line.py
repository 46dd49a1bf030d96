"""The structured log line: the plan's nine fields, and lines that nothing can break."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.engines.logs import FIELDS, log_line

WHEN = datetime(2025, 1, 8, 10, 30, tzinfo=UTC)


def line(**changes: Any) -> str:
    fields: dict[str, Any] = {
        "level": "info",
        "type": "STATE_TRANSITION",
        "execution_id": UUID(int=1),
        "node_id": "node-123",
        "from_state": "running",
        "to_state": "completed",
        "event": "COMPLETE",
        "timestamp": WHEN,
        "orchestrator_version": "v2",
    }
    return log_line(**fields | changes)


def test_the_plans_own_example_to_the_letter() -> None:
    assert json.loads(line()) == {
        "level": "info",
        "type": "STATE_TRANSITION",
        "execution_id": "00000000-0000-0000-0000-000000000001",
        "node_id": "node-123",
        "from_state": "running",
        "to_state": "completed",
        "event": "COMPLETE",
        "timestamp": "2025-01-08T10:30:00Z",
        "orchestrator_version": "v2",
    }


def test_the_nine_fields_come_first_in_the_plans_order_and_extras_behind() -> None:
    assert tuple(json.loads(line(step_id="a[0]/b", duration_ms=1.5)))[: len(FIELDS)] == FIELDS
    assert json.loads(line(step_id="a[0]/b"))["step_id"] == "a[0]/b"


def test_a_time_of_another_zone_is_shown_in_utc() -> None:
    brasilia = WHEN.astimezone(timezone(timedelta(hours=-3)))
    assert json.loads(line(timestamp=brasilia))["timestamp"] == "2025-01-08T10:30:00Z"


def test_an_extra_may_not_replace_one_of_the_nine() -> None:
    with pytest.raises(TypeError):
        log_line(**json.loads('{"level": "a"}'), level="b")


@given(st.text(st.characters()), st.text(st.characters(categories=["Cs", "Cc", "L"])))
def test_any_text_makes_one_ascii_line_and_comes_back(node_id: str, detail: str) -> None:
    written = line(node_id=node_id, detail=detail)
    assert written.isascii()
    assert "\n" not in written
    assert (json.loads(written)["node_id"], json.loads(written)["detail"]) == (node_id, detail)


@pytest.mark.parametrize("odd", [float("nan"), float("-inf"), {1, 2}, object(), b"x", {"deep": [float("nan")]}])
def test_what_json_cannot_say_is_shown_and_the_line_stays_json(odd: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    shown = json.loads(line(odd=odd, fine=[1]), parse_constant=refuse)
    assert (shown["odd"], shown["fine"]) == (repr(odd), [1])


def test_a_value_without_end_or_a_repr_that_raises_does_not_break_the_line() -> None:
    class Mute:
        def __repr__(self) -> str:
            raise RuntimeError

    endless: list[Any] = []
    endless.append(endless)
    shown = json.loads(line(mute=Mute(), endless=endless))
    assert (shown["mute"], shown["endless"]) == ("<Mute>", "[[...]]")
