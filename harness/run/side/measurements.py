"""What a run does beside its trials: routes executions, and weighs each engine's process. Starts processes.

Each of them is played by a process of its own, which is killed at its deadline, so an engine that hangs or takes its
process down costs the measurement and not the run. What could not be measured is then not in the run, and the judge
says so.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from cutover.engines.registry import resolve, sources_of
from cutover.engines.roles import Role
from cutover.harness.errors import OtherSources
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import ARMS
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.child import ChildProgram
from cutover.harness.run.process.executor import Executor
from cutover.harness.run.process.outcomes import JobAnswer, JobFailure, JobLost
from cutover.harness.run.side.memory import memory_limit_kib, peak_kib
from cutover.harness.run.side.patience import silence_s
from cutover.harness.run.side.routing import EXECUTIONS, own_router, run_routing
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.shadow import execution_id
from cutover.harness.store.lines import decode_scenario, encode_fields, encode_scenario, read_as
from cutover.scenarios.model import Scenario

__all__ = ["main", "route", "weigh"]

_ENTRY = f"{__name__}:main"
_WEIGHED: Final = 60
"""Executions after which an engine's process has made all that it keeps."""
_SECONDS: Final = 60.0
"""Real time for one execution of either, on a machine of the usual pace; all of them take a few seconds."""


def route(
    server: Server,
    scenarios: Sequence[Scenario],
    *,
    control: str,
    candidate: str,
    seed: int,
    sources: Mapping[str, str] | None = None,
    pace: float = 1.0,
    stop: threading.Event | None = None,
) -> tuple[tuple[Routed, ...], str]:
    """Returns who served the run's executions through the router, and why it is not known.

    The ids are those of the run's arms; they run in a database of their own, in which both engines are installed.
    `sources` are the digests on record of the engines' sources, by spec, and those of now where None. Raises
    OtherSources. `pace` is how many times slower the machine is than usual; with `stop` set nothing
    more is measured, and what is returned is not to be used.
    """
    ids = (
        str(execution_id(seed, scenario, arm, number))
        for arm in reversed(ARMS)
        for number, scenario in enumerate(scenarios, start=1)
    )
    order = {"control": control, "candidate": candidate, "ids": list(islice(ids, EXECUTIONS))}
    [(rows, problem)] = _on_databases(server, "route", [((control, candidate), order)], sources, pace, stop=stop)
    return tuple(read_as(Routed, row) for row in rows), problem


def weigh(
    server: Server,
    scenarios: Sequence[Scenario],
    *,
    control: str,
    candidate: str,
    sources: Mapping[str, str] | None = None,
    pace: float = 1.0,
    stop: threading.Event | None = None,
) -> tuple[tuple[Weighed, ...], str]:
    """Returns the memory of a process that runs one engine's executions, for each engine, and why it is not known.

    `sources`, `pace` and `stop` are those of `route`. Raises OtherSources.
    """
    lines = [encode_scenario(number, each).decode() for number, each in enumerate(scenarios[:_WEIGHED], start=1)]
    roles: Mapping[Role, str] = {"control": control, "candidate": candidate}
    orders = [((spec,), {"role": role, "spec": spec, "scenarios": lines}) for role, spec in roles.items()]
    told = _on_databases(server, "weigh", orders, sources, pace, stop=stop)
    found = [read_as(Weighed, row) for rows, _ in told for row in rows]
    problems = [f"{role}: {problem}" for role, (_, problem) in zip(roles, told, strict=True) if problem]
    return tuple(found), "; ".join(problems)


_Measured: TypeAlias = tuple[Sequence[Any], str]
"""The rows that a process has measured, and why there are none."""


def _on_databases(
    server: Server,
    what: Literal["route", "weigh"],
    orders: Sequence[tuple[Sequence[str], Mapping[str, object]]],
    sources: Mapping[str, str] | None,
    pace: float,
    *,
    stop: threading.Event | None,
) -> list[_Measured]:
    """Returns what each order came to, all at the same time, each on a new database of its own.

    An order has the specs of the engines that are installed there; the database is dropped again.
    """
    measured: dict[int, _Measured] = {}
    ready: dict[int, Mapping[str, object]] = {}
    with ExitStack() as stack:
        for number, (specs, order) in enumerate(orders):
            database = server.create_database()
            stack.callback(database.drop)
            try:
                for spec in specs:
                    install_engine(spec, database.dsn)
            except Exception as error:  # noqa: BLE001 - whatever an engine does here costs the measurement alone
                measured[number] = (), f"{type(error).__name__}: {' '.join(str(error).split())}"
            else:
                ready[number] = {"dsn": database.dsn, **order}
        try:
            used = dict.fromkeys(spec for number in ready for spec in orders[number][0])
            most_s = silence_s(_SECONDS, *used, pace=pace)
            measured |= _played(what, ready, sources_of(*used) if sources is None else sources, most_s, stop=stop)
        except OtherSources:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            measured |= {number: ((), f"{type(error).__name__}: {' '.join(str(error).split())}") for number in ready}
    return [measured[number] for number in range(len(orders))]


def _played(
    what: Literal["route", "weigh"],
    orders: Mapping[int, Mapping[str, object]],
    sources: Mapping[str, str],
    most_s: float,
    *,
    stop: threading.Event | None = None,
) -> dict[int, _Measured]:
    """Returns what processes of their own have measured, by the numbers of their orders."""
    program = ChildProgram(_ENTRY, what, keeps_errors=True, sources=sources)
    found: dict[int, _Measured] = {}
    with Executor[int](
        [program] * len(orders), lambda number, _told: orders[number], silence_s=most_s, start_s=most_s, stop=stop
    ) as measurements:
        for outcome in measurements.run(orders):
            match outcome:
                case JobAnswer(number):
                    found[number] = json.loads(outcome.line), ""
                case JobFailure(message=message):
                    raise OtherSources(message)
                case JobLost(int() as number, reason="timeout"):
                    found[number] = (), f"took more than {most_s:g} s for one execution"
                case JobLost(int() as number):
                    last = outcome.exit.errors.strip().splitlines()[-1:] or ["nothing was said"]
                    found[number] = (), f"its process ended with status {outcome.exit.status}: {last[0][:200]}"
    return found


def main(link: ParentLink) -> None:
    """Measures what the parent asks for, and answers with the rows."""
    plays: Mapping[str, Callable[..., Sequence[object]]] = {"route": _route, "weigh": _weigh}

    def play(order: Mapping[str, object]) -> bytes:
        rows = plays[link.setup](on_execution=lambda: link.note(b""), **order)
        return b"[%b]" % b",".join(map(encode_fields, rows))

    link.serve(play)


def _route(
    on_execution: Callable[[], None], dsn: str, control: str, candidate: str, ids: Sequence[str]
) -> Sequence[Routed]:
    own = [UUID(each) for each in ids]
    return run_routing(own_router, dsn, control=control, candidate=candidate, ids=own, on_execution=on_execution)


def _weigh(
    on_execution: Callable[[], None],
    role: Literal["control", "candidate"],
    spec: str,
    dsn: str,
    scenarios: Sequence[str],
) -> Sequence[Weighed]:
    limit = memory_limit_kib()
    known = [decode_scenario(line)[1] for line in scenarios]
    idle = peak_kib()
    if limit is None or idle is None:
        return ()
    arm = Arm(role, resolve(spec), dsn)
    for number, scenario in enumerate(known, start=1):
        arm.run(scenario, execution_id(0, scenario, role, number), 0, None)
        on_execution()
    arm.close()
    peak = peak_kib() or 0
    return (Weighed(role=role, executions=len(known), idle_kib=idle, peak_kib=peak, limit_kib=limit),)
