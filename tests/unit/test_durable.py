"""What must be durable at a crash, on a history of two activities that was killed while it was about the second."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deaths import GOOD, IN_BILL, SCENARIO, call, command, journal, record

from cutover.engines.api import Journal
from cutover.harness.judge.crash.tally import CrashTally, judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial


def messages(case: CaseRecord, check: str) -> list[str]:
    return [finding.message for result in judge_case(SCENARIO, case).results if result.check == check
            for finding in result.findings]  # fmt: skip


def test_the_one_step_in_flight_may_come_again() -> None:
    assert [messages(GOOD, check) for check in ("DUP", "CKPT", "CONC", "META")] == [[], [], [], []]


def test_what_was_completed_at_the_crash_is_not_called_again_whatever_the_journal_says_later() -> None:
    over = record(
        "two@reply:2/once", IN_BILL, [command(1, 1, 2, killed=True), command(2, 3, 4)], "ship", "bill", "ship", "bill"
    )
    assert messages(over, "DUP") == ["step ship was completed at the crash and called again, as call 3"]


@pytest.mark.parametrize("at_crash", [None, journal("running", start="completed", ship="running")])
def test_a_step_is_called_only_when_what_it_waits_for_is_durable(at_crash: Journal | None) -> None:
    ahead = replace(GOOD, at_crash=at_crash)
    assert "step bill was called, and the crash found no end of step ship, which it waits for" in messages(
        ahead, "CKPT"
    )


def test_the_ledger_has_every_call_that_was_served() -> None:
    [message] = messages(replace(GOOD, arm=replace(GOOD.arm, ledger=GOOD.arm.ledger[:2])), "META")
    assert message == "3 calls were served and the ledger has 2"
    renumbered = (*GOOD.arm.ledger[:2], call(4, "bill"))
    assert messages(replace(GOOD, arm=replace(GOOD.arm, ledger=renumbered)), "META") != []


def test_nobody_takes_over_while_an_activity_takes_long() -> None:
    turned_away = record("two@call:2/lapse", IN_BILL, [command(1, 1), command(2), command(1, 2)], "ship", "bill")
    assert messages(turned_away, "CONC") == []
    taken = record("two@call:2/lapse", IN_BILL, [command(1, 1), command(2, 2), command(1, 3)], "ship", "bill", "bill")
    assert messages(taken, "CONC") == ["worker 2 took the execution over while worker 1 was inside an activity"]


@pytest.mark.parametrize(("more", "verdict"), [((), Verdict.PASS), (("two@call:1/once",), Verdict.INCONCLUSIVE)])
def test_a_sweep_that_misses_a_kill_point_is_inconclusive(more: tuple[str, ...], verdict: Verdict) -> None:
    points = {CrashCase.parse(name).point: ("bill",) for name in ("two@reply:2/once", *more)}
    tally = CrashTally("x", 1, {})
    tally.add(SCENARIO, GOOD)
    tally.expect_sweep([CrashTrial(scenario=SCENARIO, baseline=GOOD.arm, points=points)])
    summary = replace(tally.summary(), failed=0)
    assert (summary.verdict, summary.missed) == (verdict, len(more))
