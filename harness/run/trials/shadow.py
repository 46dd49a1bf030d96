"""The shadow runner: the same scenarios on both engines, side by side, in balanced order. Starts processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import psycopg

from cutover.engines.capabilities import lacks_of
from cutover.engines.errors import CutoverError
from cutover.engines.registry import resolve, sources_of
from cutover.engines.roles import ROLES
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.record.trials import ARMS, ArmName, ArmRecord, Failure, role
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.outage import OutageProbe
from cutover.harness.run.postgres.room import require_room
from cutover.harness.run.postgres.server import Database, Server
from cutover.harness.run.process.lifetime import refused_to_all
from cutover.harness.run.process.refusal import refusal_of
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.run.trials.pool import LostArm, Pool, RecordedArm, RefusedArm
from cutover.harness.run.trials.rereading import Rereading
from cutover.harness.run.trials.worker import Setup, TrialJob
from cutover.harness.run.world.engine import idle
from cutover.harness.store.lines import RecordedTrial, encode_arm, encode_scenario
from cutover.scenarios.model import Scenario

__all__ = [
    "COMPANION_EVERY",
    "DEADLINE_S",
    "MOST_WORKERS",
    "arm_order",
    "default_workers",
    "execution_id",
    "run_trials",
]

DEADLINE_S = 30.0
MOST_WORKERS = 8
"""By default; a worker has about ten connections, and a server often takes a hundred."""
COMPANION_EVERY = 8
"""In every so many trials another scenario runs in between, in the same process; see `trials.arm`."""

_SQUARE = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))


def arm_order(number: int, seed: int) -> tuple[ArmName, ...]:
    """Returns the arms of a trial by a Williams square: in four trials each arm has each place and each predecessor."""
    return tuple(ARMS[place] for place in _SQUARE[(number + seed) % len(_SQUARE)])


def default_workers() -> int:
    """Returns the number of processors, at most `MOST_WORKERS`; more workers would wait for one another."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS)


def run_trials(
    scenarios: Sequence[Scenario],
    *,
    control: str,
    candidate: str,
    server: Server,
    workers: int | None = None,
    seed: int = 0,
    deadline_s: float = DEADLINE_S,
    companion_every: int = COMPANION_EVERY,
    sources: Mapping[str, str] | None = None,
    on_trial: Callable[[RecordedTrial], object],
    on_reread: Callable[[bytes], object] = lambda _line: None,
    known: Mapping[int, Mapping[ArmName, bytes]] = MappingProxyType({}),
) -> int:
    """Runs each scenario as one trial, numbered from 1, and hands each to `on_trial` as it ends; returns their number.

    `workers` is the number of processes, `default_workers()` where None; `deadline_s` is real time for one arm;
    `companion_every` 0 leaves companions out; `sources` are the digests on record of the engines' sources, by spec, and
    those of now where None. When all trials have ended the candidate's executions are read again, and `on_reread` is
    given a line of each. `known` has, by trial, lines of arms that another run of these scenarios and this seed has
    brought, which are not run again. Databases and processes are gone afterwards, also when `on_trial` or a signal
    interrupts. Where a process can hold one engine of a kind alone, each arm has processes of its own, and runs all
    trials before the next one does; where workers may not share a database, there is one process.
    Raises EnvironmentProblem where the server or the workers fail, OtherSources where a worker would run other sources.
    """
    specs = {"control": control, "candidate": candidate}
    with contextlib.ExitStack() as stack:
        databases = _databases(stack, server, specs)
        setup = Setup(specs=specs, dsns={arm: database.dsn for arm, database in databases.items()})
        count = min(workers or default_workers(), max(1, len(scenarios)))
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            require_room(connection, count)
        sources = sources or sources_of(control, candidate)
        told = {arm: _told_of(specs[role(arm)], databases[arm].dsn) for arm in ARMS}
        lacks = {name for _, lacking in told.values() for name in lacking}
        turns = [(arm,) for arm in ARMS] if "one_per_process" in lacks else [ARMS]
        processes = 1 if "concurrent_workers" in lacks else count

        def pool() -> Pool:
            return Pool(setup, workers=processes, deadline_s=deadline_s, sources=sources)

        names = {arm: name for arm, (name, _) in told.items()}
        of_roles = {who: [databases[arm].name for arm in ARMS if role(arm) == who] for who in ROLES}
        probe = stack.enter_context(OutageProbe(server.dsn, of_roles))
        assembly = _TrialAssembly(scenarios, seed, names, known)
        finished = 0

        def refused(news: RefusedArm) -> None:
            arm = next((each for each in ARMS if each == news.arm), None)
            probe.refused(news.what, None if arm is None else role(arm), count)

        rereading = Rereading(scenarios, seed)
        workers_of = {arms: stack.enter_context(pool()) for arms in turns}
        for arms, at_work in workers_of.items():
            for news in at_work.run(_jobs(scenarios, seed, companion_every, known, arms)):
                if isinstance(news, RefusedArm):
                    refused(news)
                    continue
                rereading.note(news)
                if isinstance(news, LostArm):
                    probe.check()
                if (trial := assembly.take(news)) is not None:
                    probe.check()
                    finished += 1
                    on_trial(trial)
        probe.check()
        for arms, at_work in workers_of.items():
            for line in rereading.lines(at_work, refused, arms):
                on_reread(line)
        probe.check()
    return finished


def _told_of(spec: str, dsn: str) -> tuple[str, tuple[str, ...]]:
    """Returns the engine's name, and what it does not offer."""
    with contextlib.closing(resolve(spec)(idle(dsn, "the run"))) as engine:
        return engine.name, lacks_of(engine)


def _jobs(
    scenarios: Sequence[Scenario],
    seed: int,
    companion_every: int,
    known: Mapping[int, Mapping[ArmName, bytes]],
    arms: Sequence[ArmName],
) -> Iterator[TrialJob]:
    for number, scenario in enumerate(scenarios, start=1):
        companion = scenarios[number % len(scenarios)]
        apart = companion_every and number % companion_every == 0 and companion.id != scenario.id
        yield TrialJob(
            number=number,
            scenario=encode_scenario(number, scenario).decode("ascii"),
            companion=encode_scenario(number, companion).decode("ascii") if apart else None,
            arms=[
                (arm, position, str(execution_id(seed, scenario, arm, number)))
                for position, arm in enumerate(arm_order(number, seed))
                if arm in arms and arm not in known.get(number, ())
            ],
        )


class _TrialAssembly:
    """Where the arms of a trial come together."""

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        seed: int,
        engines: dict[ArmName, str],
        known: Mapping[int, Mapping[ArmName, bytes]] = MappingProxyType({}),
    ) -> None:
        self._scenarios, self._seed, self._engines, self._known = scenarios, seed, engines, known
        self._open: dict[int, dict[str, bytes]] = {}

    def take(self, news: RecordedArm | LostArm) -> RecordedTrial | None:
        """Returns the trial, when this was its last arm."""
        lines = self._open.setdefault(
            news.number, {str(arm): line for arm, line in self._known.get(news.number, {}).items()}
        )
        lines[news.arm] = self._broken(news) if isinstance(news, LostArm) else news.line
        if len(lines) < len(ARMS):
            return None
        del self._open[news.number]
        scenario = self._scenarios[news.number - 1]
        return RecordedTrial(news.number, scenario, {arm: lines[arm] for arm in ARMS})

    def _broken(self, news: LostArm) -> bytes:
        scenario = self._scenarios[news.number - 1]
        order = arm_order(news.number, self._seed)
        arm = next(each for each in order if each == news.arm)
        record = ArmRecord(
            arm=arm,
            engine=self._engines[arm],
            execution_id=execution_id(self._seed, scenario, arm, news.number),
            position=order.index(arm),
            journal=None,
            failure=Failure(kind=news.kind, type=news.kind, message=news.message),
        )
        return encode_arm(news.number, scenario.id, record)


def _databases(stack: contextlib.ExitStack, server: Server, specs: dict[str, str]) -> dict[ArmName, Database]:
    """Creates a database for each arm, with its engine's tables; the second of a role is a copy of the first."""
    made: dict[ArmName, Database] = {}
    for arm in ARMS:
        first = made.get(role(arm))
        try:
            database = server.create_database(None if first is None else first.name)
            stack.callback(database.drop)
            if first is None:
                install_engine(specs[role(arm)], database.dsn)
        except CutoverError:
            raise
        except Exception as error:
            if refused := refusal_of(error):
                raise refused_to_all(refused, f"{server.description}, at the installation") from error
            raise EnvironmentProblem(
                f"engine {specs[role(arm)]!r} could not be installed on {server.description} "
                f"({type(error).__name__}: {' '.join(str(error).split())}); mend the engine or give another --postgres"
            ) from error
        made[arm] = database
    return made
