"""How the process starts that hosts an engine: what a testbed asks of whatever starts it. Types only."""

from __future__ import annotations

import socket
from typing import Protocol
from uuid import UUID

from cutover.harness.run.world.clock import SharedClock
from cutover.scenarios.model import Scenario

__all__ = ["Launcher"]


class Launcher(Protocol):
    """Starts processes that host one engine, each for one execution, and knows how they ended.

    A process that was started leads a process group of its own, ends with the launcher, and serves the commands of
    `cutover.harness.run.process.hosted` on its link.
    """

    @property
    def clock(self) -> SharedClock:
        """The time that all these processes see."""

    @property
    def kills_group(self) -> bool:
        """Whether an engine is more than its host's process, and is killed with the whole process group of that."""

    def start(self, scenario: Scenario, execution_id: UUID, dsn: str) -> tuple[int, socket.socket]:
        """Returns a new process's id, and our end of the link to it; `dsn` is where its engine connects to.

        Raises EnvironmentProblem where the machine allows no more.
        """

    def exit_status(self, pid: int) -> int:
        """Returns the exit status of a process that has ended, negative for a signal; asked at most once."""

    def discard(self, pid: int) -> None:
        """Tells that the exit status of a process, which has ended, will not be asked for."""

    def close(self) -> None:
        """Ends every process that it started."""
