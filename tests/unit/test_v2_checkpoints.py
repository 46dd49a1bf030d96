"""The checkpoint chain: a whole one is accepted, every way of breaking it is named."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import pytest

from cutover.engines.v2.checkpoints import CheckpointCorrupt, Stored, checksum, entry, metadata, verify

X = UUID("11111111-1111-4111-8111-111111111111")
OUT = '{"n":1}'
STATES = (
    "{" + entry('"start"', "completed", 1, OUT) + "," + entry('"ship"', "running", 1, None) + "}",
    "{" + entry('"ship"', "completed", 2, OUT) + "}",
)
STEPS: dict[str, tuple[str, int, str | None]] = {"start": ("completed", 1, OUT), "ship": ("completed", 2, OUT)}


def chain() -> list[Stored]:
    first = checksum("", 1, 4, STATES[0])
    return [Stored(1, 1, 4, STATES[0], first), Stored(2, 1, 6, STATES[1], checksum(first, 2, 6, STATES[1]))]


def test_the_checksum_is_a_sha256_over_what_came_before() -> None:
    assert checksum("ab", 2, 6, "{}") == sha256(b"ab\n1\n2\n6\n{}").hexdigest()


def test_a_whole_chain_gives_its_newest_checksum() -> None:
    assert verify(X, 2, 6, chain(), STEPS) == chain()[1].checksum


def test_an_execution_without_checkpoints_is_at_version_0() -> None:
    assert verify(X, 0, 0, [], {}) == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([chain()[1]], "checkpoint 2 .* stands where version 1 should"),
        ([chain()[0]], "at version 2, event 6; its checkpoints end at 1, 4"),
        ([chain()[0]._replace(schema_version=9), chain()[1]], "schema version 9; this engine reads 1"),
        (
            [chain()[0]._replace(state=chain()[0].state.replace("running", "failed")), chain()[1]],
            "checkpoint 1 .* checksum",
        ),
        ([chain()[0], chain()[1]._replace(sequence=7)], "checkpoint 2 .* checksum"),
        ([chain()[0], chain()[1]._replace(checksum=checksum("other", 2, 6, STATES[1]))], "checkpoint 2 .* checksum"),
    ],
)
def test_a_broken_chain_is_refused(rows: list[Stored], message: str) -> None:
    with pytest.raises(CheckpointCorrupt, match=message):
        verify(X, 2, 6, rows, STEPS)


@pytest.mark.parametrize(
    "step", [("running", 2, OUT), ("completed", 1, OUT), ("completed", 2, '{"n":2}'), ("completed", 2, None)]
)
def test_a_step_that_is_not_what_its_checkpoint_says_is_named(step: tuple[str, int, str | None]) -> None:
    with pytest.raises(CheckpointCorrupt, match="'ship'"):
        verify(X, 2, 6, chain(), {**STEPS, "ship": step})


def test_a_missing_step_is_named() -> None:
    with pytest.raises(CheckpointCorrupt, match="'start'"):
        verify(X, 2, 6, chain(), {"ship": STEPS["ship"]})


def test_metadata_says_the_duration_before_and_what_was_refused() -> None:
    assert metadata(None, None) == "{}"
    assert metadata(1.25, "40001: no") == '{"duration_ms": 1.25, "error": "40001: no"}'
