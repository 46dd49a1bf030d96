"""V2 on a real Postgres: every kind of node, retries, waits, loops and failures; expected values by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flows import START, flow

from cutover.engines.api import (
    ActivityCall,
    ActivityNode,
    ActivityResult,
    Case,
    ConditionNode,
    Edge,
    EngineContext,
    ExecutionRequest,
    JoinNode,
    Journal,
    LoopNode,
    Node,
    RetryPolicy,
    Signal,
    StepRow,
    WaitNode,
    Workflow,
)
from cutover.engines.errors import ActivityError, PayloadRefused, UnknownExecution, WorkflowRefused
from cutover.engines.v2.orchestrator import create
from cutover.harness.run.world.clock import EPOCH, VirtualClock


def act(name: str, **options: Any) -> ActivityNode:
    return ActivityNode(id=name, activity="do", **options)


class Bench:
    """One V2 engine, a script of answers by step id (one an attempt, the last for all after it), and the calls made."""

    def __init__(self, dsn: str) -> None:
        self.clock = VirtualClock()
        self.logs: list[str] = []
        self.calls: list[ActivityCall] = []
        self.times: list[int] = []
        self.script: dict[str, list[Any]] = {}
        self.engine = create(EngineContext(dsn=dsn, activities=self, clock=self.clock, log=self.logs.append))
        self.engine.install()
        self.id = UUID(int=0)

    def call(self, call: ActivityCall) -> ActivityResult:
        self.calls.append(call)
        self.times.append(int((self.clock.now() - EPOCH).total_seconds() * 1_000))
        answers = self.script.get(call.step_id, [call.step_id])
        answer = answers[min(call.attempt, len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ActivityResult) else ActivityResult(output=answer)

    def start(self, workflow: Workflow, given: Any = None, **script: Any) -> Journal:
        self.id = uuid4()
        self.script = {name: value if isinstance(value, list) else [value] for name, value in script.items()}
        self.engine.execute(ExecutionRequest(execution_id=self.id, workflow=workflow, input=given))
        return self.journal()

    def resume(self, signal: Signal | None = None, *, at_ms: int | None = None) -> Journal:
        if at_ms is not None:
            self.clock.advance(EPOCH + timedelta(milliseconds=at_ms))
        self.engine.resume(self.id, signal)
        return self.journal()

    def journal(self) -> Journal:
        return self.engine.journal(self.id)


@pytest.fixture
def bench(dsn: str) -> Iterator[Bench]:
    made = Bench(dsn)
    yield made
    made.engine.close()


def out(journal: Journal) -> Any:
    assert journal.execution.output is not None
    return json.loads(journal.execution.output)


def steps(journal: Journal) -> dict[str, str]:
    return {step.step_id: step.status for step in journal.steps}


def step(journal: Journal, step_id: str) -> StepRow:
    return next(step for step in journal.steps if step.step_id == step_id)


def path(journal: Journal, step_id: str | None) -> list[str | None]:
    """The states that a step (or, with None, the execution) went through."""
    found = [e for e in journal.events if e.step_id == step_id and e.from_state is not None]
    return [e.from_state for e in found[:1]] + [e.to_state for e in found]


def test_a_chain_of_activities(bench: Bench) -> None:
    journal = bench.start(flow(act("a"), act("b"), edges="start>a a>b"), {"n": 1}, a=[{"x": 2}], b="end")
    assert (journal.execution.status, out(journal)) == ("completed", "end")
    assert [(c.step_id, c.attempt, c.input) for c in bench.calls] == [("a", 1, {"n": 1}), ("b", 1, {"x": 2})]
    assert [c.idempotency_key for c in bench.calls] == [f"{bench.id}:a", f"{bench.id}:b"]
    assert steps(journal) == {"start": "completed", "a": "completed", "b": "completed"}
    assert [e.sequence for e in journal.events] == list(range(1, 9))
    assert [c.version for c in journal.checkpoints] == [1, 2, 3]
    assert journal.execution.version == 3
    assert journal.execution.metadata == {"orchestrator_version": "v2"}
    assert [(m.step_id, m.retry_count, m.status) for m in journal.metrics] == [("a", 0, "success"), ("b", 0, "success")]


def test_a_workflow_without_activities_is_one_commit(bench: Bench) -> None:
    journal = bench.start(flow(), [1, 2])
    assert out(journal) == [1, 2]
    assert len(journal.checkpoints) == 1
    assert path(journal, None) == ["pending", "running", "completed"]


@pytest.mark.parametrize(
    ("given", "taken", "skipped"),
    [({"n": 5}, "yes", "no"), ({"n": 1}, "no", "yes"), ({"n": None}, "no", "yes")],
)
def test_a_condition_without_cases(bench: Bench, given: Any, taken: str, skipped: str) -> None:
    test = ConditionNode(id="c", expression="n > `3`")
    journal = bench.start(flow(test, act("yes"), act("no"), edges="start>c c.true>yes c.false>no"), given)
    assert steps(journal) == {"start": "completed", "c": "completed", taken: "completed", skipped: "skipped"}
    assert path(journal, skipped) == ["pending", "skipped"]
    assert bench.calls[0].input == given


@pytest.mark.parametrize(
    ("value", "port"),
    [(1, "one"), (1.0, "one"), (True, "yes"), ("1", "default"), (None, "none"), (False, "default"), ([], "default")],
)
def test_a_condition_with_cases(bench: Bench, value: Any, port: str) -> None:
    cases = (Case(port="one", value=1), Case(port="yes", value=True), Case(port="none", value=None))
    journal = bench.start(flow(ConditionNode(id="c", expression="@", cases=cases)), None)
    assert steps(journal)["c"] == "skipped"
    journal = bench.start(flow(ConditionNode(id="c", expression="@", cases=cases), edges="start>c"), value)
    assert step(journal, "c").ports == (port,)


def test_zero_is_true_in_jmespath(bench: Bench) -> None:
    journal = bench.start(flow(ConditionNode(id="c", expression="@"), edges="start>c"), 0)
    assert step(journal, "c").ports == ("true",)


def test_an_expression_that_raises_fails_the_execution(bench: Bench) -> None:
    journal = bench.start(flow(ConditionNode(id="c", expression="abs(@)"), edges="start>c"), "text")
    assert (journal.execution.status, step(journal, "c").status) == ("failed", "failed")
    assert "abs(@)" in (journal.execution.error or "")


def test_joins(bench: Bench) -> None:
    both, first = JoinNode(id="both"), JoinNode(id="first", mode="any")
    graph = flow(act("a"), act("b"), both, first, edges="start>a start>b a>both b>both a>first b>first")
    journal = bench.start(graph, None, a=1, b=2)
    assert out(journal) == {"both": {"a": 1, "b": 2}, "first": 1}


def test_an_activity_names_its_ports(bench: Bench) -> None:
    graph = flow(act("a"), act("x"), act("y"), act("z"), edges="start>a a.x>x a.y>y a>z")
    journal = bench.start(graph, None, a=ActivityResult(output=1, ports=("x", "y")))
    assert steps(journal) == {
        "start": "completed",
        "a": "completed",
        "x": "completed",
        "y": "completed",
        "z": "skipped",
    }
    assert step(journal, "a").ports == ("x", "y")


def test_retries_wait_1_2_and_4_seconds(bench: Bench) -> None:
    down = ActivityError("down")
    journal = bench.start(flow(act("a"), edges="start>a"), None, a=[down, down, down, "up"])
    assert out(journal) == "up"
    assert [c.attempt for c in bench.calls] == [1, 2, 3, 4]
    assert bench.times == [0, 1_000, 3_000, 7_000]
    assert {c.idempotency_key for c in bench.calls} == {f"{bench.id}:a"}
    assert [(t.kind, t.attempt) for t in journal.timers] == [("retry", 2), ("retry", 3), ("retry", 4)]
    assert all(t.fired_at == t.due_at for t in journal.timers)
    assert path(journal, "a") == ["pending", *["running", "retrying"] * 3, "running", "completed"]
    due = [json.loads(e.payload)["due_at"] for e in journal.events if e.event == "RETRY"]
    assert due == ["2026-01-01T00:00:01+00:00", "2026-01-01T00:00:03+00:00", "2026-01-01T00:00:07+00:00"]
    assert [(m.retry_count, m.status) for m in journal.metrics] == [(3, "success")]


def test_a_step_whose_attempts_are_used_up_fails_the_execution(bench: Bench) -> None:
    graph = flow(act("a", retry=RetryPolicy(max_retries=1)), act("b"), edges="start>a a>b")
    journal = bench.start(graph, None, a=ActivityError("no\0 way \ud800"))
    assert (journal.execution.status, len(bench.calls)) == ("failed", 2)
    assert step(journal, "a").error == "no\\u0000 way \\ud800"
    assert steps(journal) == {"start": "completed", "a": "failed"}
    assert [(m.retry_count, m.status) for m in journal.metrics] == [(1, "failure")]


def test_what_may_not_be_retried_has_one_attempt(bench: Bench) -> None:
    journal = bench.start(flow(act("a"), edges="start>a"), None, a=ActivityError("never", retryable=False))
    assert (journal.execution.status, len(bench.calls)) == ("failed", 1)


@pytest.mark.parametrize(("on_error", "port", "skipped"), [("continue", "out", "r"), ("route", "error", "n")])
def test_errors_may_be_data(bench: Bench, on_error: Any, port: str, skipped: str) -> None:
    node = act("a", on_error=on_error, retry=RetryPolicy(max_retries=0))
    journal = bench.start(flow(node, act("n"), act("r"), edges="start>a a>n a.error>r"), None, a=ActivityError("b\0m"))
    assert journal.execution.status == "completed"
    assert (step(journal, "a").status, step(journal, "a").ports) == ("failed", (port,))
    assert steps(journal)[skipped] == "skipped"
    assert bench.calls[-1].input == {"error": "b\0m"}


def test_an_answer_that_cannot_be_kept_fails_the_step_without_another_attempt(bench: Bench) -> None:
    graph = flow(act("a"), edges="start>a")
    journal = bench.start(graph, None, a=[float("nan")])
    assert (journal.execution.status, len(bench.calls)) == ("failed", 1)
    assert "nan" in (step(journal, "a").error or "")
    journal = bench.start(graph, None, a=ActivityResult(output=1, ports=("p\0",)))
    assert "NUL" in (step(journal, "a").error or "")


def test_payloads_come_back_exactly(bench: Bench) -> None:
    deep: Any = 0
    for _ in range(390):
        deep = [deep]
    given = {
        "nul\0": "\0",
        "lone": "\ud83d",
        "big": 2**200,
        "zero": -0.0,
        "deep": deep,
        "long": "x" * 5_000_000,
        "f": 1e300,
    }
    journal = bench.start(flow(act("a"), edges="start>a"), given, a=[given])
    assert journal.execution.status == "completed"
    assert out(journal) == given
    assert str(out(journal)["zero"]) == "-0.0"
    assert bench.calls[0].input == given


@pytest.mark.parametrize(
    "given", [float("nan"), {"a": {(1, 2): 3}}, object(), 10**5_000], ids=["nan", "key", "type", "long"]
)
def test_a_payload_that_json_cannot_carry_is_refused_before_anything_is_written(bench: Bench, given: Any) -> None:
    with pytest.raises(PayloadRefused):
        bench.start(flow(act("a"), edges="start>a"), given)
    with pytest.raises(UnknownExecution):
        bench.journal()


def test_a_workflow_that_breaks_a_rule_is_refused_before_anything_is_written(bench: Bench) -> None:
    with pytest.raises(WorkflowRefused, match="JMESPath"):
        bench.start(flow(ConditionNode(id="c", expression="a ||"), edges="start>c"))
    with pytest.raises(UnknownExecution):
        bench.journal()


def test_a_wait_is_served_by_its_signal_once(bench: Bench) -> None:
    graph = flow(WaitNode(id="w", signal="go"), act("a"), edges="start>w w>a")
    journal = bench.start(graph)
    assert (journal.execution.status, journal.execution.current_node_id) == ("running", "w")
    assert path(journal, "w") == ["pending", "running", "paused"]
    journal = bench.resume(Signal(id="1", name="go", payload={"p": "\0"}))
    assert journal.execution.status == "completed"
    assert path(journal, "w") == ["pending", "running", "paused", "running", "completed"]
    assert bench.calls[0].input == {"p": "\0"}
    for signal in (Signal(id="1", name="go", payload=3), Signal(id="2", name="go"), None):
        assert bench.resume(signal) == journal


def test_a_signal_that_comes_early_is_kept(bench: Bench) -> None:
    graph = flow(WaitNode(id="w", signal="one"), WaitNode(id="v", signal="two"), edges="start>w w>v")
    bench.start(graph)
    early = bench.resume(Signal(id="b", name="two", payload="second"))
    assert steps(early) == {"start": "completed", "w": "paused"}
    assert bench.resume(Signal(id="b", name="two", payload="again")) == early
    journal = bench.resume(Signal(id="a", name="one", payload="first"))
    assert out(journal) == "second"
    assert path(journal, "v") == ["pending", "running", "completed"]


def test_each_signal_serves_one_wait(bench: Bench) -> None:
    graph = flow(WaitNode(id="w", signal="go"), WaitNode(id="v", signal="go"), edges="start>w start>v")
    bench.start(graph)
    assert steps(bench.resume(Signal(id="1", name="go", payload=1))) == {
        "start": "completed",
        "w": "completed",
        "v": "paused",
    }
    assert out(bench.resume(Signal(id="2", name="go", payload=2))) == {"w": 1, "v": 2}


def test_timers_fire_in_their_window_and_once(bench: Bench) -> None:
    graph = flow(
        WaitNode(id="w", signal="go", timeout_ms=5_000),
        WaitNode(id="v", timeout_ms=1_000),
        JoinNode(id="j"),
        edges="start>w start>v w.timeout>j w>j v>j",
    )
    journal = bench.start(graph, "in")
    assert [(t.step_id, t.due_at - EPOCH) for t in journal.timers] == [
        ("v", timedelta(seconds=1)),
        ("w", timedelta(seconds=5)),
    ]
    assert bench.resume(at_ms=999) == journal
    journal = bench.resume(at_ms=1_500)
    assert steps(journal) == {"start": "completed", "w": "paused", "v": "completed"}
    journal = bench.resume(at_ms=5_000)
    assert out(journal) == {"w": None, "v": "in"}
    assert step(journal, "w").ports == ("timeout",)
    assert [t.fired_at for t in journal.timers] == [EPOCH + timedelta(milliseconds=ms) for ms in (1_500, 5_000)]
    assert bench.resume(at_ms=9_000) == journal


def test_a_timer_of_no_time_does_not_pause(bench: Bench) -> None:
    journal = bench.start(flow(WaitNode(id="w", timeout_ms=0), act("a"), edges="start>w w>a"), "in", a="out")
    assert out(journal) == "out"
    assert len(journal.checkpoints) == 2


def test_a_signal_that_a_later_wait_of_the_same_commit_uses(bench: Bench) -> None:
    graph = flow(WaitNode(id="w", timeout_ms=100), WaitNode(id="v", signal="go"), edges="start>w w>v")
    bench.start(graph)
    bench.clock.advance(EPOCH + timedelta(seconds=1))
    journal = bench.resume(Signal(id="1", name="go", payload=7))
    assert (journal.execution.status, out(journal)) == ("completed", 7)


def test_other_branches_go_on_while_one_waits_and_its_timer_counts_from_the_pause(bench: Bench) -> None:
    graph = flow(WaitNode(id="w", timeout_ms=500), act("a"), act("b"), edges="start>w start>a a>b")
    journal = bench.start(graph, None, a=[ActivityError("once"), 1])
    assert steps(journal) == {"start": "completed", "w": "paused", "a": "completed", "b": "completed"}
    assert journal.timers[-1].due_at == EPOCH + timedelta(milliseconds=1_500)
    assert bench.resume(at_ms=1_500).execution.status == "completed"


def test_a_failure_cancels_what_waits(bench: Bench) -> None:
    graph = flow(
        WaitNode(id="w", signal="never"),
        WaitNode(id="v", signal="go"),
        act("a", retry=RetryPolicy(max_retries=0)),
        edges="start>w start>v v>a",
    )
    bench.start(graph, None, a=ActivityError("no"))
    journal = bench.resume(Signal(id="1", name="go"))
    assert journal.execution.status == "failed"
    assert steps(journal) == {"start": "completed", "w": "cancelled", "v": "completed", "a": "failed"}
    assert [(e.step_id, e.to_state) for e in journal.events[-3:]] == [
        ("a", "failed"),
        ("w", "cancelled"),
        (None, "failed"),
    ]
    assert bench.resume(Signal(id="2", name="never")) == journal


def body(*nodes: Node, edges: str) -> Workflow:
    return flow(*nodes, edges=edges)


def test_a_loop_over_items_in_order(bench: Bench) -> None:
    loop = LoopNode(id="each", items="list", body=body(act("a"), edges="start>a"))
    journal = bench.start(flow(loop, act("z"), edges="start>each each>z"), {"list": ["x", "y"]})
    assert [(c.step_id, c.input) for c in bench.calls] == [
        ("each[0]/a", "x"),
        ("each[1]/a", "y"),
        ("z", ["each[0]/a", "each[1]/a"]),
    ]
    assert step(journal, "each[1]/a").node_id == "a"
    assert len(journal.checkpoints) == 4


@pytest.mark.parametrize(("given", "status"), [([], "completed"), ({"a": 1}, "failed"), (None, "failed")])
def test_a_loop_needs_a_list(bench: Bench, given: Any, status: str) -> None:
    journal = bench.start(flow(LoopNode(id="l", items="@", body=body(edges="")), edges="start>l"), given)
    assert (journal.execution.status, step(journal, "l").status) == (status, status)
    if status == "completed":
        assert out(journal) == []


def test_a_loop_repeats_until_it_leaves_by_a_port(bench: Bench) -> None:
    inner = body(act("a"), edges="start>a a.more>$again a.done>$exit.ok")
    graph = flow(LoopNode(id="l", repeat=True, body=inner), act("y"), act("n"), edges="start>l l.ok>y l.out>n")
    more = [ActivityResult(output=f"r{i}", ports=("more",)) for i in range(2)]
    journal = bench.start(
        graph, "r", **{"l[0]/a": more[0], "l[1]/a": more[1], "l[2]/a": ActivityResult(output="end", ports=("done",))}
    )
    assert [(c.step_id, c.input) for c in bench.calls] == [
        ("l[0]/a", "r"),
        ("l[1]/a", "r0"),
        ("l[2]/a", "r1"),
        ("y", "end"),
    ]
    assert step(journal, "l").ports == ("ok",)
    assert steps(journal)["n"] == "skipped"


def test_a_loop_that_leaves_by_no_port_ends_with_its_bodys_output(bench: Bench) -> None:
    inner = body(act("a"), edges="start>a a.more>$again")
    journal = bench.start(flow(LoopNode(id="l", repeat=True, body=inner), act("b"), edges="start>l l>b"), 1)
    assert step(journal, "l").ports == ()
    assert out(journal) == "l[0]/a"
    assert steps(journal)["b"] == "skipped"


def test_a_loop_fails_after_its_most_iterations(bench: Bench) -> None:
    inner = body(act("a"), edges="start>a a>$again")
    journal = bench.start(flow(LoopNode(id="l", repeat=True, max_iterations=3, body=inner), edges="start>l"), 1)
    assert (journal.execution.status, len(bench.calls)) == ("failed", 3)
    assert "more than 3 iterations" in (step(journal, "l").error or "")


def test_nested_loops_with_waits_go_on_from_their_rows(bench: Bench) -> None:
    inner = LoopNode(id="in", items="@", body=body(WaitNode(id="w", signal="go"), act("a"), edges="start>w w>a"))
    graph = flow(LoopNode(id="out", items="@", body=body(inner, edges="start>in")), edges="start>out")
    journal = bench.start(graph, [[1, 2], [3]], **{f"out[{i}]/in[{j}]/a": [[i, j]] for i in (0, 1) for j in (0, 1)})
    for number in range(3):
        assert journal.execution.status == "running"
        journal = bench.resume(Signal(id=str(number), name="go"))
    assert out(journal) == [[[0, 0], [0, 1]], [[1, 0]]]
    assert [c.step_id for c in bench.calls] == ["out[0]/in[0]/a", "out[0]/in[1]/a", "out[1]/in[0]/a"]


def test_a_failure_inside_fails_the_loops_around_it(bench: Bench) -> None:
    inner = LoopNode(id="in", items="@", body=body(act("a", retry=RetryPolicy(max_retries=0)), edges="start>a"))
    waiting = WaitNode(id="w", signal="never")
    graph = flow(LoopNode(id="out", items="@", body=body(waiting, inner, edges="start>w start>in")), edges="start>out")
    journal = bench.start(graph, [[1]], **{"out[0]/in[0]/a": ActivityError("no")})
    assert {name: status for name, status in steps(journal).items() if not name.endswith("start")} == {
        "out": "failed",
        "out[0]/in": "failed",
        "out[0]/in[0]/a": "failed",
    }
    assert journal.execution.error == "out[0]/in[0]/a: no"


def test_a_long_stretch_without_activities_is_cut_into_commits(bench: Bench) -> None:
    inner = body(ConditionNode(id="c", expression="@"), edges="start>c")
    graph = flow(LoopNode(id="l", items="@", body=inner), act("a"), edges="start>l l>a")
    journal = bench.start(graph, list(range(700)))
    assert journal.execution.status == "completed"
    assert bench.calls[0].input == list(range(700))
    assert [len(json.loads(c.state)) <= 502 for c in journal.checkpoints] == [True] * 4
    assert [e.sequence for e in journal.events] == list(range(1, len(journal.events) + 1))


def test_outputs_that_cannot_be_brought_together_fail_the_execution_whatever_their_keys(bench: Bench) -> None:
    deep: Any = 0
    for _ in range(400):
        deep = {"\ud800\0": deep}
    journal = bench.start(flow(act("a"), act("b"), edges="start>a start>b"), a=deep, b=1)
    assert journal.execution.status == "failed"
    assert journal.execution.error is not None
    assert "deeper than 400" in journal.execution.error


def test_a_wait_may_have_a_timer_that_never_comes_up(bench: Bench) -> None:
    bench.start(flow(WaitNode(id="w", signal="go", timeout_ms=2**53 - 1), edges="start>w"))
    assert out(bench.resume(Signal(id="1", name="go", payload=5))) == 5


def test_cancel_ends_everything_that_has_not_ended(bench: Bench) -> None:
    loop = LoopNode(id="l", items="@", body=body(WaitNode(id="w", signal="go"), edges="start>w"))
    bench.start(flow(loop, WaitNode(id="v", timeout_ms=9), edges="start>l start>v"), [1])
    bench.engine.cancel(bench.id)
    journal = bench.journal()
    assert journal.execution.status == "cancelled"
    assert {name: status for name, status in steps(journal).items() if status != "completed"} == {
        "l": "cancelled",
        "l[0]/w": "cancelled",
        "v": "cancelled",
    }
    assert (journal.events[-1].scope, journal.events[-1].to_state) == ("execution", "cancelled")
    bench.engine.cancel(bench.id)
    assert bench.resume(Signal(id="1", name="go"), at_ms=60_000) == journal


def test_logs_say_every_transition_with_all_fields(bench: Bench) -> None:
    journal = bench.start(flow(act("a"), edges="start>a"), None, a=[ActivityError("x"), 1])
    lines = [json.loads(line) for line in bench.logs]
    said = [
        (x["step_id"], x["from_state"], x["event"], x["to_state"]) for x in lines if x["type"] == "STATE_TRANSITION"
    ]
    assert said == [(e.step_id, e.from_state, e.event, e.to_state) for e in journal.events]
    for line in lines:
        assert {
            "level",
            "type",
            "execution_id",
            "node_id",
            "from_state",
            "to_state",
            "event",
            "timestamp",
        } <= line.keys()
        assert (line["orchestrator_version"], line["execution_id"]) == ("v2", str(bench.id))
    assert [x["type"] for x in lines].count("LEASE_TAKEN") == 1


def test_an_unknown_execution_is_named(bench: Bench) -> None:
    for what in (bench.engine.resume, bench.engine.cancel, bench.engine.journal):
        with pytest.raises(UnknownExecution, match="execute"):
            what(uuid4())


def test_metadata_of_the_request_is_kept_beside_the_version(bench: Bench) -> None:
    request = ExecutionRequest(execution_id=uuid4(), workflow=flow(), input=1, metadata={"tenant": "t1"})
    bench.engine.execute(request)
    metadata = bench.engine.journal(request.execution_id).execution.metadata
    assert metadata == {"tenant": "t1", "orchestrator_version": "v2"}


@pytest.mark.parametrize("width", [3, 4_000])
def test_ports_and_ids_with_odd_characters_come_back_however_many_rows_a_commit_has(bench: Bench, width: int) -> None:
    port, name = 'a"b\\c,{}', "%s $1 {} é '"
    skipped = tuple(ActivityNode(id=f"{number} {name}", activity="never") for number in range(width))
    edges = (
        Edge(source="start", target=name),
        *(Edge(source=name, target=node.id, port="other") for node in skipped),
    )
    answer = ActivityResult(output={"NUL": "\0", "half": "\ud800"}, ports=(port,))
    journal = bench.start(Workflow(id="odd", nodes=(START, act(name), *skipped), edges=edges), **{name: answer})
    assert step(journal, name).ports == (port,)
    assert step(journal, name).output == '{"NUL":"\\u0000","half":"\\ud800"}'
    assert steps(journal) == {"start": "completed", name: "completed"} | {node.id: "skipped" for node in skipped}
    assert [event.sequence for event in journal.events] == list(range(1, len(journal.events) + 1))
