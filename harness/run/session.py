"""One execution in the hands of a tester, who says what happens next: commands, deaths, time. Does I/O.

Workers are real processes and die by real SIGKILL, as in `harness.run.case`; there a plan says what comes next, here
the caller does, who hears after each command how things stand.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from engines.api import Journal
from engines.payloads import encode
from harness.judge.cases import Case, CaseRecord, KillPoint, Way
from harness.judge.records import Again
from harness.run.channel import Channel
from harness.run.clock import EPOCH
from harness.run.crew import Crew
from harness.run.host import Host
from harness.run.hosted import Message
from harness.run.lookout import Aim, Cell, Lookout, States
from harness.run.outside import Move, Outside
from harness.run.situation import Ended, Situation
from harness.run.stage import Stage
from harness.run.world import World
from scenarios.model import PlannedSignal, Scenario

__all__ = ["Session", "signal_command"]


_MOST_COMMANDS: Final = 500


class Session:
    """Drives one execution. With `observe` it notes which cells there are, at a look into the journal for each point.

    A worker serves until it dies; then the next command gets a new one. After a death the clock is moved on beyond the
    dead worker's lease before a command that is `patient`. The first thing that an engine may not do (raise, exit by
    itself, hang) is the record's failure, and ends the session.
    """

    def __init__(self, stage: Stage, scenario: Scenario, execution_id: uuid.UUID, *, observe: bool = False) -> None:
        self._stage, self._scenario, self._observe = stage, scenario, observe
        self._execution_id = execution_id
        self._clock = stage.clock
        self._clock.restart(EPOCH)
        self._world = World(scenario, self._clock, self._completed)
        self._outside = Outside(scenario, self._clock)
        self._watch = Lookout(self._world, self._clock, self._strike, lambda: self._states.of(self._journal()))
        self._states = States(scenario)
        self._worker: Host | None = None
        self._move: Move | None = None
        self._last: Journal | None = None
        self._at_crash: Journal | None = None
        self._before_cancel: Journal | None = None
        self._aim: Aim | None = None
        self._crew = Crew(stage, scenario, execution_id, self._watch)
        self._interrupted = self._shaken = False
        self._patient = True
        self._struck: Cell | None = None
        self._committed: set[tuple[str, str]] = set()
        self._looks = 0
        stage.proxy.gate = self._watch

    def go(self, command: Message, *, kill: Aim | None = None, patient: bool = True) -> Situation:
        """Gives a command (`resume` starts what is not there yet), to be killed at a point counted from here."""
        self._patient = patient
        if self._interrupted and patient:
            self._crew.let_leases_end()
        if command["op"] == "resume" and self._last is None:
            command = {"op": "execute"}
        if command["op"] == "cancel":
            self._before_cancel = self._last
        self._aim, self._struck = kill, None
        self._committed.clear()
        self._looks = 0
        self._watch.aim(kill, observe=self._observe)
        worker = self._worker or self._spawn()
        calls, before = len(self._world.ledger), self._last
        ended = self._run(worker, command)
        self._watch.arm(None)
        self._last = self._journal()
        if ended == "returned":
            self._heard(command)
        raised = worker.raised or {}
        return self._situation(
            ended=ended,
            error_type=str(raised.get("type", "")),
            message=str(raised.get("message", "")),
            calls=len(self._world.ledger) - calls,
            changed=self._last != before,
        )

    def advance(self, by_ms: int) -> Situation:
        """Moves the clock on; no worker is told."""
        self._clock.advance_to(self._clock.now() + timedelta(milliseconds=by_ms))
        return self._situation()

    def reach_timer(self) -> Situation:
        """Moves the clock on to the timer that is next to fire; no worker is told."""
        if self._move is not None and self._move.until is not None:
            self._clock.advance_to(self._move.until)
        return self._situation()

    def kill_idle(self) -> Situation:
        """Kills the worker between two commands, if there is one."""
        if self._worker is not None:
            self._watch.note(self._worker, "kill", "between two commands")
            self._worker.close()
            self._worker = None
        return self._situation()

    def restarted(self) -> Situation:
        """Takes note that the server was restarted: the worker's next command may fail for it, and is then forgiven."""
        self._watch.note(None, "restart")
        self._shaken = self._worker is not None
        return self._situation()

    def finish(self) -> CaseRecord:
        """Brings the execution to its end or to where it waits for ever, resumes it once more, and ends the session."""
        for _ in range(_MOST_COMMANDS):
            if self._crew.failure is not None:
                break
            if self._last is not None and not self._interrupted and not self._shaken and self._move is None:
                break
            self.go(self._next())
        else:
            self._crew.fail("timeout", "endless", f"still running after {_MOST_COMMANDS} more commands")
        again = self._again() if self._crew.failure is None else None
        record = self.record(again)
        return self._ended(record)

    def record(self, again: Again | None = None, *, leftovers: int = 0) -> CaseRecord:
        """What has happened so far."""
        status = self._last.execution.status if self._last is not None else None
        asked = self._before_cancel is not None and self._scenario.cancel_at_pause is None
        cancelled = asked and status == "cancelled"
        arm = self._crew.arm(self._last, self._world, self._outside, again, kills=self._watch.fired)
        return CaseRecord(
            case=Case(self._scenario.id, KillPoint("request", 1), Way.CANCEL if cancelled else Way.ONCE),
            planned=self._watch.fired,
            fired=self._watch.fired,
            arm=arm,
            at_crash=self._before_cancel if cancelled else self._at_crash,
            commands=tuple(self._crew.commands),
            moments=tuple(self._watch.moments),
            leftovers=leftovers,
            clock_shift_ms=int(self._crew.shift.total_seconds() * 1000),
        )

    def close(self) -> int:
        """Ends every process; gives how many the engine had left behind."""
        self._worker = None
        return self._crew.close()

    def _ended(self, record: CaseRecord) -> CaseRecord:
        leftovers = self.close()
        return record if not leftovers else self.record(record.arm.again, leftovers=leftovers)

    def _run(self, worker: Host, command: Message) -> Ended:
        """One command, until the worker is no longer at it."""
        name = str(command["op"])
        fired = self._watch.fired
        self._crew.give(worker, command)
        in_time = self._crew.serve(lambda: worker.busy is None)
        ended = self._crew.close_command(worker, name, in_time=in_time, killed=self._watch.fired > fired)
        if ended == "died":
            self._crew.fail("died", "exit", f"status {worker.exit_status}")
        elif ended == "raised":
            self._raised(worker)
        if ended != "raised":
            self._interrupted = self._interrupted and ended != "returned"
        if not worker.alive:
            self._worker = None
        self._interrupted |= ended == "killed"
        self._shaken = False
        return ended

    def _raised(self, worker: Host) -> None:
        """What a worker may raise: that it lost the server which was restarted, or that the dead one's lease holds."""
        raised = worker.raised or {}
        if self._shaken:
            self._watch.fired += 1
            self._interrupted = True
        elif not (self._interrupted and not self._patient and raised["type"] == "ExecutionHeld"):
            self._crew.fail("exception", str(raised["type"]), str(raised["message"]))

    def _heard(self, command: Message) -> None:
        """The caller knows that the command was carried out, and looks what the outside does next."""
        planned = {signal.id for signal in self._scenario.signals}
        if command["op"] == "signal" and command["id"] in planned - set(self._outside.delivered):
            self._outside.delivered.append(str(command["id"]))
        if self._move is not None and self._move.until is not None and self._clock.now() < self._move.until:
            self._outside.recall(self._move)
        self._move = self._outside.next(self._last) if self._last is not None else None

    def _next(self) -> Message:
        """The outside's next command; a resume where the last one was not heard of."""
        move = self._move
        if move is not None and move.until is not None:
            self._clock.advance_to(move.until)
        if move is not None and move.signal is not None and not self._interrupted:
            return signal_command(move.signal)
        return {"op": move.kind if move is not None and not self._interrupted else "resume"}

    def _again(self) -> Again:
        """Resumes and executes once more, which should change nothing."""
        calls, changed, failure = 0, False, None
        for op in ("resume", "execute"):
            after = self.go({"op": op})
            calls += after.calls
            changed = changed or after.changed
            failure, self._crew.failure = failure or self._crew.failure, None
        return Again(calls=calls, rows_changed=changed, journal=self._last if changed else None, failure=failure)

    def _situation(
        self,
        *,
        ended: Ended = "returned",
        error_type: str = "",
        message: str = "",
        calls: int = 0,
        changed: bool = False,
    ) -> Situation:
        signal = self._move.signal if self._move is not None else None
        return Situation(
            ended=ended,
            error_type=error_type,
            message=message,
            state=self._states.of(self._last),
            calls=calls,
            changed=changed,
            committed=tuple(sorted(self._committed)),
            looks=self._looks,
            failed=self._crew.failure is not None,
            signal=signal.id if signal is not None else None,
            timer=self._move is not None and self._move.until is not None,
            delivered=tuple(self._outside.delivered),
            struck=self._struck,
            seen=tuple(self._watch.seen),
        )

    def _strike(self, worker: Host, channel: Channel | None) -> None:
        self._watch.note(worker, "kill")
        worker.kill()
        if channel is not None:
            channel.close()
        self._at_crash = self._journal()
        if self._aim is not None:
            self._struck = self._states.of(self._at_crash), self._aim.kind

    def _spawn(self) -> Host:
        self._worker = self._crew.spawn()
        return self._worker

    def _journal(self) -> Journal | None:
        journal = self._stage.journal(self._execution_id)
        if journal is not None:
            self._looks += 1
            self._committed.add(("execution", journal.execution.status))
            self._committed |= {("step", step.status) for step in journal.steps}
        return journal

    def _completed(self, step_id: str) -> bool:
        journal = self._journal()
        return journal is not None and any(s.step_id == step_id and s.status == "completed" for s in journal.steps)


def signal_command(signal: PlannedSignal, *, name: str | None = None) -> Message:
    """The command that delivers a signal; under another `name` it is a stranger with the same payload."""
    return {"op": "signal", "id": name or signal.id, "name": signal.name, "payload": encode(signal.payload)}
