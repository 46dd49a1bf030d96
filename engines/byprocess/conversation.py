"""What is said to an engine's process and by it: its hello, and one command after another. Does I/O through it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from cutover.engines.api import ActivityCall, EngineContext, JsonText, JsonValue
from cutover.engines.byprocess.address import address_for_all
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.messages import (
    PROTOCOL,
    ActivityFault,
    AnswerMessage,
    CallMessage,
    CommandMessage,
    DoneMessage,
    HelloMessage,
    HelloReply,
    LogMessage,
    SleepMessage,
    ToEngine,
)
from cutover.engines.byprocess.process import EngineProcess
from cutover.engines.byprocess.settings import CommandSettings
from cutover.engines.byprocess.wire import read, written
from cutover.engines.errors import ActivityError, PayloadRefused
from cutover.engines.payloads import decode, encode

__all__ = ["Conversation", "Watch"]

Watch: TypeAlias = "Callable[[str, bytes], None]"
"""Is shown each line as it goes by, and `>` for one to the engine, `<` for one from it."""


class Conversation:
    """One process, greeted when this is made; `hello` is its answer.

    Whatever is asked raises BrokenProtocol or EngineGone, and what the activities raise that is no ActivityError; then
    it is over, and the process is ended by whoever had it.
    """

    def __init__(self, process: EngineProcess, settings: CommandSettings, context: EngineContext, watch: Watch) -> None:
        self._process, self._settings, self._context, self._watch = process, settings, context, watch
        self.hello = self._greeted()

    def ask(self, command: CommandMessage) -> DoneMessage:
        """Sends a command, serves what the engine asks for, and returns how it was done."""
        for line in self._process.unasked():
            self._take_unasked(line)
        self._send(command)
        while True:
            message = self._heard(self._settings.answer_timeout_s)
            match message:
                case CallMessage():
                    self._send(self._called(message))
                case SleepMessage():
                    self._context.clock.sleep_until(message.until)
                    self._send(AnswerMessage(id=message.id, now=self._context.clock.now()))
                case DoneMessage() if message.id == command.id:
                    return message
                case DoneMessage() if message.id < command.id:
                    raise BrokenProtocol(f"it answered command {message.id} twice")
                case DoneMessage():
                    raise BrokenProtocol(f"it answered command {message.id}, which it was not sent")
                case HelloReply():
                    raise BrokenProtocol("it said hello twice")

    def _greeted(self) -> HelloReply:
        dsn = address_for_all(self._context.dsn) if self._context.dsn else None
        self._send(HelloMessage(protocol=PROTOCOL, dsn=dsn, now=self._context.clock.now()))
        message = self._heard(self._settings.ready_timeout_s)
        if not isinstance(message, HelloReply):
            raise BrokenProtocol(f"it answered `hello` with `{message.op}`")
        if message.protocol != PROTOCOL:
            raise BrokenProtocol(f"it speaks version {message.protocol} of the protocol; {PROTOCOL} is spoken here")
        return message

    def _called(self, message: CallMessage) -> AnswerMessage:
        try:
            call = ActivityCall(
                execution_id=message.execution_id,
                step_id=message.step_id,
                activity=message.activity,
                attempt=message.attempt,
                idempotency_key=message.idempotency_key,
                input=_decoded(message.input, "the input of its call"),
            )
            result = self._context.activities.call(call)
            output = encode(result.output)
        except ActivityError as error:
            return self._answer(message, error=ActivityFault(message=error.message, retryable=error.retryable))
        except PayloadRefused as error:
            return self._answer(message, error=ActivityFault(message=str(error), retryable=False))
        return self._answer(message, output=output, ports=result.ports)

    def _answer(
        self,
        message: CallMessage,
        *,
        output: JsonText | None = None,
        ports: tuple[str, ...] | None = None,
        error: ActivityFault | None = None,
    ) -> AnswerMessage:
        return AnswerMessage(id=message.id, now=self._context.clock.now(), output=output, ports=ports, error=error)

    def _take_unasked(self, line: bytes) -> None:
        self._watch("<", line)
        message = read(line)
        match message:
            case LogMessage():
                self._context.log(message.line)
            case DoneMessage():
                raise BrokenProtocol(f"it answered command {message.id} twice")
            case _:
                raise BrokenProtocol(f"it sent `{message.op}` while no command was under way")

    def _send(self, message: ToEngine) -> None:
        line = written(message)
        self._watch(">", line)
        self._process.send(line, self._settings.answer_timeout_s)

    def _heard(self, within_s: float) -> CallMessage | SleepMessage | DoneMessage | HelloReply:
        """Returns what is said within that time other than logs, however much is logged meanwhile."""
        until, but = time.monotonic() + within_s, ""
        while True:
            line = self._process.receive(until, within_s, but)
            self._watch("<", line)
            message = read(line)
            if not isinstance(message, LogMessage):
                return message
            self._context.log(message.line)
            but = " but logs"
            if time.monotonic() > until:
                raise EngineGone(f"its process says nothing{but} for {within_s:g} s")


def _decoded(text: JsonText, what: str) -> JsonValue:
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise BrokenProtocol(f"{what} is not JSON: {error}") from error
