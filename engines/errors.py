"""The base of every error that Cutover raises, and the errors an engine may raise. Pure."""

from __future__ import annotations

__all__ = [
    "ActivityError",
    "CutoverError",
    "EngineError",
    "ExecutionHeld",
    "InvalidTransition",
    "LeaseLost",
    "PayloadRefused",
    "UnknownExecution",
    "WorkflowRefused",
]


class CutoverError(Exception):
    """Base of every error that Cutover raises on purpose; the message says what is wrong, where, and what to do.

    A message of several lines is given as `lines`. A line break inside one of them came from outside, and is shown
    as an escape.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(map(str, lines)))
        self.lines = lines


class EngineError(CutoverError):
    """An engine could not do what it was asked."""


class ExecutionHeld(EngineError):
    """Another worker holds the execution's lease, so this one did nothing. Try again when the lease has run out."""


class InvalidTransition(EngineError):
    """A status change that the table of transitions does not list."""


class LeaseLost(EngineError):
    """Another worker took the execution over; this worker's last write changed nothing. Drop the execution."""


class PayloadRefused(EngineError):
    """A value that JSON in Postgres cannot carry unchanged; the message names the path inside it and the rule."""


class UnknownExecution(EngineError):
    """No execution has that id. Start it with `execute` first."""


class WorkflowRefused(EngineError):
    """A workflow that breaks a rule of its language; the message names the node or edge and the rule."""


class ActivityError(CutoverError):
    """What an activity raises when the outside world refuses.

    `retryable` is False when another attempt cannot help, whatever the retry policy says.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
