"""Instants beyond the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cutover.harness.record.instants import LATEST, later

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_instant_is_so_much_later_and_beyond_the_calendar_the_latest() -> None:
    assert later(NOW, 1.5) == NOW + timedelta(microseconds=1_500)
    assert later(NOW, 10**15) == LATEST
    assert later(NOW, 10**30) == LATEST
    assert LATEST.year == 9999
