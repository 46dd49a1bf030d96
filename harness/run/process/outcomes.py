"""What becomes of a job that was given to a child process. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from cutover.harness.errors import CutoverProblem
from cutover.harness.run.process.child import ChildExit

__all__ = ["JobAnswer", "JobFailure", "JobLost", "JobNote", "JobOutcome"]

_J_co = TypeVar("_J_co", covariant=True)


@dataclass(frozen=True, slots=True)
class JobNote(Generic[_J_co]):
    """News of a job that goes on."""

    job: _J_co
    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class JobAnswer(Generic[_J_co]):
    """A job is done."""

    job: _J_co
    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class JobFailure(Generic[_J_co]):
    """The child's code raised at a job, and waits for the next; `kinds` are the full names of the error's classes."""

    job: _J_co
    kinds: tuple[str, ...]
    message: str
    trace: str = field(repr=False)

    def kind(self, known: Iterable[type[CutoverProblem]]) -> type[CutoverProblem] | None:
        """Returns which of the known kinds of error it was."""
        return next((kind for kind in known if f"{kind.__module__}.{kind.__qualname__}" in self.kinds), None)

    def __str__(self) -> str:
        return f"{self.kinds[0].rpartition('.')[2]}: {self.message}"


@dataclass(frozen=True, slots=True)
class JobLost(Generic[_J_co]):
    """A child is gone, with its job where it had one: it was silent for too long, and was killed, or it died."""

    job: _J_co | None
    reason: Literal["timeout", "died"]
    exit: ChildExit


JobOutcome: TypeAlias = JobNote[_J_co] | JobAnswer[_J_co] | JobFailure[_J_co] | JobLost[_J_co]
