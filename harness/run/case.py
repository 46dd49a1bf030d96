"""Runs one crash case: drives hosted engines, brings about the planned fault, resumes, and records. Does I/O."""

from __future__ import annotations

import uuid

from harness.judge.cases import Case, CaseRecord, Way
from harness.judge.records import Again
from harness.run.caller import Caller
from harness.run.channel import Channel
from harness.run.fault import Fault
from harness.run.host import Host
from harness.run.outside import signal_command
from harness.run.recovery import Recovery
from harness.run.stage import Stage
from scenarios.model import Scenario

__all__ = ["CaseRun"]


class CaseRun:
    """One execution, from its start to the record."""

    def __init__(self, stage: Stage, scenario: Scenario, case: Case, execution_id: uuid.UUID) -> None:
        self._stage, self._scenario, self._case = stage, scenario, case
        self._caller = Caller(stage, scenario, execution_id, self._strike)
        self._fault = Fault(case.way, stage, self._caller.watch)

    def run(self) -> CaseRecord:
        """Plays the case."""
        case, caller, crew, watch = self._case, self._caller, self._caller.crew, self._caller.watch
        recovery = Recovery(case, caller)
        at_crash = again = None
        watch.arm(case.point)
        if case.way is Way.SIGNAL_TWICE:
            watch.repeat_signal = case.point.number
        host = crew.spawn()
        interrupted = caller.drive(host, {"op": "execute"})
        watch.arm(None)
        if watch.fired and crew.failure is None and case.point.kind != "signal":
            at_crash = caller.journal()
            recovery.go(host, interrupted)
            if case.way is Way.TWICE and crew.failure is None:
                again = caller.again(crew.spawn())
        resumed = {"request": watch.round_trips, "call": watch.activity_calls}
        if case.point.kind == "signal" and crew.failure is None:
            again = self._signal_again(host)
        arm = caller.arm(again)
        leftovers = crew.close()
        return CaseRecord(
            case=case,
            planned=2 if case.second else 1,
            fired=watch.fired,
            arm=arm,
            resume_points=resumed,
            at_crash=at_crash,
            before_go_on=recovery.before_go_on,
            commands=tuple(crew.commands),
            moments=tuple(watch.moments),
            leftovers=leftovers,
            strays=self._stage.strays(),
            clock_shift_ms=int(crew.shift.total_seconds() * 1000),
        )

    def _strike(self, host: Host, channel: Channel | None) -> None:
        self._fault.strike(host, channel)

    def _signal_again(self, host: Host) -> Again | None:
        """A signal that comes after the end: the one that was delivered, or a stranger of its name."""
        number, delivered = self._case.point.number, self._caller.outside.delivered
        if self._case.way is Way.SIGNAL_TWICE or number > len(delivered):
            return None
        self._caller.watch.fired += 1
        planned = next(signal for signal in self._scenario.signals if signal.id == delivered[number - 1])
        stranger = None if self._case.way is Way.SIGNAL_LATE else f"{planned.id}-stray"
        return self._caller.again(host, signal_command(planned, name=stranger))
