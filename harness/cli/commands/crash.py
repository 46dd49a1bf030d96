"""`cutover crash`: an engine killed wherever a process can die, or in one such case. The jobs do the I/O."""

from __future__ import annotations

from typing import Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.options import (
    DeadlineOption,
    GeneratedOption,
    ImportsOption,
    IsolateOption,
    JsonOption,
    OnlyOption,
    OutOption,
    PostgresModeOption,
    PostgresOption,
    QuietOption,
    RunnersOption,
    ScenariosOption,
    SeedOption,
    SignOption,
    TakeoverOption,
    WholeOption,
    number,
    with_importers,
)
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.errors import UsageProblem
from cutover.harness.record.isolation import Isolation

__all__ = ["EngineOption", "crash"]

EngineOption = Annotated[str, typer.Option(help="The engine to kill.", metavar="ENGINE")]
CaseOption = Annotated[
    str | None,
    typer.Option(help="Repeat this one case, and show what happened.", metavar="CASE"),
]
WaysOption = Annotated[
    list[str] | None,
    typer.Option(help="How to interrupt and resume: basic, all, or names with commas.", metavar="WAYS"),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        help="At most this many cases, drawn by the seed; further deaths and server restarts come on top.",
        parser=number(limits.CASES),
        metavar="N",
    ),
]


@with_importers
def crash(
    *,
    engine: EngineOption = "v2",
    case: CaseOption = None,
    ways: WaysOption = None,
    scenarios: ScenariosOption = None,
    imports: ImportsOption = (),
    only: OnlyOption = None,
    generated: GeneratedOption = None,
    seed: SeedOption = 1,
    limit: LimitOption = None,
    workers: RunnersOption = None,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    deadline: DeadlineOption = 20.0,
    takeover: TakeoverOption = 31.0,
    isolate: IsolateOption = Isolation.RUNNER,
    out: OutOption = None,
    sign: SignOption = None,
    whole: WholeOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Kill an engine at every point where a process can die, resume it in every way, and judge.

    Every round trip to Postgres and every activity call is a kill point: before it happens, and after it has happened
    but before the engine hears of it. Real SIGKILL, real SIGSTOP, no hook in the engine.

    Ways: once, twice, concurrent, zombie (together: basic); again, cut, drop, outage, serialization, deadlock, restart,
    cancel, cancel-live, signal-twice, signal-late, signal-stray, lag (with basic: all); random, lapse, by their names.

    With --case one case is repeated from its name, as reports write it, and its time line shown. Where its scenario is
    not in the catalog, --scenarios, --n8n, or --generated with --seed say where it comes from.

    [bold]Examples[/bold]

      cutover crash
      cutover crash --engine v1 --ways once --limit 200
      cutover crash --engine mypackage.engine:create --ways all --generated 50
      cutover crash --case 03-data-flow@answer:3/zombie
      cutover crash --engine v1 --case 03-data-flow@answer:9/once --all
    """
    _refuse_what_does_not_fit(
        case,
        whole=whole,
        given={
            "--ways": ways,
            "--only": only,
            "--limit": limit,
            "--workers": workers,
            "--isolate": isolate is not Isolation.RUNNER,
            "--out": out,
            "--sign": sign,
            "--quiet": quiet,
        },
    )
    from cutover.harness.cli.jobs.crash import CrashPlan, crash_job, ways_of
    from cutover.harness.run.trials.shadow import default_workers

    plan = CrashPlan(
        engine=engine,
        ways=ways_of(ways or ["basic"]),
        paths=tuple(scenarios or ()),
        imports=imports,
        only=tuple(only or ()),
        generated=generated or 0,
        seed=seed,
        limit=limit,
        workers=workers or 2 * default_workers(),
        url=postgres,
        choice=postgres_mode,
        deadline_s=deadline,
        takeover_s=takeover,
        isolation=isolate,
        folder=out,
        sign=sign,
    )
    if case is None:
        return crash_job(plan, as_json=as_json, quiet=quiet)
    from cutover.harness.cli.jobs.case import repeat_job

    return repeat_job(plan, case, whole=whole, as_json=as_json)


def _refuse_what_does_not_fit(case: str | None, *, whole: bool, given: dict[str, object]) -> None:
    """Raises UsageProblem where an option of the whole matrix comes with one case, or the reverse."""
    if case is None:
        if whole:
            raise UsageProblem("--all shows the whole time line of one case; name the case with --case")
        return
    for option, value in given.items():
        if value:
            raise UsageProblem(f"--case repeats one case, so {option} cannot be given with it")
