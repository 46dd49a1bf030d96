"""Runner processes, and the requests that they answer, alone or sharing them out among themselves. Does I/O."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from cutover.engines.byprocess.hosting import unkillable
from cutover.engines.registry import resolve, sources_of
from cutover.harness.errors import CutoverProblem, EnvironmentProblem, OtherSources
from cutover.harness.record.cases import CrashCase
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.lifetime import Closing, killed_from_outside
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost, JobOutcome
from cutover.harness.run.world.engine import EngineProblem
from cutover.scenarios.files import dumps
from cutover.scenarios.model import Scenario

__all__ = ["CaseJob", "Runner", "RunnerProblem", "Runners"]

_PASSED_ON: Final = (EngineProblem, EnvironmentProblem)
_J = TypeVar("_J")


class RunnerProblem(CutoverProblem):
    """A runner process failed at what it was asked, a fault of the harness or of the machine, not of the engine."""


@dataclass(frozen=True, slots=True)
class CaseJob:
    """One thing to play: a case, or with None the baseline of its scenario; its place among the cases is known.

    `number` counts them from 1; `heard` is how many had ended when this one was drawn.
    """

    scenario: Scenario
    case: CrashCase | None
    execution_id: uuid.UUID
    number: int = 0
    heard: int = 0

    def __str__(self) -> str:
        return str(self.case or self.scenario.id)


class Runners(Closing):
    """Runner processes for one engine, one for each of the databases; a context manager that leaves none behind.

    `dsns` are databases in which the engine is installed, and where nobody else works. With a `template`, the URL of
    the server and the name of a database there in which nothing has run, a runner makes its own anew before each job,
    as a copy of that. `deadline_s` is real time for one command, `takeover_s` how
    far the virtual clock moves after a death. `restart` stops the server with immediate and starts it again; it is
    called by jobs played alone. `digest` is that on record of the engine's sources, and that of now where None.
    Raises EngineProblem for an engine that cannot be killed.
    """

    def __init__(
        self,
        engine: str,
        dsns: Sequence[str],
        *,
        deadline_s: float,
        takeover_s: float,
        restart: Callable[[], None] | None = None,
        digest: str | None = None,
        template: tuple[str, str] | None = None,
    ) -> None:
        self._restart = restart
        handler = "cutover.harness.run.crash.handler"
        programs = [_program(handler, engine, dsn, deadline_s, takeover_s, digest, template) for dsn in dsns]
        self._executor = Executor[CaseJob](programs, _message, on_question=self._asked)

    @property
    def restarts(self) -> bool:
        """Whether cases may restart the server."""
        return self._restart is not None

    def play(
        self, jobs: Iterable[CaseJob], *, alone: bool = False, until: float | None = None
    ) -> Iterator[tuple[CaseJob, bytes]]:
        """Yields each job with its answer, as they finish; `alone` one after another.

        None is begun after `until` (the monotonic clock, s), nor once the caller stops listening. Raises RunnerProblem,
        EngineProblem or EnvironmentProblem, which name the job, and OtherSources.
        """
        for outcome in self._executor.run(_until(jobs, until), most=1 if alone else None):
            line = _answer(outcome, str(outcome.job or "its start"))
            if line is not None and outcome.job is not None:
                yield outcome.job, line

    def close(self) -> None:
        """Ends the processes; their hosts die with them."""
        self._executor.close()

    def _asked(self, _question: bytes) -> None:
        if self._restart is not None:
            self._restart()


class Runner(Closing):
    """One runner process that answers requests one by one; `handler` is the module that answers them there.

    The other arguments are those of `Runners`.
    """

    def __init__(self, handler: str, engine: str, dsn: str, *, deadline_s: float, takeover_s: float) -> None:
        self._executor = Executor[Mapping[str, object]](
            [_program(handler, engine, dsn, deadline_s, takeover_s)], lambda request, _told: request
        )

    def ask(self, request: Mapping[str, object], what: str) -> bytes:
        """Returns the answer, a line.

        Raises RunnerProblem, EngineProblem or EnvironmentProblem, which name `what` was asked.
        """
        answers = [_answer(outcome, what) for outcome in self._executor.run([request])]
        return answers[-1] or b""

    def close(self) -> None:
        """Ends the process, which first ends all that it began."""
        self._executor.close()


def _program(  # noqa: PLR0917 - as its callers' arguments
    handler: str,
    engine: str,
    dsn: str,
    deadline_s: float,
    takeover_s: float,
    digest: str | None = None,
    template: tuple[str, str] | None = None,
) -> ChildProgram:
    if fault := unkillable(resolve(engine)):
        raise EngineProblem(fault)
    settings = {
        "handler": handler,
        "engine": engine,
        "dsn": dsn,
        "deadline_s": deadline_s,
        "takeover_s": takeover_s,
        "template": template,
    }
    sources = sources_of(engine) if digest is None else {engine: digest}
    return ChildProgram("cutover.harness.run.crash.runner:main", settings, unwinds=True, sources=sources)


def _message(job: CaseJob, told: set[str]) -> Mapping[str, object]:
    """Returns what a runner is sent; the scenario's text goes along the first time."""
    message: dict[str, Any] = {"id": job.scenario.id, "execution_id": str(job.execution_id)}
    if job.scenario.id not in told:
        message["scenario"] = dumps(job.scenario)
        told.add(job.scenario.id)
    if job.case is not None:
        message["case"] = str(job.case)
    return message


def _until(jobs: Iterable[CaseJob], until: float | None) -> Iterator[CaseJob]:
    source = iter(jobs)
    while (until is None or time.monotonic() < until) and (job := next(source, None)) is not None:
        yield job


def _answer(outcome: JobOutcome[_J], what: str) -> bytes | None:
    """Returns the answer in an outcome, or raises what it tells of."""
    match outcome:
        case JobAnswer():
            return outcome.line
        case JobFailure():
            if outcome.kind((OtherSources,)):
                raise OtherSources(outcome.message)
            if kind := outcome.kind(_PASSED_ON):
                raise kind(f"{what}: {outcome.message}")
            raise RunnerProblem(f"{what}: the harness failed: {outcome}", *outcome.trace.splitlines())
        case JobLost():
            if outcome.exit.killed_from_outside:
                raise killed_from_outside(f"a runner process, at {what},", -outcome.exit.status)
            raise RunnerProblem(f"the runner process ended at {what}; its last words are on stderr; run it again")
    return None
