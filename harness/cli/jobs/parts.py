"""The parts of a run, each played in its turn; whoever asks says what becomes of their rows. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Protocol

import psycopg

from cutover.harness.cli.console import progress
from cutover.harness.cli.jobs.side import SIDE_PARTS, SideParts, SideRows
from cutover.harness.cli.plan import RunPlan, Where
from cutover.harness.judge.reference.races import races_a_timer
from cutover.harness.record.cases import CaseRecord, CrashTrial
from cutover.harness.record.kills import PlayedPart
from cutover.harness.record.trials import ArmName
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.crash.plan import SAMPLE_WAYS, Budget, CasePlan, ways_without
from cutover.harness.run.crash.sampling import selection
from cutover.harness.run.machine.pace import pace_of
from cutover.harness.run.machine.watch import MachineWatch
from cutover.harness.run.postgres.room import runners_that_fit
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.side.background import BackgroundPlays
from cutover.harness.run.side.listing import IDLE_PLAYS, LONG_PLAYS
from cutover.harness.run.side.plays.performance import LONG_S
from cutover.harness.run.trials.shadow import run_trials
from cutover.harness.store.lines import RecordedTrial, encode_fields
from cutover.harness.store.tables import Table
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import offered

__all__ = ["RESTARTS", "PartPlayer", "RunRows", "scenarios_to_kill"]

RESTARTS: Final = 5
"""Crash cases in which the server dies, where it is ours to kill; a second each."""
_BEYOND_S: Final = 5.0
"""How much longer than a takeover the activity lasts that is to outlast every lease, s."""


class RunRows(SideRows, Protocol):
    """Takes in the rows of a run as they come; `finished` counts trials, `cases` crash cases."""

    finished: int
    cases: int
    cases_planned: int

    def write(self, trial: RecordedTrial, /) -> None:
        """Takes in a finished trial."""

    def write_case(self, record: CaseRecord, /) -> None:
        """Takes in a finished crash case, whose scenario `write_crash_scenarios` was given."""

    def write_crash_scenarios(self, scenarios: Iterable[Scenario], /) -> None:
        """Takes in the scenarios of crash cases."""

    def write_baselines(self, trials: Iterable[CrashTrial], /) -> None:
        """Takes in the uninterrupted runs from which crash cases were planned."""


def scenarios_to_kill(scenarios: Sequence[Scenario], lacks: Collection[str] = ()) -> tuple[Scenario, ...]:
    """Returns those of a run's scenarios, and of the catalog, that crash cases are played with.

    None of them needs anything that the engine `lacks`.
    """
    return selection([each for each in scenarios if not races_a_timer(each)], offered(load_catalog(), lacks))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlayer:
    """Plays the parts of one run, with at least `cases` crash cases if there is time.

    `on_problem` is told what could not be done beside the trials; the judge finds it missing. `sources` are the digests
    on record of the engines' sources, by spec, and those of now where None; `lacks` is what the candidate does not
    offer; `to_kill` are the scenarios of crash cases where the caller knows them, `known` arms of trials that need not
    be run again. With `long`, what takes long of the plays is played too, beside all parts. With `reads_machine` the
    machine is read before, between and after the parts, and limits of time follow what it needs.
    """

    plan: RunPlan
    where: Where
    server: Server
    scenarios: tuple[Scenario, ...]
    rows: RunRows
    cases: int
    quiet: bool
    on_problem: Callable[[str], None]
    sources: Mapping[str, str] | None = None
    lacks: tuple[str, ...] = ()
    to_kill: tuple[Scenario, ...] | None = None
    known: Mapping[int, Mapping[ArmName, bytes]] = field(default_factory=dict)
    long: bool = False
    reads_machine: bool = False

    def play(self, parts: Collection[PlayedPart], over: Callable[[PlayedPart], None] = lambda _part: None) -> None:
        """Plays these parts, and calls `over` at the end of each.

        What takes long is begun before them and heard after them, so it costs no time where they take as long. Whatever
        ends the run, nothing is left of it.
        """
        with contextlib.ExitStack() as stack:
            watch = stack.enter_context(MachineWatch(self.server.dsn)) if self.reads_machine else None
            pace = 1.0 if watch is None else pace_of(watch.before)
            beside = [stack.enter_context(self._begun(plays)) for plays in self._beside(parts)]
            stack.callback(self._keep, watch)
            for together in _turns(parts):
                if watch is not None:
                    watch.part = together[0]
                self._play(together, pace)
                for part in together:
                    over(part)
            if watch is not None:
                watch.end()
            for each in beside:
                played, problem = each.collect(pace)
                self.rows.write_lines(Table.PLAYS, played)
                self._tell("not everything was played", problem)

    def _keep(self, watch: MachineWatch | None) -> None:
        """Hands on the readings of the machine."""
        if watch is not None:
            self.rows.write_lines(Table.MACHINE, map(encode_fields, watch.take()))

    def _beside(self, parts: Collection[PlayedPart]) -> Iterator[tuple[str, ...]]:
        """Yields the plays that are played beside all parts, a process each."""
        if PlayedPart.PLAYS in parts:
            asked = self.plan.plays
            idle = tuple(name for name in IDLE_PLAYS if not asked or name in asked)
            long = tuple(name for name in LONG_PLAYS if (name in asked if asked else self.long))
            yield from (plays for plays in (idle, long) if plays)

    def _begun(self, plays: Sequence[str]) -> BackgroundPlays:
        plan = self.plan
        return BackgroundPlays(
            self.server,
            control=plan.control,
            candidate=plan.candidate,
            seed=plan.seed,
            plays=plays,
            lasts_s=max(LONG_S, plan.takeover_s + _BEYOND_S),
        )

    def _play(self, parts: Sequence[PlayedPart], pace: float) -> None:
        """Plays parts whose turn it is, with limits of time that follow the pace; rereads come with the trials."""
        match parts:
            case [PlayedPart.TRIALS]:
                self._compare(pace)
            case [PlayedPart.CRASHES]:
                if self.plan.crash_usual_s:
                    self._kill(pace)
            case _:
                side = SideParts(
                    plan=self.plan,
                    server=self.server,
                    scenarios=self.scenarios,
                    rows=self.rows,
                    tell=self._tell,
                    sources=self.sources,
                    pace=pace,
                )
                side.play(parts)

    def _tell(self, what: str, problem: str) -> None:
        if problem:
            self.on_problem(f"{what}: {problem}")

    def _compare(self, pace: float) -> None:
        """Runs every trial, then reads the candidate's executions again."""
        plan = self.plan
        title = f"{plan.control} against {plan.candidate}"
        with progress(title, len(self.scenarios), quiet=self.quiet) as advance:

            def keep(trial: RecordedTrial) -> None:
                self.rows.write(trial)
                advance(self.rows.finished)

            run_trials(
                self.scenarios,
                control=plan.control,
                candidate=plan.candidate,
                server=self.server,
                workers=self.where.workers,
                seed=plan.seed,
                deadline_s=plan.deadline_at(pace),
                sources=self.sources,
                on_trial=keep,
                on_reread=lambda line: self.rows.write_lines(Table.REREADS, [line]),
                known=self.known,
            )

    def _kill(self, pace: float) -> None:
        """Plays a sample of the candidate's crash cases."""
        plan = self.plan
        chosen = scenarios_to_kill(self.scenarios, self.lacks) if self.to_kill is None else self.to_kill
        self.rows.write_crash_scenarios(chosen)
        with progress(f"killing {plan.candidate}", 0, quiet=self.quiet) as advance:

            def keep(record: CaseRecord) -> None:
                self.rows.write_case(record)
                advance(self.rows.cases)

            def planned(total: int) -> None:
                self.rows.cases_planned = total
                advance.expect(min(total, max(self.cases, self.rows.cases)))

            crash_matrix(
                self.server,
                chosen,
                CasePlan(engine=plan.candidate, ways=ways_without(SAMPLE_WAYS, self.lacks), seed=plan.seed),
                workers=self._runners(),
                on_record=keep,
                on_planned=planned,
                on_baselines=self.rows.write_baselines,
                deadline_s=plan.deadline_at(pace),
                takeover_s=plan.takeover_s,
                isolation=plan.isolation,
                digest=None if self.sources is None else self.sources[plan.candidate],
                budget=Budget(
                    usual_s=plan.crash_usual_s, most_s=plan.crash_most_s, least=self.cases, restarts=RESTARTS
                ),
            )

    def _runners(self) -> int:
        """Returns how many runners play crash cases: one that waits leaves its processor idle."""
        with psycopg.connect(self.server.dsn, autocommit=True) as connection:
            return runners_that_fit(connection, 3 * self.where.workers)


def _turns(parts: Collection[PlayedPart]) -> Iterator[tuple[PlayedPart, ...]]:
    """Yields the parts in order, those together that are played at the same time; rereads come with the trials."""
    for beside, turn in groupby((part for part in parts if part is not PlayedPart.REREADS), SIDE_PARTS.__contains__):
        if beside:
            yield tuple(turn)
        else:
            yield from ((part,) for part in turn)
