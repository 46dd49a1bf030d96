"""Durable engines put through deaths, plays and payloads, and judged promise by promise. Does I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cutover.engines.errors import CutoverError
from cutover.engines.registry import ADAPTERS, OURS, BrokenEngine, described
from cutover.harness.cli.console import emit, note
from cutover.harness.cli.installation import installed_version
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.cli.status import Status
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.judge.promises.promise import PAYLOADS
from cutover.harness.judge.promises.standing import PromiseTally
from cutover.harness.judge.reference.races import races_a_timer
from cutover.harness.record.cases import CaseRecord, CrashTrial, Way
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.promises import EnginePromises
from cutover.harness.run.crash.matrix import SETTINGS, Interrupt, interrupting
from cutover.harness.run.crash.plan import CasePlan, ways_without
from cutover.harness.run.machine.pace import pace_of
from cutover.harness.run.machine.probe import readings
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side.playing import play_all
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.lines import read_as
from cutover.reports.engines import engines_page
from cutover.reports.words import plain
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import offered

__all__ = ["EnginesPlan", "engines_job", "judged_engines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginesPlan:
    """What a `cutover judge-engines` command line asked for; without engines it is all that Cutover knows by name.

    `cases` is how many crash cases each engine is put through, about; a `quick` one takes two scenarios for each part
    of them and plays nothing else.
    """

    engines: tuple[str, ...]
    cases: int
    seed: int
    workers: int
    url: str | None
    choice: ServerChoice
    quick: bool = False
    out: Path | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class _JudgedPart:
    """Scenarios of the catalog by id, all where none is named, and the ways in which they are interrupted."""

    scenarios: tuple[str, ...]
    ways: tuple[Way, ...]


_PARTS: Final = (
    _JudgedPart(
        ("01-one-activity", "03-data-flow", "05-retry-third-attempt", "32-join-any", "53-loop-three-items"),
        (Way.ONCE, Way.TWICE, Way.LAG, Way.CUT, Way.DROP, Way.OUTAGE, Way.SERIALIZATION, Way.DEADLOCK),
    ),
    _JudgedPart(("01-one-activity", "03-data-flow", "53-loop-three-items"), (Way.CONCURRENT, Way.ZOMBIE)),
    _JudgedPart(
        ("41-wait-for-signal", "48-same-signal-twice", "68-wait-in-a-loop"),
        (Way.ONCE, Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY),
    ),
    _JudgedPart(("05-retry-third-attempt", "42-wait-for-timer", "47-two-timers"), (Way.ONCE, Way.TWICE)),
    _JudgedPart(PAYLOADS, (Way.ONCE, Way.TWICE)),
)
"""What is interrupted: each has the same share of the cases."""
_CATALOG: Final = _JudgedPart((), ())
"""The whole catalog, which nobody interrupts."""
_FEW: Final = 2
_DEADLINE_S: Final = 60.0
"""How long a command may take on a machine of the usual pace: whoever is slow has broken no promise."""
_PLAYS: Final = (
    *("early", "one_each", "twice", "held", "unknown", "timed_out", "one_id"),
    *("waits", "due_at_once", "begun_late"),
    *("refusals", "edited"),
    *("overtaken", "overtaken_asleep"),
)


def engines_job(plan: EnginesPlan) -> int:
    """Judges the engines and writes the page, or prints it where no file is named."""
    if plan.out is not None:
        _refuse_no_file(plan.out)
    page = engines_page(judged_engines(plan), version=installed_version(), seed=plan.seed)
    if plan.out is None:
        emit(page)
    else:
        write_whole(plan.out, page)
        note(f"written to {plan.out}", quiet=plan.quiet)
    return Status.GO


def _refuse_no_file(out: Path) -> None:
    if not out.parent.is_dir():
        raise UsageProblem(f"--out {out}: there is no folder {out.parent}; make it, or name another")
    if out.is_dir():
        raise UsageProblem(f"--out {out}: it is a folder; name a file")


def judged_engines(plan: EnginesPlan) -> tuple[EnginePromises, ...]:
    """Returns how the promises of each engine stand, in the order in which they were named.

    Raises BrokenEngine or UnknownEngine for one that was named and cannot be made. Of those that were not named, one
    whose packages are absent, or that cannot be installed, is told as absent.
    """
    made = [_made(spec, named=bool(plan.engines)) for spec in plan.engines or (*OURS, *ADAPTERS)]
    if all(engine.absent for engine in made):
        return tuple(made)
    with started_server(plan.url, plan.choice, settings=SETTINGS) as server:
        return tuple(engine if engine.absent else _judged(engine, server, plan) for engine in made)


def _made(spec: str, *, named: bool) -> EnginePromises:
    try:
        name, _, lacks = described(spec)
    except BrokenEngine as error:
        if named or spec not in ADAPTERS:
            raise
        return EnginePromises(spec=spec, name=spec, absent=f"not installed: {error}")
    return EnginePromises(spec=spec, name=name, lacks=lacks)


def _judged(engine: EnginePromises, server: Server, plan: EnginesPlan) -> EnginePromises:
    tally = PromiseTally(engine.spec, engine.name, engine.lacks)
    try:
        deadline_s = _DEADLINE_S * pace_of(readings(server.dsn))
        with interrupting(server, engine.spec, workers=plan.workers, deadline_s=deadline_s) as interrupt:
            for part in _PARTS if plan.quick else (*_PARTS, _CATALOG):
                _interrupt(part, tally, interrupt, plan)
        if not plan.quick:
            _play(tally, server, plan)
    except EnvironmentProblem:
        raise
    except CutoverError as error:
        if plan.engines:
            raise
        return EnginePromises(spec=engine.spec, name=engine.name, absent=f"it cannot be judged: {error}")
    return tally.told()


def _interrupt(part: _JudgedPart, tally: PromiseTally, interrupt: Interrupt, plan: EnginesPlan) -> None:
    """Plays the part's scenarios as they are, and its share of cases."""
    wanted = _wanted(part)[: _FEW if plan.quick else None]
    scenarios = [each for each in offered(wanted, tally.lacks) if not races_a_timer(each)]
    ways = ways_without(part.ways, tally.lacks)
    if not scenarios or (part.ways and not ways):
        return
    note(plain(f"{tally.spec}: {len(scenarios)} scenarios, {', '.join(ways) or 'uninterrupted'}"), quiet=plan.quiet)
    by_id = {scenario.id: scenario for scenario in scenarios}

    def keep(record: CaseRecord) -> None:
        tally.add_case(by_id[record.case.scenario], record)

    def run(trials: Sequence[CrashTrial]) -> None:
        for trial in trials:
            tally.add_run(trial.scenario, trial.baseline)

    share = max(1, plan.cases // len(_PARTS))
    interrupt(scenarios, CasePlan(engine=tally.spec, ways=ways, seed=plan.seed, limit=share), keep, run)


def _wanted(part: _JudgedPart) -> list[Scenario]:
    return [scenario for scenario in load_catalog() if not part.scenarios or scenario.id in part.scenarios]


def _play(tally: PromiseTally, server: Server, plan: EnginesPlan) -> None:
    note(plain(f"{tally.spec}: {len(_PLAYS)} plays"), quiet=plan.quiet)
    lines, problem = play_all(server, control="v1", candidate=tally.spec, seed=plan.seed, asked=_PLAYS)
    tally.add_plays(read_as(PlayRecord, json.loads(line)) for line in lines)
    if problem:
        note(plain(f"{tally.spec}: {problem}"), quiet=plan.quiet)
