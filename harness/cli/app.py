"""The commands of `cutover` and their help, put together with typer. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from cutover.harness.cli.commands import (
    compare,
    crash,
    doctor,
    engines,
    explain,
    importing,
    initialising,
    keygen,
    mutants,
    policy,
    replay,
    report,
    run,
    trying,
    verify,
)
from cutover.harness.cli.console import with_data_apart

__all__ = ["app"]


def _help(command: Callable[..., int]) -> str:
    """Returns the docstring with one line per paragraph; examples, which are indented, keep theirs.

    Typer keeps the line breaks of a docstring, which suit one width of terminal only.
    """
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(part if "\n  " in f"\n{part}" else part.replace("\n", " ") for part in paragraphs)


app = typer.Typer(
    name="cutover",
    help="Says whether the next share of traffic may move from workflow engine V1 to V2, with the evidence.",
    epilog="Exit status: 0 GO, 1 NO-GO, 2 usage or configuration, 3 INCONCLUSIVE, 4 environment, 5 ROLLBACK, "
    "6 not signed by the key given, 70 internal, 130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_policy = typer.Typer(
    help="Check a policy file, or play synthetic traffic through it.", no_args_is_help=True, rich_markup_mode="rich"
)
_init = typer.Typer(help="Write the beginning of an engine.", no_args_is_help=True, rich_markup_mode="rich")


def _add(to: typer.Typer, name: str, command: Callable[..., int]) -> None:
    to.command(name, help=_help(command))(with_data_apart(command))


_add(_policy, "check", policy.check)
_add(_policy, "simulate", policy.simulate)
_add(app, "try", trying.try_)
_add(app, "run", run.run)
_add(app, "crash", crash.crash)
_add(app, "replay", replay.replay)
_add(app, "explain", explain.explain)
_add(app, "mutants", mutants.mutants)
_add(app, "report", report.report)
_add(app, "verify", verify.verify)
_add(app, "keygen", keygen.keygen)
_add(app, "compare", compare.compare)
_add(app, "judge-engines", engines.judge_engines)
app.add_typer(_policy, name="policy")
_add(_init, "engine", initialising.init_engine)
app.add_typer(_init, name="init")
_add(app, "import", importing.import_)
_add(app, "doctor", doctor.doctor)


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
