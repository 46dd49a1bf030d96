"""Gzip files that can be read from several places at once: each block is a gzip member that tells its size. Does I/O.

Any gzip reader reads the whole file as one stream. The size stands in the member's header, in an extra field named CV
(RFC 1952, 2.3.1.1), so that a reader can step from block to block without opening any.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "BlockWriter", "blocks_of", "read_block"]

_LEVEL = 1  # a run is written while its workers need the processor
_HEADER = struct.Struct("<4sIBBH2sHQ")
_START = b"\x1f\x8b\x08\x04"
_FIELD = b"CV"
_TAIL = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies in its file, in bytes."""

    offset: int
    size: int


class BlockWriter:
    """Writes a new file; what was written since the last `cut` is kept in memory. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._parts: list[bytes] = []
        self._cuts = 0
        self.pending = 0

    def write(self, data: bytes) -> None:
        """Adds to the block."""
        self._parts.append(data)
        self.pending += len(data)

    def cut(self) -> None:
        """Writes the block, and begins another."""
        data = b"".join(self._parts)
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = packer.compress(data) + packer.flush()
        size = _HEADER.size + len(body) + _TAIL.size
        head = _HEADER.pack(_START, 0, 0, 255, 4 + 8, _FIELD, 8, size)
        self._file.write(head + body + _TAIL.pack(zlib.crc32(data), len(data) & 0xFFFFFFFF))
        self._parts.clear()
        self.pending = 0
        self._cuts += 1

    def close(self) -> None:
        """Writes what is left; an empty file is one empty block."""
        if self._file.closed:
            return
        try:
            if self._parts or not self._cuts:
                self.cut()
        finally:
            self._file.close()


def blocks_of(path: Path) -> tuple[Block, ...]:
    """The blocks of a file, in order; none where it was not written in blocks. Raises OSError."""
    return tuple(_blocks(path))


def _blocks(path: Path) -> Iterator[Block]:
    end = path.stat().st_size
    found: list[Block] = []
    with path.open("rb") as file:
        offset = 0
        while offset < end:
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size:
                return
            start, _, _, _, _, field, _, size = _HEADER.unpack(head)
            if start != _START or field != _FIELD or offset + size > end:
                return
            found.append(Block(offset, size))
            offset += size
            file.seek(offset)
    yield from found


def read_block(path: Path, block: Block) -> bytes:
    """What was written into a block. Raises OSError, and ValueError where it is damaged."""
    with path.open("rb") as file:
        file.seek(block.offset)
        packed = file.read(block.size)
    try:
        return zlib.decompress(packed, wbits=zlib.MAX_WBITS | 16)
    except zlib.error as error:
        raise ValueError(f"block at byte {block.offset}: {error}") from error
