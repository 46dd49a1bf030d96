"""`cutover crash`, `replay` and `explain`: engines killed wherever a process can die. `crash_job` does the I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.options import Imports, Only, Postgres, PostgresMode, Scenarios, with_importers
from cutover.harness.cli.plan import ServerChoice

__all__ = ["crash", "explain", "replay"]

Ways = Annotated[
    list[str] | None,
    typer.Option(help="How to interrupt and resume: basic, all, or names with commas.", metavar="WAYS"),
]
Limit = Annotated[
    int | None,
    typer.Option(
        help="At most so many cases, drawn by the seed; second deaths and server restarts come on top.",
        min=1,
        metavar="N",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(help="Runner processes; two a processor by default, 16 at most.", min=1, max=64, metavar="N"),
]
Engine = Annotated[str, typer.Option(help="The engine to kill.", metavar="ENGINE")]
Generated = Annotated[int, typer.Option(help="So many generated scenarios besides.", min=0, metavar="N")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same cases.", min=0, metavar="N")]
Deadline = Annotated[float, typer.Option(help="How long one command to an engine may take.", min=0.1, metavar="S")]
Takeover = Annotated[
    float, typer.Option(help="How far the clock moves before another worker takes over.", min=0, metavar="S")
]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
Whole = Annotated[bool, typer.Option("--all", help="The whole time line, not only what is near the fault.")]


def crash(
    *,
    engine: Engine = "v2",
    ways: Ways = None,
    scenarios: Scenarios = None,
    only: Only = None,
    generated: Generated = 0,
    seed: Seed = 1,
    limit: Limit = None,
    workers: Workers = None,
    postgres: Postgres = None,
    postgres_mode: PostgresMode = ServerChoice.AUTO,
    deadline: Deadline = 20.0,
    takeover: Takeover = 31.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder to save in.", metavar="DIR")] = None,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and of the result one sentence.")] = False,
) -> int:
    """Kill an engine at every point where a process can die, resume it in every way, and judge.

    Every round trip to Postgres and every activity call is a kill point: before it happens, and after it has happened
    but before the engine hears of it. Real SIGKILL, real SIGSTOP, no hook in the engine.

    Ways: once, twice, concurrent, zombie (together: basic); again, cut, drop, serialization, deadlock, restart, cancel,
    cancel-live, signal-twice, signal-late, signal-stray (with basic: all); lapse, by its name alone.

    [bold]Examples[/bold]

      cutover crash
      cutover crash --engine v1 --ways once --limit 200
      cutover crash --engine mypackage.engine:create --ways all --generated 50
      cutover replay --engine v1 03-data-flow@answer:9/once
    """
    from cutover.harness.cli.crash_job import CrashPlan, crash_job, ways_of
    from cutover.harness.run.trials.shadow import default_workers

    plan = CrashPlan(
        engine=engine,
        ways=ways_of(ways or ["basic"]),
        paths=tuple(scenarios or ()),
        only=tuple(only or ()),
        generated=generated,
        seed=seed,
        limit=limit,
        workers=workers or 2 * default_workers(),
        url=postgres,
        choice=postgres_mode,
        deadline_s=deadline,
        takeover_s=takeover,
        folder=out,
    )
    return crash_job(plan, as_json=as_json, quiet=quiet)


@with_importers
def replay(
    case: Annotated[str, typer.Argument(help="The case's name, as reports write it.", metavar="CASE")],
    *,
    engine: Engine = "v2",
    scenarios: Scenarios = None,
    imports: Imports = (),
    generated: Generated = 0,
    seed: Seed = 1,
    postgres: Postgres = None,
    postgres_mode: PostgresMode = ServerChoice.AUTO,
    deadline: Deadline = 20.0,
    takeover: Takeover = 31.0,
    whole: Whole = False,
    as_json: Json = False,
) -> int:
    """Repeat one crash case from its name, and show what happened.

    Where the scenario is not of the catalog, --scenarios, --n8n, or --generated with --seed say where it comes from.

    [bold]Examples[/bold]

      cutover replay 03-data-flow@answer:3/zombie
      cutover replay --engine v1 --all 03-data-flow@reply:1/once
    """
    from cutover.harness.cli.crash_job import CrashPlan, replay_job
    from cutover.harness.record.cases import CrashCase

    plan = CrashPlan(
        engine=engine,
        ways=(),
        paths=tuple(scenarios or ()),
        imports=imports,
        only=(),
        generated=generated,
        seed=seed,
        limit=None,
        workers=1,
        url=postgres,
        choice=postgres_mode,
        deadline_s=deadline,
        takeover_s=takeover,
    )
    return replay_job(plan, CrashCase.parse(case), whole=whole, as_json=as_json)


def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A criterion, a check, a difference or a crash case, as reports write it.",
            metavar="CRITERION|CHECK|DIFFERENCE|CASE",
        ),
    ],
    *,
    run: Annotated[Path, typer.Option(help="The folder in which the run is saved.", metavar="RUN")],
    whole: Whole = False,
) -> int:
    """Show what is behind one part of a report.

    A criterion: the plan's words, how they were read, what was measured. A check or a difference: its samples. A crash
    case: its time line, with ledger, round trips, and what each worker did.

    [bold]Examples[/bold]

      cutover explain degraded-latency --run cutover-runs/20260102-030405-1a2b3c
      cutover explain REGRESSION --run RUN
      cutover explain "value steps/*/output.total" --run RUN
      cutover explain 03-data-flow@answer:3/zombie --run RUN
    """
    from cutover.harness.record.cases import CaseError, CrashCase

    try:
        CrashCase.parse(name)
    except CaseError:
        from cutover.harness.cli.commands.explain import explain_part

        return explain_part(run, name)
    from cutover.harness.cli.crash_job import explain_job

    return explain_job(run, name, whole=whole)
