"""Writes and reads the files of one table: ordinary gzip files of lines, numbered from 1. Does I/O."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from cutover.harness.errors import RunError
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.tables import StoredFile, Table, file_name
from cutover.scenarios.inputs.files import FileRefused, opened, pieces_of
from cutover.scenarios.inputs.limits import STORED_BYTES, STORED_LINE_BYTES, STORED_UNPACKED_BYTES

__all__ = ["TableWriter", "digest_of", "lines_of"]

_AT_ONCE = 1 << 20
"""Bytes of a packed file that is read at once, which is quicker; a file of many trials or of a huge one is larger."""
_UNPACKED_AT_ONCE = 64 << 20
_GZIP = 31
"""What zlib calls a gzip header and the largest window."""
_LEVEL = 1  # a run is written while its workers need the processor


class TableWriter:
    """Writes a table into a folder, file by file; the lines of the present file are kept in memory. Raises OSError.

    A file is there once it is cut, and never half. `digests` maps each to its SHA-256; `pending` counts the bytes of
    the present one, before they are packed.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder, self._table = folder, table
        self._lines: list[bytes] = []
        self.pending = 0
        self.digests: dict[str, str] = {}

    def write(self, lines: bytes) -> None:
        """Adds whole lines to the present file."""
        self._lines.append(lines)
        self.pending += len(lines)

    def cut(self) -> None:
        """Finishes the present file, if it has any lines; the next line begins another."""
        if not self._lines:
            return
        path = self._folder / file_name(self._table, len(self.digests) + 1)
        packed = gzip.compress(b"".join(self._lines), _LEVEL, mtime=0)
        write_whole(path, packed, synced=False)  # the trials are timed meanwhile
        self.digests[path.name] = hashlib.sha256(packed).hexdigest()
        self._lines.clear()
        self.pending = 0


def digest_of(file: Path) -> str:
    """Returns the SHA-256 of a file of a run, in hex. Raises FileRefused, also for what is not a regular file."""
    with opened(file) as stream:
        return _digest(stream, file)


def _digest(stream: io.BufferedReader, file: Path) -> str:
    digest = hashlib.sha256()
    for piece in pieces_of(stream, file, STORED_BYTES):
        digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def lines_of(folder: Path, stored: StoredFile) -> Iterator[Iterable[bytes]]:
    """The lines of one file, once its SHA-256 is known to be the manifest's; those of a large file one at a time.

    Raises RunError for a file that is absent, cut off, edited, of another run or larger than is read; while the lines
    are read, OSError or EOFError.
    """
    file = folder / stored.name
    with _stored(file) as stream:
        with _told(file):
            found = _digest(stream, file)
            stream.seek(0)
            head = stream.read(_AT_ONCE + 1)
            stream.seek(0)
        if found != stored.sha256:
            raise _refusal(file, stream)
        if len(head) <= _AT_ONCE and (lines := _at_once(head)) is not None:
            yield lines
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield _lines(unpacked, file)


def _stored(file: Path) -> io.BufferedReader:
    with _told(file):
        return opened(file)


@contextlib.contextmanager
def _told(file: Path) -> Iterator[None]:
    """Turns what speaks against reading a file into RunError."""
    try:
        yield
    except FileRefused as error:
        raise RunError(f"{error}; restore it or run again") from error
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}; restore it or run again") from error


def _at_once(packed: bytes) -> list[bytes] | None:
    """The lines of a small file; None where it is not one piece, or unpacks to very much more than it is."""
    whole = zlib.decompressobj(wbits=_GZIP)
    lines = whole.decompress(packed, _UNPACKED_AT_ONCE)
    return lines.splitlines() if whole.eof and not whole.unused_data else None


def _lines(unpacked: gzip.GzipFile, file: Path) -> Iterator[bytes]:
    left = STORED_UNPACKED_BYTES.most
    while line := unpacked.readline(STORED_LINE_BYTES.most + 1):
        left -= len(line)
        if left < 0 or len(line) > STORED_LINE_BYTES.most:
            most = STORED_LINE_BYTES if left >= 0 else STORED_UNPACKED_BYTES
            what = "a line of it" if left >= 0 else "it"
            raise RunError(f"{file}: {what} unpacks to more than {most}, the most that is read")
        yield line


def _refusal(file: Path, packed: io.BufferedReader) -> RunError:
    """What is wrong with a file that is not the one that the manifest names."""
    left = STORED_UNPACKED_BYTES.most
    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            while left > 0 and (part := stream.read(1 << 20)):
                left -= len(part)
    except (OSError, EOFError, zlib.error) as error:
        return RunError(f"{file} is cut off or damaged ({error}); copy it again or run again")
    return RunError(f"{file} is not the file that its manifest names: it was edited or is of another run; run again")
