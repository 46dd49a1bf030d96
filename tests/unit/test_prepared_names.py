"""What a connection keeps prepared, by the messages of its client."""

from __future__ import annotations

import struct

import pytest

from cutover.harness.run.proxy.prepared import PreparedNames


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def parse(name: bytes, text: bytes = b"SELECT 1") -> bytes:
    return message(b"P", name + b"\0" + text + b"\0" + struct.pack("!H", 0))


def query(text: bytes) -> bytes:
    return message(b"Q", text + b"\0")


@pytest.mark.parametrize(
    ("messages", "count"),
    [
        ([parse(b"a"), parse(b"b"), parse(b"b")], 2),
        ([parse(b""), parse(b"")], 0),
        ([parse(b"a"), parse(b"b"), message(b"C", b"Sa\0")], 1),
        ([parse(b"a"), message(b"C", b"Pa\0")], 1),
        ([query(b"PREPARE one AS SELECT 1"), query(b'prepare "Two" AS SELECT 2')], 2),
        ([parse(b"one"), query(b"DEALLOCATE One")], 0),
        ([parse(b"a"), parse(b"b"), query(b"DEALLOCATE ALL")], 0),
        ([parse(b"a"), parse(b"b"), parse(b"", b"deallocate prepare a")], 1),
        ([parse(b"a"), query(b"DISCARD ALL")], 0),
        ([parse(b"a"), query(b"SELECT 'DEALLOCATE ALL'")], 1),
    ],
)
def test_names_are_kept_until_they_are_closed(messages: list[bytes], count: int) -> None:
    names = PreparedNames()
    for each in messages:
        names.take(each)
    assert len(names) == count
