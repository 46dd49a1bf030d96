"""Requests told by what they carry out: the same however they are sent, and whatever comes in between."""

from __future__ import annotations

import struct

import pytest

from cutover.harness.record.cases import CaseError, CrashCase, KillPoint, Way
from cutover.harness.run.proxy.fingerprint import Occurrences
from cutover.harness.run.proxy.prepared import PreparedNames


def sent(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


QUERY = sent(b"Q", b"SELECT 1\0")
PARSE = sent(b"P", b"s1\0UPDATE t SET a = $1\0\0\0")
UNNAMED = sent(b"P", b"\0UPDATE t SET a = $1\0\0\0")
BIND = sent(b"B", b"\0s1\0\0\0\0\1\0\0\0\0011\0\0")
BIND_UNNAMED = sent(b"B", b"\0\0\0\0\0\1\0\0\0\0011\0\0")
REST = sent(b"E", b"\0\0\0\0\0") + sent(b"S", b"")


def statements(*requests: list[bytes]) -> list[tuple[bytes, ...]]:
    names, found = PreparedNames(), []
    for request in requests:
        for message in request:
            names.take(message)
        found.append(names.statements(b"".join(request)))
    return found


def test_a_statement_is_the_same_prepared_or_not() -> None:
    update = (b"UPDATE t SET a = $1",)
    assert statements([QUERY]) == [(b"SELECT 1",)]
    assert statements([PARSE, BIND, REST], [BIND, REST]) == [update, update]
    assert statements([UNNAMED, BIND_UNNAMED, REST]) == [update]
    assert statements([PARSE, REST]) == [update]


def test_values_and_spaces_do_not_make_another_statement() -> None:
    first, second = Occurrences(), Occurrences()
    made = first.of_request([b"INSERT INTO t VALUES ('a''b', 12, '00000000-0000-4000-8000-000000000007')"])
    assert made == second.of_request([b"INSERT  INTO t\n VALUES ('', 3, 'x')"])
    assert made != second.of_request([b"INSERT INTO t VALUES ('', 3, 'x')"]), "it comes a second time"
    assert made != Occurrences().of_request([b"INSERT INTO u VALUES ('', 3, 'x')"])


def test_what_comes_in_between_shifts_nothing() -> None:
    alone, beside = Occurrences(), Occurrences()
    commits = [b"COMMIT"]
    wanted = [alone.of_request(commits), alone.of_call("ship", 1), alone.of_request(commits)]
    found = []
    for call in (False, True, False):
        beside.of_request([b"SELECT 'beat'"])
        found.append(beside.of_call("ship", 1) if call else beside.of_request(commits))
    assert found == wanted
    assert alone.of_call("ship", 2) != alone.of_call("ship", 1)


def test_a_point_with_a_mark_is_written_and_read() -> None:
    case = CrashCase("a", KillPoint("answer", 3, "0a1b2c3d"), Way.AGAIN, KillPoint("call", 1))
    assert str(case) == "a@answer:3~0a1b2c3d/again@call:1"
    assert CrashCase.parse(str(case)).point.mark == "0a1b2c3d"
    assert CrashCase.parse("a@answer:3/again@call:1") == case, "older runs name the number alone"
    with pytest.raises(CaseError, match="is not a kill point"):
        KillPoint.parse("answer:3~xyz")
