"""The process that runs trials, one arm after another. Reads jobs from standard input, writes records to a pipe.

It is started by `cutover.harness.run.trials.pool` with nothing but the standard library's JSON between them, leads the
engine's own prints to standard error, and may be killed at any time: whatever it has not said is then not known.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from cutover.engines.registry import resolve
from cutover.harness.record.trials import ARMS, ArmName, role
from cutover.harness.run.process.parent import die_with_parent
from cutover.harness.run.trials.arm import Arm
from cutover.harness.store.lines import decode_scenario, encode_arm

__all__ = ["BEGIN", "READY", "RECORD", "Setup", "TrialJob", "main"]

READY, BEGIN, RECORD = b"Y", b"B", b"R"
"""The first byte of a line to the parent: ready for a job; an arm begins; an arm's record follows."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker is told once: an engine spec for each role, a database for each arm."""

    specs: dict[str, str]
    dsns: dict[str, str]


@dataclass(frozen=True, slots=True)
class TrialJob:
    """Arms of one trial in order, each with position and execution id; scenarios are lines of `store.lines`."""

    number: int
    scenario: str
    companion: str | None
    arms: list[tuple[str, int, str]]


def main() -> None:
    """Serves jobs until standard input ends, or the parent does: an engine that hangs would not see the one."""
    die_with_parent(signal.SIGKILL, int(sys.argv[2]))
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)
    setup = Setup(**json.loads(sys.stdin.buffer.readline()))
    arms = {name: Arm(name, resolve(setup.specs[role(name)]), setup.dsns[name]) for name in ARMS}
    _say(out, READY)
    for job in _jobs(sys.stdin.buffer):
        _, scenario = decode_scenario(job.scenario)
        companion = None if job.companion is None else decode_scenario(job.companion)[1]
        for name, position, execution_id in job.arms:
            _say(out, BEGIN, name.encode())
            record = arms[cast("ArmName", name)].run(scenario, UUID(execution_id), position, companion)
            _say(out, RECORD, encode_arm(job.number, scenario.id, record))
        _say(out, READY)
    for arm in arms.values():
        arm.close()


def _jobs(stream: BinaryIO) -> Iterator[TrialJob]:
    for line in stream:
        yield TrialJob(**json.loads(line))


def _say(out: BinaryIO, kind: bytes, body: bytes = b"") -> None:
    out.write(kind + body + b"\n")
    out.flush()
