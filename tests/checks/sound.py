"""The line `sound`: all that a sound engine writes of a chain of activities and waits, as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from checks.lines import HistoryError, HistoryLine
from cutover.engines.api import ActivityNode, JsonText, StartNode, WaitNode
from cutover.scenarios.model import Scenario

__all__ = ["sound_lines"]

_CHANGES: Final = (("pending", "START", "running"), ("running", "COMPLETE", "completed"))
_PAUSES: Final = (_CHANGES[0], ("running", "PAUSE", "paused"), ("paused", "RESUME", "running"), _CHANGES[1])


def sound_lines(scenario: Scenario) -> Iterator[HistoryLine]:
    """Yields the lines of an execution of a chain in which nothing goes wrong, each event with its log line."""
    if len(scenario.workflow.edges) != len(scenario.workflow.nodes) - 1 or scenario.signals[1:]:
        raise HistoryError("sound: the flow is not a chain")
    given = told = json.dumps(scenario.input)
    yield from _change("execution", *_CHANGES[0])
    for node in scenario.workflow.nodes:
        if isinstance(node, ActivityNode):
            told = json.dumps(scenario.world[node.id][0].output)
        elif isinstance(node, WaitNode):
            told = json.dumps(scenario.signals[0].payload if scenario.signals else None)
        elif not isinstance(node, StartNode):
            raise HistoryError(f"sound: node {node.id} is neither an activity nor a wait")
        for number, change in enumerate(_PAUSES if isinstance(node, WaitNode) else _CHANGES):
            yield from _change(node.id, *change)
            if isinstance(node, ActivityNode) and not number:
                yield HistoryLine("checkpoint")
                yield HistoryLine("call", (node.id,), {"input": given, "output": told})
                yield HistoryLine("metric", (node.id,))
        yield HistoryLine("step", (node.id,), {"input": given, "output": told})
        given = told
    yield from _change("execution", *_CHANGES[1])
    yield HistoryLine("checkpoint")
    yield HistoryLine("execution", (), {"input": json.dumps(scenario.input), "output": told})


def _change(subject: str, before: str, event: str, after: JsonText) -> Iterator[HistoryLine]:
    yield HistoryLine("event", (subject, before, event, after))
    yield HistoryLine("log")
