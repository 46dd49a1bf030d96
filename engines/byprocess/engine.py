"""An engine of the contract whose work is done outside, by a process of its own or a service. Does I/O through it.

It starts with the first use and says `hello`. Where it has broken the protocol or is gone, the command fails, and the
next one starts another: as a worker that is started again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cutover.engines.api import EngineContext, ExecutionRequest, Journal, Signal
from cutover.engines.byprocess.dialogue import Dialogue
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.byprocess.messages import (
    CancelMessage,
    CommandMessage,
    DoneMessage,
    EngineFault,
    ExecuteMessage,
    HelloReply,
    InstallMessage,
    JournalMessage,
    ResumeMessage,
    SignalDocument,
)
from cutover.engines.byprocess.rows import journal_of
from cutover.engines.byprocess.settings import EngineSettings
from cutover.engines.byprocess.tables.mapping import PartMapping
from cutover.engines.errors import (
    EngineError,
    ExecutionHeld,
    InvalidTransition,
    LeaseLost,
    PayloadRefused,
    UnknownExecution,
    WorkflowRefused,
)
from cutover.engines.payloads import encode

if TYPE_CHECKING:
    from cutover.engines.byprocess.tables.reader import MappedTables

__all__ = ["ForeignEngine", "ForeignError"]

_TYPES: Final = {
    kind.__name__: kind
    for kind in (
        EngineError,
        ExecutionHeld,
        InvalidTransition,
        LeaseLost,
        PayloadRefused,
        UnknownExecution,
        WorkflowRefused,
    )
}


class ForeignError(EngineError):
    """An error of the engine's own, from its process; `sqlstate` and `trace` are what it said with it."""

    def __init__(self, fault: EngineFault) -> None:
        super().__init__(f"{fault.type}: {fault.message}")
        self.sqlstate, self.trace = fault.sqlstate, fault.trace


class ForeignEngine:
    """The engine; `cutover.engines.api.Engine`.

    `open_` makes a dialogue with one more process or service of it; the first may have `begun` already.
    """

    def __init__(
        self,
        settings: EngineSettings,
        context: EngineContext,
        open_: Callable[[], Dialogue],
        begun: Dialogue | None = None,
    ) -> None:
        self._settings, self._context, self._open, self._begun = settings, context, open_, begun
        self._dialogue: Dialogue | None = None
        self._hello: HelloReply | None = None
        self._sent = 0
        self._busy = False
        self._reader: ForeignEngine | None = None
        self._mapped: MappedTables | None = None

    @property
    def name(self) -> str:
        """The name that it says hello with."""
        return self._greeted().name

    @property
    def capabilities(self) -> frozenset[str] | None:
        """What it offers, by `cutover.toml` or its hello; None where neither says so."""
        declared = self._settings.capabilities
        said = self._greeted().capabilities if declared is None else declared
        return None if said is None else frozenset(said)

    def install(self) -> None:
        """Has it create its tables. Raises BadEngineSettings where its mapping names what is not there then."""
        self._ask(lambda number, now: InstallMessage(id=number, now=now))
        if self._settings.tables is not None:
            self._tables(self._settings.tables).check()

    def execute(self, request: ExecutionRequest) -> None:
        """Has it drive the execution. Raises PayloadRefused for an input that is not JSON."""
        given = encode(request.input)
        self._ask(
            lambda number, now: ExecuteMessage(
                id=number,
                now=now,
                execution_id=request.execution_id,
                workflow=request.workflow,
                input=given,
                metadata=dict(request.metadata),
            )
        )

    def resume(self, execution_id: UUID, signal: Signal | None = None) -> None:
        """Has it go on. Raises PayloadRefused for a signal's payload that is not JSON."""
        sent = (
            None if signal is None else SignalDocument(id=signal.id, name=signal.name, payload=encode(signal.payload))
        )
        self._ask(lambda number, now: ResumeMessage(id=number, now=now, execution_id=execution_id, signal=sent))

    def cancel(self, execution_id: UUID) -> None:
        """Has it end the execution as cancelled."""
        self._ask(lambda number, now: CancelMessage(id=number, now=now, execution_id=execution_id))

    def journal(self, execution_id: UUID) -> Journal:
        """Returns what it has committed: what its tables say, where a mapping says which these are.

        Else it is asked, or a second process of it while it is inside another command.
        """
        if self._settings.tables is not None:
            return self._tables(self._settings.tables).journal(execution_id)
        if self._busy:
            self._reader = self._reader or ForeignEngine(self._settings, self._context, self._open)
            return self._reader.journal(execution_id)
        done = self._ask(lambda number, now: JournalMessage(id=number, now=now, execution_id=execution_id))
        if done.result is None:
            raise self._broken("journal", "it answered `journal` without a result")
        if done.result.execution.id != execution_id:
            raise self._broken("journal", f"it answered with execution {done.result.execution.id}")
        return journal_of(done.result)

    def close(self) -> None:
        """Ends its process; where there is none, nothing."""
        if self._reader is not None:
            self._reader.close()
        if self._mapped is not None:
            self._mapped.close()
        for dialogue in (self._dialogue, self._begun):
            if dialogue is not None:
                dialogue.end()
        self._dialogue = self._begun = self._hello = None

    def _tables(self, mapping: Mapping[str, PartMapping]) -> MappedTables:
        if self._mapped is None:
            from cutover.engines.byprocess.tables.reader import MappedTables  # noqa: PLC0415 - few engines need it

            self._mapped = MappedTables(self._settings.spec, self._context.dsn, mapping)
        return self._mapped

    def _ask(self, command: Callable[[int, datetime], CommandMessage]) -> DoneMessage:
        """Has a command carried out. Raises what it failed with."""
        message = command(self._sent + 1, self._context.clock.now())
        with self._working(message.op):
            dialogue, _ = self._started()
            self._sent += 1
            done = dialogue.ask(message)
        if done.error is None:
            return done
        kind = _TYPES.get(done.error.type)
        if kind is None:
            raise ForeignError(done.error)
        error = kind(done.error.message)
        if done.error.trace:
            error.add_note(done.error.trace)
        raise error

    def _greeted(self) -> HelloReply:
        if self._hello is not None:
            return self._hello
        with self._working("hello"):
            return self._started()[1]

    def _started(self) -> tuple[Dialogue, HelloReply]:
        """Returns who is spoken to, greeted."""
        if self._dialogue is None or self._hello is None:
            self._dialogue, self._begun = self._begun or self._open(), None
            self._hello = self._dialogue.greet()
        return self._dialogue, self._hello

    @contextlib.contextmanager
    def _working(self, command: str) -> Iterator[None]:
        """Names the engine in an error of the protocol; whatever ends the block early ends the process."""
        if self._busy:
            raise EngineError(
                f"{self._settings.spec!r}: `{command}` was asked for inside another command of one engine"
            )
        self._busy = True
        try:
            yield
        except (BrokenProtocol, EngineGone) as error:
            broken = self._broken(command, str(error), type(error))
            if isinstance(error, EngineGone) and isinstance(broken, EngineGone):
                broken.ended_by = error.ended_by
            raise broken from error.__cause__
        except BaseException:
            self._drop()
            raise
        finally:
            self._busy = False

    def _broken(
        self, command: str, what: str, kind: type[BrokenProtocol | EngineGone] = BrokenProtocol
    ) -> BrokenProtocol | EngineGone:
        self._drop()
        return kind(f"engine {self._settings.spec!r}, at {command}: {what}")

    def _drop(self) -> None:
        if self._dialogue is not None:
            self._dialogue.kill()
        self._dialogue = self._hello = None
