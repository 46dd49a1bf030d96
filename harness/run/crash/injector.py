"""Sees all that the hosted engines of one case do, and injects the fault at the planned kill point.

Serves their activity calls, too. Does I/O only through the loop that calls it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from cutover.engines.api import ActivityCall
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode
from cutover.harness.record.cases import KillPoint, Moment, PointKind
from cutover.harness.run.process.deadline import ActiveTime
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.proxy.channel import Channel, Ruling
from cutover.harness.run.proxy.fingerprint import Occurrences
from cutover.harness.run.world.clock import SharedClock
from cutover.harness.run.world.world import World

__all__ = ["FaultInjector", "Injection"]

_LAG_S = 0.15
"""How long a worker whose request is held back may do nothing else, real seconds: it waits for the answer."""
_PRINTABLE = bytes(byte if 32 <= byte < 127 else 32 for byte in range(256))

Injection: TypeAlias = Callable[[Host, Channel | None], None]
"""What happens at the kill point; the channel is the one whose request or answer is held there."""


class FaultInjector:
    """The proxy's gate, and the other end of the hosts' messages.

    Kill points are counted from 1, over all workers, while `point`, the one to inject at, is set or `on_answered` is
    (the baseline), which notes the `marks` of all points and the `connections` that were used. With `lags` a request
    at the kill point is held back, and the fault comes with the next activity call of its worker, or when that does
    nothing else for a while; `outlived` says that its command returned before either. `victim` is the worker at which
    the last fault was injected. `on_watched` is called before Postgres gets the request whose answer is the kill
    point.
    """

    def __init__(self, world: World, clock: SharedClock, on_injection: Injection) -> None:
        self._world, self._clock, self._on_injection = world, clock, on_injection
        self._began = time.perf_counter()
        self._held: Channel | None = None
        self._held_call: tuple[Host, Message] | None = None
        self.victim: Host | None = None
        self.hosts: list[Host] = []
        self.moments: list[Moment] = []
        self.logs: list[str] = []
        self.calls: dict[Host, list[int]] = {}
        self.point: KillPoint | None = None
        self.marks: dict[KillPoint, str] = {}
        self.connections: set[Channel] = set()
        self._occurrences = Occurrences()
        self.lags = False
        self.outlived = False
        self._lagging: tuple[Host, Channel, ActiveTime] | None = None
        self.fired = 0
        self.round_trips = 0
        self.activity_calls = 0
        self.deliveries = 0
        self.repeat_signal = 0
        self.on_answered: Callable[[int], None] | None = None
        self.on_watched: Callable[[], object] | None = None
        self.race: dict[Host | None, Channel] | None = None
        self._numbers: dict[int, int] = {}
        self._lasting: tuple[Callable[[], None], ActiveTime, float] | None = None

    def note(self, host: Host | None, what: str, detail: str = "") -> None:
        """Adds to the time line."""
        worker = self.hosts.index(host) + 1 if host in self.hosts else 0
        at_ms = (time.perf_counter() - self._began) * 1000
        self.moments.append(Moment(at_ms=round(at_ms, 3), worker=worker, what=what, detail=detail))

    def inject_at(self, point: KillPoint | None) -> None:
        """Sets the next point and counts from here."""
        self.point = point
        self.round_trips = self.activity_calls = 0

    def last(self, end: Callable[[], None], for_s: float) -> None:
        """The fault lasts: `end` ends it, with the command during which it came or after so long (real time)."""
        self._lasting = end, ActiveTime(), for_s

    def look_at_time(self, *, ended: bool = False) -> None:
        """Ends a fault that lasts, where its time is up or the command has `ended`."""
        if self._lagging is not None and (ended or self._lagging[2].now() >= _LAG_S):
            self.outlived = ended and self._lagging[0].alive and self._lagging[0].raised is None
            self._end_lag(self._lagging[0])
        if self._lasting is None:
            return
        end, time_passed, for_s = self._lasting
        if ended or time_passed.now() >= for_s:
            self._lasting = None
            end()

    def deliver_twice(self) -> bool:
        """Counts a delivered signal; True where the kill point is this delivery and it is to be repeated."""
        self.deliveries += 1
        if self.repeat_signal != self.deliveries:
            return False
        self.repeat_signal = 0
        self.fired += 1
        return True

    def request(self, channel: Channel, number: int, message: bytes) -> Ruling:
        """Rules on a request, as the proxy's gate."""
        host = self._host_of(channel)
        self.round_trips += 1
        self._numbers[number] = number = self.round_trips
        self.note(host, "request", f"{number} {_summary(message)}")
        mark = self._occurrences.of_request(channel.prepared.statements(message)) if self._counts else ""
        if self.on_answered is not None:
            self.connections.add(channel)
            self.marks |= {KillPoint("request", number): mark, KillPoint("answer", number): mark}
        if self.race is not None and host not in self.race:
            return self._line_up(self.race, host, channel)
        if self._is_at("request", number, mark) and host is not None:
            if self.lags:
                self._hold_back(host, channel)
            else:
                self._inject(host, channel)
            return Ruling.HOLD
        watched = self._is_at("answer", number, mark)
        if watched and self.on_watched is not None:
            self.on_watched()
        collect = self.on_answered is not None or watched
        return Ruling.COLLECT if collect else Ruling.PASS

    def answer(self, channel: Channel, number: int) -> bool:
        """Rules on an answer that `request` asked to see."""
        host = self._host_of(channel)
        if self.on_answered is not None:
            self.on_answered(self._numbers[number])
            return True
        if host is None:
            return True
        self.note(host, "answer", str(self._numbers[number]))
        self._inject(host, channel)
        return False

    def message(self, host: Host, message: Message) -> None:
        """Serves what a host sends: a call, the wish to sleep, or a log line."""
        match message["op"]:
            case "log":
                self.logs.append(str(message["line"]))
            case "sleep":
                self.note(host, "sleep", str(message["until"]))
                self._clock.advance_to(datetime.fromisoformat(str(message["until"])))
                host.answer({})
            case "call":
                self._call(host, message)

    def release(self) -> None:
        """Goes on with the round trip or the call that an injected fault held."""
        if self._held is not None:
            self._held.release()
        if self._held_call is not None:
            (host, message), self._held_call = self._held_call, None
            if "op" in message:
                host.answer(self._serve(host, message))
            else:
                host.answer(message)

    def _call(self, host: Host, message: Message) -> None:
        self.activity_calls += 1
        number = self.activity_calls
        self.note(host, "call", f"{number} {message['step_id']} attempt {message['attempt']}")
        mark = self._occurrences.of_call(str(message["step_id"]), message["attempt"])
        if self.on_answered is not None:
            self.marks |= {KillPoint("call", number): mark, KillPoint("reply", number): mark}
        if self._is_at("call", number, mark):
            self._held_call = (host, message)
            self._inject(host, None)
            return
        answer = self._serve(host, message)
        if self._end_lag(host):
            return
        if self._is_at("reply", number, mark):
            self._held_call = (host, answer)
            self._inject(host, None)
            return
        host.answer(answer)

    def _serve(self, host: Host, message: Message) -> Message:
        attempt = message["attempt"]
        key = message["idempotency_key"]
        call = ActivityCall(
            execution_id=UUID(str(message["execution_id"])),
            step_id=str(message["step_id"]),
            activity=str(message["activity"]),
            attempt=attempt if isinstance(attempt, int) else 0,
            idempotency_key=None if key is None else str(key),
            input=decode(str(message["input"])),
        )
        try:
            result = self._world.call(call)
        except ActivityError as error:
            answer: Message = {"error": error.message, "retryable": error.retryable}
        else:
            answer = {"output": json.dumps(result.output), "ports": list(result.ports)}
        entry = self._world.ledger[-1]
        self.calls.setdefault(host, []).append(entry.sequence)
        self.note(host, "effect", f"{entry.step_id} {entry.effect}")
        return answer

    @property
    def _counts(self) -> bool:
        """Whether what happens is told by what it is: from the start on, up to the point that has a mark."""
        return self.on_answered is not None or (self.point is not None and bool(self.point.mark))

    def _is_at(self, kind: PointKind, number: int, mark: str) -> bool:
        """Returns whether this is the point to inject at, found by its mark where it has one."""
        point = self.point
        if point is None or point.kind != kind:
            return False
        return point.mark == mark if point.mark else point.number == number

    def _hold_back(self, host: Host, channel: Channel) -> None:
        """Holds a request back, and lets its worker go on."""
        self.point = None
        self.fired += 1
        self.note(host, "lag", "its request is held back")
        self._lagging = host, channel, ActiveTime()

    def _end_lag(self, host: Host) -> bool:
        """Brings the fault about, where a request of this worker is held back; says whether one is."""
        if self._lagging is None or self._lagging[0] is not host:
            return False
        (_, channel, _), self._lagging = self._lagging, None
        self.victim = host
        self._on_injection(host, channel)
        return True

    def _inject(self, host: Host, channel: Channel | None) -> None:
        self.point = None
        self.fired += 1
        self.victim, self._held = host, channel
        self._on_injection(host, channel)

    @staticmethod
    def _line_up(racers: dict[Host | None, Channel], host: Host | None, channel: Channel) -> Ruling:
        """Lets two workers send their first requests at the same moment."""
        racers[host] = channel
        if len(racers) < 2:
            return Ruling.HOLD
        next(iter(racers.values())).release()
        return Ruling.PASS

    def _host_of(self, channel: Channel) -> Host | None:
        """Returns the worker at the other end; a child that an engine forked counts as its parent."""
        peer = channel.peer
        for host in self.hosts:
            if peer in {host.pid, 0} or host.leads(peer):
                return host
        return None


def _summary(request: bytes) -> str:
    """Returns the first words of a request's SQL, or the message types of an extended query."""
    text = request[5:] if request[:1] == b"Q" else request
    words = text[:400].translate(_PRINTABLE).decode("ascii").split()
    return " ".join(words)[:80]
