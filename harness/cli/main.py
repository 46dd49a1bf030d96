"""The `cutover` command: the composition root, and the one place where an error becomes an exit status. Does I/O."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from cutover.harness.cli.commands import compare, doctor, importing, mutants, policy, verify
from cutover.harness.cli.commands import crash as crashing
from cutover.harness.cli.commands import report as reporting
from cutover.harness.cli.commands import run as running
from cutover.harness.cli.console import problem
from cutover.harness.cli.help import flowing
from cutover.harness.cli.status import Status, status_of

__all__ = ["app", "main"]

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
app.command("run", help=flowing(running.run))(running.run)
app.command("crash", help=flowing(crashing.crash))(crashing.crash)
app.command("replay", help=flowing(crashing.replay))(crashing.replay)
app.command("explain", help=flowing(crashing.explain))(crashing.explain)
app.command("mutants", help=flowing(mutants.mutants))(mutants.mutants)
app.command("report", help=flowing(reporting.report))(reporting.report)
app.command("verify", help=flowing(verify.verify))(verify.verify)
app.command("compare", help=flowing(compare.compare))(compare.compare)
app.add_typer(policy.app, name="policy")
app.command("import", help=flowing(importing.import_))(importing.import_)
app.command("doctor", help=flowing(doctor.doctor))(doctor.doctor)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        from cutover.harness.cli.version import installed_version

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


def main() -> NoReturn:
    """Runs the command line and leaves by its exit status; one sentence on stderr says what went wrong.

    With CUTOVER_DEBUG=1 in the environment an error shows its traceback too.
    """
    _open_closed_streams()
    sys.exit(_outcome(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Leads what the caller has closed (`2>&-`) nowhere: the next file that is opened would take its place."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, descriptor)
            if nowhere != descriptor:
                os.close(nowhere)
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))


def _outcome(arguments: list[str]) -> int:
    try:
        result = app(arguments, prog_name="cutover", standalone_mode=False)
    except KeyboardInterrupt:
        problem("interrupted")
        return Status.INTERRUPTED
    except SystemExit as error:  # an engine's code runs here too, and its exit(0) would read as GO
        if isinstance(error.__context__, BrokenPipeError):  # typer leaves so where the reader has gone away
            return Status.INTERRUPTED
        problem(f"something called exit({error.code!r}) before there was a verdict; an engine must not")
        return Status.INTERNAL
    except Exception as error:  # noqa: BLE001 - here every error becomes an exit status
        if os.environ.get("CUTOVER_DEBUG") == "1":
            import traceback

            traceback.print_exc()
        status, message = status_of(error)
        if message:
            problem(message)
        return status
    return result if isinstance(result, int) else Status.GO
