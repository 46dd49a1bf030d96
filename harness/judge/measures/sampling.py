"""Which trials are a sample, and of what: a scenario's content, and the class of those that take alike. Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from cutover.engines.api import LoopNode, Workflow
from cutover.harness.judge.reference.model import Expected
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.model import Scenario
from cutover.scenarios.tokens import token_of
from cutover.scenarios.writer import dumps_line

__all__ = ["class_of", "content_of", "is_drawn", "kinds_of"]

_LARGEST: Final = 32
"""Steps from which on all scenarios are of one class."""


def is_drawn(scenario: Scenario) -> bool:
    """Whether chance chose the scenario, as the generator does; the catalog, files and imports are given."""
    return scenario.origin == "generated"


def content_of(scenario: Scenario) -> str:
    """Returns a digest of all that a scenario makes an engine do; its id, title, tags and token are not part of it."""
    try:
        whole = (scenario.workflow, scenario.input, scenario.world, scenario.signals, scenario.cancel_at_pause)
        text = msgspec.json.encode(whole).decode()
    except (ValueError, TypeError, OverflowError, RecursionError):  # a payload that this codec cannot carry
        text = _slowly(scenario)
    return sha256(text.replace(token_of(scenario.id), "").encode()).hexdigest()


def class_of(expected: Expected) -> str:
    """Returns the class of a scenario by the number of its steps, which most of its time depends on."""
    least, steps = 1, len(expected.steps)
    while least < _LARGEST and steps >= 2 * least:
        least *= 2
    if least == 1:
        return "1 step"
    return f"{least} to {2 * least - 1} steps" if least < _LARGEST else f"{least} steps and more"


def kinds_of(workflow: Workflow) -> frozenset[str]:
    """Returns the kinds of node that the workflow has, in its loops too, but for the start that all have."""
    levels, kinds = [workflow], set[str]()
    for level in levels:
        kinds.update(node.kind for node in level.nodes)
        levels += [node.body for node in level.nodes if isinstance(node, LoopNode)]
    return frozenset(kinds - {"start"})


def _slowly(scenario: Scenario) -> str:
    try:
        whole = dumps_line(scenario)
    except ScenarioError:  # what JSON cannot hold; two of them are hardly the same
        whole = repr(scenario)
    return whole.replace(scenario.id, "").replace(scenario.title, "")
