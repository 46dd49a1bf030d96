"""Runs the benchmarks: table on stdout, progress on stderr, exit status 1 when a target is missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

import psycopg
from costs import counts, growth
from crash_rate import crash_growth, crash_rate
from judging import judging
from plan import Plan
from results import Result, as_document, as_table, missed
from speed import eight_clients, one_client

from cutover.engines.errors import CutoverError
from cutover.harness.run.postgres.server import ProvisionMode, Server, provision

__all__ = ["BENCHMARKS", "main"]

BENCHMARKS: tuple[Callable[[Server, Plan], list[Result]], ...] = (
    counts,
    growth,
    one_client,
    eight_clients,
    crash_rate,
    crash_growth,
    judging,
)
"""Each takes a server and a plan and returns its results; a new benchmark is a line here."""

_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
_LIBRARIES = ("psycopg", "dbos", "langgraph", "langgraph-checkpoint-postgres")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when every target is met, 1 when one is missed, 4 when nothing could be measured."""
    options = _parser().parse_args(arguments)
    plan = Plan(rounds=options.rounds, seconds=options.seconds, say=_say)
    chosen = [benchmark for benchmark in BENCHMARKS if not options.only or benchmark.__name__ in options.only]
    results: list[Result] = []
    try:
        with provision(options.postgres, "url" if options.postgres else options.mode) as server:
            setting = _setting(server) | {"rounds": str(plan.rounds), "seconds": str(plan.seconds)}
            for benchmark in chosen:
                results += benchmark(server, plan)
    except CutoverError as problem:
        _say(f"error: {problem}")
        return 4
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in setting.items()) + f"\n\n{as_table(results)}\n")
    if options.json:
        options.json.write_text(json.dumps(as_document(results, setting), indent=2) + "\n", encoding="utf-8")
    return 1 if missed(results) or not results else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description="V2 beside other engines, as ratios.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each race (5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="time of a subject in a round (2)")
    parser.add_argument("--only", action="append", choices=[each.__name__ for each in BENCHMARKS], help="run only this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results with all samples as JSON")
    parser.add_argument("--postgres", metavar="URL", help="measure on this server")
    parser.add_argument("--mode", choices=get_args(ProvisionMode), default="embedded", help="which server (embedded)")
    return parser


def _setting(server: Server) -> dict[str, str]:
    """What the numbers hold for; raises CutoverError where a commit would not be durable."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        found = {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in _DURABLE}
    durable = {name: str(row[0]) for name, row in found.items() if row is not None}
    if durable != _DURABLE:
        raise CutoverError(f"the server's settings are {durable}; durable results need {_DURABLE}")
    return {"server": f"Postgres {server.version}, {server.description}", **durable} | _versions()


def _versions() -> dict[str, str]:
    installed = {}
    for library in _LIBRARIES:
        try:
            installed[library] = version(library)
        except PackageNotFoundError:
            raise CutoverError(f"{library} is not installed; pip install '.[bench]'") from None
    return installed


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
