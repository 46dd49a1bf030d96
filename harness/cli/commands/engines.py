"""`cutover judge-engines`: durable engines judged promise by promise. The job does the I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.options import (
    PostgresModeOption,
    PostgresOption,
    QuietOption,
    RunnersOption,
    SeedOption,
    number,
)
from cutover.harness.cli.plan import ServerChoice

__all__ = ["judge_engines"]

EnginesArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Engines; without any, v1, v2 and the adapters that are installed.", metavar="[ENGINE]..."),
]
CasesOption = Annotated[
    int,
    typer.Option(
        help="About so many crash cases for each engine.",
        parser=number(limits.CASES),
        metavar="N",
    ),
]


def judge_engines(
    engines: EnginesArgument = None,
    *,
    cases: CasesOption = 400,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Crash cases of few scenarios alone; neither the whole catalog nor plays."),
    ] = False,
    seed: SeedOption = 1,
    workers: RunnersOption = None,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the page to this file, not to stdout.", metavar="FILE")
    ] = None,
    quiet: QuietOption = False,
) -> int:
    """Judge durable engines, promise by promise: which are held, broken, not offered, or were not asked for.

    The promises: no duplicate effects, no acknowledged work lost, fencing, signals, timers, payload fidelity. Each cell
    of the page, in Markdown, says on how many cases it stands and has a line that repeats one of them.

    Exit status 0 when the page is made, whatever it says.

    [bold]Examples[/bold]

      cutover judge-engines
      cutover judge-engines v1 v2 --quick --cases 50
      cutover judge-engines langgraph --out langgraph.md
    """
    from cutover.harness.cli.jobs.engines import EnginesPlan, engines_job
    from cutover.harness.run.trials.shadow import default_workers

    return engines_job(
        EnginesPlan(
            engines=tuple(dict.fromkeys(engines or ())),
            cases=cases,
            seed=seed,
            workers=workers or 2 * default_workers(),
            url=postgres,
            choice=postgres_mode,
            quick=quick,
            out=out,
            quiet=quiet,
        )
    )
