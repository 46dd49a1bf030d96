"""What a run does beside its trials: routes executions, and weighs each engine's process. Starts processes.

Each of them is played by a process of its own, which is killed at its deadline, so an engine that hangs or takes its
process down costs the measurement and not the run. What could not be measured is then not in the run, and the judge
says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal
from uuid import UUID

from cutover.engines.registry import resolve, sources_of
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
"""Real time for either; each takes a few seconds."""


def route(
    server: Server,
    scenarios: Sequence[Scenario],
    *,
    control: str,
    candidate: str,
    seed: int,
    sources: Mapping[str, str] | None = None,
) -> tuple[tuple[Routed, ...], str]:
    """Returns who served the run's executions through the router, and why it is not known.

    The ids are those of the run's arms; they run in a database of their own, in which both engines are installed.
    `sources` are the digests on record of the engines' sources, by spec, and those of now where None. Raises
    OtherSources.
    """
    ids = (
        str(execution_id(seed, scenario, arm, number))
        for arm in reversed(ARMS)
        for number, scenario in enumerate(scenarios, start=1)
    )
    order = {"control": control, "candidate": candidate, "ids": list(islice(ids, EXECUTIONS))}
    rows, problem = _on_a_database(server, (control, candidate), "route", order, sources)
    return tuple(read_as(Routed, row) for row in rows), problem


def weigh(
    server: Server,
    scenarios: Sequence[Scenario],
    *,
    control: str,
    candidate: str,
    sources: Mapping[str, str] | None = None,
) -> tuple[tuple[Weighed, ...], str]:
    """Returns the memory of a process that runs one engine's executions, for each engine, and why it is not known.

    `sources` are those of `route`. Raises OtherSources.
    """
    found: list[Weighed] = []
    problems: list[str] = []
    lines = [encode_scenario(number, each).decode() for number, each in enumerate(scenarios[:_WEIGHED], start=1)]
    roles: Mapping[str, str] = {"control": control, "candidate": candidate}
    for role, spec in roles.items():
        order = {"role": role, "spec": spec, "scenarios": lines}
        rows, problem = _on_a_database(server, (spec,), "weigh", order, sources)
        found += [read_as(Weighed, row) for row in rows]
        problems += [f"{role}: {problem}"] if problem else []
    return tuple(found), "; ".join(problems)


def _on_a_database(
    server: Server,
    specs: Sequence[str],
    what: Literal["route", "weigh"],
    order: Mapping[str, object],
    sources: Mapping[str, str] | None,
) -> tuple[Sequence[Any], str]:
    """As `_played`, on a new database in which the engines are installed, and which is dropped again."""
    database = server.create_database()
    try:
        for spec in specs:
            install_engine(spec, database.dsn)
        known = sources_of(*specs) if sources is None else {spec: sources[spec] for spec in specs}
        return _played(what, {"dsn": database.dsn, **order}, known)
    except OtherSources:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an engine does here costs the measurement alone
        return (), f"{type(error).__name__}: {' '.join(str(error).split())}"
    finally:
        database.drop()


def _played(
    what: Literal["route", "weigh"], order: Mapping[str, object], sources: Mapping[str, str]
) -> tuple[Sequence[Any], str]:
    """Returns the rows that a process of its own measured, and why there are none."""
    program = ChildProgram(_ENTRY, what, keeps_errors=True, sources=sources)
    with Executor[Mapping[str, object]](
        [program], lambda order, _told: order, silence_s=_SECONDS, start_s=_SECONDS
    ) as measurements:
        for outcome in measurements.run([order]):
            match outcome:
                case JobAnswer():
                    return json.loads(outcome.line), ""
                case JobFailure(message=message):
                    raise OtherSources(message)
                case JobLost(reason="timeout"):
                    return (), f"took more than {_SECONDS:g} s"
                case JobLost():
                    last = outcome.exit.errors.strip().splitlines()[-1:] or ["nothing was said"]
                    return (), f"its process ended with status {outcome.exit.status}: {last[0][:200]}"
    raise AssertionError


def main(link: ParentLink) -> None:
    """Measures what the parent asks for, and answers with the rows."""
    plays: Mapping[str, Callable[..., Sequence[object]]] = {"route": _route, "weigh": _weigh}

    def play(order: Mapping[str, object]) -> bytes:
        return b"[%b]" % b",".join(encode_fields(row) for row in plays[link.setup](**order))

    link.serve(play)


def _route(dsn: str, control: str, candidate: str, ids: Sequence[str]) -> Sequence[Routed]:
    return run_routing(own_router, dsn, control=control, candidate=candidate, ids=[UUID(each) for each in ids])


def _weigh(role: Literal["control", "candidate"], spec: str, dsn: str, scenarios: Sequence[str]) -> Sequence[Weighed]:
    limit = memory_limit_kib()
    known = [decode_scenario(line)[1] for line in scenarios]
    idle = peak_kib()
    if limit is None or idle is None:
        return ()
    arm = Arm(role, resolve(spec), dsn)
    for number, scenario in enumerate(known, start=1):
        arm.run(scenario, execution_id(0, scenario, role, number), 0, None)
    arm.close()
    peak = peak_kib() or 0
    return (Weighed(role=role, executions=len(known), idle_kib=idle, peak_kib=peak, limit_kib=limit),)
