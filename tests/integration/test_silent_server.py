"""A server that says nothing while its connections live: flags and routers end in time, with the reason.

Where one of them did not, its test would never end.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from uuid import uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cutover.engines.connection import Reconnecting, ServerSilent
from cutover.engines.flags import Flag, FlagError, PostgresFlags
from cutover.engines.registry import resolve
from cutover.engines.router import Router
from cutover.harness.run.world.engine import idle


class Relay:
    """Between a client and Postgres; once it is `silent` it takes everything and passes nothing on."""

    def __init__(self, dsn: str) -> None:
        given = conninfo_to_dict(dsn)
        self._server = str(given["host"]), int(str(given["port"]))
        self.silent = threading.Event()
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._listener.getsockname()[1], sslmode="disable")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = self._upstream()
                self._open += [client, server]
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _upstream(self) -> socket.socket:
        host, port = self._server
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while heard := one.recv(65_536):
                if not self.silent.is_set():
                    other.sendall(heard)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def relay(dsn: str) -> Iterator[Relay]:
    made = Relay(dsn)
    yield made
    made.close()


@pytest.fixture
def mute() -> Iterator[str]:
    """A URL behind which somebody takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgresql://nobody@127.0.0.1:{listener.getsockname()[1]}/none"


SILENT = r"orchestrator_flags cannot be read \(Postgres did not answer within 1 s\)"


def test_a_flag_behind_a_listener_that_never_answers_cannot_be_read(mute: str) -> None:
    flags = PostgresFlags(mute, timeout_s=1)
    for _ in range(2):
        with pytest.raises(FlagError, match=SILENT):
            flags.read()
    flags.close()


def test_a_connection_strings_longer_time_does_not_keep_the_reader(mute: str) -> None:
    flags = PostgresFlags(f"{mute}?connect_timeout=600", timeout_s=1)
    with pytest.raises(FlagError, match=SILENT):
        flags.read()


def test_a_server_that_falls_silent_cannot_be_read_until_it_answers_again(relay: Relay) -> None:
    flags = PostgresFlags(relay.dsn, timeout_s=1)
    flags.install()
    on = Flag(enabled=True, percent=Decimal(10))
    flags.write(on)
    assert flags.read() == on
    relay.silent.set()
    for _ in range(2):
        with pytest.raises(FlagError, match=SILENT):
            flags.read()
    relay.silent.clear()
    assert flags.read() == on
    flags.close()


def test_what_a_caller_gave_up_is_not_left_behind(relay: Relay) -> None:
    """The thread that waited for the answer ends, and its connection is not used for the next question."""
    asked = Reconnecting(relay.dsn, timeout_s=1)
    assert asked.ask("SELECT 1", {}) == (1,)
    relay.silent.set()
    before = {thread.ident for thread in threading.enumerate() if thread.name == "cutover-ask"}
    with pytest.raises(ServerSilent):
        asked.ask("SELECT 2", {})
    for thread in threading.enumerate():
        if thread.name == "cutover-ask" and thread.ident not in before:
            thread.join(30)
            assert not thread.is_alive()
    relay.silent.clear()
    assert asked.ask("SELECT 3", {}) == (3,)
    assert relay.connections == 2
    asked.close()


def test_a_router_whose_database_is_silent_says_that_nothing_was_asked(relay: Relay, dsn: str) -> None:
    router = Router(
        control=resolve("v1")(idle(dsn, "the test")),
        candidate=resolve("v2")(idle(dsn, "the test")),
        flags=PostgresFlags(dsn),
        dsn=relay.dsn,
        timeout_s=1,
    )
    router.install()
    relay.silent.set()
    with pytest.raises(ServerSilent, match="so none was asked: Postgres did not answer within 1 s; try again"):
        router.cancel(uuid4())
    router.close()
