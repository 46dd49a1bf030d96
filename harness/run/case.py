"""Runs one crash case: drives hosted engines, brings about the planned fault, resumes, and records. Does I/O."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from engines.api import Journal
from engines.payloads import encode
from harness.judge.cases import Case, CaseRecord, KillPoint, Way
from harness.judge.records import Again, ArmRecord, Failure
from harness.run.channel import Channel
from harness.run.clock import EPOCH
from harness.run.crew import Crew
from harness.run.host import Host
from harness.run.hosted import Message
from harness.run.outside import Move, Outside
from harness.run.stage import Stage
from harness.run.watch import Watch
from harness.run.world import World
from scenarios.model import Scenario

__all__ = ["CaseRun"]

_REFUSALS = {
    Way.SERIALIZATION: ("40001", "could not serialize access due to concurrent update"),
    Way.DEADLOCK: ("40P01", "deadlock detected"),
}
_MAX_COMMANDS = 10_000
_LAPSE, _LAPSES, _LAPSE_S = timedelta(seconds=8), 5, 0.25
"""How an activity outlasts a lease: time moves on in so many parts, each of them as long in real time as this (s)."""


class CaseRun:
    """One execution, from its start to the record; without a case, the baseline that counts the kill points."""

    def __init__(self, stage: Stage, scenario: Scenario, case: Case | None, execution_id: uuid.UUID) -> None:
        self._stage, self._scenario, self._case = stage, scenario, case
        self._execution_id = execution_id
        self._clock = stage.clock
        self._clock.restart(EPOCH)
        self._world = World(scenario, self._clock, self._completed)
        self._outside = Outside(scenario, self._clock)
        self._watch = Watch(self._world, self._clock, self._strike)
        self._crew = Crew(stage, scenario, execution_id, self._watch)
        self._held: Channel | None = None
        self._victim: Host | None = None
        self._at_crash: Journal | None = None
        self._before_go_on: Journal | None = None
        self._statuses: dict[str, str] = {}
        self._touched: dict[int, tuple[str, ...]] = {}
        self._known: Journal | None = None
        self._settled = False
        stage.proxy.gate = self._watch

    def baseline(self) -> tuple[ArmRecord, dict[KillPoint, tuple[str, ...]]]:
        """The uninterrupted run, and its kill points with the step ids that each touches."""
        self._watch.on_answered = self._look
        host = self._crew.spawn()
        self._drive(host, {"op": "execute"})
        points: dict[KillPoint, tuple[str, ...]] = {}
        for number in range(1, self._watch.round_trips + 1):
            steps = self._touched.get(number, ())
            points |= {KillPoint("request", number): steps, KillPoint("answer", number): steps}
        for number in range(1, len(self._outside.delivered) + 1):
            points[KillPoint("signal", number)] = ()
        for entry in self._world.ledger:
            steps = (entry.step_id,)
            points |= {KillPoint("call", entry.sequence): steps, KillPoint("reply", entry.sequence): steps}
        self._watch.on_answered = None
        again = self._again(host)
        arm = self._arm(again)
        self._crew.close()
        return arm, points

    def run(self) -> CaseRecord:
        """Plays the case."""
        case = self._case
        if case is None:
            message = "a CaseRun without a case is a baseline"
            raise ValueError(message)
        self._watch.arm(case.point)
        if case.way is Way.SIGNAL_TWICE:
            self._watch.repeat_signal = case.point.number
        host = self._crew.spawn()
        interrupted = self._drive(host, {"op": "execute"})
        self._watch.arm(None)
        again = None
        if self._watch.fired and self._crew.failure is None and case.point.kind != "signal":
            self._at_crash = self._journal()
            self._recover(case, host, interrupted)
            if case.way is Way.TWICE and self._crew.failure is None:
                again = self._again(self._crew.spawn())
        resumed = {"request": self._watch.round_trips, "call": self._watch.activity_calls}
        if case.point.kind == "signal" and self._crew.failure is None:
            again = self._signal_again(case, host)
        arm = self._arm(again)
        leftovers = self._crew.close()
        return CaseRecord(
            case=case,
            planned=2 if case.second else 1,
            fired=self._watch.fired,
            arm=arm,
            resume_points=resumed,
            at_crash=self._at_crash,
            before_go_on=self._before_go_on,
            commands=tuple(self._crew.commands),
            moments=tuple(self._watch.moments),
            leftovers=leftovers,
            strays=self._stage.strays(),
            clock_shift_ms=int(self._crew.shift.total_seconds() * 1000),
        )

    def _recover(self, case: Case, host: Host, interrupted: Message | None) -> None:
        """Brings the execution to its end after the fault, in the case's way."""
        if interrupted is None:
            return  # the engine took the fault without letting its caller know
        if case.way is Way.LAPSE:
            self._lapse(host, interrupted)
            return
        self._crew.let_leases_end()
        if host.alive and not host.stopped:
            self._drive(host, self._retry_of(interrupted))
            return
        match case.way:
            case Way.CONCURRENT:
                self._race(interrupted)
            case Way.AGAIN:
                self._watch.arm(case.second)
                second = self._drive(self._crew.spawn(), self._retry_of(interrupted))
                self._watch.arm(None)
                if second is not None:
                    self._crew.let_leases_end()
                    self._drive(self._crew.spawn(), self._retry_of(second))
            case Way.CANCEL | Way.CANCEL_LIVE:
                self._drive(self._crew.spawn(), {"op": "cancel"})
            case _:
                self._drive(self._crew.spawn(), self._retry_of(interrupted))
        if host.stopped and self._crew.failure is None:
            self._wake(host)

    def _race(self, interrupted: Message) -> None:
        """Two workers resume at the same moment; whoever does not get it stands back, and the outside goes on."""
        self._watch.race = {}
        racers = [self._crew.spawn(), self._crew.spawn()]
        for racer in racers:
            self._give(racer, self._retry_of(interrupted))
        self._await(racers)
        self._watch.race = None
        if self._crew.failure is not None:
            return
        if interrupted["op"] == "signal":
            self._delivered(interrupted)
        self._drive(racers[0], self._next_command())

    def _wake(self, host: Host) -> None:
        """Lets the zombie go on with what it had been about to do."""
        self._before_go_on = self._journal()
        self._watch.note(host, "go-on")
        self._watch.calls[host] = []
        self._settled = False
        host.go_on()
        if self._held is not None:
            self._held.release()
        self._watch.release_call()
        self._await([host])

    def _lapse(self, host: Host, interrupted: Message) -> None:
        """Another worker asks for the execution when an activity has taken longer than a lease lasts."""
        for _ in range(_LAPSES):
            self._clock.advance_to(self._clock.now() + _LAPSE)
            self._crew.shift += _LAPSE
            self._crew.linger(_LAPSE_S)
        other = self._crew.spawn()
        self._give(other, self._retry_of(interrupted))
        self._await([other])
        host.stopped = False
        self._watch.note(host, "go-on")
        self._watch.calls[host] = []
        self._watch.release_call()
        if self._await([host]) and host.raised is None:
            self._drive(host, self._next_command())

    def _drive(self, host: Host, command: Message | None) -> Message | None:
        """Commands until the execution ends or waits for ever; gives the command during which the fault happened."""
        for _ in range(_MAX_COMMANDS):
            if command is None:
                return None
            fired = self._watch.fired
            self._give(host, command)
            if not self._await([host]):
                return None
            if self._watch.fired > fired and (not host.alive or host.stopped or host.raised is not None):
                return command
            if not host.alive:
                self._crew.fail("died", "exit", f"status {host.exit_status}")
                return None
            if host.raised is not None:
                self._crew.fail("exception", str(host.raised["type"]), str(host.raised["message"]))
                return None
            if command["op"] == "signal":
                self._delivered(command)
                if self._watch.deliver_twice():
                    continue
            command = self._next_command()
        self._crew.fail("timeout", "endless", f"still running after {_MAX_COMMANDS} commands")
        return None

    def _delivered(self, command: Message) -> None:
        if command["id"] not in self._outside.delivered:
            self._outside.delivered.append(str(command["id"]))

    def _next_command(self) -> Message | None:
        journal = self._journal()
        move = self._outside.next(journal) if journal is not None and self._crew.failure is None else None
        return self._command_of(move) if move is not None else None

    def _command_of(self, move: Move) -> Message:
        if move.until is not None:
            self._clock.advance_to(move.until)
        if move.signal is not None:
            signal = move.signal
            return {"op": "signal", "id": signal.id, "name": signal.name, "payload": encode(signal.payload)}
        return {"op": move.kind}

    def _retry_of(self, command: Message) -> Message:
        """What a caller does who never heard back: execute becomes resume once the execution is there."""
        if command["op"] == "execute" and self._journal() is not None:
            return {"op": "resume"}
        return command

    def _give(self, host: Host, command: Message) -> None:
        self._settled = False
        self._crew.give(host, command)

    def _await(self, hosts: Sequence[Host]) -> bool:
        """Serves the loop until none of the hosts is at work; False, with the hung ones killed, past the deadline."""
        names = {host: str(host.busy) for host in hosts}

        def done() -> bool:
            racing = self._watch.race
            if racing and any(host.busy is None for host in hosts):
                next(iter(racing.values())).release()
            return all(host.busy is None or host.stopped for host in hosts)

        self._settled = False
        in_time = self._crew.serve(done)
        for host in hosts:
            self._crew.close_command(host, names[host], in_time=in_time, killed=host is self._victim)
        return in_time

    def _strike(self, host: Host, channel: Channel | None) -> None:
        """The fault itself, at its kill point."""
        way = self._case.way if self._case else Way.ONCE
        self._victim, self._held = host, channel
        if way in _REFUSALS and channel is not None:
            self._watch.note(host, "refused", _REFUSALS[way][0])
            channel.refuse(*_REFUSALS[way])
        elif way in {Way.CUT, Way.DROP} and channel is not None:
            self._watch.note(host, "cut", way)
            channel.cut(announced=way is Way.CUT)
        elif way is Way.RESTART:
            self._watch.note(host, "restart")
            self._stage.restart_server()
            if channel is not None:
                channel.cut(announced=False)
        elif way is Way.LAPSE:
            self._watch.note(host, "stop", "its activity takes long")
            host.stopped = True  # as far as this case is concerned; the process itself goes on
        elif way in {Way.ZOMBIE, Way.CANCEL_LIVE}:
            self._watch.note(host, "stop")
            host.stop()
        else:
            self._watch.note(host, "kill")
            host.kill()
            if channel is not None:
                channel.close()

    def _again(self, host: Host, *commands: Message) -> Again:
        """Gives commands that should change nothing any more; by default it resumes and executes once more."""
        before, calls = self._journal(), len(self._world.ledger)
        failure = None
        for command in commands or ({"op": "resume"}, {"op": "execute"}):
            self._give(host, command)
            self._await([host])
            if host.raised is not None and failure is None:
                failure = Failure(kind="exception", type=str(host.raised["type"]), message=str(host.raised["message"]))
        after = self._journal()
        changed = after != before
        return Again(
            calls=len(self._world.ledger) - calls,
            rows_changed=changed,
            journal=after if changed else None,
            failure=failure,
        )

    def _signal_again(self, case: Case, host: Host) -> Again | None:
        """A signal that comes after the end: the one that was delivered, or a stranger of its name."""
        if case.way is Way.SIGNAL_TWICE or case.point.number > len(self._outside.delivered):
            return None
        self._watch.fired += 1
        used = self._outside.delivered[case.point.number - 1]
        planned = next(signal for signal in self._scenario.signals if signal.id == used)
        name = planned.id if case.way is Way.SIGNAL_LATE else f"{planned.id}-stray"
        command: Message = {"op": "signal", "id": name, "name": planned.name, "payload": encode(planned.payload)}
        return self._again(host, command)

    def _look(self, number: int) -> None:
        """Which steps a round trip of the baseline changed."""
        journal = self._journal()
        statuses = {step.step_id: step.status for step in journal.steps} if journal else {}
        self._touched[number] = tuple(
            sorted(step_id for step_id, status in statuses.items() if self._statuses.get(step_id) != status)
        )
        self._statuses = {step_id: str(status) for step_id, status in statuses.items()}

    def _journal(self) -> Journal | None:
        """What is committed; read again only where a host has worked since."""
        if not self._settled:
            self._known = self._stage.journal(self._execution_id)
            self._settled = not any(host.busy for host in self._watch.hosts if not host.stopped)
        return self._known

    def _completed(self, step_id: str) -> bool:
        journal = self._stage.journal(self._execution_id)
        return journal is not None and any(s.step_id == step_id and s.status == "completed" for s in journal.steps)

    def _arm(self, again: Again | None) -> ArmRecord:
        return self._crew.arm(self._journal(), self._world, self._outside, again)
