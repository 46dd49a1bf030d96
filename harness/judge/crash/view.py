"""One crash case made ready for its checks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cutover.harness.judge.view import ArmView
from cutover.harness.record.cases import CaseRecord, Way

__all__ = ["CaseView", "call_in_flight"]

_CANCELS: Final = frozenset({Way.CANCEL, Way.CANCEL_LIVE})


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, with the view of its arm beside the reference model's expectation."""

    record: CaseRecord
    arm: ArmView

    @property
    def cancelled(self) -> bool:
        """Whether the case cancels the execution, so that the reference's outcome is not the one to expect."""
        return self.record.case.way in _CANCELS


def call_in_flight(record: CaseRecord) -> int | None:
    """Returns the sequence of the zombie's one call in flight, where it redelivers an earlier call.

    It cannot know that another worker has completed the step meanwhile. With the attempt and the key of a call before
    it, it is what the world saw of a worker that was thought dead; any further call is not.
    """
    ledger = record.arm.ledger
    woken = [command.calls for command in record.commands if command.worker == 1][-1:] if record.before_go_on else []
    if not woken or not woken[0]:
        return None
    first = woken[0][0]
    entry = next(each for each in ledger if each.sequence == first)
    known = {(each.step_id, each.attempt, each.idempotency_key) for each in ledger if each.sequence < first}
    redelivered = entry.idempotency_key is not None and (entry.step_id, entry.attempt, entry.idempotency_key) in known
    return first if redelivered else None
