"""Files in blocks: any gzip reader reads them whole, ours block by block, and damage is noticed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cutover.harness.store.blocks import BlockWriter, blocks_of, read_block

TEXTS = (b"one\n", b"", b"two\n" * 10_000, b"three\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.gz"
    writer = BlockWriter(path)
    for text in TEXTS:
        writer.write(text)
        writer.cut()
    writer.write(b"rest")
    writer.close()
    return path


def test_a_gzip_reader_reads_it_whole(file: Path) -> None:
    assert gzip.decompress(file.read_bytes()) == b"".join(TEXTS) + b"rest"


def test_each_block_is_read_alone(file: Path) -> None:
    assert tuple(read_block(file, block) for block in blocks_of(file)) == (*TEXTS, b"rest")


def test_a_file_of_another_writer_has_no_blocks(tmp_path: Path) -> None:
    path = tmp_path / "plain.gz"
    path.write_bytes(gzip.compress(b"x" * 100))
    assert blocks_of(path) == ()


def test_a_truncated_file_has_no_blocks(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    assert blocks_of(file) == ()


def test_a_damaged_block_is_noticed(file: Path) -> None:
    block = blocks_of(file)[2]
    data = bytearray(file.read_bytes())
    data[block.offset + block.size - 6] ^= 1  # in its checksum
    file.write_bytes(data)
    with pytest.raises(ValueError, match=f"block at byte {block.offset}"):
        read_block(file, block)


def test_an_empty_file_is_one_empty_block(tmp_path: Path) -> None:
    BlockWriter(tmp_path / "none.gz").close()
    assert [read_block(tmp_path / "none.gz", block) for block in blocks_of(tmp_path / "none.gz")] == [b""]
