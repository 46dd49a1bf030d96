"""Every check on a literal history of a few lines: it passes on the whole one, and each way of breaking it is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from histories import (
    COMMITS,
    COMPANION,
    EVENTS,
    FOREIGN,
    GOOD,
    HISTORY,
    ID,
    INPUT,
    JOURNAL,
    LEDGER,
    PARCEL,
    SCENARIO,
    TOKEN,
    State,
    call,
    chain,
    history,
    metric,
    note,
    step,
)
from rows import NOW, Change

from cutover.engines.api import (
    ActivityNode,
    CheckpointRow,
    Edge,
    JoinNode,
    StartNode,
    Workflow,
)
from cutover.harness.judge.checks import CHECKS, run_checks
from cutover.harness.judge.checks.base import MOST_FINDINGS
from cutover.harness.judge.findings import CheckResult, Finding, Verdict
from cutover.harness.judge.summaries.checks import CheckCollector
from cutover.harness.judge.view import TrialView, view_of
from cutover.harness.record.trials import Again, ArmRecord, Failure, Trial
from cutover.scenarios.model import Response, Scenario


def judged(arm: ArmRecord, scenario: Scenario = SCENARIO, **others: ArmRecord) -> list[CheckResult]:
    arms: dict[Any, ArmRecord] = {arm.arm: arm, **others}
    return list(run_checks(view_of(Trial(number=1, scenario=scenario, arms=arms))))


def of(check: str, results: Iterable[CheckResult], arm: str = "candidate") -> CheckResult:
    [result] = [result for result in results if (result.check, result.arm) == (check, arm)]
    return result


def with_journal(**changes: Any) -> ArmRecord:
    return replace(GOOD, journal=replace(JOURNAL, **changes))


def with_execution(**changes: Any) -> ArmRecord:
    return with_journal(execution=replace(JOURNAL.execution, **changes))


def with_step(step_id: str, **changes: Any) -> ArmRecord:
    return with_journal(
        steps=tuple(replace(row, **changes) if row.step_id == step_id else row for row in JOURNAL.steps)
    )


def with_event(sequence: int, **changes: Any) -> ArmRecord:
    return with_journal(events=tuple(replace(row, **changes) if row.sequence == sequence else row for row in EVENTS))


def with_call(sequence: int, **changes: Any) -> ArmRecord:
    return replace(GOOD, ledger=tuple(replace(row, **changes) if row.sequence == sequence else row for row in LEDGER))


def with_metric(**changes: Any) -> ArmRecord:
    return with_journal(metrics=(replace(JOURNAL.metrics[0], **changes), JOURNAL.metrics[1]))


def with_checkpoint(version: int, **changes: Any) -> ArmRecord:
    rows = JOURNAL.checkpoints
    return with_journal(checkpoints=tuple(replace(row, **changes) if row.version == version else row for row in rows))


def with_durations(each_ms: float) -> ArmRecord:
    return with_journal(checkpoints=tuple(replace(row, duration_ms=each_ms) for row in JOURNAL.checkpoints))


def with_line(number: int, **changes: Any) -> ArmRecord:
    logs = list(GOOD.logs)
    logs[number] = json.dumps(json.loads(logs[number]) | changes)
    return replace(GOOD, logs=tuple(logs))


def less(text: str, field: str) -> str:
    return json.dumps({key: value for key, value in json.loads(text).items() if key != field})


def beside(**changes: Any) -> ArmRecord:
    return replace(GOOD, companions=(replace(COMPANION, **changes),))


HOURS = timedelta(hours=3)
FAILED = replace(JOURNAL, execution=replace(JOURNAL.execution, status="failed"))


def again(**changes: Any) -> ArmRecord:
    return replace(GOOD, again=Again(**{"calls": 0, "rows_changed": False, **changes}))


def test_the_whole_history_satisfies_every_check_and_every_check_looked_at_something() -> None:
    results = judged(GOOD)
    assert [result.check for result in results] == list(CHECKS)
    assert [finding.message for result in results for finding in result.findings] == []
    assert all(result.examined > 0 for result in results)


def rewriting_history() -> tuple[CheckpointRow, ...]:
    whole: State = {}
    return chain(*((sequence, dict(whole := whole | state)) for sequence, state in COMMITS))


BROKEN: tuple[tuple[str, str, ArmRecord], ...] = (
    ("PERF", "writes 2 steps for 1 events", with_journal(checkpoints=rewriting_history())),
    ("OUT", "did not return", replace(GOOD, failure=Failure(kind="timeout", type="timeout", message="30 s"))),
    ("OUT", "no journal", replace(GOOD, journal=None)),
    ("OUT", "status: value", with_execution(status="failed")),
    ("OUT", "output: type", with_execution(output='"9.5"')),
    ("OUT", "steps/bill: missing", with_journal(steps=JOURNAL.steps[:2])),
    ("OUT", "steps/bill/status: value", with_step("bill", status="failed", error="x")),
    ("OUT", "steps/ship/output.parcel: type", with_step("ship", output='{"parcel":1.0}')),
    ("OUT", "effects/bill/bill: missing", replace(GOOD, ledger=LEDGER[:2])),
    ("OUT", "effects/bill/bill/input.parcel: value", with_call(3, input='{"parcel":2}')),
    ("DUP", "applied 2 times", replace(GOOD, ledger=(*LEDGER, replace(LEDGER[2], sequence=4)))),
    (
        "DUP",
        "after its completion",
        replace(GOOD, ledger=(*LEDGER, replace(LEDGER[2], sequence=4, effect="deduplicated", after_completion=True))),
    ),
    (
        "DUP",
        "though nothing died",
        replace(GOOD, ledger=(*LEDGER, replace(LEDGER[2], sequence=4, effect="deduplicated"))),
    ),
    ("LOST", "never asked", replace(GOOD, ledger=LEDGER[:2])),
    ("LOST", "no effect of it", with_call(3, effect="none")),
    ("LOST", "must not run", replace(GOOD, ledger=(*LEDGER, call(4, "other", 1, "1", "1")))),
    ("LOST", "does not plan", with_call(3, planned=False)),
    (
        "SM",
        "step ship has 2 rows",
        with_journal(steps=(*JOURNAL.steps, *(row for row in JOURNAL.steps if row.step_id == "ship"))),
    ),
    ("SM", "is not a legal transition", with_event(4, to_state="completed")),
    ("SM", "leaves an end state", with_event(8, from_state="completed")),
    ("SM", "is running though the execution is completed", with_step("bill", status="running")),
    ("SM", "it will never go on", with_execution(status="running", finished_at=None)),
    ("SM", "finished at None", with_execution(finished_at=None)),
    ("SM", "yet has attempt 1", with_step("bill", status="skipped")),
    ("SM", "of workflow 'v', not of 'w'", with_execution(workflow_id="v")),
    ("SM", "does not say why", with_execution(status="failed", error=None)),
    ("SM", "the execution has times that run backwards", with_execution(started_at=NOW + timedelta(days=1))),
    ("SM", "step ship has times that run backwards", with_step("ship", started_at=NOW + timedelta(hours=1))),
    ("SM", "step ship is completed, finished at None", with_step("ship", finished_at=None)),
    ("SM", "step ship has attempt 2 and no time", with_step("ship", started_at=None)),
    ("SM", "step ship is of node 'bill', not of 'ship'", with_step("ship", node_id="bill")),
    ("EVT", "step ship: its row is of node 'ship', its events of 'bill'", with_event(7, node_id="bill")),
    ("EVT", "is at node 'ship', its events have gone on to 'bill'", with_execution(current_node_id="ship")),
    ("EVT", "when the execution was not", with_event(10, at=NOW + timedelta(days=1))),
    ("EVT", "event 5 is of 2025-01-08 10:29:58+00:00, before", with_event(5, at=NOW - timedelta(seconds=2))),
    ("EVT", "event 5 has the sequence 6", with_journal(events=EVENTS[:4] + EVENTS[5:])),
    ("EVT", "goes from running, but stood at pending", with_event(4, from_state="running")),
    (
        "EVT",
        "its payload has to_state",
        with_event(4, payload='{"from_state":"pending","event":"START","to_state":"x"}'),
    ),
    ("EVT", "has 0 end events", with_journal(events=EVENTS[:-1])),
    ("EVT", "has 2 end events", with_journal(events=(*EVENTS, replace(EVENTS[-1], sequence=11)))),
    (
        "EVT",
        "changes after the execution's end",
        with_journal(events=history(*HISTORY[:-2], HISTORY[-1], HISTORY[-2])),
    ),
    ("EVT", "step bill: its row says failed, its events say completed", with_step("bill", status="failed")),
    ("EVT", "its row says attempt 3, its events say 2", with_step("ship", attempt=3)),
    ("EVT", "step bill has events but no row", with_journal(steps=JOURNAL.steps[:2])),
    ("EVT", "its events say pending", with_journal(events=history(*HISTORY[:7], HISTORY[9]))),
    ("EVT", "the execution's row says failed", with_execution(status="failed")),
    ("EVT", "checkpoints but no event", with_journal(events=())),
    ("CKPT", "is at version 6, its newest checkpoint is 5", with_execution(version=6)),
    (
        "CKPT",
        "checkpoint 2 has the version 3",
        with_journal(checkpoints=JOURNAL.checkpoints[:1] + JOURNAL.checkpoints[2:]),
    ),
    ("CKPT", "does not match its checksum", with_checkpoint(2, checksum="0" * 64)),
    ("CKPT", "does not match its checksum", with_checkpoint(2, state=JOURNAL.checkpoints[1].state + " ")),
    ("CKPT", "cannot be read", with_checkpoint(2, state="[")),
    ("CKPT", "failed: disk full", with_checkpoint(2, error_message="disk full")),
    ("CKPT", "events but no checkpoint", with_journal(checkpoints=(), execution=replace(JOURNAL.execution, version=0))),
    (
        "CKPT",
        "cover the events up to 8 of 10",
        with_journal(checkpoints=chain(*COMMITS[:3], (8, COMMITS[3][1] | COMMITS[4][1]))),
    ),
    ("CKPT", "leaves out step bill", with_journal(checkpoints=chain(*COMMITS[:4], (10, {})))),
    ("CKPT", "has step ship as running", with_journal(checkpoints=chain(COMMITS[0], (5, COMMITS[2][1]), *COMMITS[2:]))),
    (
        "CKPT",
        "no event of it changed",
        with_journal(checkpoints=chain(*COMMITS[:4], (10, COMMITS[3][1] | COMMITS[4][1]))),
    ),
    ("CKPT", "checkpoint 2 is of node '', which has no step", with_checkpoint(2, node_id="")),
    ("CKPT", "when the execution was not", with_checkpoint(2, created_at=NOW - timedelta(days=1))),
    ("CKPT", "its output is not the one", with_step("bill", output="9.50")),
    ("CKPT", "covers event 4, the one before it 5", with_checkpoint(3, sequence=4)),
    ("RETRY", "1 attempts, the policy makes 2", replace(GOOD, ledger=(LEDGER[0], replace(LEDGER[2], sequence=2)))),
    ("RETRY", "3 attempts, the policy makes 2", replace(GOOD, ledger=(*LEDGER, call(4, "ship", 3, INPUT, PARCEL)))),
    ("RETRY", "retried after a success", replace(GOOD, ledger=(*LEDGER, call(4, "ship", 3, INPUT, PARCEL)))),
    ("RETRY", "is not retryable", with_call(1, retryable=False)),
    ("RETRY", "not counted from 1", with_call(2, attempt=3)),
    ("RETRY", "900 ms before attempt 2, not 1000 to 1000", with_call(2, at=NOW + timedelta(milliseconds=900))),
    ("RETRY", "5000 ms before attempt 2", with_call(2, at=NOW + timedelta(seconds=5))),
    ("RETRY", "its row says attempt 1, the ledger 2", with_step("ship", attempt=1)),
    (
        "ORD",
        "starts with call 1, before ship ends with call 3",
        replace(
            GOOD,
            ledger=(replace(LEDGER[2], sequence=1), replace(LEDGER[0], sequence=2), replace(LEDGER[1], sequence=3)),
        ),
    ),
    (
        "ORD",
        "starts with event 7, before ship ends with event 8",
        with_journal(events=history(*HISTORY[:6], HISTORY[7], HISTORY[6], *HISTORY[8:])),
    ),
    ("ORD", "before ship ends", with_journal(events=history(*HISTORY[:6], *HISTORY[7:]))),
    ("ISO", "step ship's output has " + FOREIGN, with_step("ship", output=f'"{FOREIGN}"')),
    ("ISO", "call 3's input has " + FOREIGN, with_call(3, input=f'"{FOREIGN}"')),
    ("ISO", "log line 1 has " + FOREIGN, replace(GOOD, logs=(f"took {FOREIGN}", *GOOD.logs))),
    ("DATA", "the execution's input differs", with_execution(input='{"order":"other"}')),
    ("DATA", "what step bill asked the world with differs at .parcel", with_call(3, input='{"parcel":1.0}')),
    ("DATA", "step bill's output, journal against ledger, differs", with_step("bill", output="9.500001")),
    ("DATA", "step ship's input, journal against ledger, differs", with_step("ship", input="{}")),
    ("DATA", "step ship's input, journal against ledger, differs at its root: None", with_step("ship", input=None)),
    ("DATA", "was refused", replace(GOOD, failure=Failure(kind="exception", type="PayloadRefused", message="no"))),
    ("LOG", "1 of 11 log lines are free text", replace(GOOD, logs=("shipped", *GOOD.logs))),
    (
        "LOG",
        "no log line says that bill went from running to completed",
        replace(GOOD, logs=GOOD.logs[:8] + GOOD.logs[9:]),
    ),
    ("LOG", "no log line says NOTE of the execution", with_journal(events=(*EVENTS, note(11)))),
    ("LOG", "no event does", replace(GOOD, logs=(*GOOD.logs, GOOD.logs[0]))),
    (
        "LOG",
        "lacks orchestrator_version",
        replace(GOOD, logs=(less(GOOD.logs[0], "orchestrator_version"), *GOOD.logs[1:])),
    ),
    ("LOG", "has execution_id", with_line(0, execution_id="other")),
    ("LOG", "has timestamp", with_line(0, timestamp="yesterday")),
    ("LOG", "has timestamp", with_line(0, timestamp="2025-01-08T10:30:00")),
    ("LOG", "has level", with_line(0, level="loud")),
    ("LOG", "has orchestrator_version", with_line(0, orchestrator_version="v1")),
    ("LOG", "has type", with_line(0, type="")),
    ("IDEM", "2 calls to the world", again(calls=2)),
    ("IDEM", "rows have changed", again(rows_changed=True)),
    ("IDEM", "once more: exception", again(failure=Failure(kind="exception", type="LeaseLost", message="gone"))),
    ("MET", "retry_count 0, the ledger has 1", with_metric(retry_count=0)),
    ("MET", "is completed, its metric says failure", with_metric(status="failure")),
    ("MET", "metric of version 'v1'", with_metric(orchestrator_version="v1")),
    ("MET", "duration_ms 1.5e-06", with_metric(duration_ms=1.5e-6)),
    ("MET", "duration_ms 1500", with_metric(duration_ms=1500.0)),
    ("MET", "step ship is of node 'ship', its metric of 'bill'", with_metric(node_id="bill")),
    ("MET", "when the execution was not", with_metric(recorded_at=NOW - timedelta(days=1))),
    ("MET", "a checkpoint's duration_ms is 0.0007", with_durations(0.0007)),
    (
        "MET",
        "checkpoints took 700 milliseconds by their duration_ms, the arm 20",
        with_durations(140.0),
    ),
    ("MET", "has no metrics row", with_journal(metrics=JOURNAL.metrics[:1])),
    ("MET", "no call in the ledger", with_journal(metrics=(*JOURNAL.metrics, metric("start", 0)))),
    ("MET", "more than one metrics row", with_journal(metrics=(*JOURNAL.metrics, JOURNAL.metrics[0]))),
    ("CLOCK", "the execution's created_at is dated -10800 s outside", with_execution(created_at=NOW - HOURS)),
    ("CLOCK", "the end of step ship is dated 10799 s outside", with_step("ship", finished_at=NOW + HOURS)),
    ("CLOCK", "event 3 is dated", with_event(3, at=NOW - HOURS)),
    ("CLOCK", "checkpoint 2 is dated", with_checkpoint(2, created_at=NOW + HOURS)),
    ("CLOCK", "the metric of step ship is dated", with_metric(recorded_at=NOW - HOURS)),
    ("IDENT", f"step bill is asked for in the name of execution {UUID(int=9)}", with_call(3, execution_id=UUID(int=9))),
    ("IDENT", "the request's metadata 'tenant' is None", with_execution(metadata={"orchestrator_version": "v2"})),
    ("SECRET", "1 of 10 log lines tell of payloads, first line 4", with_line(3, given={"order": TOKEN})),
    ("BESIDE", "inside an activity of this one: LOST: step bill counts as done", beside(ledger=LEDGER[:2])),
    ("BESIDE", "while this one was paused: OUT: status: value", beside(place="between", journal=FAILED)),
    ("BESIDE", "OUT: the engine did not return", beside(failure=Failure(kind="exception", type="X", message="no"))),
)


@pytest.mark.parametrize(("check", "words", "arm"), BROKEN, ids=[f"{check}-{words[:40]}" for check, words, _ in BROKEN])
def test_each_way_of_breaking_it_is_held_against_the_arm(check: str, words: str, arm: ArmRecord) -> None:
    result = of(check, judged(arm))
    assert any(words in finding.message for finding in result.findings), [f.message for f in result.findings]
    assert all(finding.verdict is Verdict.FAIL and finding.arm == "candidate" for finding in result.findings)
    assert result.examined > 0


@pytest.mark.parametrize(("commits", "late", "findings"), [(12, 200, 0), (12, 500, 1), (8, 500, 0)])
def test_growth_is_seen_from_nine_commits_on(commits: int, late: int, findings: int) -> None:
    sizes = [30] * (commits * 2 // 3) + [late] * (commits - commits * 2 // 3)
    rows = chain(*((i, {f"step{i}": {"status": "x" * size, "attempt": 1}}) for i, size in enumerate(sizes, 1)))
    result = of("PERF", judged(with_journal(checkpoints=rows)))
    assert (len(result.findings), result.examined) == (findings, commits)


def test_a_count_of_attempts_begun_anew_is_seen_and_a_late_last_call_is_not() -> None:
    busy, won, bill = LEDGER
    again = replace(GOOD, kills=1, ledger=(busy, won, replace(busy, sequence=3), replace(won, sequence=4), bill))
    [finding] = of("RETRY", judged(again)).findings
    assert finding.message == "step ship: attempts are counted from 1 again after attempt 2"
    late = replace(GOOD, kills=1, ledger=(busy, won, bill, replace(busy, sequence=4)))
    assert of("RETRY", judged(late)).findings == ()


def test_every_check_has_a_broken_history_here() -> None:
    assert {check for check, _, _ in BROKEN} == CHECKS.keys()


def test_an_engine_without_a_history_is_judged_by_rows_and_ledger_alone() -> None:
    bare = replace(
        GOOD,
        arm="control",
        journal=replace(
            JOURNAL, events=(), checkpoints=(), metrics=(), execution=replace(JOURNAL.execution, version=0)
        ),
    )
    results = judged(bare)
    looked = {result.check for result in results if result.examined}
    assert looked == CHECKS.keys() - {"EVT", "CKPT", "MET", "PERF", "BESIDE"}


def test_a_redelivery_after_a_kill_is_legal_and_counted() -> None:
    again = replace(LEDGER[2], sequence=4, effect="deduplicated")
    result = of("DUP", judged(replace(GOOD, ledger=(*LEDGER, again), kills=1)))
    assert result.findings == ()
    assert result.counts == {"redeliveries": 1}


def test_a_candidate_that_keeps_no_history_of_an_execution_is_undecided() -> None:
    bare = with_journal(
        events=(), checkpoints=(), metrics=(), execution=replace(JOURNAL.execution, version=0, current_node_id=None)
    )
    [finding] = of("EVT", judged(bare)).findings
    assert (finding.verdict, finding.message) == (Verdict.INCONCLUSIVE, "the engine keeps no event of this execution")
    assert of("EVT", judged(replace(bare, kills=1))).findings == ()


def test_durations_that_are_told_of_some_checkpoints_alone_are_undecided() -> None:
    [finding] = of("MET", judged(with_checkpoint(3, duration_ms=0.7))).findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.message.startswith("4 of 5 checkpoints have no duration_ms")


@pytest.mark.parametrize(("current", "findings"), [("ship", 0), ("start", 1)])
def test_of_branches_that_run_at_once_the_row_may_name_either(current: str, findings: int) -> None:
    both = (*HISTORY[:4], ("bill", "pending", "START", "running", 1))
    steps = (JOURNAL.steps[0], *(replace(row, status="running", finished_at=None) for row in JOURNAL.steps[1:]))
    execution = replace(JOURNAL.execution, status="running", current_node_id=current)
    result = of("EVT", judged(with_journal(execution=execution, steps=steps, events=history(*both))))
    assert sum("have gone on to" in finding.message for finding in result.findings) == findings


def test_a_key_that_another_execution_uses_too_is_held_against_the_arm() -> None:
    twin = replace(GOOD, arm="candidate_again", execution_id=UUID(int=7))
    [finding, *others] = of("LOST", judged(GOOD, candidate_again=twin)).findings
    assert "asks with the key '7f9c2ba4-e88f-4827-96ab-1d2c3b4a5f60:ship', and so does another" in finding.message
    assert len(others) == 2  # a call each
    own = replace(twin, ledger=tuple(replace(entry, idempotency_key=f"7:{entry.step_id}") for entry in LEDGER))
    assert of("LOST", judged(GOOD, candidate_again=own)).findings == ()


# start -> courier, post -> offer (a join for any): the courier ends with event 4, the post with event 6
CARRIERS = Scenario(
    id="carriers",
    workflow=Workflow(
        id="w",
        nodes=(
            StartNode(id="start"),
            ActivityNode(id="courier", activity="courier"),
            ActivityNode(id="post", activity="post"),
            JoinNode(id="offer", mode="any"),
        ),
        edges=(
            Edge(source="start", target="courier"),
            Edge(source="start", target="post"),
            Edge(source="courier", target="offer"),
            Edge(source="post", target="offer"),
        ),
    ),
    world={"courier": (Response(output="c"),), "post": (Response(output="p"),)},
)


def joined(first: str) -> CheckResult:
    """What ORD says where the join is given the output of this branch."""
    lines: list[Change] = [(None, "pending", "START", "running", None)]
    for name in ("start", "courier", "post", "offer"):
        lines += [(name, "pending", "START", "running", 1), (name, "running", "COMPLETE", "completed", 1)]
    rows = (
        step("start", 1, "null", "null"),
        step("courier", 1, "null", '"c"'),
        step("post", 1, "null", '"p"'),
        step("offer", 1, first, first),
    )
    journal = replace(JOURNAL, events=history(*lines), steps=rows, checkpoints=(), metrics=())
    return of("ORD", judged(replace(GOOD, journal=journal, ledger=()), CARRIERS))


def test_a_join_for_any_branch_goes_by_the_branch_that_came_first() -> None:
    assert joined('"c"').findings == ()
    [finding] = joined('"p"').findings
    assert finding.message == "step offer goes by the first branch, which is courier, and is given another's output"


def test_a_metric_of_a_step_that_was_cancelled_before_it_asked_is_right() -> None:
    cancelled = with_step("bill", status="cancelled")
    assert cancelled.journal is not None
    rows = (metric("ship", 1), replace(metric("bill", 0), status="cancelled"))
    arm = replace(cancelled, kills=1, ledger=LEDGER[:2], journal=replace(cancelled.journal, metrics=rows))
    assert of("MET", judged(arm)).findings == ()
    [finding] = of("MET", judged(replace(arm, kills=0))).findings
    assert "no call in the ledger" in finding.message


def test_further_informational_events_and_lines_do_no_harm() -> None:
    events = (*EVENTS, note(11))
    told = json.loads(GOOD.logs[0]) | {"type": "NOTE", "event": None}
    arm = replace(
        GOOD,
        journal=replace(JOURNAL, events=events, checkpoints=chain(*COMMITS[:4], (11, COMMITS[4][1]))),
        logs=(*GOOD.logs, json.dumps(told)),
    )
    assert [finding.message for result in judged(arm) for finding in result.findings] == []


def test_ids_and_times_of_its_own_are_no_difference() -> None:
    scenario = replace(SCENARIO, world={**SCENARIO.world, "bill": (Response(output="<execution>"),)})
    arm = with_step("bill", output=f'"{ID}"')
    assert arm.journal is not None
    arm = replace(arm, journal=replace(arm.journal, execution=replace(JOURNAL.execution, output=f'"{ID}"')))
    assert of("OUT", judged(arm, scenario)).findings == ()


def test_what_both_engines_get_wrong_alike_is_inconclusive() -> None:
    wrong = with_execution(output="8")
    result = of("OUT", judged(wrong, control=replace(wrong, arm="control")))
    assert [finding.verdict for finding in result.findings] == [Verdict.INCONCLUSIVE]


def test_an_output_in_which_the_control_differs_from_itself_is_not_held_against_the_candidate() -> None:
    control = replace(with_execution(output="7"), arm="control")
    other = replace(with_execution(output="6"), arm="control_again")
    result = of("OUT", judged(with_execution(output="8"), control=control, control_again=other))
    assert (result.findings, result.counts) == ((), {"noise": 1})


def test_a_refusal_of_what_json_cannot_carry_is_right_and_keeping_it_is_not() -> None:
    scenario = replace(SCENARIO, input=float("nan"))
    refusal = replace(
        GOOD,
        journal=None,
        ledger=(),
        logs=(),
        again=None,
        failure=Failure(kind="exception", type="cutover.engines.errors.PayloadRefused", message="payload has nan at $"),
    )
    results = judged(refusal, scenario)
    assert [finding.message for result in results for finding in result.findings] == []
    assert of("DATA", results).examined == 1
    assert of("DATA", judged(GOOD, scenario)).findings != ()
    assert of("OUT", judged(GOOD, scenario)).findings != ()


def test_findings_beyond_the_most_are_counted_in_one() -> None:
    results = judged(replace(GOOD, logs=tuple(less(GOOD.logs[0], "level") for _ in range(MOST_FINDINGS + 7))))
    findings = of("LOG", results).findings
    assert len(findings) == MOST_FINDINGS + 1
    assert findings[-1].message == "and 17 more like these"


def test_a_check_that_raises_is_an_error_and_the_others_still_speak() -> None:
    class Broken:
        id = "BAD"
        holds_when = "never"

        def __call__(self, view: TrialView) -> Iterable[CheckResult]:
            raise ZeroDivisionError(view.trial.number)

    results = run_checks(
        view_of(Trial(number=1, scenario=SCENARIO, arms={"candidate": GOOD})), {"BAD": Broken(), **CHECKS}
    )
    [finding] = of("BAD", results).findings
    assert (finding.verdict, finding.check) == (Verdict.ERROR, "BAD")
    assert "ZeroDivisionError" in finding.message
    assert len(results) == len(CHECKS) + 1


def test_every_check_says_when_it_holds() -> None:
    assert list(CHECKS) == [
        "OUT", "DUP", "LOST", "SM", "EVT", "CKPT", "RETRY", "ORD", "ISO", "DATA", "LOG", "IDEM", "MET", "PERF",
        "CLOCK", "IDENT", "SECRET", "BESIDE",
    ]  # fmt: skip
    assert all(check.holds_when for check in CHECKS.values())


def test_a_finding_that_comes_once_is_shown_beside_what_comes_a_thousand_times() -> None:
    told = [f"step loop[{turn}]/ship: attempt 1 was made and failed {turn} times" for turn in range(2, 1_000)]
    rare = "step pay: retried after a success"
    collector = CheckCollector({"RETRY": "attempts are what the policy says"})
    for message in (*told, rare):
        finding = Finding(
            check="RETRY", verdict=Verdict.FAIL, trial=1, scenario="s", arm="candidate", message=message, witness={}
        )
        collector.add([CheckResult(check="RETRY", arm="candidate", examined=1, findings=(finding,))])
    [summary] = collector.summaries(())
    assert [sample.message for sample in summary.samples] == [told[0], rare, *told[1:4]]
    assert summary.findings_candidate == 999


@pytest.mark.parametrize(("lacks", "verdicts"), [((), {Verdict.INCONCLUSIVE}), (("events",), set())])
def test_an_execution_that_ran_beside_owes_no_rows_that_are_not_offered(
    lacks: tuple[str, ...], verdicts: set[Verdict]
) -> None:
    bare = replace(JOURNAL, execution=replace(JOURNAL.execution, version=0), events=(), checkpoints=(), metrics=())
    arm = beside(journal=bare, logs=())
    view = view_of(Trial(number=1, scenario=SCENARIO, arms={"candidate": arm}), lacks=lacks)
    results = run_checks(view, {"BESIDE": CHECKS["BESIDE"]})
    assert {finding.verdict for result in results for finding in result.findings} == verdicts
