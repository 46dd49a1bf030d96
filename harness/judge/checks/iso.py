"""ISO: a token planted in one execution's data never shows in another's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cutover.harness.judge.checks.base import ArmCheck, Sheet
from cutover.harness.judge.outcomes.tokens import tokens_in
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK"]


def _look(arm: ArmView, sheet: Sheet) -> None:
    own = sheet.trial.prepared.tokens
    found = tokens_in("\n".join([text for text in _texts(arm) if text]))
    sheet.saw(len(found))
    for token in sorted(set(found) - own):
        where = next((place for place, text in _places(arm) if token in text), "the record")
        sheet.fault(f"{where} has {token}, which belongs to another execution", where=where, token=token)


def _texts(arm: ArmView) -> Sequence[str | None]:
    """Returns every text that the arm left behind."""
    journal = arm.record.journal
    texts: list[str | None] = [*arm.record.logs]
    texts += [entry.input for entry in arm.record.ledger]
    if journal is not None:
        execution = journal.execution
        texts += (execution.input, execution.output, execution.error)
        for row in journal.steps:
            texts += (row.input, row.output, row.error)
        texts += [event.payload for event in journal.events]
        texts += [checkpoint.state for checkpoint in journal.checkpoints]
    return texts


def _places(arm: ArmView) -> Iterator[tuple[str, str]]:
    """The same texts, each with a name for it."""
    journal = arm.record.journal
    if journal is not None:
        execution = journal.execution
        yield "the execution's input", execution.input
        yield "the execution's output", execution.output or ""
        yield "the execution's error", execution.error or ""
        for row in journal.steps:
            yield f"step {row.step_id}'s input", row.input or ""
            yield f"step {row.step_id}'s output", row.output or ""
            yield f"step {row.step_id}'s error", row.error or ""
        for event in journal.events:
            yield f"event {event.sequence}", event.payload
        for checkpoint in journal.checkpoints:
            yield f"checkpoint {checkpoint.version}", checkpoint.state
    for entry in arm.record.ledger:
        yield f"call {entry.sequence}'s input", entry.input
    for i, line in enumerate(arm.record.logs, 1):
        yield f"log line {i}", line


CHECK = ArmCheck("ISO", "no token planted in another execution's data shows in this one's", _look)
