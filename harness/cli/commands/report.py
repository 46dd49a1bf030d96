"""`cutover report`: judges a saved run, also with another policy or for another stage. Reads and writes files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.reports.messages import Lang

if TYPE_CHECKING:
    from cutover.harness.judge.differences.waivers import Waivers
    from cutover.harness.judge.policy.model import Policy
    from cutover.reports.document import Document

__all__ = ["POLICY", "WAIVERS", "Format", "judged", "own", "policy_of", "rendered", "report", "waivers_of"]

POLICY, WAIVERS = "policy.toml", "waivers.toml"
"""Beside a run's rows: what it was judged by."""


class Format(StrEnum):
    """What a report may be rendered as."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    JUNIT = "junit"
    GITHUB = "github"


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
        int | None, typer.Option("--stage", help="Judge for this stage instead of the run's own.", metavar="PERCENT")
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
    from cutover.harness.store.reader import load_manifest

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
        out.write_text(text, encoding="utf-8")
    return document.exit_status


def policy_of(file: Path | None) -> Policy:
    """The policy in a file, or the built-in one."""
    from cutover.harness.judge.policy.loading import default_policy, load_policy

    return default_policy() if file is None else load_policy(_text(file), str(file))


def waivers_of(file: Path | None) -> Waivers | None:
    """The waivers in a file; none where there is none."""
    from cutover.harness.judge.differences.waivers import load_waivers

    return None if file is None else load_waivers(_text(file), str(file))


def _text(file: Path) -> str:
    from cutover.harness.errors import ConfigurationProblem

    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationProblem(f"{file} is no UTF-8 at byte {error.start}; save it as UTF-8") from error


def own(run: Path, name: str) -> Path | None:
    """The file that the run was judged by, as it was saved beside the rows."""
    return run / name if (run / name).is_file() else None


def judged(
    folder: Path,
    policy: Policy,
    stage: int,
    waivers: Waivers | None = None,
    *,
    judged_by: Mapping[str, str] = MappingProxyType({}),
) -> Document:
    """The report on a saved run, by a policy, for a stage; uses all cores where the run is large.

    `judged_by` are the options, with their values, that differ from the run's own: what reproduces it needs them.
    """
    from cutover.harness.judging import judge_run
    from cutover.harness.store.reader import load_manifest
    from cutover.reports.document import build

    workers = len(os.sched_getaffinity(0))
    analysis = judge_run(folder, policy, stage, workers=workers, waivers=waivers)
    return build(analysis, load_manifest(folder), judged_by=judged_by)


def rendered(document: Document, form: Format, lang: Lang = Lang.EN, folder: Path | None = None) -> str:
    """The report as text, ending in a newline; `folder` is the run's, beside which HTML finds its history."""
    match form:
        case Format.JSON:
            return document.model_dump_json(indent=2) + "\n"
        case Format.MARKDOWN:
            from cutover.reports import markdown

            return markdown.render(document, lang=lang)
        case Format.HTML:
            return _page(document, lang, folder)
        case Format.JUNIT:
            from cutover.reports import junit

            return junit.render(document)
        case Format.GITHUB:
            from cutover.reports import github

            return github.render(document, lang=lang)
        case Format.TERMINAL:
            from cutover.harness.cli.console import captured
            from cutover.reports.terminal import report as terminal

            return captured(lambda console: terminal.render(document, console, lang=lang))


def _page(document: Document, lang: Lang, folder: Path | None) -> str:
    from cutover.harness.cli.history import earlier, kill_matrix
    from cutover.reports import html

    if folder is None:
        return html.render(document, lang=lang)
    return html.render(document, lang=lang, history=earlier(folder, document), mutants=kill_matrix(folder))
