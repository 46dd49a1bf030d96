"""Runs one crash case: drives hosted engines, brings about the planned fault, resumes, and records. Does I/O."""

from __future__ import annotations

import threading
import uuid
from collections import deque
from math import inf
from typing import Self

from cutover.harness.record.cases import CaseRecord, CrashCase, KillPoint, Way
from cutover.harness.record.trials import Again
from cutover.harness.run.crash.caller import Caller
from cutover.harness.run.crash.injector import FaultInjector
from cutover.harness.run.crash.recovery import Recovery
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.deadline import LOOK_S
from cutover.harness.run.process.host import Host
from cutover.harness.run.proxy.channel import Channel
from cutover.harness.run.world.clock import NEW_YEARS_EVE
from cutover.harness.run.world.outside import signal_command
from cutover.scenarios.model import Scenario

__all__ = ["CaseRun"]

_REFUSALS = {
    Way.SERIALIZATION: ("40001", "could not serialize access due to concurrent update"),
    Way.DEADLOCK: ("40P01", "deadlock detected"),
}
_AWAY_S = 1.5
"""How long the server is away, real seconds, up to the next look at the time: an engine may wait until it is back."""
_LOOK_S = 0.03
"""How often a worker is looked at whose request is held back, real seconds."""
_SHARE_OF_DEADLINE = 0.25
"""And at most so much of a command's deadline, so that an engine that waits returns in time."""


class CaseRun:
    """One execution, from its start to the record."""

    def __init__(self, testbed: Testbed, scenario: Scenario, case: CrashCase, execution_id: uuid.UUID) -> None:
        self._testbed, self._scenario, self._case = testbed, scenario, case
        self._caller = Caller(testbed, scenario, execution_id, self._inject)
        self._fault = _Fault(case, testbed, self._caller)

    def run(self) -> CaseRecord:
        """Plays the case."""
        case, caller, workers, injector = self._case, self._caller, self._caller.workers, self._caller.injector
        recovery = Recovery(case, caller)
        at_crash = again = None
        injector.inject_at(case.point)
        injector.lags = case.way is Way.LAG
        self._testbed.loop.look_s = _LOOK_S if injector.lags else LOOK_S
        if case.way is Way.RESTART:
            injector.on_watched = lambda: caller.remember("the last answer before the server died")
        if case.way is Way.SIGNAL_TWICE:
            injector.repeat_signal = case.point.number
        host = workers.spawn()
        with _Struck(case.point, host, injector) as struck:
            interrupted = caller.drive(host, {"op": "execute"})
        if struck.late:
            workers.serve(lambda: not host.alive)
            interrupted = {"op": "resume"}
        if not self._fault.further:
            injector.inject_at(None)
        if injector.fired and workers.failure is None and case.point.kind != "signal":
            at_crash = caller.remember("the fault")
            if interrupted is None and (case.storm or case.way is Way.OUTAGE):
                interrupted = caller.left_undone()
            recovery.go(host, interrupted)
            if case.way is Way.TWICE and workers.failure is None:
                again = caller.again(workers.spawn())
        resumed = {"request": injector.round_trips, "call": injector.activity_calls}
        if case.point.kind == "signal" and workers.failure is None:
            again = self._signal_again(host)
        record = caller.arm_record(again)
        leftovers = workers.close()
        return CaseRecord(
            case=case,
            planned=self._planned(),
            fired=min(injector.fired, 1) if case.storm else injector.fired,
            arm=record,
            resume_points=resumed,
            at_crash=at_crash,
            before_go_on=recovery.before_go_on,
            commands=tuple(workers.commands),
            moments=tuple(injector.moments),
            leftovers=leftovers,
            strays=self._testbed.new_relations(),
            clock_began_at=NEW_YEARS_EVE,
            clock_shift_ms=int(workers.shift.total_seconds() * 1000),
            acknowledged=tuple(caller.remembered),
        )

    def _inject(self, host: Host, channel: Channel | None) -> None:
        self._fault.inject(host, channel)

    def _planned(self) -> int:
        """Returns how many faults there were to be; who gives up when it is refused sends nothing to refuse again."""
        planned, fired = 1 + len(self._case.further), self._caller.injector.fired
        gave_up = any(command.ended == "raised" for command in self._caller.workers.commands)
        return min(planned, max(fired, 1)) if self._case.way in _REFUSALS and gave_up else planned

    def _signal_again(self, host: Host) -> Again | None:
        """Sends a signal after the end: the one that was delivered, or an unknown one of the same name."""
        number, delivered = self._case.point.number, self._caller.outside.delivered
        if self._case.way is Way.SIGNAL_TWICE or number > len(delivered):
            return None
        self._caller.injector.fired += 1
        planned = next(signal for signal in self._scenario.signals if signal.id == delivered[number - 1])
        other_id = None if self._case.way is Way.SIGNAL_LATE else f"{planned.id}-stray"
        return self._caller.again(host, signal_command(planned, name=other_id))


class _Struck:
    """Kills a worker at a moment of real time, at the latest when the block has ended: then it is `late`.

    Where the point is no such moment nothing happens.
    """

    def __init__(self, point: KillPoint, host: Host, injector: FaultInjector) -> None:
        self._host, self._injector = host, injector
        self._timer = threading.Timer(point.number / 1_000_000, self._strike) if point.kind == "moment" else None
        self.late = False

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer.join()
        if not self._injector.fired:
            self.late = True
            self._strike()

    def _strike(self) -> None:
        self._injector.fired += 1
        self._injector.victim = self._host
        self._injector.note(self._host, "kill", "at its moment")
        self._host.kill()


class _Fault:
    """The fault of one way of interrupting, noted in the injector's time line.

    `further` are the points at which a refusal comes once more, for ways that refuse.
    """

    def __init__(self, case: CrashCase, testbed: Testbed, caller: Caller) -> None:
        self._way, self._point = case.way, case.point
        self._testbed, self._caller, self._injector = testbed, caller, caller.injector
        self._storm = case.storm - 1
        self.further = deque(case.further if case.way in _REFUSALS else ())

    def inject(self, host: Host, channel: Channel | None) -> None:
        """Brings it about; a fault of connections is a death where no round trip is held (`channel` is None)."""
        way = self._way
        if way in _REFUSALS and channel is not None:
            self._injector.note(host, "refused", _REFUSALS[way][0])
            self._repeat()
            channel.refuse(*_REFUSALS[way])
        elif way in {Way.CUT, Way.DROP} and channel is not None:
            self._injector.note(host, "cut", way)
            self._repeat()
            channel.cut(announced=way is Way.CUT)
        elif way is Way.OUTAGE and channel is not None:
            self._go_away(host)
        elif way is Way.RESTART:
            self._restart(host, channel)
        elif way is Way.LAPSE:
            self._injector.note(host, "stop", "its activity takes long")
            host.stopped = True  # as far as this case is concerned; the process itself goes on
        elif way in {Way.ZOMBIE, Way.CANCEL_LIVE}:
            self._injector.note(host, "stop")
            host.stop()
        else:
            self._injector.note(host, "kill")
            host.kill()
            if channel is not None:
                channel.close()

    def _repeat(self) -> None:
        """Sets the next point, where there is one: of a storm it is the next request, whichever that is."""
        if self.further:
            self._injector.inject_at(self.further.popleft())
        elif self._storm > 0:
            self._storm -= 1
            self._injector.inject_at(KillPoint("request", 1))
            self._injector.last(lambda: self._injector.inject_at(None), inf)

    def _go_away(self, host: Host) -> None:
        """Cuts every connection of the engine and accepts none until its command has ended, or for a while."""
        proxy = self._testbed.proxy
        self._injector.note(host, "away")

        def come_back() -> None:
            proxy.reachable = True
            self._injector.note(None, "back")

        proxy.reachable = False
        self._injector.last(come_back, min(_AWAY_S, self._testbed.deadline_s * _SHARE_OF_DEADLINE))
        for each in list(proxy.channels):
            each.cut(announced=False)

    def _restart(self, host: Host, channel: Channel | None) -> None:
        """Stops the server at once and starts it again; what was committed is looked at just before and just after."""
        if self._point.kind != "answer":  # there Postgres has done what nobody was told of yet
            self._caller.remember("the death of the server")
        self._injector.note(host, "restart")
        self._testbed.restart_server()
        self._caller.remember("the return of the server")
        if channel is not None:
            channel.cut(announced=False)
        else:
            self._injector.release()
