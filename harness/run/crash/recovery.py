"""How an execution goes on after a fault: which worker resumes it, and when, in each way of resuming. Does I/O."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cutover.engines.api import Journal
from cutover.harness.record.cases import CrashCase, Way
from cutover.harness.run.crash.caller import Caller
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.proxy.channel import Channel

__all__ = ["Recovery"]

_LAPSES, _LAPSE_S, _OUTLAST = 5, 0.25, 1.3
"""How an activity outlasts a lease: in so many parts, each as long in real time as this (s), time moves on so much
farther than before a takeover."""


class Recovery:
    """Of one case; `before_go_on` is what was committed before a zombie went on.

    A worker that is stopped within a transaction holds its locks. Where another one waits for them it is cut off, as a
    server does with a client that is silent for long; it learns of that when it goes on.
    """

    def __init__(self, case: CrashCase, caller: Caller) -> None:
        self._case, self._caller = case, caller
        self._workers, self._injector = caller.workers, caller.injector
        self.before_go_on: Journal | None = None

    def go(self, host: Host, interrupted: Message | None) -> None:
        """Brings the execution to its end, in the case's way; `host` is the worker at which the fault was injected.

        `interrupted` is its command; None where the engine took the fault without letting its caller know. A worker
        that lives goes on, but after a storm another one does: who gave up then must have let go, too.
        """
        if interrupted is None:
            return
        self._watch_locks_of(host)
        if self._case.way is Way.LAPSE:
            self._lapse(host, interrupted)
            return
        if self._case.way is Way.CANCEL_LIVE:
            self._cancel_live()
            if self._workers.failure is None:
                self._wake(host)
            return
        self._workers.let_leases_end()
        if host.alive and not host.stopped and not self._case.storm:
            self._repeat(host, interrupted)
            return
        match self._case.way:
            case Way.CONCURRENT:
                self._race(interrupted)
            case Way.AGAIN:
                self._die_again(interrupted)
            case Way.CANCEL if self._caller.journal() is not None:  # else there is nothing that could be cancelled
                self._caller.drive(self._workers.spawn(), {"op": "cancel"})
            case _:
                self._retry(interrupted)
        if host.stopped and self._workers.failure is None:
            self._wake(host)

    def _cancel_live(self) -> None:
        """Cancels while the lease still stands; an engine that wants it to end first may say so."""
        other = self._workers.spawn()
        self._caller.send(other, {"op": "cancel"})
        self._caller.wait_for([other])
        if other.raised is not None and str(other.raised["type"]).rpartition(".")[2] == "ExecutionHeld":
            self._workers.let_leases_end()
        elif other.raised is None:
            return
        self._caller.drive(other, {"op": "cancel"})

    def _retry(self, interrupted: Message) -> Message | None:
        """Starts a new worker, which retries; returns the command during which it died, if it did.

        Whoever looks after what was left under way may come before the sender of a signal tries again, or whoever
        cancels. The latter does not come back where nothing is left that could go on or be waited for.
        """
        if self._case.way is Way.TWICE and interrupted["op"] in {"signal", "cancel"}:
            other = self._workers.spawn()
            self._caller.send(other, {"op": "resume"})
            if not self._caller.wait_for([other]):
                return None
            if other.raised is not None:
                self._workers.fail_by(other.raised)
                return None
            if interrupted["op"] == "cancel" and self._caller.left_undone() is not None:
                return None
        return self._caller.drive(self._workers.spawn(), self._caller.retry_of(interrupted))

    def _repeat(self, host: Host, interrupted: Message) -> None:
        """The worker that lives tries again; once more for each further fault that its caller heard of."""
        pending: Message | None = interrupted
        for _ in (self._case.point, *self._case.further):
            if pending is None or not host.alive:
                return
            pending = self._caller.drive(host, self._caller.retry_of(pending))

    def _die_again(self, interrupted: Message) -> None:
        """The one that resumes dies too, at a point of its own, and perhaps the one after it; then another one."""
        for point in self._case.further:
            self._injector.inject_at(point)
            died = self._retry(interrupted)
            self._injector.inject_at(None)
            if died is None:
                return
            self._caller.remember("a further death")
            self._workers.let_leases_end()
            interrupted = died
        self._retry(interrupted)

    def _race(self, interrupted: Message) -> None:
        """Two workers resume at the same moment; what follows once both have returned is sent to the first of them."""
        self._injector.race = {}
        racers = [self._workers.spawn(), self._workers.spawn()]
        for racer in racers:
            self._caller.send(racer, self._caller.retry_of(interrupted))
        self._caller.wait_for(racers)
        self._injector.race = None
        if self._workers.failure is not None:
            return
        self._caller.carried_out(interrupted)
        self._caller.drive(racers[0], self._caller.next_command())

    def _wake(self, host: Host) -> None:
        """Lets the zombie go on with what it had been about to do."""
        self._caller.on_locked = None
        self.before_go_on = self._caller.journal()
        self._go_on(host)
        host.go_on()
        self._injector.release()
        self._caller.wait_for([host])

    def _watch_locks_of(self, host: Host) -> None:
        if host.stopped:
            self._caller.on_locked = partial(self._cut_off, host, self._caller.channels())

    def _cut_off(self, host: Host, channels: Sequence[Channel]) -> None:
        self._injector.note(host, "cut", "another worker waits for its locks")
        for channel in channels:
            channel.cut(announced=False)

    def _lapse(self, host: Host, interrupted: Message) -> None:
        """Another worker asks for the execution when an activity has taken longer than a lease lasts."""
        for _ in range(_LAPSES):
            self._workers.pass_time(self._caller.takeover * _OUTLAST / _LAPSES)
            self._workers.linger(_LAPSE_S)
        other = self._workers.spawn()
        self._caller.send(other, self._caller.retry_of(interrupted))
        self._caller.wait_for([other])
        self._go_on(host)
        host.stopped = False
        self._injector.release()
        if self._caller.wait_for([host]) and host.raised is None:
            self._caller.drive(host, self._caller.next_command())

    def _go_on(self, host: Host) -> None:
        """Notes that a stopped worker goes on, and counts its calls from here."""
        self._injector.note(host, "go-on")
        self._injector.calls[host] = []
