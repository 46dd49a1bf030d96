"""ACK, on a history of two activities: what was acknowledged stays, and is not done again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deaths import ID, IN_BILL, SCENARIO, command, journal, record
from rows import event

from cutover.engines.api import Journal
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.record.acknowledged import Acknowledged, acknowledged
from cutover.harness.record.cases import CaseRecord

IN_SHIP = journal("running", start="completed", ship="running")
END = journal("completed", start="completed", ship="completed", bill="completed")
GOOD = record("two@call:2/restart", IN_BILL, [command(1, 1, 2)], "ship", "bill")
STARTED = event(1, (None, "pending", "START", "running", None))


def seen(*journals: Journal | None) -> CaseRecord:
    moments = tuple(acknowledged(each, f"moment {n}", n) for n, each in enumerate(journals, 1))
    return replace(GOOD, acknowledged=moments)


def told(case: CaseRecord) -> list[str]:
    return [
        f.message for result in judge_case(SCENARIO, case).results if result.check == "ACK" for f in result.findings
    ]


def looked_at(case: CaseRecord) -> int:
    return sum(result.examined for result in judge_case(SCENARIO, case).results if result.check == "ACK")


def test_what_grows_and_stays_is_kept() -> None:
    case = seen(None, IN_SHIP, IN_BILL, IN_BILL)
    assert told(case) == []
    assert looked_at(case) > 6


def test_without_rows_it_has_looked_at_nothing() -> None:
    assert (told(GOOD), looked_at(GOOD)) == ([], 0)


def test_an_execution_that_a_server_lost_is_found_though_it_ends_well_in_the_end() -> None:
    assert told(seen(IN_BILL, None)) == ["the execution was there at moment 1, and at moment 2 it was gone"]


def test_a_step_that_had_ended_is_not_open_again() -> None:
    assert told(seen(IN_BILL, IN_SHIP)) == ["step ship had ended at moment 1, and at moment 2 it had not"]


@pytest.mark.parametrize("change", [{"status": "failed"}, {"output": "3"}, {"attempt": 2}, {"ports": ("error",)}])
def test_a_step_does_not_end_otherwise_later(change: dict[str, object]) -> None:
    other = replace(IN_BILL, steps=tuple(replace(s, **change) if s.step_id == "ship" else s for s in IN_BILL.steps))  # type: ignore[arg-type]
    assert told(seen(other)) == ["step ship had ended at moment 1, and at the end it had ended otherwise"]


@pytest.mark.parametrize("now", [(), (replace(STARTED, payload='{"other": 1}'),), (replace(STARTED, attempt=3),)])
def test_an_event_stays_as_it_was(now: tuple[object, ...]) -> None:
    case = seen(replace(IN_BILL, events=(STARTED,)), replace(IN_BILL, events=now))  # type: ignore[arg-type]
    assert told(case)[0] == "event 1 was there at moment 1, and at moment 2 it was gone or another"


def test_a_step_is_not_called_again_once_what_waits_for_it_was_called() -> None:
    lost = record("two@call:2/restart", IN_BILL, [command(1, 1, 2), command(2, 3, 4)], "ship", "bill", "ship", "bill")
    assert told(lost) == [
        "step ship was called again, as call 3, though step bill, which waits for it, had been called"
    ]


def test_a_step_that_nobody_has_gone_beyond_may_come_again() -> None:
    again = record("two@call:1/once", IN_SHIP, [command(1, 1, killed=True), command(2, 2, 3)], "ship", "ship", "bill")
    assert told(again) == []


def test_the_call_that_a_stopped_worker_was_about_to_make_may_come_late() -> None:
    zombie = replace(
        record("two@call:1/zombie", IN_SHIP, [command(2, 1, 2), command(1, 3)], "ship", "bill", "ship"),
        before_go_on=END,
    )
    assert told(zombie) == []
    assert told(replace(zombie, before_go_on=None)) != []


def test_what_is_remembered_is_small_and_has_no_payload() -> None:
    kept = acknowledged(replace(IN_BILL, events=(STARTED,)), "now", 3)
    assert kept == Acknowledged(
        when="now",
        calls=3,
        status="running",
        steps={name: kept.steps[name] for name in ("start", "ship")},
        events=kept.events,
    )
    assert {len(digest) for digest in (*kept.steps.values(), *kept.events)} == {12}
    assert str(ID) not in repr(kept)
    assert acknowledged(None, "then").status == ""
