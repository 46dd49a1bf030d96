"""The runner's handler for sessions: one at a time on one testbed. Does I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from cutover.engines.api import EngineFactory
from cutover.harness.conformance.session.session import Session
from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import parse_target
from cutover.harness.run.crash.runners import RunnerProblem
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.launcher import Launcher
from cutover.harness.store.case_lines import encode_case
from cutover.harness.store.lines import encode_fields
from cutover.scenarios.files import loads

__all__ = ["handler"]


@contextlib.contextmanager
def handler(
    factory: EngineFactory, launcher: Launcher, settings: dict[str, Any], _restart: Callable[[], None]
) -> Iterator[Callable[[dict[str, Any]], bytes]]:
    """Answers what `cutover.harness.conformance.session.client.SessionClient` asks; the client restarts the server."""
    with Testbed(
        factory,
        settings["dsn"],
        deadline_s=settings["deadline_s"],
        takeover_s=settings["takeover_s"],
        launcher=launcher,
    ) as testbed:
        yield _SessionHandler(testbed).serve


class _SessionHandler:
    """One testbed, at most one session."""

    def __init__(self, testbed: Testbed) -> None:
        self._testbed = testbed
        self._session: Session | None = None

    def serve(self, request: dict[str, Any]) -> bytes:
        match request["do"]:
            case "open":
                self._drop()
                scenario = loads(request["scenario"])
                self._session = Session(
                    self._testbed, scenario, uuid.UUID(request["id"]), observe=bool(request["observe"])
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

    def _act(self, request: dict[str, Any]) -> SessionStatus:
        session = self._open
        match request["do"]:
            case "go":
                kill = parse_target(request["kill"]) if request["kill"] else None
                return session.go(request["command"], kill=kill, wait_for_lease=bool(request["wait_for_lease"]))
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
