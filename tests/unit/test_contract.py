"""What docs/contract.md says of inputs and outputs, by the reference model."""

from __future__ import annotations

import pytest

from cutover.engines.api import (
    ActivityNode,
    ConditionNode,
    Edge,
    JoinNode,
    LoopNode,
    Node,
    RetryPolicy,
    StartNode,
    Workflow,
)
from cutover.harness.judge.reference.model import Expected, expect
from cutover.scenarios.model import Response, Scenario

ONCE = RetryPolicy(max_retries=0)


def flow(*nodes: Node, edges: str) -> Workflow:
    """A workflow of these nodes, with edges as `a>b a.port>b`."""
    parts = [each.partition(">") for each in edges.split()]
    return Workflow(
        id="w",
        nodes=(StartNode(id="start"), *nodes),
        edges=tuple(
            Edge(source=source.partition(".")[0], target=target, port=source.partition(".")[2] or "out")
            for source, _, target in parts
        ),
    )


def run(workflow: Workflow, **world: Response) -> Expected:
    responses = {name: (response,) for name, response in world.items()}
    return expect(Scenario(id="s", workflow=workflow, input="given", world=responses))


def act(name: str, **more: str) -> ActivityNode:
    return ActivityNode(id=name, activity=name, retry=ONCE, **more)  # type: ignore[arg-type]


def test_one_source_gives_its_output_as_it_is_also_by_two_edges() -> None:
    found = run(
        flow(act("a"), act("b"), edges="start>a a.x>b a.y>b"), a=Response(output=1, ports=("x", "y")), b=Response()
    )
    assert found.steps["b"].input == "1"


def test_several_sources_give_an_object_by_node_id_and_skipped_edges_bring_nothing() -> None:
    nodes = (act("a"), act("b"), act("c"), act("d"))
    edges = "start>a start>b start>c a>d b>d c>d"
    taken = run(
        flow(*nodes, edges=edges), a=Response(output=1), b=Response(output=2), c=Response(ports=()), d=Response()
    )
    assert taken.steps["d"].input == '{"a":1,"b":2}'
    one = run(flow(*nodes, edges=edges), a=Response(output=1), b=Response(ports=()), c=Response(ports=()), d=Response())
    assert one.steps["d"].input == "1"


def test_a_join_for_any_branch_is_given_the_first_alone() -> None:
    nodes = (act("a"), act("b"), JoinNode(id="j", mode="any"))
    found = run(flow(*nodes, edges="start>a start>b a>j b>j"), a=Response(output=1), b=Response(output=2))
    assert found.steps["j"].input == "1"
    assert found.outcome.output == "1"
    assert {each.steps["j"].input for each in found.alternatives} == {"2"}


def test_the_output_is_the_last_nodes_or_an_object_by_node_id() -> None:
    one = run(flow(act("a"), edges="start>a"), a=Response(output=[1]))
    assert one.outcome.output == "[1]"
    two = run(flow(act("a"), act("b"), edges="start>a start>b"), a=Response(output=1), b=Response(output=2))
    assert two.outcome.output == '{"a":1,"b":2}'


def test_a_node_without_a_port_is_the_last_and_what_is_behind_it_a_skipped_row() -> None:
    found = run(flow(act("a"), act("b"), edges="start>a a>b"), a=Response(output=7, ports=()), b=Response())
    assert found.outcome.output == "7"
    assert (found.steps["b"].status, found.steps["b"].input, found.steps["b"].attempts) == ("skipped", None, 0)


@pytest.mark.parametrize(("on_error", "edges"), [("continue", "start>a"), ("route", "start>a a>b")])
def test_a_failure_that_goes_on_has_ended_and_counts(on_error: str, edges: str) -> None:
    found = run(flow(act("a", on_error=on_error), act("b"), edges=edges), a=Response(error="no"), b=Response())
    assert found.steps["a"].status == "failed"
    assert found.outcome.output == '{"error":"no"}'


def test_a_failed_execution_has_no_output_and_no_rows_of_what_never_began() -> None:
    found = run(flow(act("a"), act("b"), edges="start>a a>b"), a=Response(error="no"), b=Response())
    assert (found.outcome.status, found.outcome.output) == ("failed", None)
    assert found.steps["a"].output is None
    assert "b" not in found.steps


def test_a_loop_that_is_skipped_or_has_no_items_has_no_rows_inside() -> None:
    body = flow(act("a"), edges="start>a")
    loop = LoopNode(id="l", body=body, items="`[]`")
    empty = run(flow(loop, edges="start>l"), a=Response())
    assert set(empty.steps) == {"start", "l"}
    assert empty.outcome.output == "[]"
    choose = ConditionNode(id="c", expression="`false`")
    skipped = run(flow(choose, loop, edges="start>c c.true>l"), a=Response())
    assert {name: step.status for name, step in skipped.steps.items()} == {
        "start": "completed",
        "c": "completed",
        "l": "skipped",
    }


def test_edges_to_again_and_to_ways_out_leave_a_node_too() -> None:
    """Where none is taken, an iteration puts out by the rule of executions, and the loop leaves by no port."""
    body = flow(act("a"), act("b"), edges="start>a start>b a.more>$again b.done>$exit.done")
    loop = LoopNode(id="l", body=body, repeat=True)
    left = run(flow(loop, edges="start>l"), a=Response(output=1), b=Response(output=2, ports=("done",)))
    assert (left.steps["l"].output, left.steps["l"].ports) == ("2", ("done",))
    none = run(flow(loop, edges="start>l"), a=Response(output=1), b=Response(output=2))
    assert (none.steps["l"].output, none.steps["l"].ports) == ('{"a":1,"b":2}', ())
