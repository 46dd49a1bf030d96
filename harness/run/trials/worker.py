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
from cutover.harness.run.trials.reread import DIGEST_OF_NONE, digest, read_again
from cutover.harness.store.lines import decode_scenario, encode_arm, encode_fields

__all__ = ["BEGIN", "RECORD", "REREAD", "RereadJob", "Setup", "TrialJob", "main"]

BEGIN, RECORD, REREAD = b"B", b"R", b"L"
"""The first byte of a note to the parent: an arm begins; an arm's record follows, behind the digest of its journal; an
execution that was read again."""


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


@dataclass(frozen=True, slots=True)
class RereadJob:
    """Executions of one arm to read again: of each its trial's number and scenario, its id, its journal's digest.

    A `fresh` engine reads them, or the one that the worker has had all along.
    """

    arm: str
    fresh: bool
    executions: tuple[tuple[int, str, str, str], ...]


def main(link: ParentLink) -> None:
    """Does each job: runs arms, with a note at the beginning of each and another with its record, or reads again."""
    setup = Setup(**link.setup)
    arms = {name: Arm(name, resolve(setup.specs[role(name)]), setup.dsns[name]) for name in ARMS}

    def play(message: dict[str, Any]) -> bytes:
        if "executions" in message:
            job = RereadJob(**message)
            for row in read_again(arms[cast("ArmName", job.arm)], setup.dsns[job.arm], job.executions, fresh=job.fresh):
                link.note(REREAD + encode_fields(row))
        else:
            run(TrialJob(**message))
        return b""

    def run(job: TrialJob) -> None:
        _, scenario = decode_scenario(job.scenario)
        companion = None if job.companion is None else decode_scenario(job.companion)[1]
        for name, position, execution_id in job.arms:
            link.note(BEGIN + name.encode("ascii"))
            record = arms[cast("ArmName", name)].run(scenario, UUID(execution_id), position, companion)
            journal = record.journal if record.again is None else record.again.journal or record.journal
            told = DIGEST_OF_NONE if journal is None or record.failure is not None else digest(journal)
            link.note(RECORD + told.encode("ascii") + encode_arm(job.number, scenario.id, record))

    link.serve(play)
    for arm in arms.values():
        arm.close()
