"""A small process that plays sessions of one engine, and the tester's handle on it. Does I/O.

Hosted engines are forked from it, not from pytest: a fork of a large process is slow, and whatever else a test session
has started stays out of reach. Run as `python -m harness.conformance.player FD`; a request is a line, and so is its
answer.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from engines.registry import resolve
from harness.judge.cases import CaseRecord
from harness.run.case_lines import decode_case, encode_case
from harness.run.host import Message
from harness.run.lines import encode_fields
from harness.run.lookout import Aim, parse_aim
from harness.run.runners import RunnerProblem
from harness.run.session import Session
from harness.run.situation import Situation
from harness.run.stage import TAKEOVER_S, Stage
from scenarios.files import dumps_line, loads
from scenarios.model import Scenario

__all__ = ["Player", "main", "serve"]

_SITUATION = TypeAdapter(Situation)
_END_S = 5.0


class Player:
    """One player process, one execution at a time; a context manager that leaves no process behind.

    `dsn` is a database in which the engine is installed. `deadline_s` is real time for one command, `takeover_s` how
    far the virtual clock moves after a death. Every method raises RunnerProblem where the player itself fails.
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
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "harness.conformance.player", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
                start_new_session=True,
            )
        self._link = ours
        self._lines = ours.makefile("rwb")
        self._say({"engine": engine, "dsn": dsn, "deadline_s": deadline_s, "takeover_s": takeover_s})

    @property
    def restarts(self) -> bool:
        """Whether the server is ours to restart."""
        return self._restart is not None

    def open(self, scenario: Scenario, *, observe: bool = False) -> None:
        """Begins a session; one that was open is closed. With `observe` situations tell which cells were passed."""
        self._ask(
            {"do": "open", "scenario": dumps_line(scenario), "id": str(uuid.uuid4()), "observe": observe},
        )

    def go(self, command: Message, *, kill: Aim | None = None, patient: bool = True) -> Situation:
        """As `Session.go`."""
        return self._situation(
            {"do": "go", "command": command, "kill": str(kill) if kill else None, "patient": patient}
        )

    def advance(self, by_ms: int) -> Situation:
        """As `Session.advance`."""
        return self._situation({"do": "advance", "by_ms": by_ms})

    def reach_timer(self) -> Situation:
        """As `Session.reach_timer`."""
        return self._situation({"do": "reach_timer"})

    def kill_idle(self) -> Situation:
        """As `Session.kill_idle`."""
        return self._situation({"do": "kill_idle"})

    def restart_server(self) -> Situation:
        """Stops the server with immediate, starts it again, and forgives the worker's next command for it."""
        if self._restart is not None:
            self._restart()
        return self._situation({"do": "restarted"})

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
        self._link.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._link.close()
        try:
            self._process.wait(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _situation(self, request: Mapping[str, object]) -> Situation:
        return _SITUATION.validate_json(self._ask(request))

    def _ask(self, request: Mapping[str, object]) -> bytes:
        self._say(request)
        line: bytes = self._lines.readline()
        if not line.endswith(b"\n"):
            raise RunnerProblem(
                f"the player process of engine {self.engine!r} ended at {request['do']!r}; see its stderr"
            )
        if line.startswith(b'{"error"'):
            failure = json.loads(line)
            raise RunnerProblem(f"{request['do']}: the player failed: {failure['error']}\n{failure['trace']}")
        return line

    def _say(self, message: Mapping[str, object]) -> None:
        try:
            self._lines.write(json.dumps(message).encode("ascii") + b"\n")
            self._lines.flush()
        except OSError as error:
            raise RunnerProblem(f"the player process of engine {self.engine!r} is gone: {error}") from error


class _Desk:
    """The process's side: one stage, at most one session."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._session: Session | None = None

    def serve(self, request: dict[str, Any]) -> bytes:
        match request["do"]:
            case "open":
                self._drop()
                scenario = loads(request["scenario"])
                self._session = Session(
                    self._stage, scenario, uuid.UUID(request["id"]), observe=bool(request["observe"])
                )
            case "drop":
                self._drop()
            case "record":
                return encode_case(self._open.record())
            case "finish":
                record = self._open.finish()
                self._session = None
                return encode_case(record)
            case _:
                return encode_fields(self._act(request))
        return b"{}"

    def _act(self, request: dict[str, Any]) -> Situation:
        session = self._open
        match request["do"]:
            case "go":
                kill = parse_aim(request["kill"]) if request["kill"] else None
                return session.go(request["command"], kill=kill, patient=bool(request["patient"]))
            case "advance":
                return session.advance(int(request["by_ms"]))
            case "reach_timer":
                return session.reach_timer()
            case "kill_idle":
                return session.kill_idle()
            case _:
                return session.restarted()

    @property
    def _open(self) -> Session:
        if self._session is None:
            raise RunnerProblem("no session is open; open one with a scenario first")
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def serve(link: socket.socket) -> None:
    """Answers requests until the other end closes."""
    with link.makefile("rwb") as lines:
        settings = json.loads(lines.readline())
        stage = Stage(
            resolve(settings["engine"]),
            settings["dsn"],
            deadline_s=settings["deadline_s"],
            takeover_s=settings["takeover_s"],
        )
        with stage:
            desk = _Desk(stage)
            for line in lines:
                lines.write(_answer(desk, json.loads(line)) + b"\n")
                lines.flush()


def _answer(desk: _Desk, request: dict[str, Any]) -> bytes:
    try:
        return desk.serve(request)
    except Exception as error:  # noqa: BLE001 - the tester says at which request it was
        trace = traceback.format_exc(limit=-6)
        return json.dumps({"error": f"{type(error).__name__}: {error}", "trace": trace}).encode("ascii")


def main() -> None:
    """The process's entry point."""
    link = socket.socket(fileno=int(sys.argv[1]))
    sys.path.insert(0, "")
    os.dup2(2, 1)
    serve(link)


if __name__ == "__main__":
    main()
