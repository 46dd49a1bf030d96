"""V1's known flaws, by name, and which of them explains a control's differences from the reference. Pure.

A flaw explains only what it would itself bring about: it is never a general excuse for the control.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from engines.api import ActivityNode, LoopNode, Node, Workflow
from harness.judge.checks.iso import planted
from harness.judge.findings import Difference
from harness.judge.reference import expect
from harness.judge.view import ArmView, TrialView, against
from scenarios.model import Scenario

__all__ = ["FLAWS", "flaws_of", "without_retries"]

FLAWS: Final[Mapping[str, str]] = {
    "no-retry": "a failed activity is not tried again",
    "shared-context": "executions that run at once in one process see each other's data",
    "no-idempotency-key": "calls carry no key, so a call that is repeated has its effect again",
    "resume-repeats-step": "a resume starts again at current_node_id, which may have ended",
}
"""What each means."""
_TOKEN = re.compile(r"tok-[0-9a-f]{16}")


def flaws_of(trial: TrialView, arm: ArmView) -> Sequence[tuple[Difference, str | None]]:
    """Each difference of the arm from the reference, with the flaw that explains it, where one does."""
    if not arm.differences:
        return ()
    unretried = _unretried(trial, arm)
    return [(difference, _flaw(difference, trial, arm, unretried=unretried)) for difference in arm.differences]


def without_retries(scenario: Scenario) -> Scenario:
    """The same scenario for an engine that makes one attempt."""
    return replace(scenario, workflow=_once(scenario.workflow))


def _flaw(difference: Difference, trial: TrialView, arm: ArmView, *, unretried: bool) -> str | None:
    if unretried:
        return "no-retry"
    if _foreign(difference, trial.trial.scenario):
        return "shared-context"
    area, _, rest = difference.path.partition("/")
    calls = arm.calls.get(rest.rpartition("/")[0] if area == "effects" else "", ())
    if difference.kind in {"count", "extra"} and len(calls) > 1:
        if any(entry.after_completion for entry in calls):
            return "resume-repeats-step"
        if any(entry.idempotency_key is None for entry in calls):
            return "no-idempotency-key"
    return None


def _unretried(trial: TrialView, arm: ArmView) -> bool:
    """Whether the arm does exactly what the reference would without retries, and a retry was called for."""
    if not any(step.attempts > 1 for step in trial.expected.steps.values()):
        return False
    _, left = against(expect(without_retries(trial.trial.scenario)), arm.outcome, arm.record)
    return not left


def _foreign(difference: Difference, scenario: Scenario) -> bool:
    tokens = _TOKEN.findall(difference.right or "")
    return bool(tokens) and bool(set(tokens) - planted(scenario))


def _once(workflow: Workflow) -> Workflow:
    return replace(workflow, nodes=tuple(_node(node) for node in workflow.nodes))


def _node(node: Node) -> Node:
    if isinstance(node, ActivityNode):
        return replace(node, retry=replace(node.retry, max_retries=0))
    if isinstance(node, LoopNode):
        return replace(node, body=_once(node.body))
    return node
