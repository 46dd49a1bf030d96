"""What the terminal's tables have in common: their look, and the colour of a verdict. Pure."""

from __future__ import annotations

from typing import Final

from rich.table import Table
from rich.text import Text

from cutover.reports.words import plain

__all__ = ["STYLES", "table", "verdict"]

STYLES: Final = {
    "GO": "bold green",
    "PASS": "green",
    "EQUAL": "green",
    "IMPROVEMENT": "green",
    "NOISE": "dim",
    "WAIVED": "dim",
    "INCONCLUSIVE": "yellow",
    "BOTH_WRONG": "yellow",
    "NO-GO": "bold red",
    "ROLLBACK": "bold red",
    "FAIL": "red",
    "REGRESSION": "red",
    "INVALID": "magenta",
    "ERROR": "magenta",
}


def verdict(name: str) -> Text:
    """Returns a verdict or a class in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def table(*heads: str) -> Table:
    """Returns a table without lines, its columns folded where the console is narrow."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in heads:
        made.add_column(Text(plain(head)), overflow="fold")
    return made
