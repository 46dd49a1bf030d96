"""The engine under test: installed in a database, made in this process, or in sessions. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

import pytest

from cutover.engines.api import Engine, EngineContext
from cutover.engines.registry import described, resolve
from cutover.harness.conformance.session.client import SessionClient
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.world.clock import EPOCH, VirtualClock
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["engine_in_process", "installed", "session_client", "skip_where_not_offered"]


@contextlib.contextmanager
def installed(server: Server, spec: str) -> Iterator[str]:
    """The URL of a new database in which the engine has created its tables; dropped afterwards."""
    database = server.create_database()
    try:
        install_engine(spec, database.dsn)
        yield database.dsn
    finally:
        database.drop()


def skip_where_not_offered(spec: str, needed: Collection[str]) -> frozenset[str]:
    """Skips the test where the engine does not offer what is needed; returns what it does not offer."""
    lacks = frozenset(described(spec)[2])
    if missing := lacks.intersection(needed):
        pytest.skip(f"not offered: {', '.join(sorted(missing))}")
    return lacks


@contextlib.contextmanager
def session_client(server: Server, spec: str, *, takeover_s: float = TAKEOVER_S) -> Iterator[SessionClient]:
    """A client of sessions of the engine, on a database of its own."""
    with (
        installed(server, spec) as dsn,
        SessionClient(spec, dsn, takeover_s=takeover_s, restart=server.restart) as client,
    ):
        yield client


@contextlib.contextmanager
def engine_in_process(spec: str, dsn: str, scenario: Scenario) -> Iterator[Engine]:
    """The engine in this very process, with the scenario's world; for what needs no death."""
    clock = VirtualClock(EPOCH)
    engine = resolve(spec)(EngineContext(dsn=dsn, activities=World(scenario, clock), clock=clock, log=_drop))
    try:
        yield engine
    finally:
        engine.close()


def _drop(_line: str) -> None:
    """Logs are not what is tested here."""
