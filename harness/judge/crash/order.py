"""ORD across deaths: ready nodes are taken in definition order, before a takeover and after it. Pure.

The order in which branches begin is the engine's to choose, as long as it is one: whose uninterrupted run shows another
than that of the definition is not looked at. The contract's order, kept but for a death, is a rule that was forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from cutover.engines.api import WaitNode
from cutover.harness.judge.checks.base import Sheet
from cutover.harness.judge.crash.view import CaseView
from cutover.harness.judge.reference.model import Expected
from cutover.scenarios.validate import nodes_of

__all__ = ["look_at_order"]

_CHOICES: Final = 2
"""How often an engine must have had a choice in its uninterrupted run, before its order can be called one."""


def look_at_order(case: CaseView, sheet: Sheet) -> None:
    """ORD: the activities begin in the order of the run without the crash, where that is definition order.

    Not where the execution pauses or the order shows in its outcome: what happens outside then decides it too.
    """
    expected, workflow = case.arm.expected, sheet.trial.trial.scenario.workflow
    if (
        expected.refused is not None
        or expected.alternatives
        or any(isinstance(node, WaitNode) for _, node in nodes_of(workflow))
    ):
        return
    due = [step_id for step_id, step in expected.steps.items() if step.attempts]
    if list(case.record.order) != due or _choices(due, expected) < _CHOICES:
        return
    ledger = sorted(case.arm.record.ledger, key=lambda entry: entry.sequence)
    begun = list(dict.fromkeys(entry.step_id for entry in ledger))
    sheet.saw(len(begun))
    for step_id, first in zip(begun, due, strict=False):
        if step_id != first:
            sheet.fault(
                f"step {step_id} begins before {first}, which is defined before it and comes first without the crash",
                step_id=step_id,
                first=first,
            )
            return


def _choices(due: Sequence[str], expected: Expected) -> int:
    """Returns how many activities begin that need not wait for the one that began before them."""
    return sum(before not in _behind(step_id, expected) for before, step_id in pairwise(due))


def _behind(step_id: str, expected: Expected) -> set[str]:
    """Returns every step that must have ended before this one begins."""
    pending, seen = [step_id], set[str]()
    for each in pending:
        step = expected.steps.get(each)
        fresh = step.waits.all_of - seen if step is not None else frozenset[str]()
        seen |= fresh
        pending += fresh
    return seen
