"""`cutover replay CASE`: another name of `cutover crash --case CASE`, which older reports print."""

from __future__ import annotations

from typing import Annotated

import typer

from cutover.harness.cli.commands.crash import EngineOption
from cutover.harness.cli.options import (
    DeadlineOption,
    GeneratedOption,
    ImportsOption,
    JsonOption,
    PostgresModeOption,
    PostgresOption,
    ScenariosOption,
    SeedOption,
    TakeoverOption,
    WholeOption,
    with_importers,
)
from cutover.harness.cli.plan import ServerChoice

__all__ = ["replay"]


@with_importers
def replay(
    case: Annotated[str, typer.Argument(help="The case's name, as reports write it.", metavar="CASE")],
    *,
    engine: EngineOption = "v2",
    scenarios: ScenariosOption = None,
    imports: ImportsOption = (),
    generated: GeneratedOption = None,
    seed: SeedOption = 1,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    deadline: DeadlineOption = 20.0,
    takeover: TakeoverOption = 31.0,
    whole: WholeOption = False,
    as_json: JsonOption = False,
) -> int:
    """Repeat one crash case from its name, and show what happened.

    Another name of [bold]cutover crash --case CASE[/bold]; older reports print this one.

    [bold]Examples[/bold]

      cutover replay 03-data-flow@answer:3/zombie
      cutover replay --engine v1 --all 03-data-flow@reply:1/once
    """
    from cutover.harness.cli.jobs.case import repeat_job
    from cutover.harness.cli.jobs.crash import CrashPlan

    plan = CrashPlan(
        engine=engine,
        paths=tuple(scenarios or ()),
        imports=imports,
        generated=generated or 0,
        seed=seed,
        url=postgres,
        choice=postgres_mode,
        deadline_s=deadline,
        takeover_s=takeover,
    )
    return repeat_job(plan, case, whole=whole, as_json=as_json)
