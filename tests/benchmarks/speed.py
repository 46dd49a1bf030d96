"""V2's steps a second beside other engines and a bare loop: same server, same minute, round by round. Does I/O."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import psycopg
from clients import BenchmarkFailed, Measured, measure, prepare
from disk import flush_us
from plan import Plan
from results import Result
from subjects import load

from cutover.harness.run.postgres.server import Database, Server

__all__ = ["eight_clients", "one_client"]


def one_client(server: Server, plan: Plan) -> list[Result]:
    """One client: against the bare loop, DBOS and LangGraph; `rows` says what is within reach of any engine."""
    rates = _race(server, plan, ("v2", "bare", "rows", "dbos", "langgraph"), clients=1)
    return [
        _ratio("a  V2 / bare psycopg loop", 0.5, rates, "bare"),
        _ratio("b  V2 / DBOS, 1 client", 8, rates, "dbos"),
        _ratio("c  V2 / LangGraph", 5, rates, "langgraph"),
    ]


def eight_clients(server: Server, plan: Plan) -> list[Result]:
    """Eight clients, a process each: against DBOS."""
    rates = _race(server, plan, ("v2", "bare", "rows", "dbos"), clients=8)
    return [_ratio("b  V2 / DBOS, 8 clients", 15, rates, "dbos")]


def _race(server: Server, plan: Plan, subjects: Sequence[str], *, clients: int) -> dict[str, list[float]]:
    """Steps a second of each subject, one number a round; every round starts with another subject."""
    databases = {subject: server.create_database() for subject in subjects}
    rates: dict[str, list[float]] = {subject: [] for subject in subjects}
    try:
        for subject, database in databases.items():
            prepare(subject, database.dsn)
        for number in range(plan.rounds):
            turn = number % len(subjects)
            for subject in (*subjects[turn:], *subjects[:turn]):
                rate = _checked(subject, databases[subject], clients, plan.seconds).rate
                rates[subject].append(rate)
                plan.say(f"round {number + 1} of {plan.rounds}, {clients} x {subject}: {rate:,.0f} steps/s")
    finally:
        for database in databases.values():
            database.drop()
    return rates


def _checked(subject: str, database: Database, clients: int, seconds: float) -> Measured:
    """One measurement; every step that was done must be recorded, or the rate is of something else."""
    before = _recorded(subject, database)
    measured = measure(subject, database.dsn, clients=clients, seconds=seconds)
    recorded = _recorded(subject, database) - before
    if recorded != measured.steps or not measured.rate:
        raise BenchmarkFailed(f"subject {subject} did {measured.steps} steps and recorded {recorded}")
    return measured


def _recorded(subject: str, database: Database) -> int:
    query = load(subject).RECORDED
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _ratio(name: str, target: float, rates: Mapping[str, Sequence[float]], other: str) -> Result:
    pairs = list(zip(rates["v2"], rates[other], strict=True))
    middle = {subject: f"{statistics.median(rates[subject]):,.0f}" for subject in ("v2", other)}
    flush = flush_us()
    most = 1e6 / flush / statistics.median(rates[other])
    floors = {
        subject: statistics.median(ours / theirs for ours, theirs in zip(rates[subject], rates[other], strict=True))
        for subject in ("bare", "rows")
    }
    ceiling = (
        f"without an engine: bare loop {floors['bare']:.1f}, rows in tables without rules {floors['rows']:.1f}, "
        f"a flush alone ({flush:,.0f} us here) {most:.1f}"
    )
    return Result(
        name=name,
        sense="at least",
        target=target,
        samples=tuple(ours / theirs for ours, theirs in pairs),
        detail=f"median steps/s: v2 {middle['v2']}, {other} {middle[other]}; {ceiling}",
    )
