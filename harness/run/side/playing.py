"""Plays everything in `plays`, in processes of their own, on databases of their own. Starts processes.

An engine that hangs or takes its process down costs the plays that come after, and the play that it was in is recorded
as one that did not return.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg
from psycopg import sql

from cutover.engines.capabilities import lacks_of
from cutover.engines.registry import resolve
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.trials import ArmRecord, Failure
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import Database, Server
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.lifetime import killed_from_outside, refused_to_all
from cutover.harness.run.process.outcomes import JobLost, JobNote
from cutover.harness.run.process.refusal import is_of_the_machine, refusal_of
from cutover.harness.run.side.asking import as_offered, asks
from cutover.harness.run.side.listing import AFTER, BARE_PLAYS, LARGE_PLAYS, LONG_PLAYS, PLAY_CHECKS, PLAYS, TOGETHER
from cutover.harness.run.side.patience import silence_s
from cutover.harness.run.side.plays.performance import LONG_S, TAKEOVER_S, PlayStage
from cutover.harness.run.side.plays.workflows import chain
from cutover.harness.store.lines import encode_fields, scenario_text

__all__ = [
    "BEGIN",
    "REFUSED",
    "SILENCE_S",
    "lost_play",
    "main",
    "one_line",
    "play_all",
    "play_database",
    "play_program",
    "refused_play",
]

SILENCE_S: Final = 30.0
"""Real time for one play; each takes well below a second, but for one that takes eight."""
_LOCK_MS: Final = 5_000
"""How long a statement may wait for a lock: an engine that keeps one while an activity runs must not hang the play."""
BEGIN, REFUSED, _ROW = b"B", b"X", b"R"


@dataclass(frozen=True, slots=True)
class _PlayJob:
    """The plays that one process plays on one database."""

    dsn: str
    plays: tuple[str, ...]


def play_all(
    server: Server,
    *,
    control: str,
    candidate: str,
    seed: int,
    asked: Sequence[str] = (),
    takeover_s: float = TAKEOVER_S,
    pace: float = 1.0,
    stop: threading.Event | None = None,
) -> tuple[tuple[bytes, ...], str]:
    """Returns a line for each execution of each play, as a saved run has it, and why there are none or not all.

    Where plays are `asked` for, by name, only those are played. With `stop` set nothing more is played. Raises
    EnvironmentProblem where the server has no room, memory or connection left for a play.
    """
    program = play_program(control, candidate, seed, takeover_s=takeover_s)
    with contextlib.ExitStack() as stack:
        try:
            most_s = silence_s(SILENCE_S, candidate, pace=pace)
            jobs = _jobs(stack, server, candidate, asked)
        except Exception as error:  # noqa: BLE001 - whatever an engine does here costs the plays alone
            return (), one_line(error)
        if not jobs:
            return (), ""
        executor = stack.enter_context(
            Executor[_PlayJob]([program] * len(jobs), lambda job, _told: _message(job), silence_s=most_s, stop=stop)
        )
        return _played(executor, jobs, candidate, most_s)


def play_program(
    control: str, candidate: str, seed: int, lasts_s: float = LONG_S, *, takeover_s: float = TAKEOVER_S
) -> ChildProgram:
    """Returns what a process runs that plays."""
    setup = {
        "control": control,
        "candidate": candidate,
        "seed": seed,
        "lasts_s": lasts_s,
        "takeover_s": takeover_s,
    }
    return ChildProgram(f"{__name__}:main", setup, keeps_errors=True)


def one_line(error: Exception) -> str:
    """Returns what an error says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _message(job: _PlayJob) -> dict[str, object]:
    return {"dsn": job.dsn, "plays": job.plays}


def _jobs(stack: contextlib.ExitStack, server: Server, candidate: str, asked: Sequence[str]) -> tuple[_PlayJob, ...]:
    """Makes databases with the candidate's tables, and one with none; what takes longest comes first."""
    large, ready, bare = (play_database(stack, server) for _ in range(3))
    for database in (large, ready):
        install_engine(candidate, database.dsn)
    shares = (
        (large, [name for name in _together() if name in LARGE_PLAYS]),
        (ready, [name for name in _together() if name not in LARGE_PLAYS]),
        (bare, list(BARE_PLAYS)),
    )
    wanted = {each for name in asked for each in (*AFTER.get(name, ()), name)} or PLAYS.keys()
    chosen = ((database, tuple(name for name in names if name in wanted)) for database, names in shares)
    return tuple(_PlayJob(database.dsn, names) for database, names in chosen if names)


def _together() -> tuple[str, ...]:
    return tuple(each.__name__ for each in TOGETHER)


def play_database(stack: contextlib.ExitStack, server: Server) -> Database:
    """Makes a database for plays, which is dropped with the stack."""
    database = server.create_database()
    stack.callback(database.drop)
    statement = sql.SQL("ALTER DATABASE {} SET lock_timeout = {}").format(sql.Identifier(database.name), _LOCK_MS)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(statement)
    return database


def _played(
    executor: Executor[_PlayJob], jobs: Sequence[_PlayJob], engine: str, most_s: float
) -> tuple[tuple[bytes, ...], str]:
    rows: list[bytes] = []
    begun: dict[_PlayJob, str] = {}
    problems: list[str] = []
    for outcome in executor.run(jobs):
        match outcome:
            case JobNote(job, line) if line[:1] == BEGIN:
                begun[job] = line[1:].decode("ascii")
            case JobNote(_, line) if line[:1] == REFUSED:
                raise refused_play(line)
            case JobNote(job, line):
                rows.append(line[1:])
            case JobLost(job=job):
                name = begun.get(job) if job is not None else None
                last = outcome.exit.errors.strip().splitlines()[-1:] or ["nothing was said"]
                how = f"took more than {most_s:g} s" if outcome.reason == "timeout" else last[0][:200]
                if outcome.exit.killed_from_outside:
                    how = str(killed_from_outside("its process", -outcome.exit.status))
                problems.append(f"{name or 'the plays'}: {how}")
                if name is not None and not outcome.exit.killed_from_outside:
                    rows.append(
                        encode_fields(lost_play(name, engine, problems[-1], timeout=outcome.reason == "timeout"))
                    )
    return tuple(rows), "; ".join(problems)


def refused_play(line: bytes) -> EnvironmentProblem:
    """Returns the problem of which a process that plays has told."""
    name, _, refused = line[1:].decode("ascii").partition(" ")
    return refused_to_all(refused, f"in the play {name}")


def lost_play(name: str, engine: str, message: str, *, timeout: bool) -> PlayRecord:
    """Returns the row of a play in the middle of which its process was lost."""
    failure = Failure(kind="timeout" if timeout else "died", type="lost", message=message)
    stage = PlayStage("", 0, {})
    arm = ArmRecord(
        arm="candidate", engine=engine, execution_id=stage.draw(), position=0, journal=None, failure=failure
    )
    scenario = scenario_text(chain(name, "pack"))
    return PlayRecord(check=PLAY_CHECKS[name], name=name, role="candidate", scenario=scenario, arm=arm, play=name)


def main(link: ParentLink) -> None:
    """Plays what it is told, with a note at the beginning of each play and one with each execution's row."""
    setup: Mapping[str, Any] = link.setup

    def play(order: Mapping[str, Any]) -> bytes:
        stage = PlayStage(
            order["dsn"],
            setup["seed"],
            {"control": resolve(setup["control"]), "candidate": resolve(setup["candidate"])},
            setup["lasts_s"],
            setup["takeover_s"],
        )
        engine = stage.engine()
        stage.lacks = frozenset(lacks_of(engine))
        if order.get("installs"):
            stage.install(engine)
        stage.close()
        for name in order["plays"]:
            if not asks(name).isdisjoint(stage.lacks):
                continue
            link.note(BEGIN + name.encode("ascii"))
            try:
                for row in as_offered({**PLAYS, **LONG_PLAYS}[name](stage)):
                    if row.arm.failure is not None:
                        tell(name, row.arm.failure.refused)
                    link.note(_ROW + encode_fields(replace(row, play=name)))
            except Exception as error:
                tell(name, refusal_of(error))
                raise
            stage.close()
        return b""

    def tell(name: str, refused: str) -> None:
        if is_of_the_machine(refused):
            link.note(REFUSED + f"{name} {refused}".encode("ascii", "backslashreplace"))

    link.serve(play)
