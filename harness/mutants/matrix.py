"""Plays all mutants on a server, on several processes, and makes the kill matrix. Does I/O."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.mutants.catalog.controls import CONTROLS
from cutover.harness.mutants.catalog.deaths import DEATH_MUTANTS
from cutover.harness.mutants.catalog.engines import ENGINE_MUTANTS
from cutover.harness.mutants.catalog.harnesses import HARNESS_MUTANTS, HarnessMutant, play_guard
from cutover.harness.mutants.model import Crashes, EngineMutant, SoundControl
from cutover.harness.mutants.playing import play_control, play_mutant
from cutover.harness.record.cases import Way
from cutover.harness.record.mutants import Kill, KillMatrix, PlayedKind
from cutover.harness.run.crash.runner import RESTART
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost, JobOutcome
from cutover.harness.store.lines import encode_fields, read_as

if TYPE_CHECKING:
    from cutover.harness.run.postgres.server import Server

__all__ = ["kill_matrix", "known", "main"]

_Playable: TypeAlias = EngineMutant | HarnessMutant | SoundControl


def known() -> tuple[str, ...]:
    """Returns the id of everything that can be played, in order."""
    return tuple(each.id for each in _all())


def kill_matrix(
    server: Server, *, only: Sequence[str] = (), seed: int, workers: int, on_kill: Callable[[Kill], None]
) -> KillMatrix:
    """Plays everything, or what `only` names; databases and processes are gone afterwards.

    What restarts the server comes last, one after another, each in a database of its own. On a server that is not ours
    to restart it is left out.
    """
    began = time.monotonic()
    chosen = [each for each in _all() if not only or each.id in only]
    alone = [each for each in chosen if _restarts(each)]
    together = [each for each in chosen if not _restarts(each)]
    done: dict[str, Kill] = {}
    parts: list[tuple[list[_Playable], Sequence[str]]] = [(together, ["v2"] * min(workers, len(together)))]
    if server.restart is not None:
        parts += [([each], [each.engine]) for each in alone if isinstance(each, EngineMutant)]
    for playables, engines in parts:
        for outcome in _outcomes(server, playables, engines, seed):
            if (kill := _kill(outcome)) is not None:
                done[kill.id] = kill
                on_kill(kill)
    kills = tuple(done[each.id] for each in chosen if each.id in done)
    return KillMatrix(seed=seed, kills=kills, seconds=time.monotonic() - began)


def _outcomes(
    server: Server, playables: Sequence[_Playable], engines: Sequence[str], seed: int
) -> Iterator[JobOutcome[_Playable]]:
    """Yields what becomes of each, played by one process for each of the engines that is installed for it."""
    with ExitStack() as stack:
        programs: list[ChildProgram] = []
        for engine in engines:
            database = server.create_database()
            stack.callback(database.drop)
            install_engine(engine, database.dsn)
            setup = {"dsn": database.dsn, "seed": seed}
            programs.append(ChildProgram("cutover.harness.mutants.matrix:main", setup, unwinds=True))

        def restart(_question: bytes) -> None:
            if server.restart is not None:
                server.restart()

        players = Executor[_Playable](programs, lambda each, _told: each.id, on_question=restart)
        yield from stack.enter_context(players).run(playables)


def main(link: ParentLink) -> None:
    """Plays one mutant or control after another, in a process and on a database of its own."""
    playable = {each.id: each for each in _all()}
    setup: Mapping[str, Any] = link.setup

    def play(name: str) -> bytes:
        return encode_fields(_played(playable[name], setup["dsn"], setup["seed"], lambda: link.ask(RESTART)))

    link.serve(play, caught=(Exception,))


def _all() -> tuple[_Playable, ...]:
    return (*ENGINE_MUTANTS, *DEATH_MUTANTS, *HARNESS_MUTANTS, *CONTROLS)


def _restarts(each: _Playable) -> bool:
    """Returns whether its experiment restarts the server."""
    return (
        isinstance(each, EngineMutant) and isinstance(each.experiment, Crashes) and Way.RESTART in each.experiment.ways
    )


def _played(each: _Playable, dsn: str, seed: int, restart: Callable[[], None]) -> Kill:
    match each:
        case EngineMutant():
            return play_mutant(each, dsn, seed, restart)
        case HarnessMutant():
            return play_guard(each, dsn)
        case SoundControl():
            return play_control(each, dsn, seed)


def _kill(outcome: JobOutcome[_Playable]) -> Kill | None:
    """Returns what came of a mutant.

    Raises EnvironmentProblem where its process is gone or the machine fails it, as then nothing was played to its end.
    """
    match outcome:
        case JobAnswer():
            return read_as(Kill, json.loads(outcome.line))
        case JobFailure(each) if outcome.kind((EnvironmentProblem,)):
            raise EnvironmentProblem(f"{each.id}: {outcome.message}")
        case JobFailure(each):  # one that cannot be played must not hide the others
            return Kill(
                kind=_KINDS[type(each)],
                id=each.id,
                pattern=each.pattern,
                check="" if isinstance(each, SoundControl) else each.check,
                problem=str(outcome),
            )
        case JobLost():
            raise EnvironmentProblem(
                "a process that plays mutants is gone, perhaps killed by the kernel for want of memory; "
                "see the kernel's log, free memory or give fewer --workers, and run again"
            )
    return None


_KINDS: Final[dict[type[object], PlayedKind]] = {
    EngineMutant: "engine",
    HarnessMutant: "harness",
    SoundControl: "control",
}
