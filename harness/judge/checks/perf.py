"""PERF in trials: the cost of a step does not grow with the steps before it. Pure; by what each commit wrote.

`cutover.harness.judge.costs` holds more against an engine under the same name, by plays that were counted.

Free of the machine's speed: a commit writes no more steps than it has events, and in a long execution the bytes of
checkpoint state for each event are as many in the last commits as in the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from cutover.harness.judge.checks.base import ArmCheck, Sheet, checkpoint_state
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]

_LEAST_COMMITS: Final = 9
"""Fewer commits say nothing about growth."""
_MOST_GROWTH: Final = 2.0
"""How much dearer the last third may be than the first; payloads and names vary, history only grows."""
_SLACK_BYTES: Final = 200
"""What an entry may carry or not (an output's digest, a long name), however short the history."""


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None:
        return
    sheet.saw(len(journal.checkpoints))
    covered, costs = 0, []
    for row in journal.checkpoints:
        events = row.sequence - covered
        state = checkpoint_state(row.state)
        steps = 0 if state is None else state.members
        if steps > max(events, 0):
            sheet.fault(
                f"checkpoint {row.version} writes {steps} steps for {events} events",
                version=row.version,
                steps=steps,
                events=events,
            )
        costs.append(len(row.state) / max(events, 1))
        covered = row.sequence
    _growth(sheet, costs)


def _growth(sheet: Sheet, costs: Sequence[float]) -> None:
    """Bytes for each event, by commit: early against late."""
    if len(costs) < _LEAST_COMMITS:
        return
    third = len(costs) // 3
    early, late = median(costs[:third]), median(costs[-third:])
    if late > _MOST_GROWTH * early + _SLACK_BYTES:
        sheet.fault(
            f"an event costs {early:.0f} bytes of checkpoint in the first {third} commits, {late:.0f} in the last",
            early_bytes=early,
            late_bytes=late,
            commits=len(costs),
        )


CHECK = ArmCheck(
    "PERF",
    "a step costs as much late as early and stays within the limits, and no execution leaves or holds up anything",
    _look,
)
