"""The wire protocol on literal bytes: messages come out as they went in, however they were cut."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.harness.run.proxy.wire import Splitter, WireError, error_response, query, ready, startup_code

TYPED = st.builds(
    lambda kind, body: bytes([kind]) + struct.pack("!I", len(body) + 4) + body,
    st.integers(1, 255),
    st.binary(max_size=40),
)


@given(messages=st.lists(TYPED, max_size=8), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_messages_survive_any_cutting(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(messages)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    splitter = Splitter("the engine")
    pieces = [stream[left:right] for left, right in pairwise(places)]
    assert [message for piece in pieces for message in splitter.feed(piece)] == messages


def test_the_first_packet_has_no_type_byte() -> None:
    splitter = Splitter("the engine", untyped=True)
    startup = struct.pack("!II", 8, 80877103)
    found = []
    for message in splitter.feed(startup + b"Q\0\0\0\x06;\0"):
        found.append(message)
        splitter.typed()
    assert found == [startup, b"Q\0\0\0\x06;\0"]
    assert startup_code(found[0]) == 80877103


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01", b"\0\0\0\x03"])
def test_what_is_no_postgres_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(WireError, match=r"the engine sent a message of impossible length .* does not speak Postgres"):
        list(Splitter("the engine", untyped=True).feed(data))


def test_a_startup_packet_that_is_too_short_is_refused() -> None:
    with pytest.raises(WireError, match="shorter than any Postgres startup message"):
        startup_code(b"\0\0\0\x04")


def test_what_the_proxy_says_is_spelt_as_the_manual_says() -> None:
    assert error_response("40001", "no") == b"E\0\0\0\x1eSERROR\0VERROR\0C40001\0Mno\0\0"
    assert ready(b"T") == b"Z\0\0\0\x05T"
    assert query("ROLLBACK") == b"Q\0\0\0\x0dROLLBACK\0"
