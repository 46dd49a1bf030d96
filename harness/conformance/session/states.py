"""In which state a death would find an execution. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cutover.engines.api import Journal, LoopNode, Workflow
from cutover.harness.conformance.session.targets import END_STATES
from cutover.scenarios.model import Scenario

__all__ = ["StateClassifier"]


class StateClassifier:
    """Names the state that a death would find: `none` before the first commit, `running` (an activity step, or between
    two steps), `retrying` (waiting for another attempt), `paused` (only waits are left), or how the execution ended.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._loops = frozenset(_loops(scenario.workflow))

    def of(self, journal: Journal | None) -> str:
        """The state's name."""
        if journal is None:
            return "none"
        if journal.execution.status in END_STATES:
            return journal.execution.status
        statuses = {step.status for step in journal.steps if step.status != "running" or not self._loop(step.step_id)}
        return next((state for state in ("retrying", "running", "paused") if state in statuses), "running")

    def _loop(self, step_id: str) -> bool:
        return "/".join(part.partition("[")[0] for part in step_id.split("/")) in self._loops


def _loops(workflow: Workflow, prefix: str = "") -> Iterator[str]:
    """The paths of all loops, without iterations."""
    for node in workflow.nodes:
        if isinstance(node, LoopNode):
            yield prefix + node.id
            yield from _loops(node.body, f"{prefix}{node.id}/")
