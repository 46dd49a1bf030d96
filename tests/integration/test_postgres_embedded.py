"""The embedded server and its databases."""

from __future__ import annotations

import psycopg

from harness.run.postgres import Server


def test_a_fresh_database_is_empty_utf8_and_durable(server: Server, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        settings = connection.execute(
            "SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('synchronous_commit')"
        ).fetchone()
    assert tables == (0,)
    assert settings == ("UTF8", "on", "on")
    assert server.version
