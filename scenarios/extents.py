"""How long, how large and how late: measures of what a scenario plans. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Final, TypeAlias

from cutover.engines.api import ActivityNode, LoopNode, Node, RetryPolicy, Workflow
from cutover.scenarios.model import Response

__all__ = ["calls", "note_lists", "retried", "size", "steps", "tried_late"]

_LATE_MS: Final = 31_000
"""By then another worker takes over, ms."""
_Rounds: TypeAlias = Callable[[str, LoopNode], int]
"""How many iterations a loop has, by its path and its node."""


def retried(responses: Iterable[Response]) -> bool:
    """Returns whether an attempt fails that may be made again."""
    return any(response.error is not None and response.retryable for response in responses)


def tried_late(policy: RetryPolicy, responses: Sequence[Response]) -> bool:
    """Returns whether an attempt is due only after another worker may have taken over."""
    failed = list(takewhile(lambda response: response.error is not None and response.retryable, responses))
    delays = (policy.initial_ms * policy.factor**k for k in range(min(len(failed), policy.max_retries)))
    return any(min(delay, policy.cap_ms) > _LATE_MS for delay in delays)


def note_lists(value: object, found: dict[str, int]) -> None:
    """Notes the longest list that stands under each key."""
    match value:
        case list():
            for each in value:
                note_lists(each, found)
        case dict():
            for name, each in value.items():
                if isinstance(each, list):
                    found[name] = max(len(each), found.get(name, 0))
                note_lists(each, found)


def size(value: object) -> int:
    """Returns about how many characters a payload has."""
    match value:
        case str():
            return len(value)
        case list():
            return sum(map(size, value))
        case dict():
            return sum(map(size, value.values()))
    return 8


def steps(workflow: Workflow, rounds: _Rounds) -> int:
    """Returns about how many steps an execution takes."""
    return _counted(workflow, "", rounds, lambda _node: True)


def calls(workflow: Workflow, rounds: _Rounds) -> int:
    """Returns about how many activities an execution has."""
    return _counted(workflow, "", rounds, lambda node: isinstance(node, ActivityNode))


def _counted(workflow: Workflow, prefix: str, rounds: _Rounds, counts: Callable[[Node], bool]) -> int:
    total = 0
    for node in workflow.nodes:
        path = prefix + node.id
        total += counts(node)
        if isinstance(node, LoopNode):
            total += rounds(path, node) * _counted(node.body, f"{path}/", rounds, counts)
    return total
