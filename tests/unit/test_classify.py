"""The class of each difference from three opinions, and the flaw that explains a control's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from rows import CALL, EXECUTION, NOW, STEP

from cutover.engines.api import ActivityNode, Edge, JoinNode, Journal, StartNode, StepRow, Workflow
from cutover.harness.judge.differences.classify import classify
from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import ArmName, ArmRecord, LedgerEntry, Trial
from cutover.scenarios.model import Response, Scenario

ID = UUID(int=7)
FOREIGN = "tok-fedcba9876543210"

WORKFLOW = Workflow(
    id="w",
    nodes=(StartNode(id="start"), ActivityNode(id="a", activity="a"), ActivityNode(id="b", activity="b")),
    edges=(Edge(source="start", target="a"), Edge(source="a", target="b")),
)
PLAIN = Scenario(
    id="plain", workflow=WORKFLOW, world={"a": (Response(output={"n": 1}),), "b": (Response(output="end"),)}
)
BUSY = replace(PLAIN, world={**PLAIN.world, "a": (Response(error="busy"), Response(output={"n": 1}))})


def row(step_id: str, output: str | None, given: str = "null", error: str | None = None) -> StepRow:
    return replace(
        STEP,
        step_id=step_id,
        node_id=step_id,
        status="failed" if error else "completed",
        input=given,
        output=output,
        ports=(),
        error=error,
    )


def call(sequence: int, step_id: str, given: str, output: str | None, attempt: int = 1) -> LedgerEntry:
    made = replace(
        CALL,
        sequence=sequence,
        step_id=step_id,
        activity=step_id,
        attempt=attempt,
        idempotency_key=None,
        input=given,
        output=output,
        ports=(),
        at=NOW + timedelta(seconds=attempt),
    )
    return made if output else replace(made, status="error", error="busy", effect="none")


def arm(name: ArmName, steps: tuple[StepRow, ...], ledger: tuple[LedgerEntry, ...], output: str | None) -> ArmRecord:
    execution = replace(
        EXECUTION,
        id=ID,
        status="failed" if output is None else "completed",
        current_node_id=None,
        input="null",
        output=output,
    )
    return ArmRecord(
        arm=name,
        engine="v",
        execution_id=ID,
        position=0,
        journal=Journal(execution=execution, steps=steps),
        ledger=ledger,
    )


def right(name: ArmName, n: str = '{"n":1}', end: str = '"end"') -> ArmRecord:
    steps = (row("start", "null"), row("a", n), row("b", end, n))
    return arm(name, steps, (call(1, "a", "null", n), call(2, "b", n, end)), end)


def trial(*arms: ArmRecord, scenario: Scenario = PLAIN) -> Trial:
    return Trial(number=1, scenario=scenario, arms={each.arm: each for each in arms})


def classes(*arms: ArmRecord, scenario: Scenario = PLAIN) -> set[tuple[str, str | None, str | None]]:
    return {(each.path, each.klass, each.flaw) for each in classify(view_of(trial(*arms, scenario=scenario)))}


def test_two_right_arms_have_no_difference() -> None:
    assert classify(view_of(trial(right("control"), right("candidate")))) == []


def test_an_absent_arm_gives_nothing_to_compare() -> None:
    assert classify(view_of(trial(right("control")))) == ()


def test_what_only_the_candidate_breaks_is_a_regression() -> None:
    assert classes(right("control"), right("candidate", end='"other"')) == {
        ("output", DifferenceClass.REGRESSION, None),
        ("steps/b/output", DifferenceClass.REGRESSION, None),
    }


def test_what_only_the_control_breaks_is_an_improvement() -> None:
    assert classes(right("control", end='"other"'), right("candidate")) == {
        ("output", DifferenceClass.IMPROVEMENT, None),
        ("steps/b/output", DifferenceClass.IMPROVEMENT, None),
    }


def test_what_both_break_alike_is_both_wrong_with_the_reference_on_the_left() -> None:
    found = classify(view_of(trial(right("control", end='"other"'), right("candidate", end='"other"'))))
    assert {(each.path, each.klass, each.left, each.right) for each in found} == {
        ("output", DifferenceClass.BOTH_WRONG, '"end"', '"other"'),
        ("steps/b/output", DifferenceClass.BOTH_WRONG, '"end"', '"other"'),
    }


def test_what_each_breaks_in_its_own_way_is_a_regression() -> None:
    assert {klass for _, klass, _ in classes(right("control", end='"x"'), right("candidate", end='"y"'))} == {
        DifferenceClass.REGRESSION
    }


def test_an_output_in_which_the_control_differs_from_itself_is_noise_and_a_status_never() -> None:
    noisy = [right("control", end='"x"'), right("control_again", end='"y"'), right("candidate", end='"z"')]
    assert {klass for _, klass, _ in classes(*noisy)} == {DifferenceClass.NOISE}
    failing = arm("candidate", (row("start", "null"),), (), None)
    kinds = {path: klass for path, klass, _ in classes(right("control"), right("control_again", end='"y"'), failing)}
    assert kinds["status"] is DifferenceClass.REGRESSION


def test_what_a_companion_does_to_the_control_is_no_noise() -> None:
    control, again = right("control", end='"x"'), right("control_again", end='"y"')
    found = classes(
        replace(control, companion="other"), replace(again, companion="other"), right("candidate", end='"z"')
    )
    assert {klass for _, klass, _ in found} == {DifferenceClass.REGRESSION}


def test_both_right_in_different_legal_orders_is_equal() -> None:
    any_of = Workflow(
        id="w",
        nodes=(*WORKFLOW.nodes, JoinNode(id="j", mode="any")),
        edges=tuple(Edge(source=s, target=t) for s, t in (("start", "a"), ("start", "b"), ("a", "j"), ("b", "j"))),
    )
    scenario = replace(PLAIN, workflow=any_of)
    base = (row("start", "null"), row("a", '{"n":1}'), row("b", '"end"'))
    ledger = (call(1, "a", "null", '{"n":1}'), call(2, "b", "null", '"end"'))
    first = arm("control", (*base, row("j", '{"n":1}', '{"n":1}')), ledger, '{"n":1}')
    second = arm("candidate", (*base, row("j", '"end"', '"end"')), ledger, '"end"')
    assert classes(first, second, scenario=scenario) == {
        ("output", DifferenceClass.EQUAL, None),
        ("steps/j/output", DifferenceClass.EQUAL, None),
    }


def unretried(name: ArmName) -> ArmRecord:
    steps = (row("start", "null"), row("a", None, error="busy"))
    return arm(name, steps, (call(1, "a", "null", None),), None)


def retried(name: ArmName) -> ArmRecord:
    done = right(name)
    ledger = (call(1, "a", "null", None), call(2, "a", "null", '{"n":1}', 2), call(3, "b", '{"n":1}', '"end"'))
    return replace(done, ledger=ledger)


def test_a_control_that_does_exactly_what_no_retry_would_bring_has_that_flaw() -> None:
    found = classes(unretried("control"), retried("candidate"), scenario=BUSY)
    assert {(klass, flaw) for _, klass, flaw in found} == {(DifferenceClass.IMPROVEMENT, "no-retry")}
    assert {"status", "output", "steps/a/status", "steps/b"} - {"output"} <= {path for path, _, _ in found}


def test_no_retry_excuses_nothing_else() -> None:
    other = unretried("control")
    assert other.journal is not None
    wrong = replace(other.journal.steps[1], error="something else")
    other = replace(other, journal=replace(other.journal, steps=(other.journal.steps[0], wrong)))
    flaws = {path: flaw for path, _, flaw in classes(other, retried("candidate"), scenario=BUSY)}
    assert flaws["steps/b"] == "no-retry"
    quiet = replace(BUSY, world=PLAIN.world)
    assert {flaw for _, _, flaw in classes(unretried("control"), right("candidate"), scenario=quiet)} == {None}


def test_anothers_token_in_the_control_is_the_shared_context() -> None:
    found = classes(right("control", end=f'"{FOREIGN}"'), right("candidate"))
    assert {(klass, flaw) for _, klass, flaw in found} == {(DifferenceClass.IMPROVEMENT, "shared-context")}


def test_an_input_that_no_step_put_out_is_the_shared_context_where_a_companion_ran() -> None:
    steps = (row("start", "null"), row("a", '{"n":1}'), row("b", '"end"', "null"))
    mixed = arm("control", steps, (call(1, "a", "null", '{"n":1}'), call(2, "b", "null", '"end"')), '"end"')
    assert {flaw for _, _, flaw in classes(mixed, right("candidate"))} == {None}
    accompanied = replace(mixed, companion="other")
    assert {flaw for _, _, flaw in classes(accompanied, right("candidate"))} == {"shared-context"}


def test_an_effect_too_many_is_named_by_how_it_came() -> None:
    good = right("control")
    twice = replace(good, ledger=(*good.ledger, replace(good.ledger[1], sequence=3)))
    assert classes(twice, right("candidate")) == {("effects/b/b", DifferenceClass.IMPROVEMENT, "no-idempotency-key")}
    late = replace(good, ledger=(*good.ledger, replace(good.ledger[1], sequence=3, after_completion=True)))
    assert classes(late, right("candidate")) == {("effects/b/b", DifferenceClass.IMPROVEMENT, "resume-repeats-step")}


def test_a_waiver_covers_what_it_says_and_nothing_that_needs_none() -> None:
    def waives(difference: Difference, trial: Trial) -> bool:
        return difference.path == "output" and trial.number == 1

    found = classify(view_of(trial(right("control"), right("candidate", end='"other"'))), waives)
    assert {each.path: each.klass for each in found} == {
        "output": DifferenceClass.WAIVED,
        "steps/b/output": DifferenceClass.REGRESSION,
    }
