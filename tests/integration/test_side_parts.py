"""The parts that are played at the same time, on a real Postgres: what ends one of them ends all."""

from __future__ import annotations

import signal
import threading

import psycopg
import pytest

from cutover.engines.registry import sources_of
from cutover.harness.cli.jobs.side import SIDE_PARTS, SideParts
from cutover.harness.cli.plan import RunPlan
from cutover.harness.errors import OtherSources
from cutover.harness.record.kills import PlayedPart
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.catalog import load_catalog

SPECS = {"v1": "v1", "v2": "v2"}


class Told:
    """The names of what was handed on, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def write_routing(self, _rows: object) -> None:
        self.names.append("routing")

    def write_memory(self, _rows: object) -> None:
        self.names.append("memory")

    def write_lines(self, table: str, _lines: object) -> None:
        self.names.append(str(table))

    def write_costs(self, _rows: object) -> None:
        self.names.append("costs")


def side(server: Server, told: Told, sources: dict[str, str] | None = None) -> SideParts:
    return SideParts(
        plan=RunPlan(control="v1", candidate="v2", seed=3),
        server=server,
        scenarios=load_catalog()[:6],
        rows=told,
        tell=lambda _what, _problem: None,
        sources=sources,
        pace=1.0,
    )


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.nightly
def test_rows_are_handed_on_in_the_order_of_the_parts(server: Server) -> None:
    told = Told()
    side(server, told).play((PlayedPart.MEMORY, PlayedPart.COSTS))
    assert told.names == ["memory", "costs"]


def test_what_ends_one_part_ends_all_and_nothing_is_handed_on(server: Server) -> None:
    before, told = databases(server), Told()
    others = {**sources_of(*SPECS), "v2": "0" * 64}
    with pytest.raises(OtherSources, match="v2"):
        side(server, told, others).play(SIDE_PARTS)
    assert told.names == []
    assert databases(server) == before
    assert [each.name for each in threading.enumerate() if each.name.startswith("ThreadPool")] == []


def test_an_interrupt_ends_all(server: Server) -> None:
    before, told = databases(server), Told()
    timer = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            side(server, told).play(SIDE_PARTS)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, kept)
    assert told.names == []
    assert databases(server) == before
