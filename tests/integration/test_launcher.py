"""A testbed works with any launcher: here one that counts what it starts, and leaves the rest to the fork server."""

from __future__ import annotations

import socket
from uuid import UUID, uuid4

from cutover.engines.registry import resolve
from cutover.harness.record.cases import CrashCase
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.process.forkserver import ForkServer
from cutover.harness.run.process.launcher import Launcher
from cutover.harness.run.world.clock import SharedClock
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

SCENARIO = load_catalog()[0]


class Counting:
    """A launcher; not a ForkServer, nor anything derived from it."""

    def __init__(self, inner: Launcher) -> None:
        self._inner = inner
        self.started: list[int] = []
        self.asked: list[int] = []
        self.closed = False

    @property
    def clock(self) -> SharedClock:
        return self._inner.clock

    @property
    def kills_group(self) -> bool:
        return self._inner.kills_group

    def start(self, scenario: Scenario, execution_id: UUID, dsn: str) -> tuple[int, socket.socket]:
        pid, link = self._inner.start(scenario, execution_id, dsn)
        self.started.append(pid)
        return pid, link

    def exit_status(self, pid: int) -> int:
        self.asked.append(pid)
        return self._inner.exit_status(pid)

    def discard(self, pid: int) -> None:
        self._inner.discard(pid)

    def close(self) -> None:
        self.closed = True
        self._inner.close()


def test_a_testbed_starts_every_worker_through_its_launcher_and_closes_it(dsn: str) -> None:
    install_engine("v2", dsn)
    launcher = Counting(ForkServer(resolve("v2"), dsn))
    with Testbed(resolve("v2"), dsn, launcher=launcher) as testbed:
        baseline, points = BaselineRun(testbed, SCENARIO, uuid4()).run()
        assert baseline.failure is None
        assert points
        assert len(launcher.started) == 1
        record = CaseRun(testbed, SCENARIO, CrashCase.parse(f"{SCENARIO.id}@call:1/twice"), uuid4()).run()
        assert (record.fired, record.arm.failure, record.leftovers) == (1, None, 0)
        assert len(launcher.started) == 1 + 3  # killed; resumes; resumes once more
        assert {command.ended for command in record.commands} == {"killed", "returned"}
    assert launcher.closed
