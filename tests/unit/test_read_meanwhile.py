"""A journal that was read while its execution went on: whether it is of one moment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rows import CHECKPOINT, EXECUTION, NOW, STEP

from cutover.engines.api import EventRow, Journal
from cutover.harness.run.side.plays.returns.reading import torn


def event(sequence: int, step_id: str | None, to_state: str | None) -> EventRow:
    return EventRow(
        sequence=sequence,
        type="SIGNAL_RECEIVED" if to_state is None else "STATE_TRANSITION",
        scope="execution" if step_id is None else "step",
        step_id=step_id,
        node_id=step_id,
        from_state=None,
        event=None,
        to_state=to_state,
        attempt=1,
        payload="{}",
        at=NOW,
    )


RUNNING = replace(EXECUTION, status="running", version=1)
HALF = replace(STEP, status="running")
SOUND = Journal(
    execution=RUNNING,
    steps=(HALF,),
    events=(event(1, None, "running"), event(2, "ship", "running"), event(3, None, None)),
    checkpoints=(CHECKPOINT,),
    metrics=(),
    timers=(),
)


def test_a_journal_of_one_moment_is_whole() -> None:
    assert torn(SOUND) == ""


def test_an_engine_that_keeps_no_history_cannot_be_told_to_have_torn_it() -> None:
    assert torn(replace(SOUND, events=(), checkpoints=())) == ""


def test_a_step_that_has_not_begun_needs_no_event() -> None:
    assert torn(replace(SOUND, steps=(HALF, replace(STEP, step_id="bill", status="pending")))) == ""


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (replace(SOUND, steps=(STEP,)), "step ship is completed by its row and running by the events"),
        (replace(SOUND, steps=()), "step ship is not there by its row and running by the events"),
        (replace(SOUND, events=SOUND.events[:1]), "step ship is running by its row and not there by the events"),
        (
            replace(SOUND, events=(*SOUND.events, event(4, None, "completed"))),
            "the execution is running by its row and completed by the events",
        ),
        (
            replace(SOUND, execution=replace(RUNNING, version=2)),
            "the execution is at version 2, its checkpoints end at 1",
        ),
        (
            replace(SOUND, execution=EXECUTION, events=(), checkpoints=()),
            "the execution is completed, and a step is running",
        ),
    ],
)
def test_what_is_not_of_one_moment_is_said(journal: Journal, said: str) -> None:
    assert torn(journal) == said
