"""The reference model against expectations worked out by hand from the contract's words."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from cutover.engines.api import (
    ActivityNode,
    Case,
    ConditionNode,
    Edge,
    JoinNode,
    JsonValue,
    LoopNode,
    Node,
    RetryPolicy,
    StartNode,
    WaitNode,
    Workflow,
)
from cutover.harness.judge.outcomes.outcome import ENGINES_WORDS, Effect
from cutover.harness.judge.reference.model import Expected, PendingWaits, expect
from cutover.harness.judge.reference.world import delay_band
from cutover.scenarios.model import PlannedSignal, Response, Scenario

START = StartNode(id="start")


def do(name: str, **options: Any) -> ActivityNode:
    return replace(ActivityNode(id=name, activity=name), **options)


def edges(*paths: str) -> tuple[Edge, ...]:
    """`a b` or `a.port b`, one edge each."""
    made = []
    for path in paths:
        source, target = path.split()
        node, _, port = source.partition(".")
        made.append(Edge(source=node, target=target, port=port or "out"))
    return tuple(made)


def flow(*nodes: Node, paths: tuple[str, ...]) -> Workflow:
    return Workflow(id="w", nodes=(START, *nodes), edges=edges(*paths))


def scenario(workflow: Workflow, **options: Any) -> Scenario:
    return replace(Scenario(id="s", workflow=workflow), **options)


def says(**outputs: JsonValue) -> dict[str, tuple[Response, ...]]:
    return {name: (Response(output=output),) for name, output in outputs.items()}


def statuses(expected: Expected) -> dict[str, str]:
    return {step_id: step.status for step_id, step in expected.outcome.steps.items()}


def all_outputs(expected: Expected) -> set[str | None]:
    return {expected.outcome.output, *(other.outcome.output for other in expected.alternatives)}


def test_a_start_node_alone_gives_its_input_back() -> None:
    expected = expect(scenario(flow(paths=()), input={"a": 1.0}))
    assert (expected.outcome.status, expected.outcome.output) == ("completed", '{"a":1.0}')
    assert statuses(expected) == {"start": "completed"}


def test_a_step_gets_its_predecessors_output() -> None:
    chain = flow(do("a"), do("b"), paths=("start a", "a b"))
    expected = expect(scenario(chain, input=7, world=says(a="x", b=[2])))
    assert expected.steps["a"].input == "7"
    assert expected.steps["b"].input == '"x"'
    assert expected.outcome.output == "[2]"
    assert expected.outcome.effects == (Effect("a", "a", "7"), Effect("b", "b", '"x"'))


def test_echo_wraps_the_output_with_a_digest_of_the_input() -> None:
    chain = flow(do("a"), paths=("start a",))
    expected = expect(scenario(chain, input={"b": 1, "a": 2}, world={"a": (Response(output=3, echo=True),)}))
    digest = hashlib.sha256(b'{"a":2,"b":1}').hexdigest()[:16]
    assert expected.outcome.output == '{"value":3,"input":"' + digest + '"}'


def test_several_predecessors_are_keyed_by_node_and_several_last_nodes_too() -> None:
    shape = flow(do("a"), do("b"), do("c"), do("d"), paths=("start a", "start b", "a c", "b c", "start d"))
    expected = expect(scenario(shape, world=says(a=1, b=2, c=3, d=4)))
    assert expected.steps["c"].input == '{"a":1,"b":2}'
    assert expected.outcome.output == '{"c":3,"d":4}'


def test_two_ports_of_one_source_are_one_predecessor() -> None:
    shape = flow(do("a"), do("b"), paths=("start a", "a.x b", "a.y b"))
    expected = expect(scenario(shape, world={"a": (Response(output=1, ports=("x", "y")),), "b": (Response(),)}))
    assert expected.steps["b"].input == "1"


def test_a_response_names_the_ports_and_the_rest_is_skipped() -> None:
    shape = flow(do("a"), do("b"), do("c"), do("d"), paths=("start a", "a.left b", "a.right c", "c d"))
    expected = expect(scenario(shape, world={"a": (Response(output=1, ports=("left",)),), **says(b=2, c=3, d=4)}))
    assert statuses(expected) == {
        "start": "completed",
        "a": "completed",
        "b": "completed",
        "c": "skipped",
        "d": "skipped",
    }
    assert expected.outcome.output == "2"


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("null", "no"),
        ('""', "no"),
        ("[]", "no"),
        ("{}", "no"),
        ("false", "no"),
        ("0", "yes"),
        ("0.0", "yes"),
        ('" "', "yes"),
    ],
)
def test_a_condition_without_cases_goes_by_jmespaths_truth(value: str, port: str) -> None:
    shape = flow(
        ConditionNode(id="c", expression=f"`{value}`"),
        do("yes"),
        do("no"),
        paths=("start c", "c.true yes", "c.false no"),
    )
    expected = expect(scenario(shape, input="in", world=says(yes=1, no=2)))
    assert expected.steps[port].input == '"in"'
    assert statuses(expected)["yes" if port == "no" else "no"] == "skipped"


@pytest.mark.parametrize(
    ("value", "port"),
    [(1, "one"), (1.0, "one"), (True, "yes"), ("1", "text"), (None, "none"), (2, "rest"), (0, "rest")],
)
def test_a_condition_with_cases_tells_booleans_from_numbers(value: JsonValue, port: str) -> None:
    cases = (
        Case(port="yes", value=True),
        Case(port="one", value=1),
        Case(port="text", value="1"),
        Case(port="none", value=None),
    )
    names = ("one", "yes", "text", "none", "rest")
    shape = flow(
        ConditionNode(id="c", expression="v", cases=cases),
        *(do(name) for name in names),
        paths=("start c", "c.default rest", *(f"c.{name} {name}" for name in names[:4])),
    )
    expected = expect(scenario(shape, input={"v": value}, world={name: (Response(),) for name in names}))
    assert [name for name in names if statuses(expected)[name] == "completed"] == [port]


def test_an_expression_that_raises_fails_the_execution_in_the_engines_own_words() -> None:
    shape = flow(ConditionNode(id="c", expression="length(@)"), do("a"), paths=("start c", "c.true a"))
    expected = expect(scenario(shape, input=1, world=says(a=1)))
    assert expected.outcome.status == "failed"
    assert expected.outcome.steps["c"].error == ENGINES_WORDS
    assert "a" not in expected.outcome.steps


def test_a_join_waits_for_all_and_is_skipped_with_all() -> None:
    shape = flow(
        do("a"), do("b"), JoinNode(id="j"), JoinNode(id="k"), paths=("start a", "start b", "a j", "b.no j", "b.no k")
    )
    expected = expect(scenario(shape, world=says(a=1, b=2)))
    assert expected.steps["j"].input == "1"
    assert expected.steps["j"].waits == PendingWaits(all_of=frozenset({"a", "b"}))
    assert statuses(expected)["k"] == "skipped"


def test_a_join_of_mode_any_takes_the_first_and_either_order_is_right() -> None:
    shape = flow(do("a"), do("b"), JoinNode(id="j", mode="any"), paths=("start a", "start b", "a j", "b j"))
    expected = expect(scenario(shape, world=says(a=1, b=2)))
    assert expected.outcome.output == "1"
    assert all_outputs(expected) == {"1", "2"}
    assert expected.steps["j"].waits.any_of == {"a", "b"}


def test_a_join_of_mode_any_may_take_the_middle_branch() -> None:
    shape = flow(
        do("a"),
        do("b"),
        do("c"),
        JoinNode(id="j", mode="any"),
        paths=("start a", "start b", "start c", "a j", "b j", "c j"),
    )
    assert all_outputs(expect(scenario(shape, world=says(a=1, b=2, c=3)))) == {"1", "2", "3"}


def test_a_join_of_mode_any_ignores_a_skipped_branch_and_is_skipped_when_all_are() -> None:
    shape = flow(
        do("a"), do("b"), JoinNode(id="j", mode="any"), JoinNode(id="k", mode="any"),
        paths=("start a", "start b", "a.no j", "b j", "a.no k", "b.no k"),
    )  # fmt: skip
    expected = expect(scenario(shape, world=says(a=1, b=2)))
    assert expected.steps["j"].input == "2"
    assert statuses(expected)["k"] == "skipped"


def test_the_default_policy_makes_four_attempts_after_1_2_and_4_seconds() -> None:
    fails = Response(error="busy")
    expected = expect(
        scenario(flow(do("a"), paths=("start a",)), world={"a": (fails, fails, fails, Response(output=1))})
    )
    assert expected.outcome.status == "completed"
    assert (expected.steps["a"].attempts, expected.steps["a"].delays_ms) == (
        4,
        ((1000, 1000), (2000, 2000), (4000, 4000)),
    )


def test_attempts_that_are_used_up_fail_the_execution_with_the_last_message() -> None:
    expected = expect(
        scenario(flow(do("a"), paths=("start a",)), world={"a": (Response(error="first"), Response(error="later"))})
    )
    assert (expected.outcome.status, expected.outcome.output, expected.steps["a"].attempts) == ("failed", None, 4)
    assert expected.outcome.steps["a"].error == "later"
    assert expected.outcome.effects == ()


def test_what_is_not_retryable_gets_one_attempt() -> None:
    expected = expect(
        scenario(flow(do("a"), paths=("start a",)), world={"a": (Response(error="no", retryable=False), Response())})
    )
    assert (expected.outcome.status, expected.steps["a"].attempts, expected.steps["a"].delays_ms) == ("failed", 1, ())


def test_an_error_may_have_an_effect_which_counts_once_with_its_retry() -> None:
    lost = Response(error="answer lost", effect=True)
    expected = expect(scenario(flow(do("a"), paths=("start a",)), world={"a": (lost, Response(output=1))}))
    assert expected.outcome.effects == (Effect("a", "a", "null"),)


def test_on_error_continue_goes_on_with_the_error_as_output() -> None:
    shape = flow(do("a", on_error="continue"), do("b"), paths=("start a", "a b"))
    expected = expect(scenario(shape, world={"a": (Response(error="no", retryable=False),), **says(b=2)}))
    assert expected.outcome.status == "completed"
    assert statuses(expected)["a"] == "failed"
    assert expected.steps["b"].input == '{"error":"no"}'


def test_on_error_route_leaves_by_the_port_error() -> None:
    shape = flow(do("a", on_error="route"), do("b"), do("c"), paths=("start a", "a b", "a.error c"))
    expected = expect(scenario(shape, world={"a": (Response(error="no", retryable=False),), **says(b=2, c=3)}))
    assert (statuses(expected)["b"], expected.outcome.output) == ("skipped", "3")


def test_a_wait_pauses_until_its_signal_whose_payload_is_the_output() -> None:
    shape = flow(WaitNode(id="w", signal="go"), do("a"), paths=("start w", "w a"))
    told = scenario(shape, world=says(a=1), signals=(PlannedSignal(id="s1", name="go", payload={"k": 1}),))
    expected = expect(told)
    assert (expected.steps["a"].input, expected.signals, expected.pauses) == ('{"k":1}', ("s1",), 1)
    assert expected.steps["w"].woken_by == "s1"


def test_a_wait_without_its_signal_stays_paused_in_a_running_execution() -> None:
    expected = expect(scenario(flow(WaitNode(id="w", signal="go"), paths=("start w",))))
    assert expected.outcome.status == "running"
    assert statuses(expected) == {"start": "completed", "w": "paused"}


def test_a_timer_alone_passes_the_input_on() -> None:
    expected = expect(scenario(flow(WaitNode(id="w", timeout_ms=500), paths=("start w",)), input=5))
    assert (expected.outcome.output, expected.steps["w"].woken_by, expected.pauses) == ("5", "timer", 1)


def test_a_timer_that_is_up_first_leaves_by_timeout_with_null() -> None:
    shape = flow(
        WaitNode(id="w", signal="go", timeout_ms=500), do("a"), do("b"), paths=("start w", "w a", "w.timeout b")
    )
    expected = expect(scenario(shape, input=5, world=says(a=1, b=2)))
    assert (expected.steps["b"].input, statuses(expected)["a"]) == ("null", "skipped")


def test_a_timer_of_nothing_is_never_waited_for() -> None:
    assert expect(scenario(flow(WaitNode(id="w", timeout_ms=0), paths=("start w",)))).pauses == 0


def test_a_timer_that_is_up_while_another_branch_retries_is_not_left_waiting() -> None:
    shape = flow(WaitNode(id="w", timeout_ms=500), do("a"), paths=("start w", "start a"))
    expected = expect(scenario(shape, world={"a": (Response(error="busy"), Response(output=1))}))
    assert expected.pauses == 0


def test_signals_come_one_a_pause_in_list_order_among_those_awaited() -> None:
    shape = flow(WaitNode(id="v", signal="x"), WaitNode(id="w", signal="y"), paths=("start v", "v w"))
    planned = (PlannedSignal(id="1", name="y", payload=1), PlannedSignal(id="2", name="x", payload=2))
    expected = expect(scenario(shape, signals=planned))
    assert (expected.signals, expected.outcome.output, expected.pauses) == (("2", "1"), "1", 2)


def test_two_waits_for_one_signal_may_be_served_either_way() -> None:
    shape = flow(WaitNode(id="v", signal="x"), WaitNode(id="w", signal="x"), paths=("start v", "start w"))
    planned = (PlannedSignal(id="1", name="x", payload=1), PlannedSignal(id="2", name="x", payload=2))
    assert all_outputs(expect(scenario(shape, signals=planned))) == {'{"v":1,"w":2}', '{"v":2,"w":1}'}


def test_a_cancelled_execution_cancels_what_is_paused() -> None:
    shape = flow(WaitNode(id="w", signal="go"), do("a"), paths=("start w", "w a"))
    planned = (PlannedSignal(id="s1", name="go"),)
    expected = expect(scenario(shape, world=says(a=1), signals=planned, cancel_at_pause=1))
    assert expected.outcome.status == "cancelled"
    assert statuses(expected) == {"start": "completed", "w": "cancelled"}


EACH = flow(do("pack"), paths=("start pack",))


def test_a_loop_over_items_runs_once_an_item_in_order() -> None:
    shape = flow(LoopNode(id="each", body=EACH, items="orders"), do("end"), paths=("start each", "each end"))
    world = {"each[1]/pack": (Response(output="special"),), "each/pack": (Response(output="plain"),), **says(end=0)}
    expected = expect(scenario(shape, input={"orders": [10, 20]}, world=world))
    assert expected.steps["end"].input == '["plain","special"]'
    assert expected.steps["each[1]/pack"].input == "20"
    assert expected.steps["each[0]/start"].waits.all_of == {"start"}
    assert expected.steps["each[1]/start"].waits.all_of == {"each[0]/start", "each[0]/pack"}
    assert statuses(expected)["each[1]/start"] == "completed"


def test_a_loop_over_nothing_gives_an_empty_list() -> None:
    expected = expect(scenario(flow(LoopNode(id="each", body=EACH, items="@"), paths=("start each",)), input=[]))
    assert expected.outcome.output == "[]"


def test_a_loop_over_what_is_no_list_fails() -> None:
    expected = expect(scenario(flow(LoopNode(id="each", body=EACH, items="@"), paths=("start each",)), input={"a": 1}))
    assert (expected.outcome.status, expected.outcome.steps["each"].error) == ("failed", ENGINES_WORDS)


def test_a_failure_inside_a_loop_fails_the_loop_and_the_execution() -> None:
    shape = flow(LoopNode(id="each", body=EACH, items="@"), do("end"), paths=("start each", "each end"))
    world = {"each[1]/pack": (Response(error="no", retryable=False),), **says(pack=1, end=0)}
    expected = expect(scenario(shape, input=[1, 2, 3], world=world))
    assert expected.outcome.status == "failed"
    assert statuses(expected) == {
        "start": "completed", "each": "failed", "each[0]/start": "completed", "each[0]/pack": "completed",
        "each[1]/start": "completed", "each[1]/pack": "failed",
    }  # fmt: skip
    assert expected.optional == frozenset()


def again(max_iterations: int = 10) -> Workflow:
    body = flow(
        do("poll"),
        do("tidy"),
        paths=("start poll", "poll.more $again", "poll.done tidy", "tidy $exit.ok", "poll.bad $exit.ko"),
    )
    loop = LoopNode(id="l", body=body, repeat=True, max_iterations=max_iterations)
    return flow(loop, do("ok"), do("ko"), paths=("start l", "l.ok ok", "l.ko ko"))


def more(output: int, *ports: str) -> tuple[Response, ...]:
    return (Response(output=output, ports=ports),)


def test_a_repeating_loop_goes_on_while_an_iteration_leads_to_again() -> None:
    world = {"l[0]/poll": more(1, "more"), "l/poll": more(2, "done"), **says(tidy=3, ok=4, ko=5)}
    expected = expect(scenario(again(), input=0, world=world))
    assert expected.steps["l[1]/poll"].input == "1"
    assert (expected.steps["ok"].input, expected.steps["l"].ports) == ("3", ("ok",))
    assert statuses(expected)["ko"] == "skipped"
    assert statuses(expected)["l[0]/tidy"] == "skipped"


def test_several_exits_carry_an_object_and_all_their_ports() -> None:
    expected = expect(scenario(again(), world={"l/poll": more(2, "done", "bad"), **says(tidy=3, ok=4, ko=5)}))
    assert expected.steps["ok"].input == expected.steps["ko"].input == '{"tidy":3,"poll":2}'


def test_again_beats_an_exit_of_the_same_iteration() -> None:
    world = {"l[0]/poll": more(1, "more", "bad"), "l/poll": more(2, "done"), **says(tidy=3, ok=4, ko=5)}
    assert statuses(expect(scenario(again(), world=world)))["ko"] == "skipped"


def test_a_repeating_loop_that_takes_no_exit_leaves_by_no_port() -> None:
    expected = expect(scenario(again(), world={"l/poll": more(2, "other"), **says(tidy=3, ok=4, ko=5)}))
    assert (expected.steps["l"].ports, expected.outcome.output) == ((), "2")
    assert statuses(expected)["ok"] == "skipped"


def test_more_than_the_most_iterations_fail() -> None:
    expected = expect(scenario(again(2), world={"l/poll": more(1, "more"), **says(tidy=3, ok=4, ko=5)}))
    assert expected.outcome.status == "failed"
    assert [step_id for step_id in expected.steps if step_id.endswith("/poll")] == ["l[0]/poll", "l[1]/poll"]


def test_loops_nest_and_their_steps_are_named_by_path() -> None:
    inner = flow(LoopNode(id="in", body=EACH, items="@"), paths=("start in",))
    shape = flow(LoopNode(id="out", body=inner, items="@"), paths=("start out",))
    expected = expect(scenario(shape, input=[[1], [2, 3]], world={"out/in/pack": (Response(output="p"),)}))
    assert expected.outcome.output == '[["p"],["p","p"]]'
    assert "out[1]/in[1]/pack" in expected.steps


def test_a_wait_inside_a_loop_pauses_once_an_iteration_and_lets_other_branches_go_on() -> None:
    body = flow(WaitNode(id="w", signal="go"), paths=("start w",))
    shape = flow(LoopNode(id="each", body=body, items="@"), do("a"), paths=("start each", "start a"))
    planned = (PlannedSignal(id="1", name="go", payload="x"), PlannedSignal(id="2", name="go", payload="y"))
    expected = expect(scenario(shape, input=[0, 0], world=says(a=1), signals=planned))
    assert (expected.outcome.output, expected.pauses) == ('{"each":["x","y"],"a":1}', 2)


def test_the_steps_beside_a_failing_one_are_optional() -> None:
    shape = flow(do("a"), do("bad"), do("b"), do("c"), paths=("start a", "a bad", "start b", "b c"))
    expected = expect(scenario(shape, world={"bad": (Response(error="no", retryable=False),), **says(a=1, b=2, c=3)}))
    assert expected.outcome.status == "failed"
    assert expected.optional == {"b", "c"}


def test_each_of_two_failing_steps_may_be_the_one() -> None:
    no = (Response(error="no", retryable=False),)
    expected = expect(scenario(flow(do("a"), do("b"), paths=("start a", "start b")), world={"a": no, "b": no}))
    assert [expected.optional, *(other.optional for other in expected.alternatives)] == [{"b"}, {"a"}]


def test_a_failure_cancels_a_wait_beside_it() -> None:
    shape = flow(do("a"), WaitNode(id="w", signal="go"), paths=("start a", "start w"))
    expected = expect(scenario(shape, world={"a": (Response(error="no", retryable=False),)}))
    assert statuses(expected)["w"] == "cancelled"
    assert expected.optional == {"w"}


def test_a_skipped_source_is_waited_for_by_what_it_waited_for() -> None:
    shape = flow(do("a"), do("b"), do("c"), do("d"), paths=("start a", "start c", "a.no b", "b d", "c d"))
    expected = expect(scenario(shape, world=says(a=1, b=2, c=3, d=4)))
    assert expected.steps["d"].waits.all_of == {"a", "c"}


def test_a_payload_that_json_cannot_carry_is_refused() -> None:
    expected = expect(scenario(flow(paths=()), input=float("nan")))
    assert expected.outcome.status == "refused"
    assert expected.refused is not None
    assert "nan" in expected.refused


def test_an_answer_that_json_cannot_carry_fails_its_step_after_one_attempt_and_keeps_its_effect() -> None:
    shape = flow(do("a"), paths=("start a",))
    expected = expect(scenario(shape, world={"a": (Response(output=float("inf")),)}))
    assert (expected.outcome.status, expected.steps["a"].attempts, expected.refused) == ("failed", 1, None)
    assert expected.outcome.steps["a"].error == ENGINES_WORDS
    assert expected.outcome.effects == (Effect("a", "a", "null"),)


def test_a_signal_that_json_cannot_carry_is_refused() -> None:
    shape = flow(WaitNode(id="w", signal="go"), paths=("start w",))
    expected = expect(scenario(shape, signals=(PlannedSignal(id="1", name="go", payload=float("nan")),)))
    assert expected.outcome.status == "refused"


def test_branches_that_nest_too_deeply_together_fail_the_step_that_joins_them() -> None:
    deep: JsonValue = 1
    for _ in range(400):
        deep = [deep]
    shape = flow(do("a"), do("b"), JoinNode(id="j"), paths=("start a", "start b", "a j", "b j"))
    expected = expect(scenario(shape, world={"a": (Response(output=deep),), "b": (Response(output=1),)}))
    assert statuses(expected) == {"start": "completed", "a": "completed", "b": "completed", "j": "failed"}


def test_a_world_without_a_plan_gives_a_final_error() -> None:
    expected = expect(scenario(flow(do("a"), paths=("start a",))))
    assert (expected.outcome.status, expected.steps["a"].attempts) == ("failed", 1)


@pytest.mark.parametrize(
    ("policy", "k", "band"),
    [
        (RetryPolicy(), 10, (60_000, 60_000)),
        (RetryPolicy(jitter=0.25), 1, (1500, 2000)),
        (RetryPolicy(factor=1.0), 5, (1000, 1000)),
        (RetryPolicy(factor=1e300, cap_ms=5), 99, (5, 5)),
    ],
)
def test_the_delay_before_a_retry_lies_in_its_band(policy: RetryPolicy, k: int, band: tuple[float, float]) -> None:
    assert delay_band(policy, k) == band
