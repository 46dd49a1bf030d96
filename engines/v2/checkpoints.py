"""Checkpoints: what one commit changed, chained by checksum and verified before an execution goes on. Pure.

A checkpoint's state is an object: step id to the step's status, attempt and the SHA-256 of its output's text (null
where it has none). Merging the states of versions 1 to n yields every step at version n, so a checkpoint costs what its
commit changed, however long the history. The checksum covers the checkpoint and, through the one before it, all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from cutover.engines.api import JsonText
from cutover.engines.errors import EngineError

__all__ = [
    "FIRST_CHECKSUM",
    "SCHEMA_VERSION",
    "CheckpointCorrupt",
    "Stored",
    "checksum",
    "digest",
    "entry",
    "metadata",
    "next_version",
    "verify",
]

SCHEMA_VERSION = 1
FIRST_CHECKSUM = ""
"""What the first checkpoint has as the checksum before it."""


class CheckpointCorrupt(EngineError):
    """Checkpoints and steps disagree, so going on could repeat or lose a step. Compare the rows that it names."""


class Stored(NamedTuple):
    """A checkpoint as it was read back; `state` is text to the letter."""

    version: int
    schema_version: int
    sequence: int
    state: JsonText
    checksum: str


def checksum(
    previous: str, version: int, sequence: int, state: JsonText, *, schema_version: int = SCHEMA_VERSION
) -> str:
    """The SHA-256 that chains a checkpoint to the one before it, as hex."""
    return sha256(f"{previous}\n{schema_version}\n{version}\n{sequence}\n{state}".encode()).hexdigest()


def next_version(newest: int) -> int:
    """The number of the checkpoint after the newest; counts from 1."""
    return newest + 1


def metadata(before_ms: float | None, problem: str | None) -> JsonText:
    """Returns a checkpoint's metadata: how long the one before it took, and why its own commit was refused at first."""
    took = [] if before_ms is None else [f'"duration_ms": {round(before_ms, 4)!r}']
    why = [] if problem is None else [f'"error": {json.dumps(problem)}']
    return "{" + ", ".join(took + why) + "}"


def digest(output: JsonText | None) -> str | None:
    """What a checkpoint keeps of a step's output."""
    return None if output is None else sha256(output.encode()).hexdigest()


def entry(step_key: JsonText, status: str, attempt: int, output: JsonText | None) -> JsonText:
    """One step's part of a checkpoint's state; `step_key` is the step id as JSON text."""
    shown = "null" if output is None else f'"{digest(output)}"'
    return f'{step_key}:{{"status":"{status}","attempt":{attempt},"output_sha256":{shown}}}'


def verify(
    execution_id: UUID,
    version: int,
    sequence: int,
    rows: Iterable[Stored],
    steps: Mapping[str, tuple[str, int, JsonText | None]],
) -> str:
    """Returns the newest checksum, once the chain is whole and agrees with every step's row (status, attempt, output).

    `version` and `sequence` are the execution row's. Raises CheckpointCorrupt.
    """
    previous, seen, last, folded = FIRST_CHECKSUM, 0, 0, {}
    for row in rows:
        seen += 1
        where = f"checkpoint {row.version} of execution {execution_id}"
        if row.version != seen:
            raise CheckpointCorrupt(f"{where} stands where version {seen} should")
        if row.schema_version != SCHEMA_VERSION:
            raise CheckpointCorrupt(
                f"{where} has schema version {row.schema_version}; this engine reads {SCHEMA_VERSION}"
            )
        if checksum(previous, row.version, row.sequence, row.state) != row.checksum:
            raise CheckpointCorrupt(f"{where} does not match its checksum; it was changed after it was written")
        folded.update(json.loads(row.state))
        previous, last = row.checksum, row.sequence
    if (seen, last) != (version, sequence):
        raise CheckpointCorrupt(
            f"execution {execution_id} is at version {version}, event {sequence}; its checkpoints end at {seen}, {last}"
        )
    kept = {
        step_id: {"status": status, "attempt": attempt, "output_sha256": digest(output)}
        for step_id, (status, attempt, output) in steps.items()
    }
    if kept != folded:
        wrong = sorted(step for step in kept.keys() | folded.keys() if kept.get(step) != folded.get(step))
        raise CheckpointCorrupt(f"execution {execution_id}: checkpoints and rows disagree about step {wrong[0]!r}")
    return previous
