"""Plans what the world answers where n8n recorded nothing: branches, errors and rounds, from a seed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cutover.engines.api import ActivityNode, JsonValue, LoopNode, Node, WaitNode, Workflow
from cutover.scenarios.importers.imported import ImportRefused
from cutover.scenarios.importers.n8n.flow import AGAIN, EXIT
from cutover.scenarios.importers.n8n.level import FlowLevel
from cutover.scenarios.importers.n8n.nodes import is_effect
from cutover.scenarios.importers.n8n.source import SourceNode
from cutover.scenarios.importers.n8n.workflow import plain_path
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["FAILURE", "MAX_VARIANTS", "NOT_PLANNED", "ResponsePlan", "plans"]

MAX_VARIANTS = 4
"""Scenarios of one start; each after the first takes a way out of some node that those before it did not take."""
FAILURE = "planned to fail"
NOT_PLANNED = "the plan does not reach this node"
"""What the world answers for a node that no planned branch leads to, should an engine run it."""
_MOST_ROUNDS = 3
_DEEPEST_ROUNDS = 3  # loops nested deeper go round once, or the plan would grow beyond all bounds
_NOWHERE = "$nowhere"
_MOST_ITEMS = 3
_FAILING_ONE_IN = 3
_LEAST_TO_FAIL = 3


@dataclass(slots=True)
class ResponsePlan:
    """The world of one planned scenario; `token` is in every output, so that it can be found where it must not be."""

    token: str
    world: dict[str, tuple[Response, ...]] = field(default_factory=dict)
    signals: dict[str, PlannedSignal] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)

    def succeeds(self, step_id: str) -> bool:
        """Whether the step is planned to end well."""
        return self.world[step_id][-1].error is None


def plans(workflow: Workflow, origins: Mapping[str, SourceNode], name: str) -> Iterator[tuple[str, ResponsePlan]]:
    """The scenario ids and plans of one start; the same for the same workflow and name.

    They are NAME, NAME.2, ..., and NAME.fails for one in three of the starts that reach three activities or more, in
    which an activity fails the execution.
    """
    level = FlowLevel(workflow)
    untaken = [(node_id, port) for node_id, ports in level.options.items() if len(ports) > 1 for port in ports]
    usual = level.toward(untaken[0] if untaken else None)
    forced, first = usual, _planned(workflow, origins, name, usual)
    yield name, first
    plan = first
    for number in range(2, MAX_VARIANTS + 1):
        untaken = [way for way in untaken if way not in plan.taken and way != next(iter(forced.items()), None)]
        if not untaken:
            break
        forced = level.toward(untaken[0])
        plan = _planned(workflow, origins, f"{name}.{number}", forced)
        yield f"{name}.{number}", plan
    fatal = {path for path, node in _activities(workflow, "") if node.on_error == "fail"}
    may_fail = [step_id for step_id in first.world if first.succeeds(step_id) and plain_path(step_id) in fatal]
    draw = int(_digest(f"{name} fails")[:8], 16)
    if len(may_fail) >= _LEAST_TO_FAIL and draw % _FAILING_ONE_IN == 0:
        failing = may_fail[draw // _FAILING_ONE_IN % len(may_fail)]
        yield f"{name}.fails", _planned(workflow, origins, f"{name}.fails", usual, failing)


def _planned(
    workflow: Workflow,
    origins: Mapping[str, SourceNode],
    scenario_id: str,
    forced: Mapping[str, str],
    failing: str | None = None,
) -> ResponsePlan:
    plan = ResponsePlan(token=f"tok-{_digest(scenario_id)[:16]}")
    seed = scenario_id.removesuffix(".fails")
    _Planner(origins, seed, plan, failing).play(workflow, "", forced, None)
    answered = set(map(plain_path, plan.world))
    for path, _ in _activities(workflow, ""):
        if path not in answered:
            plan.world[path] = (Response(error=NOT_PLANNED, retryable=False, effect=False),)
    return plan


def _activities(workflow: Workflow, prefix: str) -> Iterator[tuple[str, ActivityNode]]:
    for node in workflow.nodes:
        if isinstance(node, ActivityNode):
            yield prefix + node.id, node
        elif isinstance(node, LoopNode):
            yield from _activities(node.body, f"{prefix}{node.id}/")


class _Planner:
    """Answers for every step that one scenario runs."""

    def __init__(self, origins: Mapping[str, SourceNode], seed: str, plan: ResponsePlan, failing: str | None) -> None:
        self._origins = origins
        self._seed = seed
        self._plan = plan
        self._failing = failing

    def play(self, workflow: Workflow, prefix: str, forced: Mapping[str, str], goal: str | None) -> set[str]:
        """Plans one run of a level: of the whole, or of a round that is to lead to `goal`, an end or nowhere.

        Returns the ends that it leads to. Raises ImportRefused for a round that can only lead to another.
        """
        level = FlowLevel(workflow)
        if goal is not None and (ways := level.sources.get(goal)):
            forced = level.toward(ways[self._pick(prefix + goal, len(ways))])
        avoided = set[str]() if goal in {None, AGAIN} else level.ends - {goal}
        stopping = {id_: None for id_, node in level.nodes.items() if isinstance(node, ActivityNode | LoopNode)}
        choices = self._choices(level, prefix, forced, level.leading_to(avoided))
        ends = self._walk(level, prefix, choices | stopping if goal == _NOWHERE else choices)
        if avoided & ends:
            ends = self._walk(level, prefix, choices | stopping)
        if AGAIN in avoided & ends:
            raise ImportRefused(f"cycle in {plain_path(prefix).rstrip('/')!r}: nothing in it can end it")
        return ends

    def _choices(
        self, level: FlowLevel, prefix: str, forced: Mapping[str, str], bad: set[str]
    ) -> dict[str, str | None]:
        """A way out for each node: the one forced, else one that need not lead to anything bad, where there is one."""
        choices: dict[str, str | None] = {}
        for node_id, options in level.options.items():
            good = [port for port in options if not bad & set(level.targets.get((node_id, port), ()))] or list(options)
            choices[node_id] = forced.get(node_id) or good[self._pick(prefix + node_id, len(good))]
        return choices

    def _walk(self, level: FlowLevel, prefix: str, choices: Mapping[str, str | None]) -> set[str]:
        """Answers for every node that the choices reach, and returns the ends that they reach."""
        reached, pending, ends = {level.start}, [level.start], set[str]()
        while pending:
            node_id = pending.pop()
            for port in self._answer(level.nodes[node_id], prefix, choices[node_id]):
                targets = set(level.targets.get((node_id, port), ()))
                ends |= targets & level.ends
                pending += sorted(targets - level.ends - reached)
                reached |= targets
        return ends

    def _answer(self, node: Node, prefix: str, port: str | None) -> tuple[str, ...]:
        """Plans the answers for one step; returns the ports by which it leaves."""
        step_id = prefix + node.id
        if port is not None and not prefix:
            self._plan.taken.add((node.id, port))
        match node:
            case ActivityNode():
                self._plan.world[step_id] = self._responses(node, step_id, port)
                fatal = node.on_error == "fail" and not self._plan.succeeds(step_id)
                return () if fatal or port is None else (port,)
            case WaitNode(signal=str(signal)):
                payload: list[JsonValue] = [{"signal": signal, "token": self._plan.token}]
                resume = PlannedSignal(id=f"{step_id} resumes", name=signal, payload=payload)
                self._plan.signals[resume.id] = resume
                return ("out",)
            case LoopNode(repeat=True):
                return self._rounds(node, step_id, port)
            case _:
                return ("out",)

    def _rounds(self, node: LoopNode, step_id: str, port: str | None) -> tuple[str, ...]:
        """Plans the rounds of a loop that is to leave by a port, or by none; returns the ports by which it does."""
        rounds = 1 + self._pick(f"{step_id} rounds", _MOST_ROUNDS) if step_id.count("/") < _DEEPEST_ROUNDS else 1
        ends: set[str] = set()
        for i in range(rounds):
            goal = AGAIN if i < rounds - 1 else _NOWHERE if port is None else EXIT + port
            ends = self.play(node.body, f"{step_id}[{i}]/", {}, goal)
            if AGAIN not in ends:
                break
        return tuple(sorted(end.removeprefix(EXIT) for end in ends))

    def _responses(self, node: ActivityNode, step_id: str, port: str | None) -> tuple[Response, ...]:
        """One success, after one error where the node is tried again; only errors where the way out is by one."""
        origin = self._origins[plain_path(step_id)]
        if origin.kind == "stopAndError" and node.on_error == "fail":
            return (Response(error="the workflow stops with an error", retryable=False),)
        if port == "error" and node.on_error == "route":
            return (Response(error=FAILURE, effect=False),)
        if step_id == self._failing:
            return (Response(error=FAILURE, retryable=False, effect=False),)
        if node.on_error == "continue" and port == "out" and self._pick(f"{step_id} fails", 2):
            return (Response(error=FAILURE, effect=False),)
        count = 1 + self._pick(f"{step_id} items", _MOST_ITEMS)
        output: list[JsonValue] = [{"step": step_id, "token": self._plan.token, "item": i} for i in range(count)]
        effect = None if is_effect(origin) else False
        success = Response(output=output, ports=(port,) if port else (), echo=True, effect=effect)
        if node.retry.max_retries:
            return Response(error=FAILURE, effect=False), success
        return (success,)

    def _pick(self, what: str, count: int) -> int:
        return int(_digest(f"{self._seed}:{what}")[:8], 16) % max(1, count)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
