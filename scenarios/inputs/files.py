"""Files from outside, read within a limit: regular files alone, since a FIFO or a device may never end. Reads files."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cutover.engines.errors import CutoverError
from cutover.scenarios.inputs.limits import FOLDER_ENTRIES, InputLimit

__all__ = ["FileRefused", "below", "is_there", "kind_of", "opened", "pieces_of", "read_bytes", "read_text", "size_of"]

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO or pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_PIECE = 1 << 20


class FileRefused(CutoverError):
    """A file that cannot be read, or that is more than is read; `reason` says why, and begins with a verb."""

    def __init__(self, file: Path, reason: str, *, of_the_machine: bool = False) -> None:
        super().__init__(f"{file} {reason}")
        self.file, self.reason = file, reason
        self.exit_status = 4 if of_the_machine else 2


def opened(file: Path) -> io.BufferedReader:
    """Returns a regular file, opened for reading. Raises FileRefused, without having opened what is none."""
    try:
        _check(file, os.stat(file))  # noqa: PTH116 - as below
        stream = open(  # noqa: SIM115 - an opener is given, and the caller closes it
            file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
        )
    except OSError as error:
        raise _refusal(file, error) from error
    try:
        _check(file, os.fstat(stream.fileno()))
    except BaseException:
        stream.close()
        raise
    return stream


def read_bytes(file: Path, limit: InputLimit) -> bytes:
    """Returns what a regular file holds. Raises FileRefused, also for one that is larger than the limit."""
    with opened(file) as stream:
        return b"".join(pieces_of(stream, file, limit))


def pieces_of(stream: io.BufferedReader, file: Path, limit: InputLimit) -> Iterator[bytes]:
    """Yields what is left of a file that `opened` gave, piece by piece. Raises FileRefused, as `read_bytes` does.

    What the file is said to hold is not believed: some of what the system makes up as it is read has no size.
    """
    left = limit.most
    try:
        if os.fstat(stream.fileno()).st_size > limit.most:
            left = -1
        while left >= 0 and (piece := stream.read(min(_PIECE, left + 1))):
            left -= len(piece)
            if left >= 0:
                yield piece
    except OSError as error:
        raise _refusal(file, error) from error
    if left < 0:
        raise FileRefused(file, f"is larger than {limit}, the most that is read")


def read_text(file: Path, limit: InputLimit) -> str:
    """Returns the text of a UTF-8 file, as `read_bytes` does."""
    try:
        return read_bytes(file, limit).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused(file, f"is not UTF-8 at byte {error.start:,}; save it as UTF-8") from error


def is_there(path: Path) -> bool:
    """Whether there is something at a path, of whatever kind. Raises FileRefused where that cannot be told."""
    return kind_of(path) is not None


def kind_of(path: Path) -> str | None:
    """Returns what is at a path: "a file", "a folder", "a FIFO or pipe" and so on, or None. Raises FileRefused."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - pathlib answers False for a loop of links
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refusal(path, error) from error
    return _kind(mode)


def size_of(file: Path) -> int:
    """Returns the bytes of a file; none where there is nothing to read, as at the end of a broken link."""
    try:
        return os.stat(file).st_size  # noqa: PTH116 - as above
    except OSError:
        return 0


def below(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder and its subfolders; links to folders are not followed. Raises FileRefused."""
    pending, seen = [folder], 0
    while pending:
        here = pending.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    seen += 1
                    if seen > FOLDER_ENTRIES.most:
                        reason = f"has more than {FOLDER_ENTRIES}; name a folder that holds the files alone"
                        raise FileRefused(folder, reason)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(here / entry.name)
                    elif not entry.is_dir():
                        yield here / entry.name
        except OSError as error:
            raise _refusal(here, error) from error


def _check(file: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileRefused(file, f"is {_kind(status.st_mode)}, and not a file; save what it gives as a file")


def _kind(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a file")


def _refusal(file: Path, error: OSError) -> FileRefused:
    reason = error.strerror or type(error).__name__
    return FileRefused(file, f"cannot be read: {reason}", of_the_machine=isinstance(error, PermissionError))
