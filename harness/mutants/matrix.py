"""Plays all mutants on a server, on several processes, and returns the kill matrix. Does I/O."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, TypeAlias

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.mutants.controls import CONTROLS
from cutover.harness.mutants.engine_mutants import ENGINE_MUTANTS
from cutover.harness.mutants.harness_mutants import HARNESS_MUTANTS, HarnessMutant, play_guard
from cutover.harness.mutants.model import EngineMutant, SoundControl
from cutover.harness.mutants.playing import play_control, play_mutant
from cutover.harness.record.mutants import Kill, KillMatrix, Kind
from cutover.harness.run.process.folders import discard_sockets
from cutover.harness.run.process.parent import die_with_parent
from cutover.harness.run.trials.installation import install_engine

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

    from cutover.harness.run.postgres.server import Server

__all__ = ["kill_matrix", "known"]

_Playable: TypeAlias = EngineMutant | HarnessMutant | SoundControl
_dsn = ""


def known() -> tuple[str, ...]:
    """The id of everything that can be played, in order."""
    return tuple(each.id for each in _all())


def kill_matrix(
    server: Server, *, only: Sequence[str] = (), seed: int, workers: int, on_kill: Callable[[Kill], None]
) -> KillMatrix:
    """Plays everything, or what `only` names; databases and processes are gone afterwards."""
    began = time.monotonic()
    chosen = [each for each in _all() if not only or each.id in only]
    context = multiprocessing.get_context("spawn")
    done: dict[str, Kill] = {}
    with ExitStack() as after, ExitStack() as stack:
        dsns: SimpleQueue[str] = context.SimpleQueue()
        count = min(workers, len(chosen))
        for _ in range(count):
            database = server.create_database()
            stack.callback(database.drop)
            install_engine("v2", database.dsn)
            dsns.put(database.dsn)
        pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(dsns,))
        stack.callback(pool.shutdown, cancel_futures=True)
        futures = {pool.submit(_play, each.id, seed): each for each in chosen}
        for player in multiprocessing.active_children():
            after.callback(discard_sockets, player.pid)
        for future in as_completed(futures):
            kill = _result(futures[future], future)
            done[kill.id] = kill
            on_kill(kill)
    return KillMatrix(seed=seed, kills=tuple(done[each.id] for each in chosen), seconds=time.monotonic() - began)


def _all() -> tuple[_Playable, ...]:
    return (*ENGINE_MUTANTS, *HARNESS_MUTANTS, *CONTROLS)


def _begin(dsns: SimpleQueue[str]) -> None:
    """In a new process: takes a database, leaves interrupts to the parent, and ends with it."""
    global _dsn  # noqa: PLW0603 - a process has one database
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    parent = multiprocessing.parent_process()
    die_with_parent(signal.SIGTERM, 0 if parent is None else parent.pid or 0)
    _dsn = dsns.get()


class _Terminated(BaseException):
    """Somebody ended this process; what it began is unwound."""


def _end(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows gives everything back, and must not be cut short
    raise _Terminated


def _play(name: str, seed: int) -> Kill:
    each = next(each for each in _all() if each.id == name)
    try:
        match each:
            case EngineMutant():
                return play_mutant(each, _dsn, seed)
            case HarnessMutant():
                return play_guard(each, _dsn)
            case SoundControl():
                return play_control(each, _dsn, seed)
    except _Terminated:
        os._exit(1)  # the pool would take it for the answer, and wait for more work


def _result(each: _Playable, future: Future[Kill]) -> Kill:
    """What came of it; raises EnvironmentProblem where its process is gone, as then nothing was played to its end."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise EnvironmentProblem(
            "a process that plays mutants is gone, perhaps killed by the kernel for want of memory; "
            "see the kernel's log, free memory or give fewer --workers, and run again"
        ) from error
    except Exception as error:  # noqa: BLE001 - one that cannot be played must not hide the others
        return Kill(
            kind=_KINDS[type(each)],
            id=each.id,
            pattern=each.pattern,
            check="" if isinstance(each, SoundControl) else each.check,
            problem=f"{type(error).__name__}: {error}",
        )


_KINDS: Final[dict[type[object], Kind]] = {EngineMutant: "engine", HarnessMutant: "harness", SoundControl: "control"}
