"""The process that runs trials, one arm after another. Does I/O.

It may be killed at any time: whatever it has not said is then not known. Between it and its parent goes nothing but the
standard library's JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from cutover.engines.registry import resolve
from cutover.harness.record.trials import ARMS, ArmName, role
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.trials.arm import Arm
from cutover.harness.store.lines import decode_scenario, encode_arm

__all__ = ["BEGIN", "RECORD", "Setup", "TrialJob", "main"]

BEGIN, RECORD = b"B", b"R"
"""The first byte of a note to the parent: an arm begins; an arm's record follows."""


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


def main(link: ParentLink) -> None:
    """Runs the arms of each job, with a note at the beginning of each and another with its record."""
    setup = Setup(**link.setup)
    arms = {name: Arm(name, resolve(setup.specs[role(name)]), setup.dsns[name]) for name in ARMS}

    def play(message: dict[str, Any]) -> bytes:
        job = TrialJob(**message)
        _, scenario = decode_scenario(job.scenario)
        companion = None if job.companion is None else decode_scenario(job.companion)[1]
        for name, position, execution_id in job.arms:
            link.note(BEGIN + name.encode("ascii"))
            record = arms[cast("ArmName", name)].run(scenario, UUID(execution_id), position, companion)
            link.note(RECORD + encode_arm(job.number, scenario.id, record))
        return b""

    link.serve(play)
    for arm in arms.values():
        arm.close()
