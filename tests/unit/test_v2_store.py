"""What V2 says when Postgres does not do as asked."""

from __future__ import annotations

import psycopg
import pytest

from cutover.engines.errors import EngineError
from cutover.engines.v2.store import PostgresRefused, PostgresUnreachable, explained


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (
            psycopg.OperationalError("server closed the connection unexpectedly"),
            PostgresUnreachable,
            "was lost: server",
        ),
        (psycopg.errors.AdminShutdown("terminating connection"), PostgresUnreachable, "was lost: terminating"),
        (psycopg.errors.UndefinedTable("no such table"), PostgresRefused, r"\(42P01\): no such table; call install"),
        (psycopg.errors.DiskFull("no space left"), PostgresRefused, r"\(53100\): no space left"),
    ],
)
def test_a_lost_connection_and_a_refusal_are_told_apart(
    error: psycopg.Error, raised: type[EngineError], words: str
) -> None:
    with pytest.raises(raised, match=words), explained():
        raise error
