"""The client of a runner process that plays sessions of one engine. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from pydantic import TypeAdapter

from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import KillTarget
from cutover.harness.record.cases import CaseRecord
from cutover.harness.run.crash.runners import Runner
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.process.lifetime import Closing
from cutover.harness.store.case_lines import decode_case
from cutover.scenarios.files import dumps_line
from cutover.scenarios.model import Scenario

__all__ = ["SessionClient"]

_STATUS = TypeAdapter(SessionStatus)


class SessionClient(Closing):
    """One runner process, one execution at a time; a context manager that leaves no process behind.

    `dsn` is a database in which the engine is installed. `deadline_s` is real time for one command, `takeover_s` how
    far the virtual clock moves after a death. Every method raises RunnerProblem where the runner itself fails.
    """

    def __init__(
        self,
        engine: str,
        dsn: str,
        *,
        deadline_s: float = 20.0,
        takeover_s: float = TAKEOVER_S,
        restart: Callable[[], None] | None = None,
    ) -> None:
        self.engine = engine
        self._restart = restart
        self._runner = Runner(
            "cutover.harness.conformance.session.handler", engine, dsn, deadline_s=deadline_s, takeover_s=takeover_s
        )

    @property
    def restarts(self) -> bool:
        """Whether the server is ours to restart."""
        return self._restart is not None

    def open(self, scenario: Scenario, *, observe: bool = False) -> None:
        """Begins a session; one that was open is closed. With `observe` each status tells which cells were passed."""
        self._ask(
            {"do": "open", "scenario": dumps_line(scenario), "id": str(uuid.uuid4()), "observe": observe},
        )

    def go(self, command: Message, *, kill: KillTarget | None = None, wait_for_lease: bool = True) -> SessionStatus:
        """As `Session.go`."""
        target = str(kill) if kill else None
        return self._status({"do": "go", "command": command, "kill": target, "wait_for_lease": wait_for_lease})

    def advance(self, by_ms: int) -> SessionStatus:
        """As `Session.advance`."""
        return self._status({"do": "advance", "by_ms": by_ms})

    def reach_timer(self) -> SessionStatus:
        """As `Session.reach_timer`."""
        return self._status({"do": "reach_timer"})

    def kill_idle(self) -> SessionStatus:
        """As `Session.kill_idle`."""
        return self._status({"do": "kill_idle"})

    def restart_server(self) -> SessionStatus:
        """Stops the server with immediate and starts it again; the worker's next command may fail for it."""
        if self._restart is not None:
            self._restart()
        return self._status({"do": "restarted"})

    def record(self) -> CaseRecord:
        """What has happened so far."""
        return decode_case(self._ask({"do": "record"}))

    def finish(self) -> CaseRecord:
        """Drives the execution to its end, resumes it once more, and closes the session."""
        return decode_case(self._ask({"do": "finish"}))

    def drop(self) -> None:
        """Closes the session as it is."""
        self._ask({"do": "drop"})

    def close(self) -> None:
        """Ends the process; its hosts die with it."""
        self._runner.close()

    def _status(self, request: Mapping[str, object]) -> SessionStatus:
        return _STATUS.validate_json(self._ask(request))

    def _ask(self, request: Mapping[str, object]) -> bytes:
        return self._runner.ask(request, f"{request['do']} on engine {self.engine!r}")
