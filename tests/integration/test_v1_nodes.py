"""V1 on a real Postgres: what every kind of node does when nothing goes wrong; expected values by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flows import flow

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    EngineContext,
    ExecutionRequest,
    JoinNode,
    Journal,
    LoopNode,
    Signal,
    WaitNode,
    Workflow,
)
from cutover.engines.registry import resolve
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Response, Scenario


def act(name: str, **options: Any) -> ActivityNode:
    return ActivityNode(id=name, activity=name, **options)


class Bench:
    """One V1 engine with a world and a virtual clock; keeps the last execution's id."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.clock = VirtualClock()
        self.logs: list[str] = []
        self.id = UUID(int=0)

    def start(self, workflow: Workflow, given: Any = None, **world: Response) -> Journal:
        self.world = World(
            Scenario(id="s", workflow=workflow, world={key: (value,) for key, value in world.items()}), self.clock
        )
        self.engine = resolve("v1")(
            EngineContext(dsn=self.dsn, activities=self.world, clock=self.clock, log=self.logs.append)
        )
        self.engine.install()
        self.id = uuid4()
        self.engine.execute(ExecutionRequest(execution_id=self.id, workflow=workflow, input=given))
        return self.engine.journal(self.id)

    def resume(self, signal: Signal | None = None) -> Journal:
        self.engine.resume(self.id, signal)
        return self.engine.journal(self.id)


@pytest.fixture
def bench(dsn: str) -> Iterator[Bench]:
    made = Bench(dsn)
    yield made
    made.engine.close()


def states(journal: Journal) -> dict[str, str]:
    return {step.step_id: step.status for step in journal.steps}


def outcome(journal: Journal) -> tuple[str, Any]:
    output = journal.execution.output
    return journal.execution.status, None if output is None else json.loads(output)


def given_to(journal: Journal, step_id: str) -> Any:
    [text] = [step.input for step in journal.steps if step.step_id == step_id]
    assert text is not None
    return json.loads(text)


def test_a_start_alone_hands_its_input_on(bench: Bench) -> None:
    journal = bench.start(flow(edges=""), {"n": 1})
    assert outcome(journal) == ("completed", {"n": 1})
    assert states(journal) == {"start": "completed"}
    assert journal.execution.metadata == {"orchestrator_version": "v1"}
    assert (journal.events, journal.checkpoints, journal.metrics, journal.timers) == ((), (), (), ())
    assert journal.execution.version == 0


def test_an_activity_is_given_its_predecessors_output_once_and_without_a_key(bench: Bench) -> None:
    journal = bench.start(
        flow(act("a"), act("b"), edges="start>a a>b"), 7, a=Response(output=[1]), b=Response(output="x")
    )
    assert outcome(journal) == ("completed", "x")
    assert [(call.step_id, json.loads(call.input)) for call in bench.world.ledger] == [("a", 7), ("b", [1])]
    assert {call.idempotency_key for call in bench.world.ledger} == {None}
    assert {step.attempt for step in journal.steps} == {1}
    assert journal.execution.current_node_id == "b"


def test_ports_that_the_response_names_are_taken_and_the_others_skipped_all_the_way(bench: Bench) -> None:
    workflow = flow(
        act("a"), act("left"), act("right"), act("far"), JoinNode(id="end"),
        edges="start>a a.l>left a.r>right right>far left>end far>end",
    )  # fmt: skip
    journal = bench.start(workflow, None, a=Response(output=1, ports=("l",)), left=Response(output=2))
    assert outcome(journal) == ("completed", 2)
    assert states(journal) == {
        "start": "completed", "a": "completed", "left": "completed", "right": "skipped", "far": "skipped",
        "end": "completed",
    }  # fmt: skip
    assert [step.attempt for step in journal.steps if step.status == "skipped"] == [0, 0]


def test_two_ports_at_once_take_both_branches_and_the_output_is_keyed_by_node(bench: Bench) -> None:
    workflow = flow(act("a"), act("x"), act("y"), edges="start>a a.l>x a.r>y")
    journal = bench.start(
        workflow, None, a=Response(output=1, ports=("l", "r")), x=Response(output=2), y=Response(output=3)
    )
    assert outcome(journal) == ("completed", {"x": 2, "y": 3})


def test_no_port_ends_the_branch_there(bench: Bench) -> None:
    journal = bench.start(flow(act("a"), act("b"), edges="start>a a>b"), None, a=Response(output=1, ports=()))
    assert outcome(journal) == ("completed", 1)
    assert states(journal)["b"] == "skipped"


def test_join_all_waits_for_both_and_gets_an_object_keyed_by_node(bench: Bench) -> None:
    workflow = flow(JoinNode(id="j"), act("b"), act("a"), edges="start>a start>b a>j b>j")
    journal = bench.start(workflow, None, a=Response(output=1), b=Response(output=2))
    assert [call.step_id for call in bench.world.ledger] == ["b", "a"]
    assert given_to(journal, "j") == {"a": 1, "b": 2}
    assert outcome(journal) == ("completed", {"a": 1, "b": 2})


def test_join_any_goes_on_with_the_first_branch_and_fires_once(bench: Bench) -> None:
    workflow = flow(act("a"), JoinNode(id="j", mode="any"), act("b"), act("c"), edges="start>a start>b a>j b>j j>c")
    journal = bench.start(workflow, None, a=Response(output=1), b=Response(output=2), c=Response(output=3))
    assert [call.step_id for call in bench.world.ledger] == ["a", "b", "c"]
    assert given_to(journal, "c") == 1
    assert outcome(journal) == ("completed", 3)


@pytest.mark.parametrize(
    ("expression", "cases", "given", "port"),
    [
        ("ok", (), {"ok": 0}, "true"),
        ("ok", (), {"ok": ""}, "false"),
        ("ok", (), {"ok": []}, "false"),
        ("ok", (), {"ok": {}}, "false"),
        ("ok", (), {}, "false"),
        ("n", (Case(port="one", value=1), Case(port="yes", value=True)), {"n": True}, "yes"),
        ("n", (Case(port="yes", value=True), Case(port="one", value=1)), {"n": 1.0}, "one"),
        ("n", (Case(port="none", value=None),), {}, "none"),
        ("n", (Case(port="text", value="1"),), {"n": 1}, "default"),
    ],
)
def test_condition_leaves_by_truth_or_by_case(
    bench: Bench, expression: str, cases: tuple[Case, ...], given: Any, port: str
) -> None:
    journal = bench.start(flow(ConditionNode(id="c", expression=expression, cases=cases), edges="start>c"), given)
    [step] = [step for step in journal.steps if step.step_id == "c"]
    assert step.ports == (port,)
    assert outcome(journal) == ("completed", given)


def test_condition_that_raises_fails_the_execution(bench: Bench) -> None:
    journal = bench.start(flow(ConditionNode(id="c", expression="abs(name)"), edges="start>c"), {"name": "x"})
    assert outcome(journal) == ("failed", None)
    assert states(journal) == {"start": "completed", "c": "failed"}
    assert "c: expression 'abs(name)' raised" in (journal.execution.error or "")


def test_a_failed_activity_has_one_attempt_and_ends_the_execution(bench: Bench) -> None:
    journal = bench.start(flow(act("a"), act("b"), edges="start>a a>b"), None, a=Response(error="down"))
    assert outcome(journal) == ("failed", None)
    assert states(journal) == {"start": "completed", "a": "failed"}
    assert len(bench.world.ledger) == 1
    assert journal.execution.error == "a: down"


@pytest.mark.parametrize(("on_error", "port"), [("continue", "out"), ("route", "error")])
def test_on_error_goes_on_with_the_error_as_output(bench: Bench, on_error: str, port: str) -> None:
    workflow = flow(act("a", on_error=on_error), act("b"), edges=f"start>a a.{port}>b")
    journal = bench.start(workflow, None, a=Response(error="down"), b=Response(output=1))
    assert outcome(journal) == ("completed", 1)
    assert states(journal)["a"] == "failed"
    assert given_to(journal, "b") == {"error": "down"}


def test_loop_over_items_runs_its_body_in_order_and_collects_the_outputs(bench: Bench) -> None:
    body = flow(act("ship"), edges="start>ship", name="body")
    workflow = flow(LoopNode(id="each", items="orders[].id", body=body), edges="start>each")
    journal = bench.start(
        workflow,
        {"orders": [{"id": 5}, {"id": 6}]},
        **{"each[0]/ship": Response(output="a"), "each[1]/ship": Response(output="b")},
    )
    assert outcome(journal) == ("completed", ["a", "b"])
    assert [(call.step_id, json.loads(call.input)) for call in bench.world.ledger] == [
        ("each[0]/ship", 5),
        ("each[1]/ship", 6),
    ]
    assert states(journal) == dict.fromkeys(
        ["start", "each", "each[0]/start", "each[0]/ship", "each[1]/start", "each[1]/ship"], "completed"
    )


def test_loop_over_no_items_gives_an_empty_list(bench: Bench) -> None:
    workflow = flow(LoopNode(id="each", items="@", body=flow(edges="")), edges="start>each")
    assert outcome(bench.start(workflow, [])) == ("completed", [])


def test_loop_over_what_is_no_list_fails(bench: Bench) -> None:
    workflow = flow(LoopNode(id="each", items="name", body=flow(edges="")), edges="start>each")
    journal = bench.start(workflow, {"name": "x"})
    assert (states(journal)["each"], journal.execution.status) == ("failed", "failed")


def test_repeat_goes_again_with_what_the_edges_carry_and_leaves_by_its_exit(bench: Bench) -> None:
    body = flow(act("try"), edges="start>try try.more>$again try.done>$exit.ready", name="body")
    workflow = flow(
        LoopNode(id="poll", repeat=True, body=body), act("b"), act("c"), edges="start>poll poll.ready>b poll>c"
    )
    journal = bench.start(
        workflow,
        0,
        b=Response(output="end"),
        **{"poll[0]/try": Response(output=1, ports=("more",)), "poll[1]/try": Response(output=2, ports=("done",))},
    )
    assert [json.loads(call.input) for call in bench.world.ledger] == [0, 1, 2]
    assert outcome(journal) == ("completed", "end")
    assert states(journal)["c"] == "skipped"
    [poll] = [step for step in journal.steps if step.step_id == "poll"]
    assert (poll.output, poll.ports) == ("2", ("ready",))


def test_repeat_beyond_its_limit_fails(bench: Bench) -> None:
    body = flow(act("try"), edges="start>try try>$again", name="body")
    workflow = flow(LoopNode(id="poll", repeat=True, max_iterations=3, body=body), edges="start>poll")
    journal = bench.start(workflow, None, **{"try": Response(output=1)})
    assert len(bench.world.ledger) == 3
    assert (states(journal)["poll"], journal.execution.status) == ("failed", "failed")


def test_a_failure_inside_nested_loops_fails_every_loop_around_it_and_cancels_the_rest(bench: Bench) -> None:
    inner = LoopNode(id="inner", items="@", body=flow(act("a"), edges="start>a", name="inner-body"))
    outer = LoopNode(id="outer", items="@", body=flow(inner, edges="start>inner", name="outer-body"))
    workflow = flow(WaitNode(id="pause", signal="go"), outer, edges="start>pause start>outer")
    journal = bench.start(workflow, [[1]], a=Response(error="down"))
    assert states(journal) == {
        "start": "completed", "pause": "cancelled", "outer": "failed", "outer[0]/start": "completed",
        "outer[0]/inner": "failed", "outer[0]/inner[0]/start": "completed", "outer[0]/inner[0]/a": "failed",
    }  # fmt: skip
    assert journal.execution.error == "outer[0]/inner[0]/a: down"


def test_wait_pauses_while_other_branches_go_on_and_its_signal_is_its_output(bench: Bench) -> None:
    workflow = flow(WaitNode(id="wait", signal="go"), act("a"), act("b"), edges="start>wait start>a wait>b")
    paused = bench.start(workflow, 1, a=Response(output=2), b=Response(output=3))
    assert paused.execution.status == "running"
    assert paused.execution.current_node_id == "wait"
    assert states(paused) == {"start": "completed", "wait": "paused", "a": "completed"}
    ended = bench.resume(Signal(id="1", name="go", payload={"by": "me"}))
    assert outcome(ended) == ("completed", {"a": 2, "b": 3})
    assert given_to(ended, "b") == {"by": "me"}
    assert [call.step_id for call in bench.world.ledger] == ["a", "b"]


def test_a_signal_serves_one_wait_and_counts_once(bench: Bench) -> None:
    workflow = flow(WaitNode(id="one", signal="go"), WaitNode(id="two", signal="go"), edges="start>one start>two")
    bench.start(workflow)
    first = bench.resume(Signal(id="1", name="go", payload=1))
    assert states(first) == {"start": "completed", "one": "completed", "two": "paused"}
    assert bench.resume(Signal(id="1", name="go", payload=1)) == first
    assert outcome(bench.resume(Signal(id="2", name="go", payload=2))) == ("completed", {"one": 1, "two": 2})


def test_a_signal_that_comes_early_is_kept_and_one_that_comes_late_changes_nothing(bench: Bench) -> None:
    workflow = flow(WaitNode(id="one", signal="a"), WaitNode(id="two", signal="b"), edges="start>one one>two")
    bench.start(workflow)
    odd: Any = {"big": 2**70, "nul": "\0\ud800", "zero": -0.0}
    assert states(bench.resume(Signal(id="1", name="b", payload=odd)))["one"] == "paused"
    ended = bench.resume(Signal(id="2", name="a"))
    assert outcome(ended) == ("completed", odd)
    assert str(json.loads(ended.execution.output or "")["zero"]) == "-0.0"
    assert bench.resume(Signal(id="3", name="a")) == ended


@pytest.mark.parametrize(("signal", "port", "output"), [(None, "out", 5), ("go", "timeout", None)])
def test_a_timer_ends_its_wait_when_it_is_up_and_not_before(
    bench: Bench, signal: str | None, port: str, output: int | None
) -> None:
    paused = bench.start(flow(WaitNode(id="wait", signal=signal, timeout_ms=2_000), edges="start>wait"), 5)
    bench.clock.advance(bench.clock.now() + timedelta(milliseconds=1_999))
    assert bench.resume() == paused
    bench.clock.advance(bench.clock.now() + timedelta(milliseconds=1))
    ended = bench.resume()
    assert outcome(ended) == ("completed", output)
    assert [step.ports for step in ended.steps if step.step_id == "wait"] == [(port,)]


def test_a_signal_after_the_timer_is_up_is_too_late(bench: Bench) -> None:
    bench.start(flow(WaitNode(id="wait", signal="go", timeout_ms=10), edges="start>wait"))
    bench.clock.advance(bench.clock.now() + timedelta(milliseconds=10))
    assert outcome(bench.resume(Signal(id="1", name="go", payload=1))) == ("completed", None)


def test_a_timer_of_no_length_does_not_wait(bench: Bench) -> None:
    assert outcome(bench.start(flow(WaitNode(id="wait", timeout_ms=0), edges="start>wait"), 5)) == ("completed", 5)


def test_a_timer_that_runs_out_while_another_branch_works_is_not_left_waiting(bench: Bench) -> None:
    workflow = flow(WaitNode(id="wait", timeout_ms=1_000), act("slow"), edges="start>wait start>slow")
    answer = World.call

    def slowly(world: World, call: Any) -> Any:
        bench.clock.advance(bench.clock.now() + timedelta(seconds=5))
        return answer(world, call)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "call", slowly)
        journal = bench.start(workflow, 1, slow=Response(output=2))
    assert outcome(journal) == ("completed", {"wait": 1, "slow": 2})
    assert len(bench.world.ledger) == 1


def test_waits_inside_a_loop_pause_one_iteration_at_a_time(bench: Bench) -> None:
    body = flow(WaitNode(id="ask", signal="answer"), edges="start>ask", name="body")
    workflow = flow(LoopNode(id="each", items="@", body=body), act("after"), edges="start>each each>after")
    first = bench.start(workflow, ["a", "b"], after=Response(output="done"))
    assert states(first) == {
        "start": "completed", "each": "running", "each[0]/start": "completed", "each[0]/ask": "paused"
    }  # fmt: skip
    second = bench.resume(Signal(id="1", name="answer", payload=1))
    assert states(second)["each[1]/ask"] == "paused"
    ended = bench.resume(Signal(id="2", name="answer", payload=2))
    assert given_to(ended, "after") == [1, 2]
    assert outcome(ended) == ("completed", "done")


def test_cancel_ends_the_execution_and_every_step_that_has_not_ended(bench: Bench) -> None:
    paused = bench.start(flow(WaitNode(id="wait", signal="go"), edges="start>wait"))
    assert paused.execution.finished_at is None
    bench.engine.cancel(bench.id)
    cancelled = bench.engine.journal(bench.id)
    assert cancelled.execution.status == "cancelled"
    assert states(cancelled) == {"start": "completed", "wait": "cancelled"}
    bench.engine.cancel(bench.id)
    assert bench.resume(Signal(id="1", name="go")) == cancelled


def test_executing_and_resuming_again_change_nothing(bench: Bench) -> None:
    workflow = flow(act("a"), WaitNode(id="wait", signal="go"), edges="start>a start>wait")
    waiting = bench.start(workflow, 1, a=Response(output=2))
    bench.engine.execute(ExecutionRequest(execution_id=bench.id, workflow=workflow, input=1))
    assert bench.resume() == waiting
    ended = bench.resume(Signal(id="1", name="go"))
    bench.engine.execute(ExecutionRequest(execution_id=bench.id, workflow=workflow, input=1))
    assert bench.resume() == ended
    assert len(bench.world.ledger) == 1


def test_logs_are_free_text_on_one_line_each(bench: Bench) -> None:
    bench.start(flow(act("a"), edges="start>a"), None, a=Response(error="x\0y"))
    assert f"[orchestrator] {bench.id} step a failed: x\\u0000y" in bench.logs
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(bench.logs[0])


def test_branches_too_deep_to_bring_together_fail_the_step_and_not_the_process(bench: Bench) -> None:
    deep: Any = 1
    for _ in range(399):
        deep = [deep]
    workflow = flow(act("a"), act("b"), JoinNode(id="join"), act("c"), edges="start>a start>b a>join b>join join>c")
    journal = bench.start(workflow, None, a=Response(output=[deep]), b=Response(output=1))
    assert (journal.execution.status, states(journal)["join"]) == ("failed", "failed")
    assert "nests deeper than 400" in (journal.execution.error or "")
