"""Counts what an engine's process uses, play by play: by what passes on its connections, and the server's views. I/O.

All of it happens in the thread of one event loop. The process stands still while it asks, so what is read then is what
it had used by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import psycopg

from cutover.engines.byprocess.hosting import is_by_process
from cutover.engines.registry import resolve
from cutover.engines.roles import Role
from cutover.engines.sqlfiles import sql
from cutover.harness.record.costs import CommandCosts, PlayCosts, ProcessSize, TableCounts, Traffic
from cutover.harness.run.process.boot import ANSWER, FAILURE, QUESTION, READY
from cutover.harness.run.process.child import Child, ChildProgram
from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.lifetime import Closing
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.proxy.channel import Channel, Ruling
from cutover.harness.run.proxy.proxy import engine_proxy
from cutover.harness.run.side.ladder import Rung
from cutover.harness.run.side.patience import silence_s

__all__ = ["Meter"]

_HERE: Final = "cutover.harness.run.side"
_ENTRY: Final = f"{_HERE}.subject:main"
_SILENCE_S: Final = 30.0
"""How long the process may say nothing, real seconds; the moments that it tells are milliseconds apart."""
_BLOCKED_S: Final = 10.0
"""How long an execution may take while another is inside an activity, real seconds, where the server knows no lock."""
_GONE_S: Final = 10.0
_OFTEN_S: Final = 0.02
_SURE: Final = 3
"""How often in a row the same wait is seen before it counts: nothing moves meanwhile that could end it."""
_OPEN: Final = (b"T", b"E")
_IN_TIME: Final = 150_000
"""Servers before this version keep their counts in a process of its own, which learns of them late."""


@dataclass(slots=True)
class _PlayUnderWay:
    """What is counted of a play so far.

    `mark` is what had passed at the last moment that was told, `counts` the rows before and after. While a play is
    `watched`, `asked` are the channels whose answer is not there yet, `holders` those of the execution that is inside
    an activity, and `seen` counts the looks that saw somebody wait.
    """

    commands: list[CommandCosts] = field(default_factory=list)
    parts: list[Traffic] = field(default_factory=list)
    sizes: list[ProcessSize] = field(default_factory=list)
    mark: Traffic = field(default_factory=Traffic)
    open_calls: int = 0
    counts: tuple[TableCounts | None, TableCounts | None] = (None, None)
    watched: str = ""
    since: ActiveTime = field(default_factory=ActiveTime)
    asked: set[Channel] = field(default_factory=set)
    holders: list[Channel] = field(default_factory=list)
    seen: int = 0
    blocked: str = ""
    lock_waits: int = 0


class Meter(Closing):
    """One engine's process, its connections and its plays; `rows` is what was counted so far.

    `dsn` is a database in which the engine is installed, of which nobody else makes use meanwhile.
    """

    def __init__(self, loop: Loop, role: Role, spec: str, dsn: str, plays: Sequence[Rung]) -> None:
        self.rows: list[PlayCosts] = []
        self.done = False
        self._loop, self._role = loop, role
        self._plays = list(plays)
        self._before = 0
        self._heard, self._silence_s = ActiveTime(), silence_s(_SILENCE_S, spec)
        self._server = psycopg.connect(dsn, autocommit=True)
        self._others = self._sessions()
        self._proxy = engine_proxy(loop, dsn, self, by_process=is_by_process(resolve(spec)))
        setup = {"spec": spec, "dsn": self._proxy.dsn}
        self._child = Child(ChildProgram(_ENTRY, setup, keeps_errors=True))
        self._ended = False
        loop.watch(self._child, self._hear)
        self._now = _PlayUnderWay()

    @property
    def patience_s(self) -> float:
        """How long `look` may wait for the next event: not at all while two executions have both asked the server."""
        if self.done or not self._now.watched:
            return LOOK_S
        return 0.0 if len(self._now.asked) > 1 else _OFTEN_S

    def look(self) -> None:
        """Sees who waits for a lock, where that is the question now, and whether the process still speaks."""
        if self.done:
            return
        if self._now.watched == "contended" and len(self._now.asked) > 1:
            if not self._now.seen and self._waits():
                self._now.seen, self._now.lock_waits = 1, self._now.lock_waits + 1
        elif self._now.watched == "beside" and not self._now.blocked:
            self._look_beside()
        if self._heard.now() > self._silence_s:
            self._stop(f"its process said nothing for {self._silence_s:g} s")

    def request(self, channel: Channel, _number: int, _message: bytes) -> Ruling:
        """Lets it pass; while two executions are at work, notes that it is not answered yet."""
        if self._now.watched != "contended":
            return Ruling.PASS
        self._now.asked.add(channel)
        return Ruling.COLLECT

    def answer(self, channel: Channel, _number: int) -> bool:
        """Lets it pass; whoever waits from now on waits anew."""
        self._now.asked.discard(channel)
        self._now.seen = 0
        return True

    def close(self) -> None:
        """Ends the process and closes all connections."""
        if not self._ended:
            self._ended = True
            self._loop.forget(self._child)
            self._child.end()
        self._proxy.close()
        self._server.close()

    def _hear(self) -> None:
        lines = self._child.lines()
        if lines is None:
            self._loop.forget(self._child)
            self._ended = True
            self._stop(f"its process ended: {self._child.end()}")
            return
        for line in lines:
            self._heard = ActiveTime()
            kind, body = line[:1], line[1:]
            if kind == QUESTION:
                self._at(json.loads(body))
                self._child.send(None)
            elif kind == ANSWER:
                self._keep(json.loads(body))
            elif kind == FAILURE:
                told = json.loads(body)
                self._keep(f"{told['kinds'][0].rpartition('.')[2]}: {' '.join(told['message'].split())}"[:300])
            if kind in {READY, ANSWER, FAILURE}:
                self._send_next()

    def _send_next(self) -> None:
        if not self._plays:
            self.done = True
            return
        self._now = _PlayUnderWay()
        self._child.send(self._plays[0].name)

    def _keep(self, problem: str) -> None:
        """Adds the row of the play that has ended."""
        played = self._plays.pop(0)
        before, after = self._now.counts
        row = PlayCosts(
            role=self._role,
            play=played.name,
            kind=played.kind,
            length=played.length,
            before=self._before,
            payload_bytes=played.payload_bytes,
            commands=tuple(self._now.commands),
            tables=None if before is None or after is None else _difference(after, before),
            sizes=tuple(self._now.sizes),
            blocked=self._now.blocked,
            lock_waits=self._now.lock_waits,
            problem=problem,
        )
        self.rows.append(row)
        self._before += played.executions + (played.companion is not None)

    def _stop(self, problem: str) -> None:
        """Gives up; the play that was under way and those to come are not counted."""
        if not self.done:
            self._keep(problem)
        self.done = True

    def _at(self, told: Mapping[str, Any]) -> None:
        """Reads what is to be read at this moment of the process."""
        match told["moment"]:
            case "begin":
                self._now.counts = (self._settled(), None)
            case "command":
                self._now.parts, self._now.mark, self._now.open_calls = [], self._traffic(), 0
            case "call":
                self._part()
                self._now.open_calls += any(channel.transaction in _OPEN for channel in self._proxy.channels)
            case "done":
                self._part()
                self._now.commands.append(CommandCosts(parts=tuple(self._now.parts), open_calls=self._now.open_calls))
            case "size":
                size = {name: value for name, value in told.items() if name != "moment"}
                channels = self._proxy.channels
                prepared = sum(len(channel.prepared) for channel in channels)
                self._now.sizes.append(
                    ProcessSize(**size, connections=len(channels), prepared=prepared, locks=self._locks())
                )
            case "beside" | "contended" as watched:
                self._now.watched, self._now.holders, self._now.since = (
                    watched,
                    list(self._proxy.channels),
                    ActiveTime(),
                )
            case "apart":
                self._now.watched = ""
                self._now.asked.clear()
                self._now.mark = self._traffic()
            case "closed":
                self._now.counts = (self._now.counts[0], self._settled())

    def _part(self) -> None:
        now = self._traffic()
        self._now.parts.append(now - self._now.mark)
        self._now.mark = now

    def _traffic(self) -> Traffic:
        return Traffic(round_trips=self._proxy.round_trips, **asdict(self._proxy.passed_by))

    def _look_beside(self) -> None:
        """Ends what holds up the execution, as soon as it is clear that something does."""
        waits = self._waits()
        self._now.seen = self._now.seen + 1 if waits else 0
        if self._now.seen >= _SURE:
            self._now.blocked = f"a lock ({waits[0]})"
        elif self._now.since.now() > _BLOCKED_S:
            self._now.blocked = "something other than a lock of the server"
        if self._now.blocked:
            for channel in self._now.holders:
                channel.cut(announced=True)

    def _locks(self) -> int:
        """Returns how many locks the process's sessions hold now, at rest."""
        found = self._server.execute(sql(_HERE, "held_locks"), prepare=True).fetchone()
        return 0 if found is None else int(found[0])

    def _waits(self) -> list[str]:
        return [event for (event,) in self._server.execute(sql(_HERE, "lock_waits"), prepare=True)]

    def _settled(self) -> TableCounts | None:
        """Returns the counts once all sessions of the process have ended, for only then they are complete."""
        for channel in list(self._proxy.channels):
            channel.close()
        began = ActiveTime()
        while self._sessions() - self._others:
            if began.now() > _GONE_S:
                return None
        if self._server.info.server_version < _IN_TIME:
            return None
        found = self._server.execute(sql(_HERE, "rows"), prepare=True).fetchone()
        return None if found is None else TableCounts(**dict(zip(_COUNTS, found, strict=True)))

    def _sessions(self) -> set[int]:
        return {pid for (pid,) in self._server.execute(sql(_HERE, "sessions"), prepare=True)}


_COUNTS: Final = ("read", "entries", "fetched", "inserted", "updated", "deleted")


def _difference(after: TableCounts, before: TableCounts) -> TableCounts:
    return replace(after, **{name: getattr(after, name) - getattr(before, name) for name in _COUNTS})
