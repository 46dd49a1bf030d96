"""`cutover compare`: what changed from one saved run to another. Reads files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.console import captured, emit
from cutover.harness.cli.jobs.saved import judged, own, policy_of, waivers_of
from cutover.harness.cli.options import JsonOption, number
from cutover.harness.store.tables import POLICY, WAIVERS
from cutover.reports.words import json_text

if TYPE_CHECKING:
    from rich.console import Console

    from cutover.reports.document import Document

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(help="The earlier run's folder.", metavar="RUN")],
    second: Annotated[Path, typer.Argument(help="The later run's folder.", metavar="RUN")],
    *,
    stage: Annotated[
        int | None,
        typer.Option(
            "--stage",
            help="Judge both for this stage; the second run's own by default.",
            parser=number(limits.STAGE),
            metavar="PERCENT",
        ),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Judge both by this policy; each by its own otherwise.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Compare two saved runs: verdicts, criteria, checks and differences, the ones that changed.

    Both are judged again from their rows, for the same stage. The exit status is that of the second run's verdict.

    [bold]Examples[/bold]

      cutover compare cutover-runs/20260102-030405-1a2b3c RUN
      cutover compare RUN RUN --stage 10 --json
    """
    from cutover.harness.store.reader import load_manifest

    percent = load_manifest(second).stage if stage is None else stage
    one, other = (
        judged(run, policy_of(policy or own(run, POLICY)), percent, waivers_of(own(run, WAIVERS)))
        for run in (first, second)
    )
    rows = list(_rows(one, other))
    if as_json:
        told = [dict(zip(("what", "first", "second"), row, strict=True)) for row in rows]
        emit(json_text(json.dumps(told, indent=2)))
    else:
        emit(captured(lambda console: _show(one, other, rows, console)))
    return other.exit_status


def _rows(one: Document, other: Document) -> Iterator[tuple[str, str, str]]:
    """What differs: its name, and what it is in each run."""
    about = [_about(each) for each in (one, other)]
    for name, before in about[0].items():
        if before != about[1][name]:
            yield name, before, about[1][name]
    for part, facts in (("criterion", _criteria), ("check", _checks), ("difference", _differences), ("side", _sides)):
        left, right = facts(one), facts(other)
        for name in {**left, **right}:
            if left.get(name) != right.get(name):
                yield f"{part} {name}", left.get(name, "-"), right.get(name, "-")


def _about(document: Document) -> dict[str, str]:
    run = document.run
    return {
        "verdict": str(document.verdict),
        "policy": f"{document.policy_name} ({document.policy_digest[:12]})",
        "control": f"{run.control.spec} ({run.control.digest[:12]})",
        "candidate": f"{run.candidate.spec} ({run.candidate.digest[:12]})",
        "server": f"{run.server}, Postgres {run.server_version}",
        "seed": str(run.seed),
        "trials": f"{document.trials}, {document.trials_failed} failed",
    }


def _criteria(document: Document) -> dict[str, str]:
    from cutover.reports.words import number

    return {
        part.id: f"{part.verdict}, {number(part.estimate, part.unit)} in {part.n:,} ({part.threshold})"
        for part in document.criteria
    }


def _checks(document: Document) -> dict[str, str]:
    return {part.check: f"{part.verdict}, {part.findings_candidate:,} findings" for part in document.checks}


def _differences(document: Document) -> dict[str, str]:
    return {
        f"{part.klass} {part.fingerprint}": f"{part.count:,} in {part.trials:,} trials" for part in document.differences
    }


def _sides(document: Document) -> dict[str, str]:
    from cutover.reports.words import number

    return {
        part.id: f"{number(part.control, part.unit)} / {number(part.candidate, part.unit)}"
        for part in document.side_by_side
    }


def _show(one: Document, other: Document, rows: list[tuple[str, str, str]], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    from cutover.reports.words import plain

    for name, document in (("first ", one), ("second", other)):
        console.print(Text(plain(f"{name} {document.run.run_id}: {document.headline}")))
    if not rows:
        console.print(Text("nothing differs"))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("What differs", "First", "Second"):
        table.add_column(Text(head), overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    console.print(Text(""))
    console.print(table)
