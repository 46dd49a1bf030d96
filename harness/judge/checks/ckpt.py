"""CKPT: checkpoints are versioned, readable, checksummed, and equal to the fold of the events. Pure.

The format that is checked in depth: `state` is an object, step id to an object with `status` and `attempt` (and
`output_sha256`, the SHA-256 of the output's text, where it has one), of the steps that the commit changed. `checksum`
is the SHA-256, in hex, of the checksum before ("" for the first), schema version, version, sequence and state, joined
by newlines.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from cutover.engines.api import CheckpointRow, EventRow, Journal
from cutover.harness.judge.checks.base import ArmCheck, Sheet, StepState, checkpoint_state, outside
from cutover.harness.judge.view import ArmView

__all__ = ["CHECK", "checksum"]


def checksum(previous: str, row: CheckpointRow) -> str:
    """Returns what the row's checksum must be after the one before it."""
    return sha256(f"{previous}\n{row.schema_version}\n{row.version}\n{row.sequence}\n{row.state}".encode()).hexdigest()


def _look(arm: ArmView, sheet: Sheet) -> None:
    journal = arm.record.journal
    if journal is None:
        return
    newest = journal.checkpoints[-1].version if journal.checkpoints else 0
    if newest != journal.execution.version:
        sheet.saw()
        sheet.fault(f"the execution is at version {journal.execution.version}, its newest checkpoint is {newest}")
    if not journal.checkpoints:
        if journal.events:
            sheet.saw()
            sheet.fault("the execution has events but no checkpoint")
        return
    sheet.saw(len(journal.checkpoints))
    _chain(sheet, journal, killed=arm.record.kills > 0)
    _states(arm, sheet, journal)
    _columns(sheet, journal)


def _columns(sheet: Sheet, journal: Journal) -> None:
    """A checkpoint is of a node that the execution came to, and of its time."""
    nodes = {row.node_id for row in journal.steps}
    for row in journal.checkpoints:
        if row.node_id is not None and row.node_id not in nodes:
            sheet.fault(f"checkpoint {row.version} is of node {row.node_id!r}, which has no step", version=row.version)
        if outside(journal.execution, row.created_at):
            sheet.fault(
                f"checkpoint {row.version} is of {row.created_at}, when the execution was not", version=row.version
            )


def _chain(sheet: Sheet, journal: Journal, *, killed: bool) -> None:
    previous, covered = "", 0
    for place, row in enumerate(journal.checkpoints, 1):
        if row.version != place:
            sheet.fault(f"checkpoint {place} has the version {row.version}", version=row.version, place=place)
            return
        if row.sequence < covered:
            sheet.fault(f"checkpoint {place} covers event {row.sequence}, the one before it {covered}", version=place)
        if checksum(previous, row) != row.checksum:
            sheet.fault(f"checkpoint {place} does not match its checksum", version=place, checksum=row.checksum)
        if row.error_message is not None and not killed:  # an injected 40001 is rightly noted there
            sheet.fault(f"checkpoint {place} failed: {row.error_message}", version=place)
        previous, covered = row.checksum, row.sequence
    last = journal.events[-1].sequence if journal.events else covered
    if covered != last:
        sheet.fault(f"checkpoints cover the events up to {covered} of {last}", covered=covered, last=last)


def _states(arm: ArmView, sheet: Sheet, journal: Journal) -> None:
    """At every version, what checkpoints say of the steps is what the events so far say."""
    events = iter([row for row in arm.transitions if row.step_id is not None])
    waiting = next(events, None)
    outputs: dict[str, object] = {}
    for row in journal.checkpoints:
        state = checkpoint_state(row.state)
        if state is None or state.steps is None:
            sheet.fault(f"checkpoint {row.version} cannot be read", version=row.version)
            return
        fold: dict[str, EventRow] = {}
        while waiting is not None and waiting.sequence <= row.sequence:
            fold[waiting.step_id or ""] = waiting
            waiting = next(events, None)
        if journal.events:  # that there are none is held against it by EVT, or they are not offered
            _same(sheet, row, state.steps, fold)
        outputs.update({step_id: part.digest for step_id, part in state.steps.items() if part.digested})
    for step in journal.steps:
        kept = outputs.get(step.step_id)
        if isinstance(kept, str) and (step.output is None or sha256(step.output.encode()).hexdigest() != kept):
            sheet.fault(f"step {step.step_id}: its output is not the one that was checkpointed", step_id=step.step_id)


def _same(sheet: Sheet, row: CheckpointRow, state: Mapping[str, StepState], fold: Mapping[str, EventRow]) -> None:
    for step_id, event in fold.items():
        part = state.get(step_id)
        if part is None:
            sheet.fault(
                f"checkpoint {row.version} leaves out step {step_id}, which event {event.sequence} changed",
                version=row.version,
                step_id=step_id,
            )
        elif part.status != event.to_state or part.attempt not in {event.attempt, None}:
            sheet.fault(
                f"checkpoint {row.version} has step {step_id} as {part.status}, attempt {part.attempt}; "
                f"event {event.sequence} as {event.to_state}, attempt {event.attempt}",
                version=row.version,
                step_id=step_id,
            )
    for step_id in sorted(state.keys() - fold.keys()):
        sheet.fault(
            f"checkpoint {row.version} has step {step_id}, which no event of it changed",
            version=row.version,
            step_id=step_id,
        )


CHECK = ArmCheck(
    "CKPT",
    "checkpoint versions grow by 1, every one is readable, matches its checksum and equals the fold of the events",
    _look,
)
