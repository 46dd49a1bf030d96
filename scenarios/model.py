"""A scenario: a workflow, its input, and all that the outside world does while it runs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cutover.engines.api import Payload, StepStatus, Workflow
from cutover.scenarios.origin import ORIGIN

__all__ = ["SCHEMA_VERSION", "PlannedSignal", "Recorded", "RecordedStep", "Response", "Scenario"]

SCHEMA_VERSION = 1
_STRICT: dict[str, str] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the world answers to one attempt.

    With `error` the attempt fails; `retryable` says whether another may help. `effect` says whether the call changes
    the outside world; by default a success does and an error does not (an error with an effect is the request that
    was carried out and whose answer was lost). With `echo` the output is `{"value": output, "input": digest}` where
    digest is the first 16 hex digits of the SHA-256 of the input's canonical JSON, so that what a step was given
    shows in all that follows it. `takes_ms` of virtual time pass before the answer, less than a lease lasts.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    output: Payload = None
    ports: tuple[str, ...] = ("out",)
    error: str | None = None
    retryable: bool = True
    effect: bool | None = None
    echo: bool = False
    takes_ms: Annotated[int, Field(ge=0, le=20_000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSignal:
    """A signal that the harness delivers at the first pause at which a wait of this name is paused.

    Signals are delivered one a pause, in list order among those that some paused wait awaits; only when none is
    awaited does the clock move on to the earliest timer.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    name: str
    payload: Payload = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One step as production recorded it; `order` counts from 0 in the order in which they started."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    step_id: str
    order: int
    status: StepStatus
    output: Payload = None
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What production did with this workflow and input."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    source: str
    status: Literal["completed", "failed", "cancelled", "running"]
    steps: tuple[RecordedStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing to run on every engine.

    `world` maps a step to its responses, one an attempt (the last serves all attempts after it). A call looks for its
    step_id (`ship`, `each[2]/reserve`), then its path without iterations (`each/reserve`), then its activity's name.
    `origin` says where it comes from: `catalog`, `generated`, or what an importer or a recorder calls itself.
    `cancel_at_pause` cancels the execution at its n-th pause, n from 1, instead of delivering anything.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    id: str
    workflow: Workflow
    schema_version: Literal[1] = 1
    title: str = ""
    origin: Annotated[str, Field(pattern=ORIGIN)] = "catalog"
    tags: tuple[str, ...] = ()
    input: Payload = None
    world: Mapping[str, Annotated[tuple[Response, ...], Field(min_length=1)]] = field(default_factory=dict)
    signals: tuple[PlannedSignal, ...] = ()
    cancel_at_pause: Annotated[int, Field(ge=1)] | None = None
    recorded: Recorded | None = None
