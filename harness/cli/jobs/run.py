"""The main job: start a server, run, save; then load, judge, report. Does I/O."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cutover.harness.cli.console import emit, note, problem
from cutover.harness.cli.formats import Format, rendered
from cutover.harness.cli.jobs.manifest import engine_info, new_manifest
from cutover.harness.cli.jobs.parts import PartPlayer
from cutover.harness.cli.jobs.saved import judged, key_of, policy_of, waivers_of
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.plan import RunPlan, ServerChoice, Where
from cutover.harness.cli.selection import material_of, select
from cutover.harness.cli.status import Status
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.record.kills import PlayedPart
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.tables import POLICY, WAIVERS
from cutover.harness.store.writer import RunWriter, refuse_used, saving
from cutover.reports.document import Document
from cutover.reports.messages import Lang
from cutover.reports.terminal.report import in_one_line
from cutover.reports.words import plain

__all__ = ["RUNS", "FinishedRun", "finished_run", "run_job"]

RUNS = Path("cutover-runs")


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that is saved in `folder`, what it came to, and whether somebody interrupted it."""

    folder: Path
    document: Document
    planned: int
    interrupted: bool


def run_job(plan: RunPlan, where: Where, *, as_json: bool, quiet: bool, lang: Lang = Lang.EN) -> int:
    """Runs, saves, judges and reports; the exit status is the verdict's, or 130 where it was interrupted."""
    try:
        run = finished_run(plan, where, quiet=quiet, lang=lang)
    except KeyboardInterrupt as error:
        problem(plain(str(error) or "interrupted before the first trial; nothing is saved"))
        return Status.INTERRUPTED
    emit(_shown(run.document, lang, as_json=as_json, quiet=quiet))
    note(plain(f"saved in {run.folder}: report.html, report.json, report.md, and the run's rows"), quiet=quiet)
    if run.interrupted:
        told = f"cutover: interrupted; {run.document.trials} of {run.planned} trials are saved in {run.folder}"
        note(told, quiet=False)
        return Status.INTERRUPTED
    return run.document.exit_status


def finished_run(plan: RunPlan, where: Where, *, quiet: bool, lang: Lang = Lang.EN) -> FinishedRun:
    """Runs, saves and judges; leaves the report's files beside the rows. Prints progress, unless quiet.

    Raises KeyboardInterrupt where it was interrupted before the first trial, or, with a message, after the last.
    """

    def say(line: str) -> None:
        note(plain(line), quiet=quiet)

    policy, waivers, key = policy_of(plan.policy), waivers_of(plan.waivers), key_of(where.sign)
    _refuse_what_does_not_fit(plan, where, tuple(stage.percent for stage in policy.stages))
    control = engine_info(plan.control)
    candidate = engine_info(plan.candidate, killed=PlayedPart.CRASHES not in plan.skip and plan.crash_usual_s > 0)
    scenarios = select(
        paths=plan.scenarios,
        imports=plan.imports,
        trials=plan.trials,
        generated=plan.generated,
        seed=plan.seed,
        only=plan.only,
        say=say,
        lacks=candidate.lacks,
    )
    created_at = datetime.now(UTC)
    run_id = f"{created_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    folder = where.folder or RUNS / run_id
    refuse_used(folder)
    with started_server(where.url, where.choice) as server:
        say(f"Postgres {server.version}, {server.description} ({server.why})")
        say(f"seed {plan.seed}; --seed {plan.seed} repeats this run")
        manifest = new_manifest(
            server,
            run_id=run_id,
            created_at=created_at,
            seed=plan.seed,
            stage=plan.stage,
            control=control,
            candidate=candidate,
            planned=len(scenarios),
            workers=where.workers,
            arguments=plan.arguments(),
            crash_budget_s=plan.crash_most_s,
            material=material_of(plan.scenarios, plan.imports, plan.only, scenarios),
            signer="" if key is None else key.fingerprint,
            server_mode="" if where.choice is ServerChoice.AUTO else where.choice.value,
        )
        with RunWriter(folder, manifest) as writer:
            writer.write_text(POLICY, policy.text)
            if waivers is not None:
                writer.write_text(WAIVERS, waivers.text)
            player = PartPlayer(
                plan=plan,
                where=where,
                server=server,
                scenarios=scenarios,
                rows=writer,
                cases=policy.cases_asked(plan.stage),
                quiet=quiet,
                sources=manifest.sources,
                lacks=candidate.lacks,
                long=plan.plays_long,
                reads_machine=True,
                on_problem=lambda told: note(f"cutover: {plain(told)}", quiet=False),
            )
            interrupted = _run(player, writer)
    try:
        document = judged(folder, policy, plan.stage, waivers)
        with saving(folder):
            _write_reports(document, folder, lang)
            if key is not None:
                key.sign(folder, run_id)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"interrupted; the rows are saved in {folder}, and `cutover report {folder}` judges them"
        ) from error
    return FinishedRun(folder, document, len(scenarios), interrupted)


def _run(player: PartPlayer, writer: RunWriter) -> bool:
    """Plays and saves everything; returns whether it was interrupted."""
    began = time.monotonic()
    try:
        player.play([part for part in PlayedPart if part not in player.plan.skip])
    except KeyboardInterrupt:
        writer.finish(seconds=time.monotonic() - began, partial=True)
        return True
    except BaseException:
        with contextlib.suppress(EnvironmentProblem):  # the user learns what stopped the run, not what followed from it
            writer.finish(seconds=time.monotonic() - began, partial=True)
        raise
    writer.finish(seconds=time.monotonic() - began)
    return False


def _refuse_what_does_not_fit(plan: RunPlan, where: Where, stages: tuple[int, ...]) -> None:
    if plan.stage not in stages:
        known = ", ".join(str(stage) for stage in stages)
        raise UsageProblem(f"--stage {plan.stage}: the policy has no such stage; it has {known}")
    if plan.trials is not None and plan.generated is not None:
        raise UsageProblem("--trials and --generated cannot both be given; --trials is the number of all trials")
    if where.url is not None and where.choice not in (ServerChoice.AUTO, ServerChoice.URL):
        raise UsageProblem(f"--postgres and --postgres-mode {where.choice} cannot both be given")


def _write_reports(document: Document, folder: Path, lang: Lang) -> None:
    """Writes the report's files beside the rows."""
    for form, name in ((Format.JSON, "report.json"), (Format.MARKDOWN, "report.md"), (Format.HTML, "report.html")):
        write_whole(folder / name, rendered(document, form, lang, folder))


def _shown(document: Document, lang: Lang, *, as_json: bool, quiet: bool) -> str:
    if as_json:
        return rendered(document, Format.JSON)
    return in_one_line(document, lang=lang) if quiet else rendered(document, Format.TERMINAL, lang)
