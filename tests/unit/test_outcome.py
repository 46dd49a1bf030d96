"""Outcomes read from journal and ledger, and what is normalised away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from cutover.engines.api import ExecutionRow, Journal, StepRow
from cutover.harness.judge.outcomes.outcome import ENGINES_WORDS, Effect, Names, StepOutcome, outcome_of
from cutover.harness.record.trials import ArmRecord, Failure, LedgerEntry

ID = UUID("7f9c2ba4-e88f-4827-96ab-1d2c3b4a5f60")
AT = datetime(2025, 1, 8, 10, 30, 0, 250, tzinfo=UTC)
EXECUTION = ExecutionRow(
    id=ID, workflow_id="w", status="failed", current_node_id=None, input="1", output=None, error="x", metadata={},
    version=0, created_at=AT, started_at=AT, finished_at=AT,
)  # fmt: skip
DONE = StepRow(
    step_id="a", node_id="a", status="completed", attempt=1, input="1", output="2", ports=("out",), error=None,
    started_at=AT, finished_at=AT,
)  # fmt: skip
CALL = LedgerEntry(
    sequence=1, step_id="a", activity="do", attempt=1, idempotency_key=None, input="1", planned=True, status="ok",
    output="2", ports=("out",), error=None, retryable=True, effect="applied", after_completion=False, at=AT,
)  # fmt: skip


def arm(*steps: StepRow, ledger: tuple[LedgerEntry, ...] = (), output: str | None = None) -> ArmRecord:
    journal = Journal(execution=replace(EXECUTION, output=output), steps=steps)
    return ArmRecord(arm="control", engine="v1", execution_id=ID, position=0, journal=journal, ledger=ledger)


def test_statuses_and_outputs_are_the_journals_and_effects_the_ledgers() -> None:
    spared = replace(CALL, sequence=2, effect="deduplicated")
    outcome = outcome_of(arm(DONE, ledger=(CALL, spared), output="2"))
    assert (outcome.status, outcome.output) == ("failed", "2")
    assert outcome.steps == {"a": StepOutcome(status="completed", output="2")}
    assert outcome.effects == (Effect("a", "do", "1"),)


def test_steps_on_their_way_are_left_out_and_paused_and_skipped_ones_are_told() -> None:
    rows = [replace(DONE, step_id=status, status=status, output=None) for status in ("pending", "running", "retrying")]
    rows += [replace(DONE, step_id=status, status=status, output=None) for status in ("paused", "skipped", "cancelled")]
    assert list(outcome_of(arm(*rows)).steps) == ["paused", "skipped", "cancelled"]


def test_the_worlds_errors_count_word_by_word_and_the_engines_own_only_as_such() -> None:
    refused = replace(CALL, status="error", output=None, error="no", effect="none")
    failed = replace(DONE, status="failed", output=None, error="no")
    made_up = replace(failed, step_id="c", error="expression broke")
    late = replace(DONE, error="left over from an earlier attempt")
    steps = outcome_of(arm(failed, made_up, ledger=(refused,))).steps
    assert (steps["a"].error, steps["c"].error) == ("no", ENGINES_WORDS)
    assert outcome_of(arm(late)).steps["a"].error is None


def test_words_around_the_worlds_message_are_the_engines_own_and_another_message_is_not() -> None:
    first = replace(CALL, status="error", output=None, error="busy", effect="none")
    last = replace(first, sequence=2, attempt=2, error="declined")
    failed = replace(DONE, status="failed", output=None)

    def told(error: str) -> str | None:
        return outcome_of(arm(replace(failed, error=error), ledger=(first, last))).steps["a"].error

    assert told("step a: declined after 2 attempts") == "declined"
    assert told("step a: busy") == "step a: busy"
    assert told("Declined") == "Declined"


def test_without_a_journal_a_refusal_is_told_from_a_breakdown() -> None:
    lost = replace(arm(), journal=None)
    assert outcome_of(lost).status == "unknown"
    refused = Failure(kind="exception", type="PayloadRefused", message="nan")
    assert outcome_of(replace(lost, failure=refused)).status == "refused"
    assert outcome_of(replace(lost, failure=replace(refused, type="ValueError"))).status == "unknown"


def test_its_own_id_and_times_become_placeholders_and_others_stay() -> None:
    names = Names.of(arm())
    own = f"{ID} {ID.hex} 2025-01-08T10:30:00.000250+00:00 2025-01-08T10:30:00.000250Z"
    assert names.hide(own) == "<execution> <execution> <time> <time>"
    other = "00000000-e88f-4827-96ab-1d2c3b4a5f60 2025-01-08T10:30:01Z"
    assert names.hide(other) == other
