"""The runner's desk for a tester: one session at a time on one stage. Does I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from engines.api import EngineFactory
from harness.run.case_lines import encode_case
from harness.run.lines import encode_fields
from harness.run.lookout import parse_aim
from harness.run.nursery import Nursery
from harness.run.remote import RunnerProblem
from harness.run.session import Session
from harness.run.situation import Situation
from harness.run.stage import Stage
from scenarios.files import loads

__all__ = ["desk"]


@contextlib.contextmanager
def desk(
    factory: EngineFactory, nursery: Nursery, settings: dict[str, Any], _restart: Callable[[], None]
) -> Iterator[Callable[[dict[str, Any]], bytes]]:
    """Answers what `harness.conformance.player.Player` asks; the tester restarts the server itself."""
    with Stage(
        factory,
        settings["dsn"],
        deadline_s=settings["deadline_s"],
        takeover_s=settings["takeover_s"],
        nursery=nursery,
    ) as stage:
        yield _Desk(stage).serve


class _Desk:
    """One stage, at most one session."""

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
