"""An engine and what is outside it, each shown as it is called and as it answers. Calls the engine."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from cutover.engines.api import (
    Activities,
    ActivityCall,
    ActivityResult,
    Clock,
    Engine,
    ExecutionRequest,
    Journal,
    LogSink,
    Signal,
)
from cutover.engines.errors import ActivityError
from cutover.harness.run.world.world import as_text

__all__ = ["Say", "ShownEngine", "ShownOutside", "clipped"]

Say: TypeAlias = "Callable[[str], None]"
"""Shows a line."""
_MOST: Final = 400


def clipped(text: str) -> str:
    """Returns a text with its middle left out where it is long."""
    if len(text) <= _MOST:
        return text
    return f"{text[: _MOST * 3 // 4]} ...({len(text) - _MOST:,} characters)... {text[-_MOST // 4 :]}"


class ShownOutside:
    """Activities, clock and log of an engine, which lead to others."""

    def __init__(self, activities: Activities, clock: Clock, log: LogSink, say: Say) -> None:
        self._activities, self._clock, self._log, self._say = activities, clock, log, say

    def call(self, call: ActivityCall) -> ActivityResult:
        """Shows the call and its answer."""
        key = "no key" if call.idempotency_key is None else f"key {call.idempotency_key}"
        self._say(f"  call    {call.step_id}: {call.activity}, attempt {call.attempt}, {key}")
        self._say(f"          input {clipped(as_text(call.input))}")
        try:
            result = self._activities.call(call)
        except ActivityError as error:
            again = "another attempt may help" if error.retryable else "no other attempt helps"
            self._say(f"  failed  {clipped(error.message)}; {again}")
            raise
        self._say(f"  answer  {clipped(as_text(result.output))}, by {', '.join(result.ports) or 'no port'}")
        return result

    def now(self) -> datetime:
        """Returns the time; it is asked so often that it is not shown."""
        return self._clock.now()

    def sleep_until(self, deadline: datetime) -> None:
        """Shows until when."""
        self._say(f"  sleep   until {deadline.isoformat()}")
        self._clock.sleep_until(deadline)

    def log(self, line: str, /) -> None:
        """Shows the line."""
        self._say(f"  log     {clipped(line)}")
        self._log(line)


class ShownEngine:
    """An engine whose commands are shown, and with its traceback whatever it raises."""

    def __init__(self, engine: Engine, say: Say) -> None:
        self._engine, self._say = engine, say

    @property
    def name(self) -> str:
        """Its name."""
        return self._engine.name

    def install(self) -> None:
        """Shows it."""
        with self._shown("install"):
            self._engine.install()

    def execute(self, request: ExecutionRequest) -> None:
        """Shows what is to be executed."""
        with self._shown(f"execute {request.workflow.id}, input {clipped(as_text(request.input))}"):
            self._engine.execute(request)

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Shows the signal, where there is one."""
        given = "" if signal is None else f" with signal {signal.id} {signal.name}: {clipped(as_text(signal.payload))}"
        with self._shown(f"resume{given}"):
            self._engine.resume(execution_id, signal)

    def cancel(self, execution_id: UUID) -> None:
        """Shows it."""
        with self._shown("cancel"):
            self._engine.cancel(execution_id)

    def journal(self, execution_id: UUID) -> Journal:
        """Shows what it tells of the execution and of each step."""
        with self._shown("journal"):
            journal = self._engine.journal(execution_id)
        if isinstance(journal, Journal):
            row = journal.execution
            self._say(f"  execution {row.status}, output {clipped(row.output or 'none')}, error {row.error or 'none'}")
            for step in journal.steps:
                self._say(
                    f"  step    {step.step_id} {step.status}, attempt {step.attempt}, by "
                    f"{', '.join(step.ports) or 'no port'}, output {clipped(step.output or 'none')}"
                )
        return journal

    def close(self) -> None:
        """Closes it."""
        self._engine.close()

    @contextmanager
    def _shown(self, command: str) -> Iterator[None]:
        self._say(command)
        try:
            yield
        except Exception as error:
            trace = getattr(error, "trace", None) or ""
            for line in f"{''.join(traceback.format_exception(error))}{trace}".splitlines():
                self._say(f"  {line}")
            raise
        self._say("  returned")
