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
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.reread import DIGEST_OF_NONE, digest, read_again
from cutover.harness.store.lines import decode_scenario, encode_arm, encode_fields

__all__ = ["BEGIN", "RECORD", "REFUSED", "REREAD", "RereadJob", "Setup", "TrialJob", "main"]

BEGIN, RECORD, REREAD, REFUSED = b"B", b"R", b"L", b"X"
"""The first byte of a note to the parent: an arm begins; an arm's record follows, behind the digest of its journal; an
execution that was read again; what the server or the system refused, behind the arm's name and a space. The name is
empty where the harness itself was refused."""


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
    worker = _Worker(link)
    link.serve(worker.play)
    worker.close()


class _Worker:
    """All arms, and the line to the parent."""

    def __init__(self, link: ParentLink) -> None:
        setup = self._setup = Setup(**link.setup)
        self._link = link
        self._arms = {name: Arm(name, resolve(setup.specs[role(name)]), setup.dsns[name]) for name in ARMS}

    def play(self, message: dict[str, Any]) -> bytes:
        """Does a job; the answer is empty."""
        try:
            if "executions" in message:
                self._read(RereadJob(**message))
            else:
                self._run(TrialJob(**message))
        except Exception as error:  # an engine's errors are outcomes by now, so this is the harness's own
            self._tell("", refusal_of(error))
            raise
        return b""

    def close(self) -> None:
        """Closes every arm."""
        for arm in self._arms.values():
            arm.close()

    def _read(self, job: RereadJob) -> None:
        arm = self._arms[cast("ArmName", job.arm)]
        for row in read_again(arm, self._setup.dsns[job.arm], job.executions, fresh=job.fresh):
            if row.failure is not None:
                self._tell(job.arm, row.failure.refused)
            self._link.note(REREAD + encode_fields(row))

    def _run(self, job: TrialJob) -> None:
        _, scenario = decode_scenario(job.scenario)
        companion = None if job.companion is None else decode_scenario(job.companion)[1]
        for name, position, execution_id in job.arms:
            self._link.note(BEGIN + name.encode("ascii"))
            record = self._arms[cast("ArmName", name)].run(scenario, UUID(execution_id), position, companion)
            for failure in (record.failure, *(each.failure for each in record.companions)):
                if failure is not None:
                    self._tell(name, failure.refused)
            journal = record.journal if record.again is None else record.again.journal or record.journal
            told = DIGEST_OF_NONE if journal is None or record.failure is not None else digest(journal)
            self._link.note(RECORD + told.encode("ascii") + encode_arm(job.number, scenario.id, record))

    def _tell(self, arm: str, refused: str) -> None:
        """Tells what was refused, if anything was."""
        if refused:
            self._link.note(REFUSED + f"{arm} {refused}".encode("ascii", "backslashreplace"))
