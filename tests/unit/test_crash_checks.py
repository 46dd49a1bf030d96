"""What must hold of an interrupted execution, on literal records: each fault is found by its check and no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from rows import CALL, EXECUTION, NOW, SHIP, STEP

from cutover.engines.api import (
    Edge,
    ExecutionStatus,
    Journal,
    StepRow,
    StepStatus,
    TimerRow,
    WaitNode,
    Workflow,
)
from cutover.harness.judge.checks import dup, lost, met
from cutover.harness.judge.crash.tally import CrashTally, judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, KillPoint, Way
from cutover.harness.record.trials import ArmRecord, Failure, LedgerEntry
from cutover.reports.parts.crash import headline
from cutover.scenarios.model import Response

LEDGER_CHECKS = {"DUP": dup.CHECK, "LOST": lost.CHECK}


def journal(status: ExecutionStatus = "completed", ship: StepStatus = "completed") -> Journal:
    done = ship == "completed"
    execution = replace(
        EXECUTION, status=status, output="7" if done else None, version=2, finished_at=NOW if done else None
    )
    return Journal(
        execution=execution, steps=(row("start", "completed", "1"), row("ship", ship, "7" if done else None))
    )


def row(name: str, status: StepStatus, output: str | None) -> StepRow:
    return replace(
        STEP,
        step_id=name,
        node_id=name,
        status=status,
        output=output,
        ports=("out",) if output else (),
        finished_at=NOW if output else None,
    )


def call(sequence: int, *, late: bool = False, key: str | None = "k") -> LedgerEntry:
    return replace(
        CALL,
        sequence=sequence,
        idempotency_key=key,
        retryable=False,
        effect="applied" if sequence == 1 or key is None else "deduplicated",
        after_completion=late,
    )


def did(worker: int, *calls: int, ended: str = "returned") -> CommandRecord:
    return CommandRecord(worker=worker, command="resume", ended=ended, calls=calls)  # type: ignore[arg-type]


TIMER = TimerRow(step_id="ship", kind="wait", attempt=1, due_at=NOW, fired_at=None)
GOOD = CaseRecord(
    case=CrashCase("ship", KillPoint("answer", 1), Way.ONCE),
    planned=1,
    fired=1,
    arm=ArmRecord(
        arm="candidate",
        engine="v2",
        execution_id=UUID(int=1),
        position=0,
        journal=replace(journal(), timers=(replace(TIMER, fired_at=NOW),)),
        ledger=(call(1),),
    ),
    node_kinds=("activity",),
    at_crash=replace(journal("running", "running"), timers=(TIMER,)),
    commands=(did(1, ended="killed"), did(2, 1)),
)


def with_arm(**change: object) -> CaseRecord:
    return replace(GOOD, arm=replace(GOOD.arm, **change))  # type: ignore[arg-type]


def in_way(way: Way, **change: object) -> CaseRecord:
    return replace(GOOD, case=replace(GOOD.case, way=way), **change)  # type: ignore[arg-type]


def found(record: CaseRecord) -> dict[str, str]:
    judged = judge_case(SHIP, record, LEDGER_CHECKS)
    return {finding.check: finding.message for finding in judged.findings if finding.check != "META"}


def test_a_good_case_passes_and_every_fact_was_looked_at() -> None:
    judged = judge_case(SHIP, GOOD, LEDGER_CHECKS)
    assert judged.verdict is Verdict.PASS, judged.findings
    examined: Counter[str] = Counter()
    for result in judged.results:
        examined[result.check] += result.examined
    assert {check for check in ("RESUME", "FENCE", "TIME", "STUCK", "DUP", "LOST") if examined[check]} == {
        *("RESUME", "FENCE", "TIME", "STUCK", "DUP", "LOST")
    }


@pytest.mark.parametrize(
    ("record", "check", "message"),
    [
        (
            with_arm(failure=Failure(kind="died", type="exit", message="status 7")),
            "RESUME",
            "the resume did not return",
        ),
        (with_arm(journal=journal("failed")), "RESUME", "status"),
        (with_arm(ledger=(call(1), call(2, late=True))), "DUP", "after its completion was committed"),
        (with_arm(ledger=(call(1), call(2, key=None))), "DUP", "its effect was applied 2 times"),
        (with_arm(ledger=()), "LOST", "the world was never asked"),
        (in_way(Way.CONCURRENT, commands=(did(1, 1), did(2, 1), did(3, 1))), "", ""),
        (replace(GOOD, leftovers=2), "FENCE", "2 processes lived on"),
        (replace(GOOD, strays=("public.mine",)), "FENCE", "outside its tables: public.mine"),
        (with_arm(journal=journal()), "TIME", "the wait timer of step ship was lost"),
        (
            with_arm(journal=replace(journal(), timers=(replace(TIMER, due_at=NOW + timedelta(seconds=5)),))),
            "TIME",
            "was moved by 5 s",
        ),
        (
            with_arm(journal=replace(journal(), timers=(replace(TIMER, fired_at=NOW - timedelta(seconds=2)),))),
            "TIME",
            "fired 2 s early",
        ),
        (with_arm(failure=Failure(kind="timeout", type="deadline", message="hung")), "STUCK", "hung"),
        (with_arm(journal=journal("running", "running")), "STUCK", "no progress any more"),
    ],
)
def test_each_fault_is_found_by_its_check(record: CaseRecord, check: str, message: str) -> None:
    messages = found(record)
    if check:
        assert message in messages[check]
    else:
        assert messages == {}


def test_two_workers_at_once_are_found_and_one_after_the_other_is_not() -> None:
    twice = with_arm(ledger=(call(1), call(2)))
    race: Callable[[CommandRecord, CommandRecord], CaseRecord] = lambda a, b: replace(  # noqa: E731
        twice, case=replace(GOOD.case, way=Way.CONCURRENT), commands=(did(1, ended="killed"), a, b)
    )
    assert "was called by two workers" in found(race(did(2, 1), did(3, 2)))["CONC"]
    assert "CONC" not in found(race(did(2, 1, 2), did(3)))


def test_a_zombie_may_finish_the_one_call_it_was_about_to_make() -> None:
    ledger = (call(1), call(2, late=True))
    zombie = in_way(Way.ZOMBIE, before_go_on=GOOD.arm.journal, commands=(did(1), did(2, 1), did(1, 2)))
    zombie = replace(zombie, arm=replace(GOOD.arm, ledger=ledger))
    assert found(zombie) == {}
    without_key = replace(zombie, arm=replace(GOOD.arm, ledger=(call(1), call(2, late=True, key=None))))
    assert "called again, as call 2" in found(without_key)["DUP"]
    more = replace(zombie, arm=replace(GOOD.arm, ledger=(*ledger, call(3, late=True))))
    more = replace(more, commands=(did(1), did(2, 1), did(1, 2, 3)))
    assert set(found(more)) >= {"FENCE", "DUP"}


def test_a_zombie_that_writes_is_found() -> None:
    before = replace(GOOD.at_crash or journal(), timers=())
    zombie = in_way(Way.ZOMBIE, before_go_on=before, commands=(did(1), did(2, 1), did(1)))
    assert "changed after the zombie went on" in found(zombie)["FENCE"]


def test_a_backoff_that_begins_anew_after_a_crash_is_found() -> None:
    scenario = replace(SHIP, world={"ship": (Response(error="busy"), Response(output=7))})
    busy = replace(call(1), status="error", output=None, error="busy", retryable=True, effect="none")

    def after(seconds: int) -> dict[str, str]:
        won = replace(call(1), sequence=2, attempt=2, at=NOW + timedelta(seconds=seconds))
        record = replace(GOOD, arm=replace(GOOD.arm, ledger=(busy, won)), clock_shift_ms=31_000)
        return {each.check: each.message for each in judge_case(scenario, record, {}).findings}

    assert "TIME" not in after(32)  # the pause of 1 s, and 31 s of the takeover
    assert after(33)["TIME"] == "step ship: attempt 2 comes 1 s after its time"


def test_a_wait_that_is_over_before_its_time_is_found() -> None:
    nodes = (*SHIP.workflow.nodes, WaitNode(id="rest", timeout_ms=60_000))
    edges = (*SHIP.workflow.edges, Edge(source="ship", target="rest"))
    scenario = replace(SHIP, workflow=Workflow(id="w", nodes=nodes, edges=edges))

    def due(seconds: int) -> dict[str, str]:
        timer = replace(TIMER, step_id="rest", due_at=NOW + timedelta(seconds=seconds))
        arm = replace(GOOD.arm, journal=replace(journal(), timers=(timer,)))
        return {
            each.check: each.message
            for each in judge_case(scenario, replace(GOOD, arm=arm, at_crash=None), {}).findings
        }

    assert "TIME" not in due(60)
    assert due(30)["TIME"] == "the timer of step rest is due 30 s before its time"


def test_a_cancelled_step_without_its_metric_is_found() -> None:
    cancelled = journal("cancelled", "cancelled")
    arm = replace(GOOD.arm, journal=replace(cancelled, execution=replace(cancelled.execution, finished_at=NOW)))
    record = in_way(Way.CANCEL, arm=arm, at_crash=journal("running", "running"))
    [finding] = [each for each in judge_case(SHIP, record, {"MET": met.CHECK}).findings if each.check == "MET"]
    assert finding.message == "step ship has ended and has no metrics row"


def test_a_cancelled_execution_that_goes_on_is_found() -> None:
    assert "cancelled, and ended as completed" in found(in_way(Way.CANCEL))["RESUME"]


def test_a_fault_that_did_not_fire_is_inconclusive_and_a_finding_is_more() -> None:
    assert judge_case(SHIP, replace(GOOD, fired=0), LEDGER_CHECKS).verdict is Verdict.INCONCLUSIVE
    broken = replace(with_arm(ledger=()), fired=0)
    assert judge_case(SHIP, broken, LEDGER_CHECKS).verdict is Verdict.FAIL


def test_the_tally_counts_cells_points_and_scenarios() -> None:
    tally = CrashTally("v2", 1, LEDGER_CHECKS, planned=5000)
    assert tally.summary().verdict is Verdict.INCONCLUSIVE
    for _ in range(3000):
        tally.add(SHIP, GOOD)
    summary = tally.summary()
    assert (summary.cases, summary.planned, summary.points, summary.scenarios) == (3000, 5000, 1, 1)
    assert summary.classes == {"activity": 1}
    assert headline(summary) == (
        "PASS: v2 came through 3,000 of 5,000 crash cases without a duplicate or a loss, at 1 kill points in 1 "
        "scenarios (activity 1); chosen, not drawn at random, they prove no share of all crashes."
    )
    ((cell, counts),) = summary.coverage.items()
    assert (cell.node_kind, cell.point, cell.way, counts) == ("activity", "answer", Way.ONCE, (3000, 3000, 3000))
    assert ("activity", "call") in summary.untouched
    assert ("activity", "answer") not in summary.untouched
    tally.add(SHIP, with_arm(ledger=(call(1), call(2, key=None))))
    summary = tally.summary()
    assert (summary.failed, summary.duplicates, summary.failed_by_check["DUP"]) == (1, 1, 1)
    assert summary.witnesses[0].case == "ship@answer:1/once"
