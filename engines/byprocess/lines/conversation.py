"""What is said to an engine's process and by it, line by line: its hello, then its commands. Does I/O through it."""

from __future__ import annotations

import time
from collections import deque
from typing import TypeAlias

from cutover.engines.api import EngineContext
from cutover.engines.byprocess.address import address_for_all
from cutover.engines.byprocess.dialogue import Watch
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.lines.process import EngineProcess
from cutover.engines.byprocess.messages import (
    PROTOCOL,
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
from cutover.engines.byprocess.serving import answered
from cutover.engines.byprocess.settings import EngineSettings
from cutover.engines.byprocess.started import EngineProgram
from cutover.engines.byprocess.wire import read, written

__all__ = ["Conversation"]

_Heard: TypeAlias = CallMessage | SleepMessage | DoneMessage | HelloReply


class Conversation:
    """A `Dialogue` by lines with a process of `program`, the one that was begun where there is one."""

    def __init__(
        self,
        settings: EngineSettings,
        program: EngineProgram,
        context: EngineContext,
        watch: Watch,
        *,
        hosted: bool,
        begun: EngineProcess | None = None,
    ) -> None:
        self._settings, self._program, self._context, self._watch = settings, program, context, watch
        self._hosted, self._started = hosted, begun
        self._waiting: deque[_Heard] = deque()

    def greet(self) -> HelloReply:
        """Starts the process and greets it."""
        if self._started is None:
            self._started = EngineProcess(self._program, hosted=self._hosted)
        dsn = address_for_all(self._context.dsn) if self._context.dsn else None
        self._send(HelloMessage(protocol=PROTOCOL, dsn=dsn, now=self._context.clock.now()))
        message = self._heard(self._settings.ready_timeout_s)
        if not isinstance(message, HelloReply):
            raise BrokenProtocol(f"it answered `hello` with `{message.op}`")
        if message.protocol != PROTOCOL:
            raise BrokenProtocol(f"it speaks version {message.protocol} of the protocol; {PROTOCOL} is spoken here")
        return message

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

    def kill(self) -> None:
        """Ends the process at once."""
        if self._started is not None:
            self._started.kill()

    def _serve(self, message: CallMessage | SleepMessage) -> None:
        """Answers it; what comes until the answer is sent was sent while it was open, and waits."""
        if isinstance(message, CallMessage):
            answer = answered(self._context, message)
        else:
            self._context.clock.sleep_until(message.until)
            answer = AnswerMessage(id=message.id, now=self._context.clock.now())
        self._take_what_has_come()
        for each in self._waiting:
            if isinstance(each, CallMessage | SleepMessage) and each.id == message.id:
                raise BrokenProtocol(f"it sent `{each.op}` with the id {each.id}, which is open already")
        self._send(answer)

    def end(self) -> None:
        """Ends it by the end of its input, and what does not end by that with a signal."""
        if self._started is not None:
            self._started.end()

    @property
    def _process(self) -> EngineProcess:
        if self._started is None:
            raise EngineGone("its process has not been started")
        return self._started

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
