"""How soon default runs kill the mutants, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cutover.reports.parts.kills import RunFatePart, RunKillPart, RunKillsPart
from cutover.reports.words import plain

__all__ = ["render_run_kills"]


def render_run_kills(matrix: RunKillsPart, console: Console) -> None:
    """Prints the headline, a row for each mutant, and what became of those that survived a run."""
    console.print(Text(matrix.headline, style="bold green" if matrix.good else "bold red"))
    console.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("killed", no_wrap=True)
    for name in ("by", "id"):
        table.add_column(name, no_wrap=True)
    table.add_column("pattern")
    table.add_column("cases to kill")
    table.add_column("also seen by")
    for kill in matrix.kills:
        killed = Text(
            _killed(kill), style="green" if kill.kills == len(kill.fates) else "yellow" if kill.good else "red"
        )
        told = "; ".join(_cases(kill)) or "-"
        table.add_row(killed, kill.check, kill.id, plain(kill.pattern), told, " ".join(kill.others))
    console.print(table)
    for kill in matrix.kills:
        for fate in kill.fates:
            if fate.part is None:
                console.print(Text(plain(_survived(kill, fate)), style="yellow" if kill.good else "red"))


def _killed(kill: RunKillPart) -> str:
    if len(kill.fates) == 1:
        return "yes" if kill.kills else "NO"
    return f"{kill.kills} of {len(kill.fates)}"


def _cases(kill: RunKillPart) -> Iterator[str]:
    """Yields, for each part in which it was killed, the median and the range of cases until then."""
    for part, (median, least, most) in kill.cases.items():
        yield f"{part} {median:g}" + (f" ({least} to {most})" if least < most else "")


def _survived(kill: RunKillPart, fate: RunFatePart) -> str:
    played = ", ".join(f"{part} {count}" for part, count in fate.played.items()) or "nothing"
    seen = f"; seen by {' '.join(fate.seen)}" if fate.seen else ""
    problem = f"; {fate.problem}" if fate.problem else ""
    chance = f"; {kill.chance}" if kill.chance else ""
    return f"{kill.id}, seed {fate.seed}: not seen by {kill.check}; played: {played}{seen}{problem}{chance}"
