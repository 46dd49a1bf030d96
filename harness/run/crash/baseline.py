"""The uninterrupted execution of a scenario, which says where it can be interrupted. Does I/O."""

from __future__ import annotations

import uuid
from dataclasses import replace

from cutover.harness.record.cases import KillPoint
from cutover.harness.run.crash.caller import Caller
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.store.case_lines import Baseline
from cutover.scenarios.model import Scenario

__all__ = ["BaselineRun"]


class BaselineRun:
    """One execution without a fault."""

    def __init__(self, testbed: Testbed, scenario: Scenario, execution_id: uuid.UUID) -> None:
        self._caller = Caller(testbed, scenario, execution_id, lambda _host, _channel: None)  # nothing is injected
        self._statuses: dict[str, str] = {}
        self._touched: dict[int, tuple[str, ...]] = {}

    def run(self) -> Baseline:
        """Drives it to its end, then resumes and executes it once more, which is not counted."""
        caller, injector = self._caller, self._caller.injector
        injector.on_answered = self._note_changes
        host = caller.workers.spawn()
        caller.drive(host, {"op": "execute"})
        points = self._points()
        injector.on_answered = None
        record = caller.arm_record(caller.again(host))
        caller.workers.close()
        return record, points

    def _points(self) -> dict[KillPoint, tuple[str, ...]]:
        """Returns the kill points so far, with the step ids that each touches.

        Where requests come over more than one connection their order is not always the same: the points have marks.
        """
        points: dict[KillPoint, tuple[str, ...]] = {}
        for number in range(1, self._caller.injector.round_trips + 1):
            steps = self._touched.get(number, ())
            points |= {KillPoint("request", number): steps, KillPoint("answer", number): steps}
        for number in range(1, len(self._caller.outside.delivered) + 1):
            points[KillPoint("signal", number)] = ()
        for entry in self._caller.world.ledger:
            steps = (entry.step_id,)
            points |= {KillPoint("call", entry.sequence): steps, KillPoint("reply", entry.sequence): steps}
        injector = self._caller.injector
        if len(injector.connections) < 2:
            return points
        return {replace(point, mark=injector.marks.get(point, "")): steps for point, steps in points.items()}

    def _note_changes(self, number: int) -> None:
        """Notes which steps a round trip changed."""
        journal = self._caller.journal()
        statuses = {step.step_id: str(step.status) for step in journal.steps} if journal else {}
        self._touched[number] = tuple(
            sorted(step_id for step_id, status in statuses.items() if self._statuses.get(step_id) != status)
        )
        self._statuses = statuses
