"""Writes and reads the files of one table: ordinary gzip files of lines, numbered from 1. Does I/O."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from cutover.harness.errors import RunError
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.tables import StoredFile, Table, file_name

__all__ = ["TableWriter", "digest_of", "lines_of"]

_AT_ONCE = 1 << 20
"""Bytes of a packed file that is read at once, which is quicker; a file of many trials or of a huge one is larger."""
_LEVEL = 1  # a run is written while its workers need the processor


class TableWriter:
    """Writes a table into a folder, file by file; the lines of the present file are kept in memory. Raises OSError.

    A file is there as soon as it is begun, and has its lines once it is cut. `digests` maps each finished file to its
    SHA-256; `pending` counts the bytes of the present one, before they are packed.
    """

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder, self._table = folder, table
        self._lines: list[bytes] = []
        self._begun: Path | None = None
        self.pending = 0
        self.digests: dict[str, str] = {}

    def begin(self) -> Path:
        """Creates the next file, unless there is one that has not been cut."""
        if self._begun is None:
            path = self._folder / file_name(self._table, len(self.digests) + 1)
            path.touch(exist_ok=False)
            self._begun = path
        return self._begun

    def write(self, lines: bytes) -> None:
        """Adds whole lines to the present file."""
        self.begin()
        self._lines.append(lines)
        self.pending += len(lines)

    def cut(self) -> None:
        """Finishes the present file, if it has any lines; the next line begins another."""
        if not self._lines:
            return
        path = self.begin()
        packed = gzip.compress(b"".join(self._lines), _LEVEL, mtime=0)
        write_whole(path, packed, synced=False)  # the trials are timed meanwhile
        self.digests[path.name] = hashlib.sha256(packed).hexdigest()
        self._lines.clear()
        self._begun, self.pending = None, 0

    def close(self) -> None:
        """Finishes the present file; one without lines is removed."""
        self.cut()
        if self._begun is not None:
            self._begun.unlink()
            self._begun = None


def digest_of(file: Path) -> str:
    """Returns the SHA-256 of a file, in hex. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def lines_of(folder: Path, stored: StoredFile) -> Iterator[Iterable[bytes]]:
    """The lines of one file, once its SHA-256 is known to be the manifest's; those of a large file one at a time.

    Raises RunError for a file that is absent, cut off, edited or of another run; while the lines are read, OSError or
    EOFError.
    """
    file = folder / stored.name
    try:
        with file.open("rb") as stream:
            packed = stream.read() if file.stat().st_size <= _AT_ONCE else None
            found = hashlib.sha256(packed) if packed is not None else hashlib.file_digest(stream, "sha256")
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}; restore it or run again") from error
    if found.hexdigest() != stored.sha256:
        raise _refusal(file)
    if packed is not None:
        yield gzip.decompress(packed).splitlines()
        return
    with gzip.open(file) as lines:
        yield lines


def _refusal(file: Path) -> RunError:
    """What is wrong with a file that is not the one that the manifest names."""
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return RunError(f"{file} is cut off or damaged ({error}); copy it again or run again")
    return RunError(f"{file} is not the file that its manifest names: it was edited or is of another run; run again")
