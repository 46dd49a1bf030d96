"""V2's planner on small graphs, worked out by hand."""

from __future__ import annotations

import pytest

from cutover.engines.api import ActivityNode, Case, ConditionNode, Edge, JoinNode, LoopNode, Node, StartNode, Workflow
from cutover.engines.errors import PayloadRefused, WorkflowRefused
from cutover.engines.v2.graph import MAX_LOOP_DEPTH, Graph, dump, load
from cutover.engines.v2.planner import Frame


def flow(*arrows: str, joins: dict[str, str] | None = None, repeat: bool = False) -> Graph:
    """A graph from arrows such as `a>b` and `a.port>b`; nodes stand in order of first mention, `s` is the start."""
    edges = []
    for arrow in arrows:
        source, target = arrow.split(">")
        name, _, port = source.partition(".")
        edges.append(Edge(source=name, target=target, port=port or "out"))
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target) if not name.startswith("$"))
    nodes: list[Node] = []
    for name in names or {"s": None}:
        if name == "s":
            nodes.append(StartNode(id=name))
        elif joins and name in joins:
            nodes.append(JoinNode(id=name, mode="any" if joins[name] == "any" else "all"))
        else:
            nodes.append(ActivityNode(id=name, activity="do"))
    return Graph(Workflow(id="w", nodes=tuple(nodes), edges=tuple(edges)), repeat=repeat)


def end(frame: Frame, name: str, *ports: str, output: str = "null") -> tuple[list[str], list[str]]:
    """Ends a node; the names of what is ready and what is skipped then."""
    ready, skipped = frame.settle(frame.graph.index[name], ports or ("out",), output)
    names = [node.id for node in frame.graph.nodes]
    return [names[i] for i in ready], [names[i] for i in skipped]


def test_a_node_is_ready_when_all_its_edges_are_decided_and_one_is_taken() -> None:
    frame = Frame(flow("s>a", "s>b", "a>c", "b.yes>c"), "1")
    frame.begin()
    assert end(frame, "s") == (["a", "b"], [])
    assert end(frame, "a") == ([], [])
    assert end(frame, "b", "no") == (["c"], [])


def test_what_only_skipped_edges_lead_to_is_skipped_all_the_way() -> None:
    frame = Frame(flow("s>a", "a.x>b", "b>c", "c>d", "a.y>e", "d>f", "e>f"), "1")
    frame.begin()
    end(frame, "s")
    assert end(frame, "a", "y") == (["e"], ["b", "c", "d"])
    assert end(frame, "e") == (["f"], [])
    assert frame.open == 1


def test_a_long_tail_is_skipped_without_recursion() -> None:
    frame = Frame(flow("s.no>n0", *(f"n{i}>n{i + 1}" for i in range(5_000))), "1")
    frame.begin()
    assert len(end(frame, "s")[1]) == 5_001
    assert frame.open == 0


def test_a_join_for_any_is_ready_once_and_has_the_first_edges_output() -> None:
    frame = Frame(flow("s>a", "s>b", "a>j", "b>j", joins={"j": "any"}), "1")
    frame.begin()
    end(frame, "s")
    assert end(frame, "b", output='"b"') == (["j"], [])
    assert end(frame, "a", output='"a"') == ([], [])
    assert frame.input_of(frame.graph.index["j"]) == '"b"'


def test_a_join_for_any_with_no_taken_edge_is_skipped() -> None:
    frame = Frame(flow("s>a", "s>b", "a.x>j", "b.x>j", joins={"j": "any"}), "1")
    frame.begin()
    end(frame, "s")
    assert end(frame, "a") == ([], [])
    assert end(frame, "b") == ([], ["j"])


def test_inputs_are_keyed_by_node_where_several_are_taken() -> None:
    frame = Frame(flow("s>a", "s>b", "a>c", "b>c", "a.more>c"), "1")
    frame.begin()
    end(frame, "s", output="1")
    end(frame, "b", output="3")
    assert end(frame, "a", "out", "more", output="2") == (["c"], [])
    assert frame.input_of(frame.graph.index["c"]) == '{"a":2,"b":3}'


def test_two_edges_from_one_source_carry_its_output_once() -> None:
    frame = Frame(flow("s>a", "s.more>a"), "1")
    frame.begin()
    end(frame, "s", "out", "more", output="7")
    assert frame.input_of(frame.graph.index["a"]) == "7"


def test_the_output_is_the_last_taken_nodes() -> None:
    frame = Frame(flow("s>a", "s>b", "a.x>c"), "1")
    frame.begin()
    end(frame, "s", output="0")
    end(frame, "b", output="2")
    end(frame, "a", "y", output="1")
    assert frame.open == 0
    assert frame.output() == '{"a":1,"b":2}'


def test_an_iteration_remembers_who_asked_for_more_and_where_it_leaves() -> None:
    frame = Frame(flow("s>a", "s>b", "a.more>$again", "b.done>$exit.ok", "b.late>$exit.late", repeat=True), "1")
    frame.begin()
    end(frame, "s")
    end(frame, "a", "more", output="1")
    end(frame, "b", "late", "done", output="2")
    assert frame.carried(frame.again) == "1"
    assert frame.exit_ports() == ("ok", "late")


def test_a_node_that_nothing_leads_to_is_skipped_at_once() -> None:
    graph = Graph(Workflow(id="w", nodes=(StartNode(id="s"), ActivityNode(id="a", activity="do"))))
    assert Frame(graph, "1").begin() == ([0], [1])


def test_branches_that_come_together_too_deep_are_refused() -> None:
    frame = Frame(flow("s>a", "s>b", "a>c", "b>c"), "1")
    frame.begin()
    deep = "[" * 400 + "]" * 400
    end(frame, "s")
    end(frame, "a", output=deep)
    end(frame, "b", output="1")
    with pytest.raises(PayloadRefused, match="deeper"):
        frame.input_of(frame.graph.index["c"])


@pytest.mark.parametrize(
    ("arrows", "message"),
    [
        (("s>a", "a>b", "b>a"), "cycle through"),
        (("a>b",), "0 start nodes"),
        (("s>a", "a>s"), "no incoming edges"),
        (("s>a", "a>$again"), "only a repeating loop"),
    ],
)
def test_a_graph_that_breaks_a_rule_is_refused(arrows: tuple[str, ...], message: str) -> None:
    with pytest.raises(WorkflowRefused, match=message):
        flow(*arrows)


def test_dangling_edges_and_double_ids_are_refused() -> None:
    start, a = StartNode(id="s"), ActivityNode(id="a", activity="do")
    with pytest.raises(WorkflowRefused, match="source"):
        Graph(Workflow(id="w", nodes=(start, a), edges=(Edge(source="x", target="a"),)))
    with pytest.raises(WorkflowRefused, match="target"):
        Graph(Workflow(id="w", nodes=(start, a), edges=(Edge(source="s", target="x"),)))
    with pytest.raises(WorkflowRefused, match="same id"):
        Graph(Workflow(id="w", nodes=(start, a, a)))


@pytest.mark.parametrize("port", ["a\0b", "a\ud800"])
def test_a_port_that_no_row_can_name_is_refused(port: str) -> None:
    start, edge = StartNode(id="s"), Edge(source="s", target=f"$exit.{port}")
    body = Workflow(id="b", nodes=(start,), edges=(edge,))
    condition = ConditionNode(id="c", expression="@", cases=(Case(port=port, value=1),))
    for node in (LoopNode(id="l", repeat=True, body=body), condition):
        with pytest.raises(WorkflowRefused, match="is not a port"):
            Graph(Workflow(id="w", nodes=(start, node), edges=(Edge(source="s", target=node.id),)))


def test_loops_nest_only_so_deep() -> None:
    body = Workflow(id="w", nodes=(StartNode(id="s"),))
    for _ in range(MAX_LOOP_DEPTH + 1):
        body = Workflow(id="w", nodes=(StartNode(id="s"), LoopNode(id="l", items="@", body=body)))
    with pytest.raises(WorkflowRefused, match="nest deeper"):
        Graph(body)


def test_a_stored_workflow_comes_back_as_it_was() -> None:
    body = Workflow(id="b", nodes=(StartNode(id="s"),), edges=(Edge(source="s", target="$exit.done"),))
    workflow = Workflow(id="w\ud800", nodes=(StartNode(id="s"), LoopNode(id="l", repeat=True, body=body)))
    assert load(dump(workflow)) == workflow
