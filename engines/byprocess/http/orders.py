"""The bodies of what is posted to a service and by it, beside those of the protocol of lines. Types only, pure.

`docs/http.md` is the specification. The first line of each docstring is the schema's description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from pydantic import AwareDatetime

from cutover.engines.byprocess.messages import CommandMessage
from cutover.engines.byprocess.rows import Instant

__all__ = ["STATUSES", "LogLine", "ServiceOrder", "SleepOver", "SleepUntil"]

_STRICT: dict[str, str] = {"extra": "forbid"}
STATUSES: Final = {
    "UnknownExecution": 404,
    "ExecutionHeld": 409,
    "LeaseLost": 409,
    "PayloadRefused": 422,
    "WorkflowRefused": 422,
}
"""The HTTP status of an error of the contract; that of any other is 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOrder:
    """A command to a service, the database that it is for, and the URL below which activities are called meanwhile."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    protocol: int
    dsn: str
    outside: str
    command: CommandMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepUntil:
    """Answer when the clock shows this time; in virtual time that is at once."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepOver:
    """The time, which has reached what was asked for."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    now: AwareDatetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the engine's log."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    line: str
