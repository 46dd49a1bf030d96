"""Plays one engine through a fast form of `run` and `crash` until a check holds something against it. Does I/O.

This runs in a process of its own, which may be killed at any time; the stages go from cheap to dear. What it leaves
out is what statistics over many trials decide, and what needs a server of its own to be restarted.
"""

from __future__ import annotations

import random
import uuid
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import psycopg

from cutover.engines.api import EngineFactory
from cutover.engines.registry import describe, resolve
from cutover.harness.judge.checks import run_checks
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.view import view_of
from cutover.harness.record.cases import CrashCase, CrashTrial, Way
from cutover.harness.record.trials import Trial
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.plan import SAMPLE_WAYS, CasePlan, pairs
from cutover.harness.run.crash.sampling import Sampler, selection
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.postgres.server import provision
from cutover.harness.run.trials.arm import Arm
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario
from mutation.forks import Say
from mutation.material import Material, gathered
from mutation.playing import Player
from mutation.results import Kill
from mutation.sites import Site

__all__ = ["engine_player", "play_engine"]

_SPEC: Final = "v2"
_SETTINGS: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
"""Of a server that is started here: nothing here asks whether a commit outlives it."""

_COMPANION_EVERY: Final = 8
"""As in a run: in every so many trials, executions of the next scenario run in between."""
_COMMAND_S: Final = 10.0
"""Real time for one command in a crash case."""
_ALONE: Final = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_BARE: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


@contextmanager
def engine_player(options: Namespace) -> Iterator[Player]:
    """A server with a database for each slot, and how a fork plays what it imports as V2 on one of them."""
    catalog = load_catalog()
    material = gathered(
        catalog,
        selection((), catalog),
        generated=options.generated,
        cases=options.cases,
        seconds=options.second_deaths,
        seed=options.seed,
    )
    with ExitStack() as stack:
        server = stack.enter_context(
            provision(options.postgres, "url" if options.postgres else options.mode, settings=_SETTINGS)
        )
        dsns = []
        for _ in range(options.workers):
            database = server.create_database()
            stack.callback(database.drop)
            dsns.append(database.dsn)

        def act(site: Site | None, slot: int, say: Say) -> Kill | None:  # noqa: ARG001 - whichever mutant it is
            return play_engine(_SPEC, material, dsns[slot], say)

        yield Player(act, prepare=lambda slot: _empty(dsns[slot]), check=server.check)


def _empty(dsn: str) -> None:
    """Removes all that the mutant before has made in a database; whoever is connected to it is disconnected."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_ALONE)
        connection.execute(_BARE)


@dataclass(slots=True)
class _Count:
    """How many trials and crash cases have been played; each is told of before it begins."""

    say: Say
    draw: random.Random
    cases: int = 0
    stage: str = ""

    def begin(self, stage: str, *, counted: bool = True) -> uuid.UUID:
        """The id of the execution that begins now."""
        self.stage = stage
        self.cases += counted
        self.say({"stage": stage, "cases": self.cases})
        return uuid.UUID(int=self.draw.getrandbits(128), version=4)

    def kill(self, where: str, results: Iterable[CheckResult]) -> Kill | None:
        """What the first check with a finding says."""
        for result in results:
            for finding in result.findings:
                return Kill(stage=self.stage, by=result.check, cases=self.cases, detail=f"{where}: {finding.message}")
        return None


def play_engine(spec: str, material: Material, dsn: str, say: Say) -> Kill | None:
    """The first thing that is held against the engine; None where nothing is. The database is an empty one."""
    count = _Count(say, random.Random(material.seed))  # noqa: S311 - ids for a test, no secret
    count.begin("install", counted=False)
    try:
        describe(spec)
        factory = resolve(spec)
        install_engine(spec, dsn)
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises when it is to be loaded
        return Kill(stage="install", by=type(error).__name__, cases=0, detail=str(error))
    kills = chain(_trials(factory, material, dsn, count), _crashes(factory, material, dsn, count))
    return next(kills, None)


def _trials(factory: EngineFactory, material: Material, dsn: str, count: _Count) -> Iterator[Kill]:
    """One engine for all of them, as a run's worker has."""
    arm = Arm("candidate", factory, dsn)
    for number, scenario in enumerate(material.trials, start=1):
        companion = material.trials[number % len(material.trials)] if number % _COMPANION_EVERY == 0 else None
        record = arm.run(scenario, count.begin("trials"), 0, companion)
        trial = Trial(number=number, scenario=scenario, arms={"candidate": record})
        if kill := count.kill(scenario.id, run_checks(view_of(trial))):
            yield kill
    arm.close()


def _crashes(factory: EngineFactory, material: Material, dsn: str, count: _Count) -> Iterator[Kill]:
    """Cases of all ways and kinds of point, then some in which whoever takes over dies as well."""
    plan = CasePlan(engine="", ways=SAMPLE_WAYS, seed=material.seed)
    with Testbed(factory, dsn, deadline_s=_COMMAND_S) as testbed:
        trials = {each.id: _baseline(testbed, each, count) for each in material.crashed}
        resumes: dict[CrashCase, Mapping[str, int]] = {}
        for case in islice(Sampler(trials.values(), plan).cases(), material.cases):
            yield from _case(testbed, trials[case.scenario].scenario, case, count, resumes)
        seconds = [case for trial in trials.values() for case in pairs(trial, resumes, plan)]
        draw = random.Random(material.seed)  # noqa: S311 - a sample, no secret
        for case in draw.sample(seconds, min(material.seconds, len(seconds))):
            yield from _case(testbed, trials[case.scenario].scenario, case, count, resumes)


def _baseline(testbed: Testbed, scenario: Scenario, count: _Count) -> CrashTrial:
    arm, points = BaselineRun(testbed, scenario, count.begin("baseline", counted=False)).run()
    return CrashTrial(scenario=scenario, baseline=arm, points=points)


def _case(
    testbed: Testbed, scenario: Scenario, case: CrashCase, count: _Count, resumes: dict[CrashCase, Mapping[str, int]]
) -> Iterator[Kill]:
    record = CaseRun(testbed, scenario, case, count.begin("second deaths" if case.second else "crashes")).run()
    if case.way is Way.ONCE:
        resumes[case] = record.resume_points
    if kill := count.kill(str(case), judge_case(scenario, record).results):
        yield kill
