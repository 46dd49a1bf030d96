"""The rules of a workflow and of a scenario: each is broken once, and the message names the place and the rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    JoinNode,
    LoopNode,
    Node,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.model import PlannedSignal, Response, Scenario
from cutover.scenarios.validate import nodes_of, validate_scenario, validate_workflow

START = StartNode(id="start")
PAY = ActivityNode(id="pay", activity="payments.charge")
SHIP = ActivityNode(id="ship", activity="shipping.ship")


def edge(text: str) -> Edge:
    """`pay.error -> hold` as an edge."""
    left, target = text.split(" -> ")
    source, _, port = left.partition(".")
    return Edge(source=source, target=target, port=port or "out")


def flow(*parts: Node | str) -> Workflow:
    """A workflow from nodes and edges, with a start node before them."""
    nodes = tuple(part for part in parts if not isinstance(part, str))
    return Workflow(id="flow", nodes=(START, *nodes), edges=tuple(edge(p) for p in parts if isinstance(p, str)))


def problems(workflow: Workflow) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        validate_workflow(workflow)
    return caught.value.problems


def scenario(workflow: Workflow, **changes: object) -> Scenario:
    world = {node.activity: (Response(),) for _, node in nodes_of(workflow) if isinstance(node, ActivityNode)}
    return replace(Scenario(id="s", workflow=workflow, world=world), **changes)  # type: ignore[arg-type]


def scenario_problems(workflow: Workflow, **changes: object) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        validate_scenario(scenario(workflow, **changes))
    return caught.value.problems


REPEAT_BODY = flow(PAY, "start -> pay", "pay.again -> $again", "pay.done -> $exit.done")
SOUND = {
    "start alone": flow(),
    "every port of a condition": flow(
        ConditionNode(id="c", expression="a"), PAY, SHIP, "start -> c", "c.true -> pay", "c.false -> ship"
    ),
    "cases and default": flow(
        ConditionNode(id="c", expression="a", cases=(Case(port="one", value=1), Case(port="one", value=None))),
        PAY,
        SHIP,
        "start -> c",
        "c.one -> pay",
        "c.default -> ship",
    ),
    "an activity's own ports": flow(PAY, SHIP, "start -> pay", "pay.whatever -> ship", "pay.error -> ship"),
    "both ports of a wait": flow(
        WaitNode(id="w", signal="go", timeout_ms=0), PAY, SHIP, "start -> w", "w -> pay", "w.timeout -> ship"
    ),
    "items": flow(LoopNode(id="l", items="@", body=flow(PAY, "start -> pay")), SHIP, "start -> l", "l -> ship"),
    "repeat": flow(LoopNode(id="l", repeat=True, body=REPEAT_BODY), SHIP, "start -> l", "l.done -> ship"),
    "a chain of thousands": Workflow(
        id="chain",
        nodes=(START, *(JoinNode(id=f"n{i}") for i in range(5_000 - 1))),
        edges=(edge("start -> n0"), *(edge(f"n{i} -> n{i + 1}") for i in range(5_000 - 2))),
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_workflow_passes(name: str) -> None:
    validate_workflow(SOUND[name])
    validate_scenario(scenario(SOUND[name]))


@pytest.mark.parametrize(
    ("workflow", "problem"),
    [
        (Workflow(id="flow", nodes=()), "$.nodes: 0 nodes of kind start; a workflow has exactly one"),
        (
            Workflow(id="flow", nodes=(START, StartNode(id="again"))),
            "$.nodes: 2 nodes of kind start; a workflow has exactly one",
        ),
        (Workflow(id="", nodes=(START,)), "$.id: is empty"),
        (flow(PAY, PAY, "start -> pay"), "$.nodes[2] (pay): another node of this workflow has the same id"),
        (flow(PAY), "$.nodes[1] (pay): cannot be reached from the start node"),
        (flow(PAY, "start -> pay", "pay -> ship"), "$.edges[1] (pay.out -> ship): no node has the id of its target"),
        (flow(PAY, "start -> pay", "ship -> pay"), "$.edges[1] (ship.out -> pay): no node has the id of its source"),
        (
            flow(PAY, "start -> pay", "pay -> start"),
            "$.edges[1] (pay.out -> start): leads to the start node, which has no incoming edges",
        ),
        (flow(PAY, "start -> pay", "start -> pay"), "$.edges[0] (start.out -> pay): is there 2 times"),
        (
            flow(PAY, SHIP, "start -> pay", "pay -> ship", "ship -> pay"),
            "$.edges: a cycle, pay -> ship -> pay; a graph has none, fold it into a loop with `repeat`",
        ),
        (
            flow(PAY, "start -> pay", "pay -> pay"),
            "$.edges: a cycle, pay -> pay; a graph has none, fold it into a loop with `repeat`",
        ),
        (
            flow(PAY, "start.error -> pay"),
            "$.edges[0] (start.error -> pay): a node of kind start does not leave by error; its ports are: out",
        ),
        (
            flow(ConditionNode(id="c", expression="a"), PAY, "start -> c", "c -> pay"),
            "$.edges[1] (c.out -> pay): a node of kind condition does not leave by out; its ports are: true, false",
        ),
        (
            flow(
                ConditionNode(id="c", expression="a", cases=(Case(port="one", value=1),)),
                PAY,
                "start -> c",
                "c.true -> pay",
            ),
            "$.edges[1] (c.true -> pay): a node of kind condition does not leave by true; its ports are: one, default",
        ),
        (
            flow(WaitNode(id="w", timeout_ms=5), PAY, "start -> w", "w.timeout -> pay"),
            "$.edges[1] (w.timeout -> pay): a node of kind wait does not leave by timeout; its ports are: out",
        ),
        (
            flow(JoinNode(id="j"), PAY, "start -> j", "j.true -> pay"),
            "$.edges[1] (j.true -> pay): a node of kind join does not leave by true; its ports are: out",
        ),
        (
            flow(LoopNode(id="l", repeat=True, body=REPEAT_BODY), PAY, "start -> l", "l -> pay"),
            "$.edges[1] (l.out -> pay): a node of kind loop does not leave by out; its ports are: done",
        ),
        (
            flow(LoopNode(id="l", items="@", body=flow(PAY, "start -> pay", "pay.x -> $again")), "start -> l"),
            "$.nodes[1].body.edges[1] (pay.x -> $again): only the body of a loop with `repeat` has edges to $again",
        ),
        (
            flow(PAY, "start -> pay", "pay -> $exit.done"),
            "$.edges[1] (pay.out -> $exit.done): only the body of a loop with `repeat` has edges to $exit.done",
        ),
        (
            flow(LoopNode(id="l", repeat=True, body=flow(PAY, "start -> pay", "pay -> $stop")), "start -> l"),
            "$.nodes[1].body.edges[1] (pay.out -> $stop): an edge leads to a node, to `$again` or to `$exit.PORT`",
        ),
        (
            flow(LoopNode(id="l", repeat=True, body=flow(PAY, "start -> pay", "pay -> $exit.")), "start -> l"),
            "$.nodes[1].body.edges[1] (pay.out -> $exit.).target: is empty",
        ),
        (
            flow(LoopNode(id="l", repeat=True, body=flow(JoinNode(id="j"), "start -> j", "j -> $again")), "start -> l"),
            "$.nodes[1].body.edges[1] (j.out -> $again): is taken in every iteration, so the loop cannot end",
        ),
        (
            flow(LoopNode(id="l", items="@", repeat=True, body=flow()), "start -> l"),
            "$.nodes[1] (l): a loop has exactly one of `items` and `repeat`",
        ),
        (
            flow(LoopNode(id="l", body=flow()), "start -> l"),
            "$.nodes[1] (l): a loop has exactly one of `items` and `repeat`",
        ),
        (flow(WaitNode(id="w"), "start -> w"), "$.nodes[1] (w): a wait needs a `signal`, a `timeout_ms` or both"),
        (
            flow(ConditionNode(id="c", expression="a.b."), "start -> c"),
            "$.nodes[1] (c).expression: a.b. is not JMESPath: Expecting: [",
        ),
        (
            flow(ConditionNode(id="c", expression="a == '\ud800'"), "start -> c"),
            "$.nodes[1] (c).expression: \"a == '\\ud800'\" has a NUL or a lone surrogate",
        ),
        (
            flow(ConditionNode(id="c", expression="(" * 5_000), "start -> c"),
            "$.nodes[1] (c).expression: " + "(" * 57 + "... is not JMESPath: nests too deeply",
        ),
        (
            flow(ConditionNode(id="c", expression="a" * 10_001), "start -> c"),
            "$.nodes[1] (c).expression: an expression of 10,001 characters; at most 10,000 are read",
        ),
        (
            flow(LoopNode(id="l", items="]", body=flow(PAY, "start -> pay")), "start -> l"),
            "$.nodes[1] (l).items: ] is not JMESPath: invalid token: Parse error at column 0",
        ),
    ],
)
def test_a_broken_rule_is_named_with_its_node_or_edge(workflow: Workflow, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(workflow))


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("", "$.nodes[1].id: is empty"),
        ("a/b", "$.nodes[1].id: a/b has /, which is kept for step ids"),
        ("a[0]", "$.nodes[1].id: a[0] has [ ], which is kept for step ids"),
        ("$again", "$.nodes[1].id: $again begins with $, which is kept for `$again` and `$exit.PORT`"),
        ("a\0", r"$.nodes[1].id: 'a\x00' has a control character or a lone surrogate"),
        ("\ud800", r"$.nodes[1].id: '\ud800' has a control character or a lone surrogate"),
        ("x" * 201, "$.nodes[1].id: has 201 characters; at most 200 are kept"),
    ],
)
def test_ids_that_step_ids_or_columns_cannot_hold_are_refused(bad: str, problem: str) -> None:
    assert problem in problems(flow(ActivityNode(id=bad, activity="a")))


def test_ids_in_any_language_are_fine() -> None:
    name = "Versand prüfen 出荷 🙂 #2 (neu)"
    validate_workflow(
        Workflow(
            id="flow",
            nodes=(START, ActivityNode(id=name, activity="a/b")),
            edges=(Edge(source="start", target=name),),
        )
    )


def test_a_cycle_inside_a_body_is_named_there() -> None:
    body = flow(PAY, SHIP, "start -> pay", "pay -> ship", "ship -> pay")
    found = problems(flow(LoopNode(id="l", items="@", body=body), "start -> l"))
    assert found[0].startswith("$.nodes[1].body.edges: a cycle, pay -> ship -> pay")


def test_too_many_nodes_are_refused() -> None:
    nodes: tuple[Node, ...] = (START, *(JoinNode(id=f"n{i}") for i in range(5_000)))
    assert problems(Workflow(id="big", nodes=nodes)) == ("$: more than 5,000 nodes; split the workflow",)


def test_a_cycle_as_long_as_the_limit_is_found_without_recursion() -> None:
    count = 5_000 - 1
    nodes: tuple[Node, ...] = (START, *(JoinNode(id=f"n{i}") for i in range(count)))
    ring = tuple(edge(f"n{i} -> n{(i + 1) % count}") for i in range(count))
    assert "a cycle, n0 -> n1 -> " in problems(Workflow(id="ring", nodes=nodes, edges=(edge("start -> n0"), *ring)))[0]


LOOP = flow(LoopNode(id="each", items="@", body=flow(PAY, "start -> pay")), "start -> each")
WAIT = flow(WaitNode(id="w", signal="go"), "start -> w")


@pytest.mark.parametrize(
    ("workflow", "changes", "problem"),
    [
        (LOOP, {"world": {}}, "$.world: no responses for each/pay; plan them by that or by its activity's name"),
        (
            flow(PAY, "start -> pay"),
            {"world": {"pay": (Response(),), "pya": (Response(),)}},
            "$.world[pya]: is neither an activity's step id, nor its path, nor its activity's name",
        ),
        (
            flow(LoopNode(id="a", items="@", body=LOOP), "start -> a"),
            {"world": {"a[1]/each/pay": (Response(),)}},
            "$.world[a[1]/each/pay]: a step id has the iteration of every loop, a path of none",
        ),
        (flow(PAY, "start -> pay"), {"world": {"pay": ()}}, "$.world[pay]: needs at least one response"),
        (
            flow(PAY, "start -> pay"),
            {"world": {"pay": (Response(), Response(ports=("a", "a")))}},
            "$.world[pay][1].ports: names a port twice",
        ),
        (
            flow(PAY, "start -> pay"),
            {"world": {"pay": (Response(ports=("",)),)}},
            "$.world[pay][0].ports: is empty",
        ),
        (
            flow(PAY, "start -> pay"),
            {"world": {"pay": (Response(error=""),)}},
            "$.world[pay][0].error: is empty; say what went wrong",
        ),
        (
            flow(PAY, "start -> pay"),
            {"world": {"pay": (Response(error="\0"),)}},
            "$.world[pay][0].error: has a NUL or a lone surrogate, which no database column of text can hold",
        ),
        (
            WAIT,
            {"signals": (PlannedSignal(id="s1", name="stop"),)},
            "$.signals[0] (s1): no wait awaits a signal named stop",
        ),
        (
            WAIT,
            {"signals": (PlannedSignal(id="s1", name="go"), PlannedSignal(id="s1", name="go"))},
            "$.signals[1] (s1): another signal has the same id",
        ),
        (
            flow(PAY, "start -> pay"),
            {"cancel_at_pause": 1},
            "$.cancel_at_pause: the workflow has no wait, so it never pauses",
        ),
        (flow(), {"id": "a\nb"}, r"$.id: 'a\nb' has a control character or a lone surrogate"),
        (flow(PAY), {}, "$.workflow.nodes[1] (pay): cannot be reached from the start node"),
    ],
)
def test_what_the_world_lacks_or_cannot_use_is_named(
    workflow: Workflow, changes: dict[str, object], problem: str
) -> None:
    assert problem in scenario_problems(workflow, **changes)


@pytest.mark.parametrize("key", ["each[0]/pay", "each/pay", "payments.charge"])
def test_responses_may_be_planned_by_step_by_path_and_by_activity(key: str) -> None:
    validate_scenario(scenario(LOOP, world={key: (Response(),)}))
