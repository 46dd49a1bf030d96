"""What a step of V2 costs, counted, and whether it grows with the steps before. Does I/O."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import subject_v2
from clients import BenchmarkFailed
from plan import Plan
from results import Result
from subjects import STEPS, Payload

from cutover.harness.run.postgres.server import Server
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.proxy.proxy import Proxy

__all__ = ["counts", "growth"]

_MORE = 100
_LONG = 500
_BYTES = Path(__file__).with_name("step_bytes.sql").read_text(encoding="utf-8")
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"
_FLUSHES_18 = "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'"
_FLUSHES = "SELECT wal_sync FROM pg_stat_wal"


@dataclass(frozen=True, slots=True)
class _Spent:
    """What one engine spent from its first connection to its last."""

    commits: int
    flushes: int
    round_trips: int


def counts(server: Server, plan: Plan) -> list[Result]:
    """Commits, WAL flushes and round trips of a step: what a longer workflow takes more, divided by its more steps."""
    short, long = (_spend(server, steps) for steps in (STEPS, STEPS + _MORE))
    commits, flushes, trips = (
        (getattr(long, field) - getattr(short, field)) / _MORE for field in ("commits", "flushes", "round_trips")
    )
    plan.say(f"{_MORE} more steps: {commits:g} commits, {flushes:g} flushes, {trips:g} round trips a step")
    how = f"{STEPS + _MORE} steps less {STEPS} steps, divided by {_MORE}"
    if not commits or not trips:
        raise BenchmarkFailed(f"{_MORE} more steps made {commits} commits and {trips} round trips; nothing was counted")
    return [
        Result(name="d  commits a step", sense="at most", target=1, samples=(commits,), detail=how),
        Result(
            name="d  round trips a step", sense="at most", target=1, samples=(trips,), detail=f"{how}; by the proxy"
        ),
        Result(name="d  WAL flushes a step", sense="at most", target=1.05, samples=(flushes,), detail=how),
    ]


def growth(server: Server, plan: Plan) -> list[Result]:
    """Time and bytes of a step in a long workflow against a short one."""
    database = server.create_database()
    subject_v2.prepare(database.dsn)
    short, long = (subject_v2.Session(database.dsn, _work, steps) for steps in (STEPS, _LONG))
    execution_id = uuid4()
    try:
        short.run()
        long.start(execution_id)
        samples = []
        for _ in range(plan.rounds):
            half = _LONG // STEPS // 2
            before, in_long, after = _seconds(short, half), _seconds(long, 1), _seconds(short, half)
            samples.append(in_long / (before + after))
        plan.say(f"a step among {_LONG} against a step among {STEPS}: {samples}")
        with psycopg.connect(database.dsn) as connection:
            row = connection.execute(_BYTES.encode(), {"id": execution_id}).fetchone()
        assert row is not None
        first, last, steps = row
    finally:
        short.close()
        long.close()
        database.drop()
    if steps != _LONG:
        raise BenchmarkFailed(f"{_LONG} steps have {steps} rows")
    return [
        Result(
            name="e  time of a step, 500 / 10 steps",
            sense="at most",
            target=1.2,
            samples=tuple(samples),
            detail=f"{_LONG} steps in one execution against {_LONG} in executions of {STEPS}, half before, half after",
        ),
        Result(
            name="e  bytes of a step, last 50 / first 50",
            sense="at most",
            target=1.02,
            samples=(float(last) / float(first),),
            detail=f"rows of all tables in one execution of {_LONG} steps: {first:,.0f} and {last:,.0f} bytes",
        ),
    ]


def _work(payload: Payload) -> Payload:
    return payload


def _seconds(session: subject_v2.Session, executions: int) -> float:
    began = time.perf_counter()
    for _ in range(executions):
        session.run()
    return time.perf_counter() - began


def _spend(server: Server, steps: int) -> _Spent:
    """One execution on a new engine."""
    database = server.create_database()
    try:
        subject_v2.prepare(database.dsn)
        commits, flushes = _statistics(server, database.name)
        with Loop() as loop, Proxy(loop, database.dsn) as proxy:
            ended = threading.Event()
            thread = threading.Thread(target=_serve, args=(loop, ended))
            thread.start()
            try:
                session = subject_v2.Session(proxy.dsn, _work, steps)
                session.run()
                session.close()
            finally:
                ended.set()
                thread.join()
            trips = proxy.round_trips
        after = _statistics(server, database.name)
    finally:
        database.drop()
    return _Spent(after[0] - commits, after[1] - flushes, trips)


def _serve(loop: Loop, ended: threading.Event) -> None:
    while not ended.is_set():
        loop.step(0.05)


def _statistics(server: Server, database: str) -> tuple[int, int]:
    """Commits in the database and flushes on the server, once every backend of the database has reported and gone."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        deadline = time.monotonic() + 10
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while connection.execute(busy, [database]).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"somebody is connected to {database}, so its commits cannot be counted")
            time.sleep(0.01)
        commits = connection.execute(_COMMITS, [database]).fetchone()
        flushes = connection.execute(_FLUSHES_18 if connection.info.server_version >= 180_000 else _FLUSHES).fetchone()
    assert commits is not None
    assert flushes is not None
    return int(commits[0]), int(flushes[0] or 0)
