"""`cutover try`: one scenario on one engine, everything shown as it happens. The job does the I/O."""

from __future__ import annotations

from typing import Annotated

import typer

from cutover.harness.cli.options import PostgresModeOption, PostgresOption, QuietOption
from cutover.harness.cli.plan import ServerChoice

__all__ = ["try_"]

SpecArgument = Annotated[
    str, typer.Argument(help="The engine: a name, package.module:factory, command:..., or http://...", metavar="ENGINE")
]
ScenarioArgument = Annotated[
    str, typer.Argument(help="A scenario of the catalog by its name, or a file with one.", metavar="SCENARIO")
]


def try_(
    engine: SpecArgument,
    scenario: ScenarioArgument = "01-one-activity",
    *,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    quiet: QuietOption = False,
) -> int:
    """Play one scenario with one engine and show everything as it happens: the first thing to do with a new engine.

    Every command to the engine is shown on stderr, every activity call with its input and answer, sleeps, logs, what
    journal() says, an exception with its traceback, and the lines of the protocol where the engine is a command. Then
    the execution is judged by the checks of the conformance tests, and the engine is asked what else every engine must
    answer. The first line on stdout says what it came to.

    [bold]Examples[/bold]

      cutover try v2
      cutover try 'command:node engine.mjs'
      cutover try mypackage.engine:create 03-data-flow
    """
    from cutover.harness.cli.jobs.trying import TryPlan, try_job

    return try_job(TryPlan(engine=engine, scenario=scenario, url=postgres, choice=postgres_mode, quiet=quiet))
