"""Which scenarios come to another outcome when time passes between a death and the resume. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cutover.engines.api import LoopNode, Node, WaitNode, Workflow
from cutover.harness.judge.reference.model import expect
from cutover.scenarios.model import Scenario

__all__ = ["races_a_timer"]

_LONG_MS = 600_000
"""Longer than all takeovers of a case together."""


def races_a_timer(scenario: Scenario) -> bool:
    """Whether a signal, or a cancellation, that is to come in time waits beside a timer that takeovers could use up.

    Then time that passes between a death and the resume may rightly change the outcome, and no case can be judged.
    """
    planned = {signal.name for signal in scenario.signals}
    short = {
        node.id
        for node in _nodes(scenario.workflow)
        if isinstance(node, WaitNode)
        and (node.signal in planned or scenario.cancel_at_pause is not None)
        and node.timeout_ms is not None
        and node.timeout_ms < _LONG_MS
    }
    return bool(short) and any(
        step.rpartition("/")[2] in short and outcome.status != "skipped"
        for step, outcome in expect(scenario).steps.items()
    )


def _nodes(workflow: Workflow) -> Iterator[Node]:
    for node in workflow.nodes:
        yield node
        if isinstance(node, LoopNode):
            yield from _nodes(node.body)
