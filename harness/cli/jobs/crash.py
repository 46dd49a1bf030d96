"""The crash matrix: start a server, play, save, judge, report. Does I/O."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cutover.harness.cli.console import captured, emit, note, problem, progress
from cutover.harness.cli.jobs.manifest import engine_info, new_manifest
from cutover.harness.cli.jobs.run import RUNS
from cutover.harness.cli.jobs.saved import key_of
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.plan import ImportSource, ServerChoice
from cutover.harness.cli.selection import select
from cutover.harness.cli.status import Status
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.judge.checks import asked_of
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.reference.races import races_a_timer
from cutover.harness.record.cases import ALL_WAYS, CaseRecord, Way
from cutover.harness.record.isolation import Isolation
from cutover.harness.record.trials import EngineInfo, Trial
from cutover.harness.run.crash.matrix import DEADLINE_S, SETTINGS, crash_matrix
from cutover.harness.run.crash.plan import BASIC_WAYS, CasePlan, ways_without
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.machine.pace import pace_of
from cutover.harness.run.machine.probe import readings
from cutover.harness.run.postgres.server import Server
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.reader import iter_cases
from cutover.harness.store.tables import CRASHES
from cutover.harness.store.writer import RunWriter, refuse_used, saving
from cutover.reports.parts.crash import CrashPart, crash_part
from cutover.reports.parts.run import Replay
from cutover.reports.terminal.crash import render_cases
from cutover.reports.words import json_text, plain
from cutover.scenarios.model import Scenario

__all__ = ["STATUS", "CrashPlan", "FinishedCrashes", "crash_job", "finished_crashes", "scenarios_of", "ways_of"]

STATUS = {Verdict.PASS: Status.GO, Verdict.FAIL: Status.NO_GO}
"""The exit status of a verdict on crash cases; of all others it is INCONCLUSIVE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPlan:
    """What a `cutover crash` command line asked for."""

    engine: str
    ways: tuple[Way, ...] = ()
    paths: tuple[Path, ...]
    imports: tuple[ImportSource, ...] = ()
    only: tuple[str, ...] = ()
    generated: int
    seed: int
    limit: int | None = None
    workers: int = 1
    url: str | None
    choice: ServerChoice
    deadline_s: float
    takeover_s: float
    isolation: Isolation = Isolation.RUNNER
    folder: Path | None = None
    sign: Path | None = None

    def arguments(self) -> tuple[str, ...]:
        """Returns what to write after `cutover crash`; never a server's URL."""
        words = ["--engine", self.engine, "--ways", ",".join(self.ways), *self.options()]
        if self.generated:
            words += ["--generated", str(self.generated)]
        words += ["--seed", str(self.seed)]
        if self.limit is not None:
            words += ["--limit", str(self.limit)]
        if self.isolation is not Isolation.RUNNER:
            words += ["--isolate", self.isolation]
        return (*words, *(word for name in self.only for word in ("--only", name)))

    def deadline_at(self, pace: float) -> float:
        """Returns how long a command may take on a machine that is so many times slower; what was said is kept to."""
        return self.deadline_s * (pace if self.deadline_s == DEADLINE_S else 1.0)

    def options(self) -> tuple[str, ...]:
        """Returns what a command that repeats one of the cases needs besides the engine and the case."""
        files = [word for path in self.paths for word in ("--scenarios", str(path))]
        files += [word for source in self.imports for word in (f"--{source.importer}", str(source.path))]
        times = (("--deadline", self.deadline_s, DEADLINE_S), ("--takeover", self.takeover_s, TAKEOVER_S))
        return (*files, *(word for name, s, usual in times if s != usual for word in (name, f"{s:g}")))


def ways_of(names: Sequence[str]) -> tuple[Way, ...]:
    """Returns the ways by name; `basic` and `all` stand for several. Raises UsageProblem."""
    chosen: list[Way] = []
    for name in (part for group in names for part in group.split(",")):
        if name == "basic":
            chosen += BASIC_WAYS
        elif name == "all":
            chosen += ALL_WAYS
        elif name in set(Way):
            chosen.append(Way(name))
        else:
            raise UsageProblem(f"--ways {name}: no such way; there are basic, all, {', '.join(Way)}")
    if Way.AGAIN in chosen and Way.ONCE not in chosen:
        chosen.append(Way.ONCE)  # its resumes show where the second death can be
    return tuple(dict.fromkeys(chosen))


@dataclass(frozen=True, slots=True)
class FinishedCrashes:
    """A crash matrix that is saved in `folder`, what it came to, and whether somebody interrupted it."""

    folder: Path
    part: CrashPart
    interrupted: bool


def crash_job(plan: CrashPlan, *, as_json: bool, quiet: bool) -> int:
    """Plays the matrix, saves it, and prints the result."""
    try:
        run = finished_crashes(plan, quiet=quiet)
    except KeyboardInterrupt:
        problem("interrupted before the first case; nothing is saved")
        return Status.INTERRUPTED
    part = run.part
    if as_json:
        emit(json_text(part.model_dump_json(indent=2)))
    else:
        emit(plain(part.headline) if quiet else captured(lambda console: render_cases(part, console)))
    note(f"saved in {run.folder}: crash.json, and every case", quiet=quiet)
    if run.interrupted:
        note(f"cutover: interrupted; the cases so far are saved in {run.folder}", quiet=False)
        return Status.INTERRUPTED
    return STATUS.get(Verdict(part.verdict), Status.INCONCLUSIVE)


def finished_crashes(plan: CrashPlan, *, quiet: bool) -> FinishedCrashes:
    """Plays the matrix, judges each case as it comes, and saves it. Prints progress, unless quiet."""
    key = key_of(plan.sign)
    engine = engine_info(plan.engine, killed=True)
    plan = replace(plan, ways=_ways_offered(plan.ways, engine, quiet=quiet))
    found = scenarios_of(plan, quiet=quiet, lacks=engine.lacks)
    scenarios = tuple(scenario for scenario in found if not races_a_timer(scenario))
    if len(scenarios) < len(found):
        left = len(found) - len(scenarios)
        note(
            f"{left} scenarios left out: a signal or a cancellation races a timer that the wait for a lease uses up",
            quiet=quiet,
        )
    created_at = datetime.now(UTC)
    folder = plan.folder or RUNS / f"crash-{created_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    refuse_used(folder)
    with started_server(plan.url, plan.choice, settings=SETTINGS) as server:
        note(plain(f"Postgres {server.version}, {server.description} ({server.why})"), quiet=quiet)
        manifest = new_manifest(
            server,
            run_id=folder.name,
            created_at=created_at,
            seed=plan.seed,
            stage=0,
            control=engine,
            candidate=engine,
            planned=len(scenarios),
            workers=plan.workers,
            arguments=plan.arguments(),
            command="crash",
            signer="" if key is None else key.fingerprint,
        )
        tally = CrashTally(engine.label, plan.seed, asked_of(engine.lacks))
        interrupted = False
        with RunWriter(folder, manifest) as writer:
            began = time.monotonic()
            try:
                _play(plan, server, scenarios, tally, writer, quiet=quiet)
            except KeyboardInterrupt:
                interrupted = True
            except BaseException:
                with suppress(EnvironmentProblem):  # the user learns what stopped it, not what followed from that
                    writer.finish(seconds=time.monotonic() - began, partial=True)
                raise
            saved = writer.finish(seconds=time.monotonic() - began, partial=interrupted)
    if interrupted:  # between the saving of a case and its judging, perhaps
        tally = _tally_of(folder, scenarios, CrashTally(engine.label, plan.seed, asked_of(engine.lacks)))
    part = crash_part(
        tally.summary(partial_of=saved.cases_planned if interrupted else None),
        Replay(plan.engine, plan.seed, plan.options()),
    )
    with saving(folder):
        write_whole(folder / CRASHES, json_text(part.model_dump_json(indent=2)) + "\n")
        if key is not None:
            key.sign(folder, manifest.run_id)
    return FinishedCrashes(folder, part, interrupted)


def _tally_of(folder: Path, scenarios: tuple[Scenario, ...], tally: CrashTally) -> CrashTally:
    """Returns the tally with the cases that are saved."""
    by_id = {scenario.id: scenario for scenario in scenarios}
    for record in iter_cases(folder):
        tally.add(by_id[record.case.scenario], record)
    return tally


def _play(
    plan: CrashPlan,
    server: Server,
    scenarios: tuple[Scenario, ...],
    tally: CrashTally,
    writer: RunWriter,
    *,
    quiet: bool,
) -> None:
    """Plays every case; saves and judges each as it comes."""
    by_id = {scenario.id: scenario for scenario in scenarios}
    writer.write_crash_scenarios(scenarios)
    with ExitStack() as stack:
        advance = stack.enter_context(progress(f"killing {plan.engine}", 0, quiet=quiet))
        done = 0

        def planned(total: int) -> None:
            writer.cases_planned = total
            advance.expect(total)

        def keep(record: CaseRecord) -> None:
            nonlocal done
            writer.write_case(record)
            tally.add(by_id[record.case.scenario], record)
            done += 1
            advance(done)

        trials = crash_matrix(
            server,
            scenarios,
            CasePlan(engine=plan.engine, ways=plan.ways, seed=plan.seed, limit=plan.limit),
            workers=plan.workers,
            on_record=keep,
            on_planned=planned,
            on_baselines=writer.write_baselines,
            deadline_s=plan.deadline_at(pace_of(readings(server.dsn))),
            takeover_s=plan.takeover_s,
            digest=writer.manifest.candidate.digest,
            isolation=plan.isolation,
        )
    if plan.limit is None and set(plan.ways) & set(BASIC_WAYS):
        tally.expect_sweep(trials)
    for number, trial in enumerate(trials, start=1):
        writer.write(Trial(number=number, scenario=trial.scenario, arms={"candidate": trial.baseline}))


def _ways_offered(ways: Sequence[Way], engine: EngineInfo, *, quiet: bool) -> tuple[Way, ...]:
    """Returns the ways that ask for nothing that the engine lacks; says which are left out. Raises UsageProblem."""
    fit = ways_without(ways, engine.lacks)
    if len(fit) < len(ways):
        left = ", ".join(way for way in ways if way not in fit)
        note(f"ways left out: {left}; the engine does not offer {', '.join(engine.lacks)}", quiet=quiet)
    if not fit:
        raise UsageProblem("no way is left: each asks for something that the engine does not offer")
    return fit


def scenarios_of(plan: CrashPlan, *, quiet: bool, lacks: Sequence[str] = ()) -> tuple[Scenario, ...]:
    """Returns the scenarios that a plan names; says on stderr, unless quiet, what was left out."""
    return select(
        paths=plan.paths,
        imports=plan.imports,
        trials=None,
        generated=plan.generated,
        seed=plan.seed,
        only=plan.only,
        say=lambda line: note(plain(line), quiet=quiet),
        lacks=lacks,
    )
