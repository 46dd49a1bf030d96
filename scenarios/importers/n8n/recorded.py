"""The scenario of a recorded execution: the world answers as n8n recorded it, in the order it recorded. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from cutover.engines.api import ActivityNode, JoinNode, LoopNode, Node, RetryPolicy, WaitNode, Workflow
from cutover.scenarios.importers.n8n.execution import Execution, NodeRun, message_of
from cutover.scenarios.importers.n8n.nodes import clean, is_effect
from cutover.scenarios.importers.n8n.order import unlike_in_order
from cutover.scenarios.importers.n8n.payload import items_of, losses_as_notes, redacted
from cutover.scenarios.importers.n8n.places import Places, locate
from cutover.scenarios.importers.n8n.source import WorkflowFile
from cutover.scenarios.importers.n8n.workflow import Built, plain_path
from cutover.scenarios.model import PlannedSignal, Recorded, RecordedStep, Response, Scenario

__all__ = ["NOT_RUN", "recorded_scenario"]

NOT_RUN = "n8n did not run this node"
"""What the world answers for a node of which the execution has no run, should an engine run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    """What the building of one scenario needs to know."""

    built: Built
    places: Places
    losses: Counter[str]
    outputs: dict[str, RecordedStep]


def recorded_scenario(
    built: Built, execution: Execution, source: WorkflowFile, *, scenario_id: str, title: str, label: str
) -> tuple[Scenario, tuple[str, ...], tuple[str, ...]]:
    """The scenario, what it lacks of the record, and where an engine that obeys it must differ from the record."""
    places = locate(built, execution, source)
    losses: Counter[str] = Counter()
    steps = {
        step_id: _step(step_id, order, run, places, losses) for order, (step_id, run) in enumerate(places.steps.items())
    }
    play = _Play(built=built, places=places, losses=losses, outputs=steps)
    ranks: dict[str, int] = {}
    for step_id, step in steps.items():
        parts = plain_path(step_id).split("/")
        for depth in range(len(parts)):
            ranks.setdefault("/".join(parts[: depth + 1]), step.order)
    workflow = _replayed(built.workflow, "", ranks, play)
    nodes = _by_path(workflow)
    world = {path: (Response(error=NOT_RUN, retryable=False),) for path in _activities(nodes) if path not in ranks}
    signals: list[PlannedSignal] = []
    for step_id, run in places.steps.items():
        node = nodes[plain_path(step_id)]
        if isinstance(node, ActivityNode):
            world[step_id] = (_response(node, run, steps[step_id], play),)
        elif isinstance(node, WaitNode) and node.signal and run.status == "completed":
            signals.append(PlannedSignal(id=f"{step_id} resumes", name=node.signal, payload=steps[step_id].output))
    start = next(iter(steps.values()), None)
    scenario = Scenario(
        id=scenario_id,
        title=title,
        origin="n8n",
        tags=("n8n", "recorded"),
        workflow=workflow,
        input=start.output if start else [],
        world=world,
        signals=tuple(signals),
        recorded=Recorded(source=label, status=execution.status, steps=tuple(steps.values())),
    )
    differs = [*places.unlike, *unlike_in_order(workflow, {step_id: step.order for step_id, step in steps.items()})]
    return scenario, losses_as_notes(losses), tuple(dict.fromkeys(differs))


def _step(step_id: str, order: int, run: NodeRun, places: Places, losses: Counter[str]) -> RecordedStep:
    """The step as recorded; where several outputs had items its output is a list of their lists."""
    filled = [output for output in run.outputs if output]
    output = items_of(filled[0], losses) if len(filled) == 1 else [items_of(each, losses) for each in filled]
    ports = tuple(sorted(places.ports[step_id]))
    return RecordedStep(step_id=step_id, order=order, status=run.status, output=output, ports=ports)


def _response(node: ActivityNode, run: NodeRun, step: RecordedStep, play: _Play) -> Response:
    effect = None if is_effect(play.built.origins[plain_path(step.step_id)]) else False
    error = run.error or "failed" if run.status == "failed" else None
    if error is None and (node.on_error == "continue" or step.ports == ("error",)):
        error = _handled_error(run)
        if error is not None:
            play.places.unlike.append(
                f"{run.node!r} handles its error: n8n recorded a success, here the step is failed"
            )
    if error is not None:
        return Response(error=redacted(error), effect=False)
    return Response(output=step.output, ports=step.ports, effect=effect)


def _handled_error(run: NodeRun) -> str | None:
    """The message of an error that n8n turned into an item."""
    item = next((items[0] for items in run.outputs if items), None)
    if not isinstance(item, dict):
        return None
    fields = item.get("json")
    error = item.get("error") or (fields.get("error") if isinstance(fields, dict) and len(fields) == 1 else None)
    return message_of(error)


def _replayed(workflow: Workflow, prefix: str, ranks: dict[str, int], play: _Play) -> Workflow:
    """The workflow with its nodes in recorded order, and its loops bounded by the rounds that were recorded."""
    rounds = play.places.iterations()
    never = len(ranks)
    nodes: list[Node] = []
    for node in sorted(workflow.nodes, key=lambda node: ranks.get(prefix + node.id, never)):
        path = prefix + node.id
        if isinstance(node, LoopNode):
            body = _replayed(node.body, f"{path}/", ranks, play)
            nodes.append(replace(node, body=body, max_iterations=max(1, rounds.get(path, 1))))
        elif isinstance(node, JoinNode) and path in play.outputs and not play.outputs[path].ports:
            nodes.append(_ending(node, path, workflow, play))
        else:
            nodes.append(node)
    return replace(workflow, nodes=tuple(nodes))


def _ending(node: JoinNode, path: str, workflow: Workflow, play: _Play) -> Node:
    """A merge or disabled node whose output was empty, so that nothing after it ran: only an activity can do that."""
    if not any(edge.source == node.id for edge in workflow.edges):
        return node
    origin = play.built.origins[path]
    return ActivityNode(id=node.id, activity=clean(origin.type), retry=RetryPolicy(max_retries=0))


def _by_path(workflow: Workflow, prefix: str = "") -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in workflow.nodes:
        found[prefix + node.id] = node
        if isinstance(node, LoopNode):
            found |= _by_path(node.body, f"{prefix}{node.id}/")
    return found


def _activities(nodes: dict[str, Node]) -> list[str]:
    return [path for path, node in nodes.items() if isinstance(node, ActivityNode)]
