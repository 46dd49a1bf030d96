"""Workers that share a list of trials: passes on what becomes of each arm, also where a worker is lost. Does I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from cutover.harness.errors import EnvironmentProblem, OtherSources
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.lifetime import Closing, killed_from_outside
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost, JobNote
from cutover.harness.run.trials.worker import BEGIN, RECORD, REFUSED, REREAD, RereadJob, Setup, TrialJob

__all__ = ["DIGEST", "LostArm", "Pool", "RecordedArm", "RefusedArm"]

_FAILED_STARTS = 3
DIGEST = 64
"""Characters of a journal's digest, in front of its arm's record."""


@dataclass(frozen=True, slots=True)
class RecordedArm:
    """An arm has its record, as a line of `cutover.harness.store.lines`; `digest` is that of its journal."""

    number: int
    arm: str
    line: bytes = field(repr=False)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LostArm:
    """An arm has none: its worker ran past the deadline or died, and `message` says how."""

    number: int
    arm: str
    kind: Literal["timeout", "died"]
    message: str


@dataclass(frozen=True, slots=True)
class RefusedArm:
    """The server or the system refused something in the middle of an arm, whose end is told apart from this.

    `arm` is empty where it was the harness itself that was refused.
    """

    arm: str
    what: str


class Pool(Closing):
    """At most `workers` processes; an arm may take `deadline_s` of real time. `sources` are those of `ChildProgram`."""

    def __init__(self, setup: Setup, *, workers: int, deadline_s: float, sources: Mapping[str, str]) -> None:
        self._deadline_s = deadline_s
        program = ChildProgram(
            "cutover.harness.run.trials.worker:main", asdict(setup), keeps_errors=True, sources=sources
        )
        self._executor = Executor[Any]([program] * workers, lambda job, _told: asdict(job), silence_s=deadline_s)
        self._running: dict[int, str] = {}
        self._over: dict[int, set[str]] = {}
        """Of the trials under way: the arm that is running, and those that are over."""
        self._failed_starts = 0

    def run(self, jobs: Iterable[TrialJob]) -> Iterator[RecordedArm | LostArm | RefusedArm]:
        """Yields what becomes of every arm of every job, and what is refused to them.

        Raises EnvironmentProblem where workers do not start, or somebody kills one in the middle of an arm, and
        OtherSources where one would run other sources than those on record.
        """
        for outcome in self._executor.run(jobs):
            match outcome:
                case JobNote(job, line) if line[:1] == BEGIN:
                    self._failed_starts = 0
                    self._running[job.number] = line[1:].decode("ascii")
                case JobNote(job, line) if line[:1] == RECORD:
                    arm = self._running.pop(job.number)
                    self._over.setdefault(job.number, set()).add(arm)
                    yield RecordedArm(job.number, arm, line[1 + DIGEST :], line[1 : 1 + DIGEST].decode("ascii"))
                case JobNote(_, line) if line[:1] == REFUSED:
                    yield _refused(line)
                case JobAnswer(job):
                    self._over.pop(job.number, None)
                case JobFailure(message=message):
                    raise OtherSources(message)
                case JobLost():
                    yield from self._lost(outcome)

    def read_again(self, jobs: Iterable[RereadJob]) -> Iterator[bytes | RefusedArm | RereadJob]:
        """Yields a line for each execution that was read again, each job in which a worker was lost, and refusals."""
        for outcome in self._executor.run(jobs):
            match outcome:
                case JobNote(_, line) if line[:1] == REREAD:
                    yield line[1:]
                case JobNote(_, line) if line[:1] == REFUSED:
                    yield _refused(line)
                case JobLost(job=job) if isinstance(job, RereadJob):
                    yield job

    def close(self) -> None:
        """Ends every worker at once."""
        self._executor.close()

    def _lost(self, lost: JobLost[TrialJob]) -> Iterator[LostArm]:
        """Takes note of the arm at which a worker was lost; those that it had not begun wait for another worker."""
        job = lost.job
        arm = None if job is None else self._running.pop(job.number, None)
        if job is None or arm is None:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise EnvironmentProblem(
                    f"worker processes end before they begin ({lost.exit}); mend that and run again"
                )
        elif lost.exit.killed_from_outside:
            raise killed_from_outside(f"a worker process, at trial {job.number}, {arm},", -lost.exit.status)
        if job is None:
            return
        over = self._over.pop(job.number, set()) | {arm}
        if left := [each for each in job.arms if each[0] not in over]:
            self._executor.put_back(replace(job, arms=left))
        if arm is not None:
            late = f"no return within {self._deadline_s:g} s"
            yield LostArm(job.number, arm, lost.reason, late if lost.reason == "timeout" else str(lost.exit))


def _refused(line: bytes) -> RefusedArm:
    arm, _, what = line[1:].decode("ascii").partition(" ")
    return RefusedArm(arm, what)
