"""One execution that a test drives step by step: commands, deaths, time. Does I/O.

Workers are real processes and die by real SIGKILL, as in `cutover.harness.run.crash.case`; there a plan says what comes
next, here the caller does, who is told after each command how things stand.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Final

from cutover.engines.api import Journal
from cutover.harness.conformance.session.injector import TargetedInjector
from cutover.harness.conformance.session.observer import JournalObserver
from cutover.harness.conformance.session.pending import PendingInput
from cutover.harness.conformance.session.states import StateClassifier
from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import Cell, KillTarget
from cutover.harness.record.cases import CaseRecord, CrashCase, Ended, KillPoint, Way
from cutover.harness.record.trials import Again
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.crash.workers import Workers
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.world.clock import EPOCH
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["Session"]

_MOST_COMMANDS: Final = 500


class Session:
    """Drives one execution. With `observe` it notes which cells are passed, by reading the journal at each kill point.

    A worker serves until it dies; then the next command gets a new one. After a death the clock is moved on beyond the
    dead worker's lease before the next command, unless that is not to `wait_for_lease`. The first thing that an engine
    may not do (raise, exit by itself, hang) is the record's failure, and ends the session.
    """

    def __init__(self, testbed: Testbed, scenario: Scenario, execution_id: uuid.UUID, *, observe: bool = False) -> None:
        self._scenario, self._observe = scenario, observe
        self._clock = testbed.clock
        self._clock.restart(EPOCH)
        self._observer = JournalObserver(lambda: testbed.journal(execution_id))
        self._world = World(scenario, self._clock, self._observer.completed)
        self._pending = PendingInput(scenario, self._clock)
        self._states = StateClassifier(scenario)
        self._injector = TargetedInjector(self._world, self._clock, self._inject, self._state)
        self._workers = Workers(testbed, scenario, execution_id, self._injector)
        self._worker: Host | None = None
        self._last: Journal | None = None
        self._at_crash: Journal | None = None
        self._before_cancel: Journal | None = None
        self._target: KillTarget | None = None
        self._interrupted = self._server_restarted = False
        self._waited_for_lease = True
        self._killed_at: Cell | None = None
        testbed.proxy.gate = self._injector

    def go(self, command: Message, *, kill: KillTarget | None = None, wait_for_lease: bool = True) -> SessionStatus:
        """Sends a command (`resume` starts what is not there yet), to be killed at a target counted from here."""
        self._waited_for_lease = wait_for_lease
        if self._interrupted and wait_for_lease:
            self._workers.let_leases_end()
        if command["op"] == "resume" and self._last is None:
            command = {"op": "execute"}
        if command["op"] == "cancel":
            self._before_cancel = self._last
        self._target, self._killed_at = kill, None
        self._observer.clear()
        self._injector.aim(kill, observe=self._observe)
        worker = self._worker = self._worker or self._workers.spawn()
        calls, before = len(self._world.ledger), self._last
        ended = self._run(worker, command)
        self._injector.inject_at(None)
        self._last = self._observer.journal()
        if ended == "returned":
            self._pending.carried_out(command, self._last)
        raised = worker.raised or {}
        return replace(
            self._status(),
            ended=ended,
            error_type=str(raised.get("type", "")),
            message=str(raised.get("message", "")),
            calls=len(self._world.ledger) - calls,
            changed=self._last != before,
        )

    def advance(self, by_ms: int) -> SessionStatus:
        """Moves the clock on; no worker is told."""
        self._clock.advance_to(self._clock.now() + timedelta(milliseconds=by_ms))
        return self._status()

    def reach_timer(self) -> SessionStatus:
        """Moves the clock on to the timer that is next to fire; no worker is told."""
        self._pending.reach_timer()
        return self._status()

    def kill_idle(self) -> SessionStatus:
        """Kills the worker between two commands, if there is one."""
        if self._worker is not None:
            self._injector.note(self._worker, "kill", "between two commands")
            self._worker.close()
            self._worker = None
        return self._status()

    def restarted(self) -> SessionStatus:
        """Takes note that the server was restarted: the worker's next command may fail for it, and is then forgiven."""
        self._injector.note(None, "restart")
        self._server_restarted = self._worker is not None
        return self._status()

    def finish(self) -> CaseRecord:
        """Drives the execution to its end or to where it waits for ever, resumes it once more, and ends the session."""
        for _ in range(_MOST_COMMANDS):
            if self._workers.failure is not None:
                break
            if (
                self._last is not None
                and not self._interrupted
                and not self._server_restarted
                and self._pending.due is None
            ):
                break
            self.go(self._next())
        else:
            self._workers.fail("timeout", "endless", f"still running after {_MOST_COMMANDS} more commands")
        again = self._again() if self._workers.failure is None else None
        record = self.record(again)
        leftovers = self.close()
        return self.record(again, leftovers=leftovers) if leftovers else record

    def record(self, again: Again | None = None, *, leftovers: int = 0) -> CaseRecord:
        """What has happened so far."""
        status = self._last.execution.status if self._last is not None else None
        asked = self._before_cancel is not None and self._scenario.cancel_at_pause is None
        cancelled = asked and status == "cancelled"
        arm = self._workers.arm_record(
            self._last, self._world, self._pending.outside, again, kills=self._injector.fired
        )
        return CaseRecord(
            case=CrashCase(self._scenario.id, KillPoint("request", 1), Way.CANCEL if cancelled else Way.ONCE),
            planned=self._injector.fired,
            fired=self._injector.fired,
            arm=arm,
            at_crash=self._before_cancel if cancelled else self._at_crash,
            commands=tuple(self._workers.commands),
            moments=tuple(self._injector.moments),
            leftovers=leftovers,
            clock_shift_ms=int(self._workers.shift.total_seconds() * 1000),
        )

    def close(self) -> int:
        """Ends every process; returns how many the engine had left behind."""
        self._worker = None
        return self._workers.close()

    def _run(self, worker: Host, command: Message) -> Ended:
        """One command, until the worker has stopped working on it."""
        name = str(command["op"])
        fired = self._injector.fired
        self._workers.send(worker, command)
        in_time = self._workers.serve(lambda: worker.busy is None)
        ended = self._workers.close_command(worker, name, in_time=in_time, killed=self._injector.fired > fired)
        match ended:
            case "returned":
                self._interrupted = False
            case "killed":
                self._interrupted = True
            case "died":
                self._workers.fail("died", "exit", f"status {worker.exit_status}")
            case "raised":
                self._raised(worker)
        if not worker.alive:
            self._worker = None
        self._server_restarted = False
        return ended

    def _raised(self, worker: Host) -> None:
        """Records what a worker raised, unless it lost the restarted server or met the lease of the dead worker."""
        raised = worker.raised or {}
        if self._server_restarted:
            self._injector.fired += 1
            self._interrupted = True
        elif not (self._interrupted and not self._waited_for_lease and raised["type"] == "ExecutionHeld"):
            self._workers.fail_by(raised)

    def _next(self) -> Message:
        """The next command from outside; a resume where the last command was interrupted."""
        self._pending.reach_timer()
        return {"op": "resume"} if self._interrupted else self._pending.command()

    def _again(self) -> Again:
        """Resumes and executes once more, which should change nothing."""
        calls, changed, failure = 0, False, None
        for op in ("resume", "execute"):
            after = self.go({"op": op})
            calls += after.calls
            changed = changed or after.changed
            failure, self._workers.failure = failure or self._workers.failure, None
        return Again(calls=calls, rows_changed=changed, journal=self._last if changed else None, failure=failure)

    def _status(self) -> SessionStatus:
        """How things stand where no command was given."""
        return SessionStatus(
            state=self._states.of(self._last),
            committed=tuple(sorted(self._observer.committed)),
            looks=self._observer.looks,
            failed=self._workers.failure is not None,
            signal=self._pending.signal,
            timer=self._pending.timer,
            delivered=tuple(self._pending.outside.delivered),
            killed_at=self._killed_at,
            seen=tuple(self._injector.seen),
        )

    def _inject(self, worker: Host, channel: Channel | None) -> None:
        self._injector.note(worker, "kill")
        worker.kill()
        if channel is not None:
            channel.close()
        self._at_crash = self._observer.journal()
        if self._target is not None:
            self._killed_at = self._states.of(self._at_crash), self._target.kind

    def _state(self) -> str:
        """The state in which a death would find the execution now."""
        return self._states.of(self._observer.journal())
