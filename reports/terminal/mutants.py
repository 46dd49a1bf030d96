"""The kill matrix, for a terminal. Pure."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cutover.reports.parts.mutants import KillPart, MatrixPart
from cutover.reports.words import plain

__all__ = ["render_kills"]

_TITLES = {"engine": "Broken engines", "harness": "Broken harnesses", "control": "Controls"}


def render_kills(matrix: MatrixPart, console: Console) -> None:
    """Prints the headline, a table for each kind, and what survived or was flagged."""
    console.print(Text(matrix.headline, style="bold green" if matrix.good else "bold red"))
    for kind, title in _TITLES.items():
        rows = [kill for kill in matrix.kills if kill.kind == kind]
        if rows:
            console.print()
            console.print(_table(title, rows))
    for kill in matrix.kills:
        if not kill.good:
            console.print(Text(plain(f"{kill.id}: {_trouble(kill)}"), style="red"))


def _table(title: str, rows: list[KillPart]) -> Table:
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


def _trouble(kill: KillPart) -> str:
    if kill.problem:
        return kill.problem
    if not kill.looked_at:
        return "nothing was played"
    if kill.kind == "control":
        return f"flagged: {kill.witness}"
    return f"not seen by {kill.check}" + (f", only by {' '.join(kill.others)}" if kill.others else "")
