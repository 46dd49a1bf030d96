"""What is said to an engine's process and by it: its hello, and one command after another. Does I/O through it."""

from __future__ import annotations

import time
from collections import deque
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

_Heard: TypeAlias = CallMessage | SleepMessage | DoneMessage | HelloReply
Watch: TypeAlias = "Callable[[str, bytes], None]"
"""Is shown each line as it goes by, and `>` for one to the engine, `<` for one from it."""


class Conversation:
    """One process, greeted when this is made; `hello` is its answer.

    Whatever is asked raises BrokenProtocol or EngineGone, and what the activities raise that is no ActivityError; then
    it is over, and the process is ended by whoever had it.
    """

    def __init__(self, process: EngineProcess, settings: CommandSettings, context: EngineContext, watch: Watch) -> None:
        self._process, self._settings, self._context, self._watch = process, settings, context, watch
        self._waiting: deque[_Heard] = deque()
        self.hello = self._greeted()

    def ask(self, command: CommandMessage) -> DoneMessage:
        """Sends a command, serves what the engine asks for, and returns how it was done."""
        self._take_what_has_come()
        if self._waiting:
            raise BrokenProtocol(_unasked(self._waiting[0]))
        self._send(command)
        while True:
            message = self._waiting.popleft() if self._waiting else self._heard(self._settings.answer_timeout_s)
            match message:
                case CallMessage() | SleepMessage():
                    self._serve(message)
                case DoneMessage() if message.id == command.id:
                    return _fitting(message, command)
                case DoneMessage() if message.id < command.id:
                    raise BrokenProtocol(f"it answered command {message.id} twice")
                case DoneMessage():
                    raise BrokenProtocol(f"it answered command {message.id}, which it was not sent")
                case HelloReply():
                    raise BrokenProtocol("it said hello twice")

    def _serve(self, message: CallMessage | SleepMessage) -> None:
        """Answers it; what comes until the answer is sent was sent while it was open, and waits."""
        if isinstance(message, CallMessage):
            answer = self._called(message)
        else:
            self._context.clock.sleep_until(message.until)
            answer = AnswerMessage(id=message.id, now=self._context.clock.now())
        self._take_what_has_come()
        for each in self._waiting:
            if isinstance(each, CallMessage | SleepMessage) and each.id == message.id:
                raise BrokenProtocol(f"it sent `{each.op}` with the id {each.id}, which is open already")
        self._send(answer)

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

    def _take_what_has_come(self) -> None:
        for line in self._process.unasked():
            if (heard := self._taken(line)) is not None:
                self._waiting.append(heard)

    def _send(self, message: ToEngine) -> None:
        line = written(message)
        self._watch(">", line)
        self._process.send(line, self._settings.answer_timeout_s)

    def _heard(self, within_s: float) -> _Heard:
        """Returns what is said within that time other than logs, however much is logged meanwhile."""
        until, but = time.monotonic() + within_s, ""
        while True:
            message = self._taken(self._process.receive(until, within_s, but))
            if message is not None:
                return message
            but = " but logs"
            if time.monotonic() > until:
                raise EngineGone(f"its process says nothing{but} for {within_s:g} s")

    def _taken(self, line: bytes) -> _Heard | None:
        """Returns a line's message, or None for that of a log, which is passed on."""
        self._watch("<", line)
        message = read(line)
        if isinstance(message, LogMessage):
            self._context.log(message.line)
            return None
        return message


def _unasked(message: _Heard) -> str:
    if isinstance(message, DoneMessage):
        return f"it answered command {message.id} twice"
    return f"it sent `{message.op}` while no command was under way"


def _fitting(done: DoneMessage, command: CommandMessage) -> DoneMessage:
    """Returns the `done` of a command; only that of `journal` has a result, and none beside an error."""
    if done.result is not None and (command.op != "journal" or done.error is not None):
        beside = " and an error" if done.error is not None else "; only `journal` has one"
        raise BrokenProtocol(f"it answered `{command.op}` with a result{beside}")
    return done


def _decoded(text: JsonText, what: str) -> JsonValue:
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise BrokenProtocol(f"{what} is not JSON: {error}") from error
