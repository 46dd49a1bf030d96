"""Output: data to stdout, progress and problems to stderr, a progress bar on a terminal only. Does I/O.

Engines run in the command's process too, and whatever they print there would be among the data. So stdout as they know
it leads to stderr, by either of its names: `sys.stdout` and descriptor 1.

All that a command writes goes through here, also what typer says of a command line. Whatever came from outside, no
character of it commands a terminal or a CI log.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import textwrap
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ParamSpec, Protocol, TextIO, cast

from cutover.reports.words import printable, uncommanded

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
    from rich.progress import Progress, TaskID
    from rich.segment import Segment

__all__ = [
    "Advance",
    "Rendered",
    "captured",
    "close_data",
    "emit",
    "keep_data_apart",
    "note",
    "problem",
    "progress",
    "traceback_of",
    "with_data_apart",
]

_P = ParamSpec("_P")
PLAIN_WIDTH = 100
"""Columns of a table that is not written to a terminal."""
_EVERY_S = 10.0


class Advance(Protocol):
    """Tells a progress display how many items are done."""

    def __call__(self, done: int, /) -> None:
        """Shows that `done` items are done."""

    def expect(self, total: int, /) -> None:
        """Sets the total, where it was not known at the start."""


class _DataStream:
    """Where `emit` writes: stdout as it was when the command began, else as it is. `own` is the one that is ours."""

    kept: TextIO | None = None
    own: TextIO | None = None

    @classmethod
    def now(cls) -> TextIO:
        """Returns the stream."""
        return cls.kept or sys.stdout


def keep_data_apart() -> None:
    """Lets descriptor 1 lead to stderr, also in what is started from here; `sys.stdout` goes on to where it led."""
    sys.stdout.flush()
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdout = _DataStream.own = os.fdopen(os.dup(1), "w", encoding=encoding, errors=errors, buffering=1)
    os.dup2(2, 1)


def close_data() -> None:
    """Closes what `keep_data_apart` has opened; from here on `sys.stdout` is stderr too."""
    sys.stdout, own, _DataStream.own = sys.stderr, _DataStream.own, None
    if own is not None:
        with contextlib.suppress(OSError):  # each `emit` has flushed what it wrote, and told what failed
            own.close()


def with_data_apart(command: Callable[_P, int]) -> Callable[_P, int]:
    """The command, in which `sys.stdout` is stderr; `emit` alone knows the other."""

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> int:
        _DataStream.kept, sys.stdout = sys.stdout, sys.stderr
        try:
            return command(*args, **kwargs)
        finally:
            sys.stdout, _DataStream.kept = _DataStream.now(), None

    return wrapper


class Rendered(str):
    """Text that is for stdout as it stands: what is not ours in it has been escaped by whoever rendered it."""

    __slots__ = ()


def problem(message: str, *further: str) -> None:
    """Writes one sentence about what went wrong to stderr; further lines are indented, so that none looks ours.

    A line break in any of them is not ours, and is written as an escape.
    """
    _write_to_stderr("\n  ".join(map(_line, (f"cutover: {message}", *further))) + "\n")


def note(message: str, *, quiet: bool) -> None:
    """Writes one line about what is going on to stderr, unless quiet."""
    if not quiet:
        _write_to_stderr(f"{_line(message)}\n")


def traceback_of(error: BaseException) -> None:
    """Writes an error's traceback to stderr, indented: the message in it may have lines that look ours."""
    _write_to_stderr(textwrap.indent(printable("".join(traceback.format_exception(error))), "  "))


def _line(text: str) -> str:
    """Returns the text on one line, with an escape in place of what would break it."""
    return printable(text.replace("\n", "\\n"))


def _write_to_stderr(text: str) -> None:
    """Writes to stderr. Where that fails (closed, full, its terminal gone), the command goes on without the message."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def emit(text: str) -> None:
    """Writes data to stdout. Neither a reader that went away (`| head`) nor an unencodable character is an error."""
    text = text if isinstance(text, Rendered) else printable(text)
    stream = _DataStream.now()
    encoding = stream.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text if text.endswith("\n") else f"{text}\n")
        stream.flush()
    except OSError as error:
        _discard(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def _discard(stream: TextIO) -> None:
    """Points it to /dev/null: what its buffer holds would fail again when Python ends, and change the exit status."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def captured(show: Callable[[Console], None]) -> Rendered:
    """Returns what `show` prints to a console in the colours and width of stdout, as text for `emit`."""
    from rich.console import Console

    stream = _DataStream.now()
    fixed = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    console = Console(file=stream, width=fixed, highlight=False, markup=False, emoji=False)
    console.push_render_hook(cast("RenderHook", _EscapingHook()))
    with console.capture() as capture:
        show(console)
    lines = capture.get().removesuffix("\n").split("\n")
    return Rendered("".join(f"{uncommanded(line.rstrip())}\n" for line in lines))


class _EscapingHook:
    """Sees to it that a console writes no escape but those of its own styles."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Returns each renderable with its text made printable."""
        return [_PrintableText(renderable) for renderable in renderables]


class _PrintableText:
    """A renderable whose text is made printable after it has been laid out."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        for segment in console.render(self._inner, options):
            if not segment.control:
                yield Segment(printable(segment.text), segment.style)


@contextlib.contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Advance]:
    """Shows progress: a bar on a terminal, else a line every ten seconds; nothing when quiet."""
    if quiet:
        yield _Silence()
    elif sys.stderr.isatty():
        with _bar(what, total) as advance:
            yield advance
    else:
        yield _ProgressLines(what, total)


@contextlib.contextmanager
def _bar(what: str, total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield _Bar(bar, task)


class _Silence:
    def __call__(self, done: int, /) -> None:
        pass

    def expect(self, total: int, /) -> None:
        pass


class _Bar:
    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def __call__(self, done: int, /) -> None:
        self._bar.update(self._task, completed=done)

    def expect(self, total: int, /) -> None:
        self._bar.update(self._task, total=total)


class _ProgressLines:
    """A line every ten seconds, for logs."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total = what, total
        self._began = self._said = time.monotonic()

    def __call__(self, done: int, /) -> None:
        now = time.monotonic()
        if now - self._said >= _EVERY_S:
            self._said = now
            spent = now - self._began
            left = f", about {spent / done * (self._total - done):.0f} s left" if 0 < done < self._total else ""
            note(f"{self._what}: {done} of {self._total} after {spent:.0f} s{left}", quiet=False)

    def expect(self, total: int, /) -> None:
        self._total = total
