"""The client of one execution: sends commands to its workers, as events outside the engine ask for. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from cutover.engines.api import Journal
from cutover.harness.record.acknowledged import Acknowledged, acknowledged
from cutover.harness.record.trials import Again, ArmRecord
from cutover.harness.run.crash.injector import FaultInjector, Injection
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.crash.workers import Workers, failure_in
from cutover.harness.run.process.deadline import ActiveTime
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.world.clock import NEW_YEARS_EVE
from cutover.harness.run.world.outside import Outside
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["Caller"]

_MAX_COMMANDS = 10_000
_LOCKED_S = 2.0
"""Real time after which a worker that has not returned may be waiting for a lock."""


class Caller:
    """One execution on a testbed, from its first command on; `on_injection` is what happens at the kill point.

    `outside` moves when the execution pauses, `world` serves activities, `workers` do the work, `injector` sees
    them all. `remembered` is what was committed at one moment after another. `on_locked` is what is done, once, where a
    worker waits for a lock.
    """

    def __init__(self, testbed: Testbed, scenario: Scenario, execution_id: uuid.UUID, on_injection: Injection) -> None:
        self._testbed, self._execution_id = testbed, execution_id
        self.takeover = testbed.takeover
        self._known: Journal | None = None
        self._settled = False
        self.remembered: list[Acknowledged] = []
        self.on_locked: Callable[[], None] | None = None
        testbed.clock.restart(NEW_YEARS_EVE)
        self.world = World(scenario, testbed.clock, self._completed)
        self.outside = Outside(scenario, testbed.clock)
        self.injector = FaultInjector(self.world, testbed.clock, on_injection)
        self.workers = Workers(testbed, scenario, execution_id, self.injector)
        testbed.proxy.gate = self.injector
        testbed.proxy.reachable = True

    def drive(self, host: Host, command: Message | None) -> Message | None:
        """Sends commands until the execution ends or waits in vain; returns the one at which the fault was injected."""
        for _ in range(_MAX_COMMANDS):
            if command is None:
                return None
            fired = self.injector.fired
            self.send(host, command)
            if not self.wait_for([host]):
                return None
            struck = self.injector.fired > fired or (host is self.injector.victim and host.killed_here)
            if struck and (not host.alive or host.stopped or host.raised is not None):
                return self._left_by(command)
            if not host.alive:
                self.workers.fail("died", "exit", f"status {host.exit_status}")
                return None
            if host.raised is not None:
                self.workers.fail_by(host.raised)
                return None
            self.carried_out(command)
            if command["op"] == "signal" and self.injector.deliver_twice():
                continue
            command = self.next_command()
        self.workers.fail("timeout", "endless", f"still running after {_MAX_COMMANDS} commands")
        return None

    def _left_by(self, command: Message) -> Message:
        """Returns what is sent after the fault: the command, or a resume where it had returned to its caller before."""
        if not self.injector.outlived:
            return command
        self.carried_out(command)
        return {"op": "resume"}

    def send(self, host: Host, command: Message) -> None:
        """Sends a worker a command."""
        self._settled = False
        self.workers.send(host, command)

    def wait_for(self, hosts: Sequence[Host]) -> bool:
        """Serves workers until none of these is at work; False, with the hung ones killed, past the deadline."""
        names, waited = {host: str(host.busy) for host in hosts}, ActiveTime()

        def done() -> bool:
            self.injector.look_at_time()
            if self.on_locked is not None and waited.now() > _LOCKED_S and self._testbed.waits_for_a_lock():
                let_go, self.on_locked = self.on_locked, None
                let_go()
            racing = self.injector.race
            if racing and any(host.busy is None for host in hosts):
                next(iter(racing.values())).release()
            return all(host.busy is None or host.stopped for host in hosts)

        self._settled = False
        in_time = self.workers.serve(done)
        self.injector.look_at_time(ended=True)
        if (victim := self.injector.victim) is not None and victim.killed_here:
            self.workers.serve(lambda: not victim.alive)
        for host in hosts:
            self.workers.close_command(host, names[host], in_time=in_time, killed=host is self.injector.victim)
        return in_time

    def channels(self) -> tuple[Channel, ...]:
        """Returns the connections that workers have by now."""
        return tuple(self._testbed.proxy.channels)

    def carried_out(self, command: Message) -> None:
        """Takes note that a command was carried out: a signal is delivered."""
        if command["op"] == "signal" and command["id"] not in self.outside.delivered:
            self.outside.delivered.append(str(command["id"]))

    def next_command(self) -> Message | None:
        """Moves the clock on and returns the next command; None where the execution has ended or waits in vain."""
        journal = self.remember("a command that returned")
        move = self.outside.next(journal) if journal is not None and self.workers.failure is None else None
        if move is None:
            return None
        if move.until is not None:
            self._testbed.clock.advance_to(move.until)
        return move.command()

    def left_undone(self) -> Message | None:
        """Returns a resume where the execution runs and waits for nothing, though its command has returned."""
        journal = self.journal()
        running = journal is not None and journal.execution.status in {"pending", "running"}
        if journal is None or not running or any(step.status == "paused" for step in journal.steps):
            return None
        return {"op": "resume"}

    def retry_of(self, command: Message) -> Message:
        """Returns what a client sends that got no answer: execute becomes resume once the execution is there."""
        if command["op"] == "execute" and self.journal() is not None:
            return {"op": "resume"}
        return command

    def again(self, host: Host, *commands: Message) -> Again:
        """Sends commands that should change nothing any more; by default resume and execute."""
        before, calls = self.journal(), len(self.world.ledger)
        failure = None
        for command in commands or ({"op": "resume"}, {"op": "execute"}):
            self.send(host, command)
            self.wait_for([host])
            if host.raised is not None and failure is None:
                failure = failure_in(host.raised)
        after = self.journal()
        changed = after != before
        return Again(
            calls=len(self.world.ledger) - calls,
            rows_changed=changed,
            journal=after if changed else None,
            failure=failure,
        )

    def journal(self) -> Journal | None:
        """Returns what is committed; read again only where a worker has worked since."""
        if not self._settled:
            self._known = self._testbed.journal(self._execution_id)
            self._settled = not any(host.busy for host in self.injector.hosts if not host.stopped)
        return self._known

    def remember(self, when: str) -> Journal | None:
        """Returns what is committed, and keeps in mind what that is, should it be lost later."""
        journal = self.journal()
        self.remembered.append(acknowledged(journal, when, len(self.world.ledger)))
        return journal

    def arm_record(self, again: Again | None) -> ArmRecord:
        """Returns what the execution has come to."""
        return self.workers.arm_record(self.journal(), self.world, self.outside, again)

    def _completed(self, step_id: str) -> bool:
        journal = self._testbed.journal(self._execution_id)
        return journal is not None and any(s.step_id == step_id and s.status == "completed" for s in journal.steps)
