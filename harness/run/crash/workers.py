"""The workers of one execution: started, sent commands, waited for, and what became of each recorded. Does I/O."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Literal

from cutover.engines.api import Journal
from cutover.harness.record.cases import CommandRecord, Ended
from cutover.harness.record.instants import later
from cutover.harness.record.trials import Again, ArmRecord, Failure
from cutover.harness.run.crash.injector import FaultInjector
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.process.lifetime import FROM_OUTSIDE, killed_from_outside, refused_to_all
from cutover.harness.run.process.refusal import is_of_the_machine
from cutover.harness.run.world.outside import Outside
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["Workers", "failure_in"]


class Workers:
    """Hosts of one engine at work on one execution.

    `commands` are what they were sent and how that ended, `failure` the first thing that an engine may not do (raise,
    exit by itself, hang), `worked_s` the real time that was waited for them, `shift` how far the virtual clock was
    moved on meanwhile, beyond what the outside did.
    """

    def __init__(self, testbed: Testbed, scenario: Scenario, execution_id: uuid.UUID, injector: FaultInjector) -> None:
        self._testbed, self._scenario, self._execution_id, self._injector = testbed, scenario, execution_id, injector
        self.commands: list[CommandRecord] = []
        self.failure: Failure | None = None
        self.worked_s = 0.0
        self.shift = timedelta()

    def spawn(self) -> Host:
        """Starts one more worker."""
        testbed = self._testbed
        with self._working():
            host = Host(
                testbed.loop,
                testbed.launcher,
                testbed.proxy.dsn,
                self._scenario,
                self._execution_id,
                on_message=self._injector.message,
            )
        self._injector.hosts.append(host)
        self._injector.note(host, "start")
        return host

    def send(self, host: Host, command: Message) -> None:
        """Sends a worker a command."""
        self._injector.note(host, "command", str(command["op"]))
        self._injector.calls[host] = []
        host.command(command)

    def serve(self, done: Callable[[], bool]) -> bool:
        """Serves workers until `done()`; False where the deadline of a command passed first."""
        with self._working():
            return self._testbed.loop.run_until(done, self._testbed.deadline_s)

    def linger(self, seconds: float) -> None:
        """Serves workers for that long (real time), or for as long as a busy machine makes of it."""
        with self._working():
            self._testbed.loop.run_until(lambda: False, seconds)

    def pass_time(self, by: timedelta) -> None:
        """Moves the virtual clock on."""
        self._testbed.clock.advance_to(later(self._testbed.clock.now(), by.total_seconds() * 1_000))
        self.shift += by

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Counts the real time of the block as work."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.worked_s += time.perf_counter() - began

    def close_command(self, host: Host, command: str, *, in_time: bool, killed: bool) -> Ended:
        """Records how a command ended, kills a worker that hangs; `killed` says that we killed it.

        Raises EnvironmentProblem where somebody else killed it: why is not known, so no engine is judged by it; and
        where the server has no room, memory or connection left, which no case brings about.
        """
        ended = _ended(host, in_time=in_time, killed=killed)
        if ended == "died" and not host.killed_here and -host.exit_status in FROM_OUTSIDE:
            raise killed_from_outside(f"a process that hosts the engine, at {command},", -host.exit_status)
        if ended == "hung":
            self._injector.note(host, "hang", command)
            self.fail("timeout", "deadline", f"{command} had not returned after {self._testbed.deadline_s:g} s")
            host.kill()
        raised = host.raised or {}
        if is_of_the_machine(refused := str(raised.get("refused", ""))):
            raise refused_to_all(refused, f"at {command}")
        error_type = str(raised.get("type", ""))
        self._injector.note(host, "raised" if raised else "done", f"{command} {ended} {error_type}".rstrip())
        self.commands.append(
            CommandRecord(
                worker=self._injector.hosts.index(host) + 1,
                command=command,
                ended=ended,
                error_type=error_type,
                message=str(raised.get("message", "")),
                calls=tuple(self._injector.calls.get(host, ())),
            )
        )
        return ended

    def fail(self, kind: Literal["exception", "timeout", "died"], what: str, message: str) -> None:
        """Takes note of a failure; the first one stands."""
        self.failure = self.failure or Failure(kind=kind, type=what, message=message)

    def fail_by(self, raised: Message) -> None:
        """Takes note of what a worker's command raised."""
        self.failure = self.failure or failure_in(raised)

    def let_leases_end(self) -> None:
        """Moves the virtual clock on beyond every lease."""
        takeover = self._testbed.takeover
        self.pass_time(takeover)
        self._injector.note(None, "takeover", f"the clock moves on {takeover.total_seconds():g} s")

    def arm_record(
        self, journal: Journal | None, world: World, outside: Outside, again: Again | None, *, kills: int = 0
    ) -> ArmRecord:
        """Returns what they have come to so far."""
        return ArmRecord(
            arm="candidate",
            engine=self._testbed.engine_name,
            execution_id=self._execution_id,
            position=0,
            journal=journal,
            ledger=world.ledger,
            logs=tuple(self._injector.logs),
            signals=tuple(outside.delivered),
            pauses=outside.pauses,
            failure=self.failure,
            again=again,
            duration_ms=round(self.worked_s * 1000, 3),
            kills=kills,
        )

    def close(self) -> int:
        """Ends every worker and its connections; returns how many processes the engine had left behind."""
        for host in self._injector.hosts:
            host.close()
        for channel in list(self._testbed.proxy.channels):
            channel.close()
        return self._testbed.kill_leftovers()


def failure_in(raised: Message) -> Failure:
    """Returns what a hosted engine raised, as it is recorded."""
    return Failure(
        kind="exception",
        type=str(raised["type"]),
        message=str(raised["message"]),
        trace=str(raised.get("trace", "")),
    )


def _ended(host: Host, *, in_time: bool, killed: bool) -> Ended:
    if killed and (host.stopped or not host.alive):
        return "killed"
    if not host.alive:
        return "died"
    if not in_time and host.busy is not None:
        return "hung"
    return "raised" if host.raised is not None else "returned"
