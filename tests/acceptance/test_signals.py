"""Signals at any moment, to a command and to each kind of process of its: nothing is left after the next start.

CUTOVER_TEST_SIGNALS says how many the nightly test sends, CUTOVER_TEST_SEED which.
"""

from __future__ import annotations

import os
import random

import pytest
from signalled import COMMANDS, SIGNALS, Shot, drawn, struck

from cutover.harness.run.postgres.server import Server

MANY = int(os.environ.get("CUTOVER_TEST_SIGNALS", "200"))
SEED = int(os.environ.get("CUTOVER_TEST_SEED", "1"))


@pytest.mark.parametrize(
    "shot",
    [
        Shot(command="crash", sign="KILL", after_s=2.5),
        Shot(command="crash", sign="TERM", kind="runner.fork", embedded=True),
        Shot(command="import", sign="HUP", after_s=0.6),
    ],
    ids=str,
)
def test_a_signal_leaves_nothing_after_the_next_start_and_blames_nobody(shot: Shot, server: Server) -> None:
    result = struck(shot, server, random.Random(SEED))  # noqa: S311 - so that a seed repeats it
    assert result.faults == []


def test_shots_are_drawn_over_all_commands_and_signals() -> None:
    shots = [*drawn(SEED, 60)]
    assert {(shot.command, shot.sign) for shot in shots} == {(name, sign) for name in COMMANDS for sign in SIGNALS}
    assert shots == [*drawn(SEED, 60)]


@pytest.mark.nightly
@pytest.mark.timeout(4 * 3600)
def test_signals_at_random_moments_leave_nothing(server: Server) -> None:
    dice, faults, hits = random.Random(SEED), {}, []  # noqa: S311 - as above
    for number, shot in enumerate(drawn(SEED, MANY)):
        result = struck(shot, server, dice)
        hits.append(result.hit)
        told = f"{number} {shot.command} {shot.sign} {result.hit or 'nobody'} {shot.after_s:.2f} {shot.embedded}"
        print(told, result.status, result.faults, flush=True)  # noqa: T201 - what a failure needs, and -s shows
        if result.faults:
            faults[told] = result.faults
    assert faults == {}
    assert len([hit for hit in hits if hit]) > MANY / 2
