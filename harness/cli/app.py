"""The commands of `cutover` and their help, put together with typer. Pure."""

from __future__ import annotations

from typing import Annotated

import typer

from cutover.harness.cli.commands import (
    compare,
    crash,
    doctor,
    explain,
    importing,
    mutants,
    policy,
    replay,
    report,
    run,
    verify,
)
from cutover.harness.cli.help import reflowed

__all__ = ["app"]

app = typer.Typer(
    name="cutover",
    help="Says whether the next share of traffic may move from workflow engine V1 to V2, with the evidence.",
    epilog="Exit status: 0 GO, 1 NO-GO, 2 usage or configuration, 3 INCONCLUSIVE, 4 environment, 5 ROLLBACK, "
    "70 internal, 130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", help=reflowed(run.run))(run.run)
app.command("crash", help=reflowed(crash.crash))(crash.crash)
app.command("replay", help=reflowed(replay.replay))(replay.replay)
app.command("explain", help=reflowed(explain.explain))(explain.explain)
app.command("mutants", help=reflowed(mutants.mutants))(mutants.mutants)
app.command("report", help=reflowed(report.report))(report.report)
app.command("verify", help=reflowed(verify.verify))(verify.verify)
app.command("compare", help=reflowed(compare.compare))(compare.compare)
app.add_typer(policy.app, name="policy")
app.command("import", help=reflowed(importing.import_))(importing.import_)
app.command("doctor", help=reflowed(doctor.doctor))(doctor.doctor)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        from cutover.harness.cli.installation import installed_version

        typer.echo(f"cutover {installed_version()}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    del version
