"""The fixed ladder of plays on which an engine's costs are counted, each with its scenario. Pure.

Nothing is drawn: the same plays for every run and engine, so that a step of a long execution can be compared with one
of a short execution, and a late execution with an early one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from cutover.engines.api import ActivityNode, Edge, JsonValue, LoopNode, RetryPolicy, StartNode, WaitNode, Workflow
from cutover.harness.record.costs import CostKind
from cutover.scenarios.model import PlannedSignal, Response, Scenario

__all__ = ["LADDER", "Rung", "edition", "rung"]

_SMALL: Final = 64
_MIDDLE: Final = 16 * 1024
_LARGE: Final = 64 * 1024
_MANY: Final = 60
_OTHERS: Final = 40
_FEWER: Final = 20
_WARM: Final = 10
"""Executions after which a client has prepared what it prepares: many do so with the fifth use."""
_KEPT: Final = 24
_DAY_MS: Final = 86_400_000
_RETRIES: Final = RetryPolicy(max_retries=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One play: `executions` of one scenario, one after another, on an engine that is made for them.

    With `size_every`, the process's size is looked at after so many executions each time. An execution `beside` runs
    inside the second activity call of the first; one `contended` in another process at the same time. Where executions
    are `asked` for, another engine of the process does so inside each of their activity calls. With `editions` each
    execution is of a workflow of its own. The other engine also cancels those that are to be cancelled.
    With `asked_after` each execution that has ended is asked for again in every way, as is one that nobody has started.
    """

    name: str
    kind: CostKind
    length: int
    scenario: Scenario
    executions: int = 1
    payload_bytes: int = _SMALL
    size_every: int = 0
    companion: Scenario | None = None
    asked: bool = False
    editions: bool = False
    asked_after: bool = False


def edition(scenario: Scenario, number: int) -> Scenario:
    """Returns the scenario with other ids of its nodes."""
    workflow = scenario.workflow
    first = workflow.nodes[0].id
    nodes = tuple(node if node.id == first else replace(node, id=f"{node.id}-{number}") for node in workflow.nodes)
    ids = {old.id: new.id for old, new in zip(workflow.nodes, nodes, strict=True)}
    edges = tuple(replace(each, source=ids[each.source], target=ids[each.target]) for each in workflow.edges)
    return replace(scenario, workflow=replace(workflow, nodes=nodes, edges=edges))


def rung(name: str) -> Rung:
    """Returns the play of that name."""
    return next(each for each in LADDER if each.name == name)


def _scenario(workflow: Workflow, payload_bytes: int = _SMALL, signals: tuple[PlannedSignal, ...] = ()) -> Scenario:
    answers = {"cost.step": (Response(output={"text": "x" * payload_bytes}),)}
    return Scenario(id=workflow.id, workflow=workflow, input={"n": 1}, world=answers, signals=signals)


def _chain(length: int, payload_bytes: int = _SMALL) -> Scenario:
    nodes: list[StartNode | ActivityNode] = [StartNode(id="start")]
    nodes += [ActivityNode(id=f"step-{k}", activity="cost.step") for k in range(length)]
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    return _scenario(Workflow(id=f"cost-chain-{length}", nodes=tuple(nodes), edges=edges), payload_bytes)


def _waits(length: int, *, answered: bool = True, timeout_ms: int | None = None) -> Scenario:
    """Activities and pauses in turn; where no signal comes, it stays at the first."""
    nodes: list[StartNode | ActivityNode | WaitNode] = [StartNode(id="start")]
    for k in range(length):
        nodes.append(ActivityNode(id=f"step-{k}", activity="cost.step"))
        nodes.append(WaitNode(id=f"wait-{k}", signal=f"go-{k}", timeout_ms=timeout_ms))
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    signals = tuple(PlannedSignal(id=f"s-{k}", name=f"go-{k}") for k in range(length if answered else 0))
    return _scenario(Workflow(id=f"cost-waits-{length}", nodes=tuple(nodes), edges=edges), signals=signals)


def _kept(length: int) -> Scenario:
    """Activities one after another, once signals have come that are kept meanwhile."""
    chained = _chain(length).workflow
    nodes = (chained.nodes[0], WaitNode(id="wait", signal="go"), *chained.nodes[1:])
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    kept = tuple(PlannedSignal(id=f"s-{k}", name="later", payload={"text": "x" * _SMALL}) for k in range(_KEPT))
    sent = (*kept, PlannedSignal(id="s-go", name="go"))
    return _scenario(Workflow(id=f"cost-kept-{length}", nodes=nodes, edges=edges), signals=sent)


def _cancelled(length: int, payload_bytes: int) -> Scenario:
    """Activities one after another, and then a wait at which the execution is cancelled."""
    chained = _chain(length, payload_bytes)
    nodes = (*chained.workflow.nodes, WaitNode(id="wait", signal="go"))
    edges = tuple(Edge(source=a.id, target=b.id) for a, b in pairwise(nodes))
    workflow = Workflow(id=f"cost-cancelled-{length}", nodes=nodes, edges=edges)
    return replace(chained, id=workflow.id, workflow=workflow, cancel_at_pause=1)


def _items(length: int) -> Scenario:
    body = Workflow(
        id="cost-item",
        nodes=(StartNode(id="start"), ActivityNode(id="step", activity="cost.step")),
        edges=(Edge(source="start", target="step"),),
    )
    workflow = Workflow(
        id=f"cost-items-{length}",
        nodes=(StartNode(id="start"), LoopNode(id="each", items="list", body=body)),
        edges=(Edge(source="start", target="each"),),
    )
    answers = {"cost.step": (Response(output="x" * _SMALL),)}
    return Scenario(id=workflow.id, workflow=workflow, input={"list": list(range(length))}, world=answers)


def _repeat(length: int) -> Scenario:
    """A loop whose activity says `again` until its iteration of that number."""
    body = Workflow(
        id="cost-turn",
        nodes=(StartNode(id="start"), ActivityNode(id="step", activity="cost.step")),
        edges=(
            Edge(source="start", target="step"),
            Edge(source="step", target="$again", port="again"),
            Edge(source="step", target="$exit.out"),
        ),
    )
    workflow = Workflow(
        id=f"cost-repeat-{length}",
        nodes=(StartNode(id="start"), LoopNode(id="poll", repeat=True, body=body)),
        edges=(Edge(source="start", target="poll"),),
    )
    again, last = Response(output="x" * _SMALL, ports=("again",)), Response(output="done")
    answers = {f"poll[{k}]/step": (again if k < length - 1 else last,) for k in range(length)}
    return Scenario(id=workflow.id, workflow=workflow, input=None, world=answers)


def _retries(length: int, given: JsonValue = None) -> Scenario:
    """An activity whose attempt of that number is its first success."""
    workflow = Workflow(
        id=f"cost-retries-{length}",
        nodes=(StartNode(id="start"), ActivityNode(id="step", activity="cost.step", retry=_RETRIES)),
        edges=(Edge(source="start", target="step"),),
    )
    answers = {"cost.step": (*(Response(error="busy") for _ in range(length - 1)), Response(output="done"))}
    return Scenario(id=workflow.id, workflow=workflow, input=given, world=answers)


LADDER: Final = (
    Rung(name="chain-5", kind="chain", length=5, scenario=_chain(5)),
    Rung(name="chain-20", kind="chain", length=20, scenario=_chain(20)),
    Rung(name="chain-80", kind="chain", length=80, scenario=_chain(80)),
    Rung(name="items-5", kind="items", length=5, scenario=_items(5)),
    Rung(name="items-60", kind="items", length=60, scenario=_items(60)),
    Rung(name="repeat-40", kind="repeat", length=40, scenario=_repeat(40)),
    Rung(name="retries-8", kind="retries", length=8, scenario=_retries(8)),
    Rung(name="waits-6", kind="waits", length=6, scenario=_waits(6)),
    Rung(name="left-waiting-8", kind="waits", length=1, scenario=_waits(1, answered=False), executions=8),
    Rung(
        name="left-waiting-40",
        kind="waits",
        length=1,
        scenario=_waits(1, answered=False, timeout_ms=_DAY_MS),
        executions=_OTHERS,
    ),
    Rung(name="waits-6-after-40", kind="waits", length=6, scenario=_waits(6)),
    Rung(name="kept-5", kind="kept", length=5, scenario=_kept(5)),
    Rung(name="kept-25", kind="kept", length=25, scenario=_kept(25)),
    Rung(name="payload-6", kind="payload", length=6, scenario=_chain(6, _LARGE), payload_bytes=_LARGE),
    Rung(name="beside", kind="beside", length=3, scenario=_chain(3), companion=_chain(3)),
    Rung(name="contended", kind="contended", length=40, scenario=_chain(40), companion=_chain(40)),
    Rung(name="chain-20-after-20", kind="chain", length=20, scenario=_chain(20)),
    Rung(
        name="many-60",
        kind="many",
        length=4,
        scenario=_chain(4, _MIDDLE),
        executions=_MANY,
        payload_bytes=_MIDDLE,
        size_every=_MANY // 3,
    ),
    Rung(name="chain-20-after-80", kind="chain", length=20, scenario=_chain(20)),
    Rung(
        name="retried-20",
        kind="many",
        length=3,
        scenario=_retries(3, {"text": "x" * _LARGE}),
        executions=_FEWER,
        size_every=_FEWER // 2,
    ),
    Rung(
        name="asked-20",
        kind="many",
        length=1,
        scenario=_chain(1),
        executions=_FEWER,
        size_every=_FEWER // 2,
        asked_after=True,
    ),
    Rung(
        name="refused-30",
        kind="many",
        length=1,
        scenario=_chain(1),
        executions=_WARM * 3,
        size_every=_WARM,
        asked=True,
    ),
    Rung(
        name="editions-30",
        kind="many",
        length=2,
        scenario=_chain(2),
        executions=_WARM * 3,
        size_every=_WARM,
        editions=True,
    ),
    Rung(
        name="cancelled-40",
        kind="many",
        length=2,
        scenario=_cancelled(2, _LARGE),
        executions=_OTHERS,
        payload_bytes=_LARGE,
        size_every=_WARM,
    ),
)
"""In the order in which they are played: the last see all rows of the others. What leaks a session with each retry has
forty in the end, with each refusal thirty: no server is full by then. The first look comes after ten executions: many
drivers prepare a statement with its sixth use, and it stays."""
