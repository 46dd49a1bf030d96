"""Counts what executions cost both engines, at the same time, on databases of their own. Starts processes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from cutover.engines.roles import Role
from cutover.harness.record.costs import PlayCosts
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.side.ladder import LADDER, Rung
from cutover.harness.run.side.meter import Meter

__all__ = ["count_costs", "measure_costs"]


def measure_costs(
    server: Server, *, control: str, candidate: str, stop: threading.Event | None = None
) -> tuple[tuple[PlayCosts, ...], str]:
    """Returns what both engines' plays cost, and why that of the candidate is not known.

    An engine of which nothing is known has a row that says so.
    """
    specs: Mapping[Role, str] = {"control": control, "candidate": candidate}
    rows: list[PlayCosts] = []
    places: dict[Role, tuple[str, str]] = {}
    with ExitStack() as stack:
        for role, spec in specs.items():
            database = server.create_database()
            stack.callback(database.drop)
            try:
                install_engine(spec, database.dsn)
            except Exception as error:  # noqa: BLE001 - whatever an engine does here costs the measurement alone
                rows.append(_unknown(role, error))
            else:
                places[role] = spec, database.dsn
        try:
            rows += count_costs(places, stop=stop)
        except Exception as error:  # noqa: BLE001 - as above
            rows += [_unknown(role, error) for role in places]
    told = [row for row in rows if row.problem and (row.role == "candidate" or row.kind == "none")]
    problems = [f"{row.role}: {row.play} {row.problem}" for row in told]
    return tuple(rows), "; ".join(problems)


def count_costs(
    places: Mapping[Role, tuple[str, str]], plays: Sequence[Rung] = LADDER, *, stop: threading.Event | None = None
) -> tuple[PlayCosts, ...]:
    """Returns what the plays cost the engines, each named by its spec and the database that it is installed in.

    With `stop` set nothing more is counted.
    """
    with Loop() as loop, ExitStack() as stack:
        meters = [stack.enter_context(Meter(loop, role, spec, dsn, plays)) for role, (spec, dsn) in places.items()]
        while not (all(meter.done for meter in meters) or (stop is not None and stop.is_set())):
            loop.step(min(meter.patience_s for meter in meters))
            for meter in meters:
                meter.look()
    return tuple(row for meter in meters for row in meter.rows)


def _unknown(role: Role, error: Exception) -> PlayCosts:
    problem = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
    return PlayCosts(role=role, play="", kind="none", problem=problem)
