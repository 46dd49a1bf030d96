"""`cutover report`: judges a saved run, also with another policy or for another stage. Reads and writes files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.formats import Format
from cutover.harness.cli.options import number
from cutover.reports.messages import Lang

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    *,
    form: Annotated[Format, typer.Option("--format", "-f", help="What to render.")] = Format.TERMINAL,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Judge by this policy instead of the run's own.", metavar="FILE")
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option("--waivers", help="Judge by these waivers instead of the run's own.", metavar="FILE")
    ] = None,
    stage: Annotated[
        int | None,
        typer.Option(
            "--stage",
            help="Judge for this stage instead of the run's own.",
            parser=number(limits.STAGE),
            metavar="PERCENT",
        ),
    ] = None,
    lang: Annotated[
        Lang, typer.Option("--lang", help="The language of HTML, Markdown, annotations and the terminal's headline.")
    ] = Lang.EN,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead of stdout.", metavar="FILE")
    ] = None,
) -> int:
    """Judge a saved run and render the report.

    The run is judged from its rows each time, so an old run can be judged by a newer judge, another policy, other
    waivers or another stage. The exit status is the verdict's, as with [bold]cutover run[/bold].

    [bold]Examples[/bold]

      cutover report cutover-runs/20260102-030405-1a2b3c
      cutover report RUN --format markdown --out report.md
      cutover report RUN --format html --lang pt-BR --out report.html
      cutover report RUN --format junit --out cutover.xml
      cutover report RUN --format github
      cutover report RUN --policy stricter.toml --stage 10
    """
    from cutover.harness.cli.console import emit
    from cutover.harness.cli.formats import rendered
    from cutover.harness.cli.jobs.saved import judged, own, policy_of, waivers_of
    from cutover.harness.store.atomic import write_whole
    from cutover.harness.store.reader import load_manifest
    from cutover.harness.store.tables import POLICY, WAIVERS

    manifest = load_manifest(run)
    document = judged(
        run,
        policy_of(policy or own(run, POLICY)),
        manifest.stage if stage is None else stage,
        waivers_of(waivers or own(run, WAIVERS)),
        judged_by={
            option: str(file) for option, file in (("--policy", policy), ("--waivers", waivers)) if file is not None
        },
    )
    text = rendered(document, form, lang, run)
    if out is None:
        emit(text)
    else:
        write_whole(out, text)
    return document.exit_status
