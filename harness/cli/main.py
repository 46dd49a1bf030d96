"""The entry point of `cutover`, and the one place where an error becomes an exit status. Does I/O."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

from cutover.harness.cli.console import close_data, keep_data_apart, problem, traceback_of
from cutover.harness.cli.status import Status, status_of

__all__ = ["main"]


_COMPLETION = "_CUTOVER_COMPLETE"
"""By this variable a shell asks for completion, of which there is none: click would answer it with an exit."""


def main() -> NoReturn:
    """Runs the command line and leaves by its exit status; one sentence on stderr says what went wrong.

    With CUTOVER_DEBUG=1 in the environment an error shows its traceback too.
    """
    _end_by_interruption()
    _open_closed_streams()
    keep_data_apart()
    status = _outcome(sys.argv[1:])
    close_data()  # what an engine prints when Python ends is not data either
    sys.exit(status)


def _end_by_interruption() -> None:
    """Makes SIGTERM and SIGHUP unwind as SIGINT does, at any moment; one that is ignored, as under nohup, stays so."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) is signal.SIG_DFL:
            signal.signal(each, signal.default_int_handler)


def _open_closed_streams() -> None:
    """Points streams that the caller has closed (`2>&-`) to /dev/null: the next file opened would take their place."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, descriptor)
            if nowhere != descriptor:
                os.close(nowhere)
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))


def _outcome(arguments: list[str]) -> int:
    if os.environ.pop(_COMPLETION, None) is not None:
        problem(f"there is no shell completion; unset {_COMPLETION}, or take it out of your shell's settings")
        return Status.USAGE
    try:
        from cutover.harness.cli.app import (
            app,  # what it imports is absent from a core install; status_of says what to install
        )

        result = app(arguments, prog_name="cutover", standalone_mode=False)
    except KeyboardInterrupt:
        problem("interrupted")
        return Status.INTERRUPTED
    except SystemExit as error:  # an engine's code runs here too, and its exit(0) would read as GO
        if isinstance(error.__context__, BrokenPipeError):  # typer leaves so where the reader has gone away
            return Status.INTERRUPTED
        problem(f"something called exit({error.code!r}) before there was a verdict; an engine must not")
        return Status.INTERNAL
    except BaseException as error:  # noqa: BLE001 - here every error becomes an exit status; Python's own is that of NO-GO
        return _told(error)
    if result == Status.INTERRUPTED and not isinstance(result, Status):  # by typer, which says nothing
        problem("interrupted")
    return result if isinstance(result, int) else Status.GO


def _told(error: BaseException) -> Status:
    """Says what was wrong; returns the exit status."""
    if os.environ.get("CUTOVER_DEBUG") == "1":
        traceback_of(error)
    if any(isinstance(each, FileNotFoundError) for each in _chain(error)) and not _has_folder():
        problem("the current folder has been removed; change to another one, and run again")
        return Status.ENVIRONMENT
    status, message = status_of(error)
    if message:
        problem(*(getattr(error, "lines", ()) or (message,)))
    return status


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _has_folder() -> bool:
    """Returns whether the current folder is still there."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib says the same, and no more
    except FileNotFoundError:
        return False
    return True
