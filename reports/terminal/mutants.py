"""The kill matrix, for a terminal and as JSON. Pure."""

from __future__ import annotations

from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cutover.harness.record.mutants import Kill, KillMatrix
from cutover.reports.parts.base import ReportPart
from cutover.reports.words import plain

__all__ = ["KillPart", "MatrixPart", "headline", "kill_part", "render_kills"]

_TITLES = {"engine": "Broken engines", "harness": "Broken harnesses", "control": "Controls"}


class KillPart(ReportPart):
    """One mutant or control; `good` is killed by the check that it names, or of a control not flagged."""

    kind: Literal["engine", "harness", "control"]
    id: str
    pattern: str
    check: str
    good: bool
    others: tuple[str, ...]
    findings: dict[str, int]
    witness: str
    looked_at: int
    seconds: float
    problem: str


class MatrixPart(ReportPart):
    """The kill matrix."""

    good: bool
    headline: str
    seed: int
    seconds: float
    kills: tuple[KillPart, ...]


def headline(matrix: KillMatrix) -> str:
    """The one sentence."""
    mutants = [kill for kill in matrix.kills if kill.kind != "control"]
    controls = matrix.of("control")
    killed = sum(kill.good for kill in mutants)
    clean = sum(kill.good for kill in controls)
    verdict = "PASS" if matrix.good else "FAIL"
    return (
        f"{verdict}: {killed} of {len(mutants)} mutants killed by the check that they name, "
        f"{clean} of {len(controls)} controls clean, in {matrix.seconds:.0f} s."
    )


def kill_part(matrix: KillMatrix) -> MatrixPart:
    """The matrix as a part of a report."""
    return MatrixPart(
        good=matrix.good,
        headline=headline(matrix),
        seed=matrix.seed,
        seconds=round(matrix.seconds, 3),
        kills=tuple(
            KillPart(
                kind=kill.kind,
                id=kill.id,
                pattern=kill.pattern,
                check=kill.check,
                good=kill.good,
                others=kill.others,
                findings=dict(kill.seen),
                witness=kill.witness,
                looked_at=kill.looked_at,
                seconds=round(kill.seconds, 3),
                problem=kill.problem,
            )
            for kill in matrix.kills
        ),
    )


def render_kills(matrix: KillMatrix, console: Console) -> None:
    """The headline, a table for each kind, and what survived or was flagged."""
    console.print(Text(headline(matrix), style="bold green" if matrix.good else "bold red"))
    for kind, title in _TITLES.items():
        rows = [kill for kill in matrix.kills if kill.kind == kind]
        if rows:
            console.print()
            console.print(_table(title, rows))
    for kill in matrix.kills:
        if not kill.good:
            console.print(Text(plain(f"{kill.id}: {_trouble(kill)}"), style="red"))


def _table(title: str, rows: list[Kill]) -> Table:
    control = rows[0].kind == "control"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("clean" if control else "killed")
    if not control:
        table.add_column("by", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("pattern")
    table.add_column("flagged by" if control else "also seen by")
    for kill in rows:
        verdict = Text("yes", style="green") if kill.good else Text("NO", style="red")
        named = [] if control else [kill.check]
        table.add_row(verdict, *named, kill.id, plain(kill.pattern), " ".join(kill.others))
    return table


def _trouble(kill: Kill) -> str:
    if kill.problem:
        return kill.problem
    if not kill.looked_at:
        return "nothing was played"
    if kill.kind == "control":
        return f"flagged: {kill.witness}"
    return f"not seen by {kill.check}" + (f", only by {' '.join(kill.others)}" if kill.others else "")
