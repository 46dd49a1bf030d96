"""What is said to an engine's process and by it, line by line: its hello, then its commands. Does I/O through it."""

from __future__ import annotations

import time

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
        for line in self._process.unasked():
            self._take_unasked(line)
        self._send(command)
        while True:
            message = self._heard(self._settings.answer_timeout_s)
            match message:
                case CallMessage():
                    self._send(answered(self._context, message))
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

    def kill(self) -> None:
        """Ends the process at once."""
        if self._started is not None:
            self._started.kill()

    def end(self) -> None:
        """Ends it by the end of its input, and what does not end by that with a signal."""
        if self._started is not None:
            self._started.end()

    @property
    def _process(self) -> EngineProcess:
        if self._started is None:
            raise EngineGone("its process has not been started")
        return self._started

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
