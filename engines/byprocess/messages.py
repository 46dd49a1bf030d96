"""The messages of the protocol between the harness and an engine in a process of its own. Types only, pure.

`docs/protocol.md` is the specification; its JSON Schema is made from these types. A payload is JSON as text inside a
string, so that no language on the way rounds a number. The first line of each docstring is the schema's description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime, Field, StrictInt

from cutover.engines.api import JsonText, Workflow
from cutover.engines.byprocess.rows import Instant, JournalDocument

__all__ = [
    "PROTOCOL",
    "ActivityFault",
    "AnswerMessage",
    "CallMessage",
    "CancelMessage",
    "CommandMessage",
    "DoneMessage",
    "EngineFault",
    "ExecuteMessage",
    "FromEngine",
    "HelloMessage",
    "HelloReply",
    "InstallMessage",
    "JournalMessage",
    "LogMessage",
    "ResumeMessage",
    "SignalDocument",
    "SleepMessage",
    "ToEngine",
]

PROTOCOL: Final = 1
"""The version of the protocol that is spoken here."""
_STRICT: dict[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloMessage:
    """The first line to the engine. `dsn` is null where the engine is only asked its name: it must not connect."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    protocol: int
    dsn: str | None
    now: AwareDatetime
    op: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallMessage:
    """Create the engine's tables; idempotent."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    op: Literal["install"] = "install"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteMessage:
    """Start an execution, or go on where it exists, until it ends or only waits are left. `input` is JSON as text.

    Every key of the workflow is there, also where it has its default; a condition's case has its `value` as JSON text.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    execution_id: UUID
    workflow: Workflow
    input: JsonText
    metadata: Mapping[str, str]
    op: Literal["execute"] = "execute"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDocument:
    """What a wait may be waiting for; `payload` is JSON as text."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    name: str
    payload: JsonText


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeMessage:
    """Go on after a crash, a timer or, where there is one, with a signal."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    execution_id: UUID
    signal: SignalDocument | None
    op: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelMessage:
    """End the execution as cancelled."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    execution_id: UUID
    op: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalMessage:
    """Read back what is committed of the execution: the `result` of its `done`."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    execution_id: UUID
    op: Literal["journal"] = "journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFault:
    """Why an activity failed; where it is not retryable another attempt cannot help, whatever the policy says."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    message: str
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMessage:
    """The answer to a `call` or `sleep` of that id.

    To a `call`: either `error`, or `output`, JSON as text, and the ports by which the step leaves. To a `sleep`: the
    time alone, which has then reached what was asked for.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: int
    now: AwareDatetime
    output: JsonText | None = None
    ports: tuple[str, ...] | None = None
    error: ActivityFault | None = None
    op: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelloReply:
    """The first line from the engine: the protocol that it speaks, its name, and what it offers.

    Without `capabilities` it offers everything.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    protocol: StrictInt
    name: Annotated[str, Field(min_length=1, max_length=200)]
    capabilities: tuple[str, ...] | None = None
    op: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMessage:
    """Do this activity. `id` is of no other `call` or `sleep` that is open; `input` is JSON as text."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: StrictInt
    execution_id: UUID
    step_id: str
    activity: str
    attempt: Annotated[StrictInt, Field(ge=1)]
    input: JsonText
    idempotency_key: str | None = None
    op: Literal["call"] = "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepMessage:
    """Answer when the clock shows `until`; in virtual time that is at once."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: StrictInt
    until: Instant
    op: Literal["sleep"] = "sleep"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMessage:
    """One line of the engine's log; it is not answered."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    line: str
    op: Literal["log"] = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFault:
    """Why a command failed. `type` is the contract's name where it has one for it, else the engine's own.

    `sqlstate` is what Postgres said, if it said something; `trace` is the traceback, which `cutover try` shows.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    type: Annotated[str, Field(min_length=1)]
    message: str
    sqlstate: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneMessage:
    """The command of that id has returned, or failed where there is an `error`. Only `journal` has a result."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: StrictInt
    result: JournalDocument | None = None
    error: EngineFault | None = None
    op: Literal["done"] = "done"


CommandMessage: TypeAlias = InstallMessage | ExecuteMessage | ResumeMessage | CancelMessage | JournalMessage
ToEngine: TypeAlias = Annotated[HelloMessage | CommandMessage | AnswerMessage, Field(discriminator="op")]
FromEngine: TypeAlias = Annotated[
    HelloReply | CallMessage | SleepMessage | LogMessage | DoneMessage, Field(discriminator="op")
]
