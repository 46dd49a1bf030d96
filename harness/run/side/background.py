"""Plays what lasts long in a process of its own, while a run does other things. Starts a process.

The process is begun with the run and heard at its end; whatever ends the run meanwhile, nothing of it is left.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Sequence

from cutover.harness.run.postgres.server import Server
from cutover.harness.run.process.boot import ANSWER, NOTE
from cutover.harness.run.process.child import Child
from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.lifetime import Closing, killed_from_outside
from cutover.harness.run.side.listing import LONG_PLAYS
from cutover.harness.run.side.patience import silence_s
from cutover.harness.run.side.playing import (
    BEGIN,
    REFUSED,
    SILENCE_S,
    lost_play,
    one_line,
    play_database,
    play_program,
    refused_play,
)
from cutover.harness.run.side.plays.lasting import IDLE
from cutover.harness.run.side.plays.performance import LONG_S
from cutover.harness.store.lines import encode_fields

__all__ = ["BackgroundPlays"]


class BackgroundPlays(Closing):
    """Some plays of a run, on a database of their own, begun when this is made; a context manager.

    The activity in the middle of the long ones takes `lasts_s` of real time.
    """

    def __init__(
        self,
        server: Server,
        *,
        control: str,
        candidate: str,
        seed: int,
        plays: Sequence[str] = tuple(LONG_PLAYS),
        lasts_s: float = LONG_S,
    ) -> None:
        self._candidate = candidate
        self._stack = contextlib.ExitStack()
        self._child: Child | None = None
        self._problem = ""
        try:
            self._silence_s = silence_s(SILENCE_S, control, candidate)
            self._most_s = self._silence_s + (lasts_s * (1 + IDLE) if LONG_PLAYS.keys() & set(plays) else 0.0)
            self._until = time.monotonic() + self._most_s
            database = play_database(self._stack, server)
            self._child = Child(play_program(control, candidate, seed, lasts_s))
            self._child.send({"dsn": database.dsn, "plays": tuple(plays), "installs": True})
        except Exception as error:  # noqa: BLE001 - as with all plays: it costs these alone
            self._problem = one_line(error)
        except BaseException:
            self.close()
            raise

    def collect(self, pace: float = 1.0) -> tuple[tuple[bytes, ...], str]:
        """Waits for their end; returns a line for each execution, and why there are none or not all. Once.

        `pace` is how many times slower the machine is than usual.
        """
        if self._child is None:
            return (), self._problem
        rows: list[bytes] = []
        name, active = "", ActiveTime()
        wait_s = max(self._silence_s * pace, self._until - time.monotonic())
        while (left := wait_s - active.now()) > 0:
            if not select.select([self._child], [], [], min(left, LOOK_S))[0]:
                continue
            lines = self._child.lines()
            if lines is None:
                return self._lost(rows, name, timeout=False)
            for line in lines:
                kind, news = line[:1], line[1:]
                if kind == ANSWER:
                    return tuple(rows), ""
                if kind == NOTE and news[:1] == REFUSED:
                    raise refused_play(news)
                if kind == NOTE and news[:1] == BEGIN:
                    name = news[1:].decode("ascii")
                elif kind == NOTE:
                    rows.append(news[1:])
        return self._lost(rows, name, timeout=True)

    def close(self) -> None:
        """Ends the process, and drops its database."""
        child, self._child = self._child, None
        if child is not None:
            child.end()
        self._stack.close()

    def _lost(self, rows: list[bytes], name: str, *, timeout: bool) -> tuple[tuple[bytes, ...], str]:
        """What there is where the process hung or died; `name` is the play that it was in."""
        child, self._child = self._child, None
        if child is None:
            raise AssertionError
        ended = child.end()
        last = ended.errors.strip().splitlines()[-1:] or ["nothing was said"]
        how = f"took more than {self._most_s:g} s" if timeout else last[0][:200]
        if ended.killed_from_outside:
            how = str(killed_from_outside("its process", -ended.status))
        problem = f"{name or 'the plays'}: {how}"
        if name and not ended.killed_from_outside:
            rows.append(encode_fields(lost_play(name, self._candidate, problem, timeout=timeout)))
        return tuple(rows), problem
