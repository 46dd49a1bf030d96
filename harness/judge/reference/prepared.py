"""A scenario made ready to be judged: what it must come to, worked out once for all its trials and cases. Pure.

Whoever judges a run holds a `PreparedScenarios` and passes it on; nothing is remembered in this module.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from cutover.engines.api import ActivityNode, JsonText, LoopNode, Node, Workflow
from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import encode
from cutover.harness.judge.outcomes.tokens import planted
from cutover.harness.judge.reference.model import Expected, expect
from cutover.scenarios.model import Scenario

__all__ = ["PreparedScenario", "PreparedScenarios", "without_retries"]

_KEPT = 1_024
"""Scenarios that are kept: a run may try the same ones again and again."""


class PreparedScenario:
    """A scenario with its expectation, the tokens that it plants, and its input as engines keep it.

    `input` is None where JSON cannot carry it.
    """

    __slots__ = ("_once_only", "expected", "input", "scenario", "tokens")

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.expected = expect(scenario)
        self.tokens = planted(scenario)
        self.input = _input(scenario)
        self._once_only: Expected | None = None

    @property
    def once_only(self) -> Expected:
        """What the scenario comes to without retries; worked out when it is first asked for, which few trials do."""
        if self._once_only is None:
            self._once_only = expect(without_retries(self.scenario))
        return self._once_only


class PreparedScenarios:
    """The newest prepared scenarios, by identity, so that trials of one scenario share one; threads may share it."""

    def __init__(self) -> None:
        self._of = lru_cache(maxsize=_KEPT)(_prepared)

    def of(self, scenario: Scenario) -> PreparedScenario:
        """Returns the scenario made ready."""
        return self._of(_Identity(scenario))


class _Identity:
    """Makes a key of a scenario, which has no hash; the key keeps it alive, so that its id stays its own."""

    __slots__ = ("scenario",)

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return id(self.scenario)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.scenario is self.scenario


def without_retries(scenario: Scenario) -> Scenario:
    """Returns the same scenario for an engine that makes one attempt."""
    return replace(scenario, workflow=_once(scenario.workflow))


def _prepared(key: _Identity) -> PreparedScenario:
    return PreparedScenario(key.scenario)


def _input(scenario: Scenario) -> JsonText | None:
    try:
        return encode(scenario.input)
    except (PayloadRefused, ValueError, TypeError, RecursionError):
        return None


def _once(workflow: Workflow) -> Workflow:
    return replace(workflow, nodes=tuple(_node(node) for node in workflow.nodes))


def _node(node: Node) -> Node:
    if isinstance(node, ActivityNode):
        return replace(node, retry=replace(node.retry, max_retries=0))
    if isinstance(node, LoopNode):
        return replace(node, body=_once(node.body))
    return node
