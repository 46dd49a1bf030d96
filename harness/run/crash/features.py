"""What there is about a scenario, and about one of its kill points, that an engine can get wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cutover.engines.api import ActivityNode, JoinNode, LoopNode, Node, WaitNode, Workflow
from cutover.harness.record.cases import CrashTrial, KillPoint
from cutover.scenarios.extents import calls, note_lists, retried, size, tried_late
from cutover.scenarios.extents import steps as steps_of
from cutover.scenarios.graph import apart, followers, forks
from cutover.scenarios.model import Scenario

__all__ = ["LONG", "WOKEN", "PointFeatures", "ScenarioFeatures", "node_kinds"]

_INDEX: Final = re.compile(r"\[(\d+)\]")
_LAST_INDEX: Final = re.compile(r"\[(\d+)\]$")
_NAME: Final = re.compile(r"\w+")
_LARGE: Final = 20_000
"""Characters of payload from which a scenario is a large one."""
_MANY: Final = 3
WOKEN: Final = "woken"
"""The feature of a kill point at a call that a wait's end leads to: what woke the wait must be durable by then."""
LONG: Final = "long"
"""The feature of a scenario that has more than twenty activities: its cases are dear, so a few are enough."""
_AGAIN: Final = "$again"
_TWENTY: Final = 20
"""Activities after which an execution is a long one: what an engine does otherwise from then on shows later."""
_DOZEN: Final = 12
"""Iterations: enough to have two behind one, and so many that those behind one are in another order as text."""


@dataclass(frozen=True)
class ScenarioFeatures:
    """What a scenario shows, as far as it can be told without running it. `effort` is about how many steps it takes."""

    scenario: Scenario

    @cached_property
    def shown(self) -> frozenset[str]:
        """Kinds of node, how an execution can pause, what fails, and how deep, wide, long and large it is."""
        nodes = list(_nodes(self.scenario.workflow))
        rounds = [self._rounds(path, node) for path, node in nodes if isinstance(node, LoopNode)]
        levels = list(_levels(self.scenario.workflow))
        together = max(apart(_waits(level), level) for level in levels)
        named: Mapping[str, bool] = {
            "timer": any(isinstance(node, WaitNode) and node.timeout_ms is not None for _, node in nodes),
            "signal": bool(self.scenario.signals),
            "cancel": self.scenario.cancel_at_pause is not None,
            "cancel of several": self.scenario.cancel_at_pause is not None and together > 1,
            "timers together": any(apart(_waits(level, timed=True), level) > 1 for level in levels),
            "retry": any(retried(self.scenario.world.get(path, ())) for path, _ in nodes),
            "late retry": any(
                isinstance(node, ActivityNode) and tried_late(node.retry, self.scenario.world.get(path, ()))
                for path, node in nodes
            ),
            "any": any(isinstance(node, JoinNode) and node.mode == "any" for _, node in nodes),
            "wait in a loop": any(isinstance(node, WaitNode) and "/" in path for path, node in nodes),
            "loop in a loop": any(isinstance(node, LoopNode) and "/" in path for path, node in nodes),
            "chain": max(map(_longest_chain, levels)) >= _MANY,
            "branches": any(map(_branches, levels)),
            "branches not by name": any(map(_not_by_name, levels)),
            "used up": any(isinstance(node, LoopNode) and self._used_up(path, node) for path, node in nodes),
            "iterations": any(count >= _MANY for count in rounds),
            "dozen": any(count >= _DOZEN for count in rounds),
            "large": self._characters >= _LARGE,
            LONG: calls(self.scenario.workflow, self._rounds) > _TWENTY + _MANY,
        }
        return frozenset({node.kind for _, node in nodes} | {name for name, shows in named.items() if shows})

    @cached_property
    def effort(self) -> int:
        """About how many steps an execution takes."""
        return steps_of(self.scenario.workflow, self._rounds)

    @cached_property
    def _lists(self) -> Mapping[str, int]:
        """The longest list of each name, in the input and in what the world answers."""
        found: dict[str, int] = {}
        responses = (response.output for planned in self.scenario.world.values() for response in planned)
        for value in (self.scenario.input, *responses):
            note_lists(value, found)
        return found

    @cached_property
    def _characters(self) -> int:
        responses = (response.output for planned in self.scenario.world.values() for response in planned)
        return sum(size(value) for value in (self.scenario.input, *responses))

    def _rounds(self, path: str, loop: LoopNode) -> int:
        """Returns a guess at the iterations: by the steps that the world is told of, or by the list of that name."""
        depth = path.count("/")
        parts = (key.split("/")[: depth + 1] for key in self.scenario.world)
        last = (own[depth] for own in parts if len(own) > depth and _INDEX.sub("", "/".join(own)) == path)
        told = [int(index[1]) for index in map(_LAST_INDEX.search, last) if index]
        if told:
            return 1 + max(told)
        names = _NAME.findall(loop.items or "")
        return self._lists.get(names[-1], 1) if names else 1

    def _used_up(self, path: str, loop: LoopNode) -> bool:
        """Returns whether a repeating loop asks for more iterations than it may have, by the answer that serves all."""
        inside = [edge for edge in loop.body.edges if loop.repeat and edge.target == _AGAIN]
        answers = [(edge, self.scenario.world.get(f"{path}/{edge.source}", ())) for edge in inside]
        return loop.max_iterations > 1 and any(given and edge.port in given[-1].ports for edge, given in answers)


class PointFeatures:
    """What has happened in a scenario's uninterrupted run when it comes to each kill point."""

    def __init__(self, trial: CrashTrial) -> None:
        self._trial = trial
        self._kinds = node_kinds(trial.scenario.workflow)
        self._woken = set(_after_waits(trial.scenario.workflow))
        self._branches = {path for path, _ in _side_by_side(trial.scenario.workflow)}
        shown = ScenarioFeatures(trial.scenario).shown
        self._large, self._late = "large" in shown, "late retry" in shown
        self._not_by_name = "branches not by name" in shown
        self._cancels_from = self._last_change(trial) if trial.scenario.cancel_at_pause is not None else 0
        self._tried = {entry.step_id for entry in trial.baseline.ledger if entry.attempt > 1}

    def at(self, point: KillPoint) -> frozenset[str]:
        """Returns the features of one kill point."""
        steps = self._trial.points.get(point, ())
        paths = {_INDEX.sub("", step) for step in steps}
        rounds = [[int(index) for index in _INDEX.findall(step)] for step in steps]
        done, between = self.done(point), self._between_tries(point)
        over = sum(self._kinds.get(path) == "activity" for path in paths) > 1  # one activity ends, another begins
        named = {
            "one done": done == 1,
            "two done": done == 2,
            "many done": done > 2,
            "twenty done": done > _TWENTY,
            "hands over": over and point.kind == "request",
            "handed over": over and point.kind == "answer",
            "branch": bool(paths & self._branches),
            "branches left": self._not_by_name and len(self._branches) - done > _MANY,
            "third round": any(max(numbers, default=0) >= _MANY - 1 for numbers in rounds),
            "twelfth round": any(max(numbers, default=0) >= _DOZEN - 1 for numbers in rounds),
            "inner round": any(len(numbers) > 1 for numbers in rounds),
            "retried": bool(self._tried.intersection(steps)),
            "between tries": between,
            "between late tries": between and self._late,
            "waited": self._waited(point),
            WOKEN: point.kind == "call" and bool(paths & self._woken),
            "large": self._large and done > 0,
            **self._together(point, paths),
        }
        return frozenset(name for name, holds in named.items() if holds)

    def done(self, point: KillPoint) -> int:
        """Returns how many activity steps had ended, as far as the order of kill points tells."""
        before = self._before(point)
        if point.kind in {"call", "reply"}:
            return len(before - set(self._trial.points.get(point, ())))
        return max(len(before) - 1, 0)

    def _together(self, point: KillPoint, paths: set[str]) -> Mapping[str, bool]:
        """Whether several waits begin or end in one commit, and whether a cancel comes about.

        Behind the answer comes what an engine does in a second commit, if it has one.
        """
        waits = sum(self._kinds.get(path) == "wait" for path in paths) > 1
        cancels = 0 < self._cancels_from <= point.number
        return {
            "waits together": waits and point.kind == "request",
            "behind waits together": waits and point.kind == "answer",
            "cancels": cancels and point.kind == "request",
            "cancelled": cancels and point.kind == "answer",
        }

    def _last_change(self, trial: CrashTrial) -> int:
        """Returns the number of the last answer that changed steps."""
        return max(
            (point.number for point, steps in trial.points.items() if steps and point.kind == "answer"), default=0
        )

    def _before(self, point: KillPoint) -> set[str]:
        kind = point.kind if point.kind == "call" else "call" if point.kind == "reply" else "answer"
        return {
            step
            for other, steps in self._trial.points.items()
            if other.kind == kind and other.number < point.number
            for step in steps
            if self._kinds.get(_INDEX.sub("", step)) == "activity"
        }

    def _between_tries(self, point: KillPoint) -> bool:
        """Returns whether a step had failed and was to be tried again: it runs and waits for that in turn."""
        if point.kind not in {"request", "answer"}:
            return False
        changes = [other for other in self._trial.points if other.kind == "answer"]
        for step in self._tried.intersection(self._trial.points.get(point, ())):
            numbers = [other.number for other in changes if step in self._trial.points[other]]
            made = sum(number < point.number + (point.kind == "answer") for number in numbers)
            if 0 < made < len(numbers) and made % 2 == 0:
                return True
        return False

    def _waited(self, point: KillPoint) -> bool:
        """Returns whether a wait has begun: what follows it was brought about from outside."""
        return point.kind in {"request", "answer"} and any(
            self._kinds.get(_INDEX.sub("", step)) == "wait"
            for other, steps in self._trial.points.items()
            if other.kind == "answer" and other.number < point.number
            for step in steps
        )


def node_kinds(workflow: Workflow) -> dict[str, str]:
    """Returns the kind of each node by its path without iterations."""
    return {path: node.kind for path, node in _nodes(workflow)}


def _after_waits(workflow: Workflow, prefix: str = "") -> Iterator[str]:
    """Yields the paths of nodes that an edge leads to from a wait."""
    waits = {node.id for node in workflow.nodes if isinstance(node, WaitNode)}
    yield from (prefix + edge.target for edge in workflow.edges if edge.source in waits)
    for node in workflow.nodes:
        if isinstance(node, LoopNode):
            yield from _after_waits(node.body, f"{prefix}{node.id}/")


def _nodes(workflow: Workflow, prefix: str = "") -> Iterator[tuple[str, Node]]:
    for node in workflow.nodes:
        yield prefix + node.id, node
        if isinstance(node, LoopNode):
            yield from _nodes(node.body, f"{prefix}{node.id}/")


def _levels(workflow: Workflow) -> Iterator[Workflow]:
    yield workflow
    for node in workflow.nodes:
        if isinstance(node, LoopNode):
            yield from _levels(node.body)


def _branches(workflow: Workflow) -> bool:
    """Returns whether one node, by one port, leads to two activities neither of which follows the other."""
    return any(path for path in _parallel(workflow))


def _not_by_name(workflow: Workflow) -> bool:
    """Returns whether two branches are left, once the first has begun, that their ids put into another order."""
    kinds = {node.id: node.kind for node in workflow.nodes}
    if "wait" in kinds.values():
        return False
    later = ([name for name in kinds if name in fork and kinds[name] == "activity"][1:] for fork in forks(workflow))
    return any(names != sorted(names) for names in later)


def _side_by_side(workflow: Workflow, prefix: str = "") -> Iterator[tuple[str, Node]]:
    """Yields the activities that have another one beside them, by path."""
    beside = _parallel(workflow)
    for node in workflow.nodes:
        if node.id in beside:
            yield prefix + node.id, node
        if isinstance(node, LoopNode):
            yield from _side_by_side(node.body, f"{prefix}{node.id}/")


def _parallel(workflow: Workflow) -> frozenset[str]:
    activities = {node.id for node in workflow.nodes if isinstance(node, ActivityNode)}
    forked = forks(workflow)
    if not forked:
        return frozenset()
    behind = followers(workflow)
    found: set[str] = set()
    for targets in forked:
        reached = [{target, *behind.get(target, ())} & activities for target in targets if target in behind]
        for own in reached:
            others = set[str]().union(*(each for each in reached if each is not own))
            alone = own - set.intersection(*reached)
            if alone and others - own:
                found |= alone
    return frozenset(found)


def _waits(workflow: Workflow, *, timed: bool = False) -> list[str]:
    waits = [node for node in workflow.nodes if isinstance(node, WaitNode)]
    return [node.id for node in waits if node.timeout_ms is not None or not timed]


def _longest_chain(workflow: Workflow) -> int:
    """Returns the most activities that follow one another."""
    behind = followers(workflow)
    activities = [node.id for node in workflow.nodes if isinstance(node, ActivityNode)]
    longest: dict[str, int] = {}
    for each in sorted(activities, key=lambda node_id: len(behind[node_id])):
        longest[each] = 1 + max((longest[after] for after in behind[each] if after in longest), default=0)
    return max(longest.values(), default=0)
