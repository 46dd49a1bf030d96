"""The main job: provision, run, save; then load, judge, report. Does I/O."""

from __future__ import annotations

import contextlib
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from cutover.harness.cli.commands.report import POLICY, WAIVERS, Format, judged, policy_of, rendered, waivers_of
from cutover.harness.cli.console import emit, note, progress
from cutover.harness.cli.manifest import begun, engine_info
from cutover.harness.cli.plan import RunPlan, ServerChoice, Where
from cutover.harness.cli.selection import select
from cutover.harness.cli.status import Status
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.judge.reference.races import races_a_timer
from cutover.harness.record.cases import CaseRecord
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.crash.plan import SAMPLE_WAYS, Budget, CasePlan, selection
from cutover.harness.run.postgres.server import Server, provision
from cutover.harness.run.side.measurements import route, weigh
from cutover.harness.run.trials.shadow import run_trials
from cutover.harness.store.lines import RecordedTrial
from cutover.harness.store.writer import RunWriter, saving
from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages
from cutover.reports.words import plain
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

__all__ = ["RUNS", "main_job"]

RUNS = Path("cutover-runs")


def main_job(plan: RunPlan, where: Where, *, as_json: bool, quiet: bool, lang: Lang = Lang.EN) -> int:
    """Runs, saves, judges and reports; the exit status is the verdict's, or 130 where somebody interrupted."""

    def say(line: str) -> None:
        note(plain(line), quiet=quiet)

    policy, waivers = policy_of(plan.policy), waivers_of(plan.waivers)
    _refuse_odd(plan, where, tuple(stage.percent for stage in policy.stages))
    control, candidate = engine_info(plan.control), engine_info(plan.candidate)
    scenarios = select(
        paths=plan.scenarios,
        imports=plan.imports,
        trials=plan.trials,
        generated=plan.generated,
        seed=plan.seed,
        only=plan.only,
        say=say,
    )
    created_at = datetime.now(UTC)
    run_id = f"{created_at:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    folder = where.folder or RUNS / run_id
    with provision(where.url, where.choice.value) as server:
        say(f"Postgres {server.version}, {server.description} ({server.why})")
        manifest = begun(
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
        )
        with RunWriter(folder, manifest) as writer:
            interrupted = _run(
                plan, where, server, scenarios, writer, cases=policy.cases_asked(plan.stage), quiet=quiet
            )
    document = judged(folder, policy, plan.stage, waivers)
    with saving(folder):
        (folder / POLICY).write_text(policy.text, encoding="utf-8", newline="")
        if waivers is not None:
            (folder / WAIVERS).write_text(waivers.text, encoding="utf-8", newline="")
        _leave(document, folder, lang)
    emit(_shown(document, lang, as_json=as_json, quiet=quiet))
    say(f"saved in {folder}: report.html, report.json, report.md, and the run's rows")
    if interrupted:
        note(f"cutover: interrupted; {document.trials} of {len(scenarios)} trials are saved in {folder}", quiet=False)
        return Status.INTERRUPTED
    return document.exit_status


def _run(
    plan: RunPlan,
    where: Where,
    server: Server,
    scenarios: tuple[Scenario, ...],
    writer: RunWriter,
    *,
    cases: int,
    quiet: bool,
) -> bool:
    """Plays everything, `cases` crash cases at least, and saves it; says whether somebody interrupted."""
    began = time.monotonic()
    try:
        _compare(plan, where, server, scenarios, writer, quiet=quiet)
        _measure_aside(plan, server, scenarios, writer)
        if plan.crash_usual_s:
            _kill(plan, where, server, scenarios, writer, cases=cases, quiet=quiet)
    except KeyboardInterrupt:
        writer.finish(seconds=time.monotonic() - began, partial=True)
        return True
    except BaseException:
        with contextlib.suppress(EnvironmentProblem):  # what stopped the run is told, not what follows from it
            writer.finish(seconds=time.monotonic() - began, partial=True)
        raise
    writer.finish(seconds=time.monotonic() - began)
    return False


def _compare(
    plan: RunPlan, where: Where, server: Server, scenarios: tuple[Scenario, ...], writer: RunWriter, *, quiet: bool
) -> None:
    """Runs every trial and saves it."""
    with progress(f"{plan.control} against {plan.candidate}", len(scenarios), quiet=quiet) as advance:

        def keep(trial: RecordedTrial) -> None:
            writer.write(trial)
            advance(writer.finished)

        run_trials(
            scenarios,
            control=plan.control,
            candidate=plan.candidate,
            server=server,
            workers=where.workers,
            seed=plan.seed,
            deadline_s=plan.deadline_s,
            on_trial=keep,
        )


def _measure_aside(plan: RunPlan, server: Server, scenarios: tuple[Scenario, ...], writer: RunWriter) -> None:
    """Routes the run's executions and weighs both engines; says what could not be done, for which the judge asks."""
    routed, unrouted = route(server, scenarios, control=plan.control, candidate=plan.candidate, seed=plan.seed)
    writer.write_routing(routed)
    weighed, unweighed = weigh(server, scenarios, control=plan.control, candidate=plan.candidate)
    writer.write_memory(weighed)
    for what, problem in (("the router could not be tried", unrouted), ("memory could not be measured", unweighed)):
        if problem:
            note(f"cutover: {what}: {plain(problem)}", quiet=False)


def _kill(
    plan: RunPlan,
    where: Where,
    server: Server,
    scenarios: tuple[Scenario, ...],
    writer: RunWriter,
    *,
    cases: int,
    quiet: bool,
) -> None:
    """Plays a sample of the candidate's crash cases, `cases` at least if there is time for them, and saves them."""
    chosen = selection([each for each in scenarios if not races_a_timer(each)], load_catalog())
    writer.write_crash_scenarios(chosen)
    with progress(f"killing {plan.candidate}", 0, quiet=quiet) as advance:

        def keep(record: CaseRecord) -> None:
            writer.write_case(record)
            advance(writer.cases)

        def planned(total: int) -> None:
            writer.cases_planned = total
            advance.expect(total)

        crash_matrix(
            server,
            chosen,
            CasePlan(engine=plan.candidate, ways=SAMPLE_WAYS, seed=plan.seed),
            workers=2 * where.workers,
            on_record=keep,
            on_planned=planned,
            deadline_s=plan.deadline_s,
            budget=Budget(usual_s=plan.crash_usual_s, most_s=plan.crash_most_s, least=cases),
        )


def _refuse_odd(plan: RunPlan, where: Where, stages: tuple[int, ...]) -> None:
    if plan.stage not in stages:
        known = ", ".join(str(stage) for stage in stages)
        raise UsageProblem(f"--stage {plan.stage}: the policy has no such stage; it has {known}")
    if plan.trials is not None and plan.generated is not None:
        raise UsageProblem("--trials and --generated cannot both be given; --trials is the number of all trials")
    if where.url is not None and where.choice not in (ServerChoice.AUTO, ServerChoice.URL):
        raise UsageProblem(f"--postgres and --postgres-mode {where.choice} cannot both be given")


def _leave(document: Document, folder: Path, lang: Lang) -> None:
    """Writes the report's files beside the rows."""
    for form, name in ((Format.JSON, "report.json"), (Format.MARKDOWN, "report.md"), (Format.HTML, "report.html")):
        (folder / name).write_text(rendered(document, form, lang, folder), encoding="utf-8")


def _shown(document: Document, lang: Lang, *, as_json: bool, quiet: bool) -> str:
    if as_json:
        return rendered(document, Format.JSON)
    return (
        plain(Messages.of(lang).sentence(document.headline).text)
        if quiet
        else rendered(document, Format.TERMINAL, lang)
    )
