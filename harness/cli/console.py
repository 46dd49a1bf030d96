"""Where words go: data to stdout, progress and problems to stderr, a progress bar only on a terminal. Does I/O."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Advance", "captured", "emit", "note", "problem", "progress"]

PLAIN_WIDTH = 100
"""Columns of a table that is not written to a terminal."""
_EVERY_S = 10.0


class Advance(Protocol):
    """Tells a progress display how many are done."""

    def __call__(self, done: int, /) -> None:
        """Shows it."""


def problem(message: str) -> None:
    """One sentence about what went wrong, on stderr."""
    sys.stderr.write(f"cutover: {message}\n")


def note(message: str, *, quiet: bool) -> None:
    """One line about what is going on, on stderr, unless quiet."""
    if not quiet:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()


def emit(text: str) -> None:
    """Data, on stdout; a reader that has gone away (`| head`) is no error."""
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def captured(show: Callable[[Console], None]) -> str:
    """What `show` prints to a console in the colours and width of stdout, as text for `emit`."""
    from rich.console import Console

    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    console = Console(width=fixed, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        show(console)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Advance]:
    """Shows how far something has come: a bar on a terminal, else a line every ten seconds; nothing when quiet."""
    if quiet:
        yield lambda _done: None
    elif sys.stderr.isatty():
        with _bar(what, total) as advance:
            yield advance
    else:
        yield _lines(what, total)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _lines(what: str, total: int) -> Advance:
    began = said = time.monotonic()

    def advance(done: int) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _EVERY_S:
            said = now
            note(f"{what}: {done} of {total} after {now - began:.0f} s", quiet=False)

    return advance
