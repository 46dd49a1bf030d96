"""The proxy between real clients and a real Postgres: every byte arrives, and each round trip can be stopped."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.dsn import parse_dsn, to_url
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.proxy.channel import Channel, Gate, Ruling
from cutover.harness.run.proxy.proxy import Proxy

PGBENCH = next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"), reverse=True)), None)


class Behind:
    """A proxy whose loop runs in a thread of its own, as the clients here block."""

    def __init__(self, target: str, gate: Gate | None = None, *, port: int | None = None) -> None:
        self.loop = Loop()
        self.proxy = Proxy(self.loop, target, gate, port=port)
        self._stop = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.loop.run_until(lambda: self._stop, 120)

    def close(self) -> None:
        self._stop = True
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wake:
            parts = parse_dsn(self.proxy.dsn)
            if parts["host"].startswith("/"):
                wake.connect(f"{parts['host']}/.s.PGSQL.5432")
            else:
                socket.create_connection((parts["host"], int(parts["port"]))).close()
        self._thread.join()
        self.proxy.close()
        self.loop.close()


@pytest.fixture
def behind(dsn: str) -> Iterator[Callable[..., Behind]]:
    made: list[Behind] = []

    def make(gate: Gate | None = None, *, port: int | None = None) -> Behind:
        made.append(Behind(dsn, gate, port=port))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Recorder:
    """Lets everything pass and notes what was asked."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.collected: list[int] = []
        self.answered: list[int] = []

    def request(self, _channel: Channel, number: int, message: bytes) -> Ruling:
        self.requests.append(message)
        copies = b"COPY" in message  # its answer comes in two parts, with the client's data between
        if len(self.requests) % 2 == 0 or copies:
            return Ruling.PASS
        self.collected.append(number)
        return Ruling.COLLECT

    def answer(self, _channel: Channel, number: int) -> bool:
        self.answered.append(number)
        return True


@pytest.mark.parametrize("prepare", [False, True])
def test_rows_of_every_size_come_through_unchanged(behind: Callable[..., Behind], prepare: bool) -> None:  # noqa: FBT001
    gate = Recorder()
    with psycopg.connect(behind(gate).proxy.dsn, autocommit=True) as through:
        for size in (0, 1, 8191, 65536, 9_000_000):
            text = os.urandom(size // 2).hex()
            row = through.execute("SELECT %s, md5(%s)", (text, text), prepare=prepare).fetchone()
            assert row is not None
            assert row[0] == text
        count = through.execute("SELECT count(*), sum(n) FROM generate_series(1, 100000) n").fetchone()
        assert count == (100_000, 5_000_050_000)
    assert len(gate.requests) >= 6


def test_copy_in_and_out_lose_nothing(behind: Callable[..., Behind]) -> None:
    rows = [(number, "x" * (number % 500)) for number in range(20_000)]
    with psycopg.connect(behind(Recorder()).proxy.dsn, autocommit=True) as through:
        through.execute("CREATE TABLE t (n int, x text)")
        with through.cursor().copy("COPY t FROM STDIN") as into:
            for row in rows:
                into.write_row(row)
        with through.cursor().copy("COPY (SELECT n, x FROM t ORDER BY n) TO STDOUT") as out:
            assert [(int(n), x) for n, x in out.rows()] == rows


COPIER = """
import sys
import tempfile
from psycopg import pq
connection = pq.PGconn.connect(sys.argv[1].encode())
assert connection.exec_(b"CREATE TABLE t (n int)").status == pq.ExecStatus.COMMAND_OK
assert connection.exec_params(b"COPY t FROM STDIN", []).status == pq.ExecStatus.COPY_IN
connection.put_copy_data(b"1\\n2\\n")
connection.put_copy_end()
while (result := connection.get_result()) is not None:
    assert result.status == pq.ExecStatus.COMMAND_OK
for _ in range(4):
    print(connection.exec_params(b"SELECT sum(n) FROM t", []).get_value(0, 0).decode())
connection.finish()
"""


def test_copy_by_the_extended_protocol_keeps_requests_and_answers_together(behind: Callable[..., Behind]) -> None:
    """In a process of its own, since libpq's blocking calls hold the interpreter that the proxy needs."""
    gate = Recorder()
    done = subprocess.run(
        [sys.executable, "-c", COPIER, behind(gate).proxy.dsn], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["3"] * 4
    assert gate.answered == gate.collected


def test_a_pipeline_is_one_round_trip_for_each_sync(behind: Callable[..., Behind]) -> None:
    gate = Recorder()
    with psycopg.connect(behind(gate).proxy.dsn, autocommit=True) as through:
        before = len(gate.requests)
        with through.pipeline() as pipeline:
            first = [through.execute("SELECT %s::int", (number,)) for number in range(50)]
            pipeline.sync()
            second = [through.execute("SELECT %s::int", (-number,)) for number in range(50)]
        assert [cursor.fetchone() for cursor in first] == [(number,) for number in range(50)]
        assert [cursor.fetchone() for cursor in second] == [(-number,) for number in range(50)]
        assert 2 <= len(gate.requests) - before < 50


def test_a_running_statement_can_be_cancelled(behind: Callable[..., Behind]) -> None:
    with psycopg.connect(behind().proxy.dsn, autocommit=True) as through:
        timer = threading.Timer(0.2, through.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            through.execute("SELECT pg_sleep(60)")
        timer.join()


def test_notifications_arrive_unasked(behind: Callable[..., Behind], dsn: str) -> None:
    with psycopg.connect(behind(Recorder()).proxy.dsn, autocommit=True) as through:
        through.execute("LISTEN news")
        with psycopg.connect(dsn, autocommit=True) as straight:
            straight.execute("NOTIFY news, 'it rains'")
        (heard,) = through.notifies(timeout=20, stop_after=1)
        assert heard.payload == "it rains"


def test_messages_that_nobody_knows_pass_untouched() -> None:
    """A client and a server that speak of things no manual has: the same bytes arrive at both ends."""
    strange = [
        bytes([kind]) + struct.pack("!I", 4 + len(body)) + body for kind, body in ((0x01, b""), (0xFF, b"?" * 70))
    ]
    listener = socket.create_server(("127.0.0.1", 0))
    target = f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d"
    behind = Behind(target, Recorder(), port=0)
    try:
        parts = parse_dsn(behind.proxy.dsn)
        with socket.create_connection((parts["host"], int(parts["port"]))) as client:
            server, _ = listener.accept()
            with server:
                hello = struct.pack("!II", 8, 196608)
                for message in (hello, *strange):
                    client.sendall(message)
                    assert exactly(server, len(message)) == message
                for message in strange:
                    server.sendall(message)
                    assert exactly(client, len(message)) == message
    finally:
        behind.close()
        listener.close()


def exactly(sock: socket.socket, size: int) -> bytes:
    sock.settimeout(20)
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def test_a_client_that_insists_on_tls_is_told_that_there_is_none(behind: Callable[..., Behind]) -> None:
    url = to_url(parse_dsn(behind(port=0).proxy.dsn) | {"sslmode": "require"})
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL, but SSL was required"):
        psycopg.connect(url)


@pytest.mark.parametrize("hello", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.1\r\n\r\n"])
def test_who_speaks_something_else_is_told_so_and_others_are_served(
    behind: Callable[..., Behind], hello: bytes
) -> None:
    url = behind(port=0).proxy.dsn
    parts = parse_dsn(url)
    with socket.create_connection((parts["host"], int(parts["port"]))) as stranger:
        stranger.sendall(hello)
        stranger.settimeout(20)
        assert b"does not speak Postgres" in stranger.recv(1000)
        assert stranger.recv(1000) == b""
    with psycopg.connect(url) as through:
        assert through.execute("SELECT 1").fetchone() == (1,)


def test_a_server_whose_url_demands_tls_is_refused_before_anything_is_sent() -> None:
    with Loop() as loop, pytest.raises(EnvironmentProblem, match=r"sslmode=verify-full.*without"):
        Proxy(loop, "postgresql://u@db.example/d?sslmode=verify-full")


def test_where_the_path_for_temporary_files_is_too_long_for_a_socket_it_is_not_used(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("long" * 25)))
    with Loop() as loop, Proxy(loop, dsn) as proxy:
        home = Path(parse_dsn(proxy.dsn)["host"])
        assert home.parent == Path("/tmp")  # noqa: S108 - only compared
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert not home.exists()


def test_a_port_in_use_is_the_environment_s_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Loop() as loop:
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentProblem, match=f"cannot listen on 127.0.0.1:{port} .*another port"):
            Proxy(loop, "postgresql://u@127.0.0.1/d", port=port)


class Refuser:
    """Answers the first request with a word in it with 40001."""

    def __init__(self, word: bytes) -> None:
        self._word: bytes | None = word

    def request(self, channel: Channel, _number: int, message: bytes) -> Ruling:
        if self._word is not None and self._word in message:
            self._word = None
            channel.refuse("40001", "could not serialize access")
        return Ruling.PASS

    def answer(self, _channel: Channel, _number: int) -> bool:
        return True


def test_a_refused_commit_rolls_back_and_the_connection_lives_on(behind: Callable[..., Behind]) -> None:
    with psycopg.connect(behind(Refuser(b"COMMIT")).proxy.dsn) as through:
        through.execute("CREATE TABLE t (n int)")
        with pytest.raises(psycopg.errors.SerializationFailure):
            through.commit()
        assert through.info.transaction_status is pq.TransactionStatus.IDLE
        assert through.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_a_refused_statement_outside_a_transaction_changes_nothing(behind: Callable[..., Behind]) -> None:
    with psycopg.connect(behind(Refuser(b"CREATE")).proxy.dsn, autocommit=True) as through:
        with pytest.raises(psycopg.errors.SerializationFailure):
            through.execute("CREATE TABLE t (n int)")
        assert through.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_who_cannot_be_reached_accepts_nobody_and_does_so_again_later(behind: Callable[..., Behind]) -> None:
    each = behind()
    with psycopg.connect(each.proxy.dsn, autocommit=True) as open_before:
        each.proxy.reachable = False
        with pytest.raises(psycopg.OperationalError, match="closed the connection unexpectedly"):
            psycopg.connect(each.proxy.dsn)
        assert open_before.execute("SELECT 1").fetchone() == (1,)  # whose connections are cut is the fault's to say
    each.proxy.reachable = True
    with psycopg.connect(each.proxy.dsn, autocommit=True) as after:
        assert after.execute("SELECT 2").fetchone() == (2,)
    assert each.proxy.passed_by.connections == 2


class Cutter:
    """Holds the answer to a request with a word in it, and cuts the connection."""

    def __init__(self, word: bytes, *, announced: bool) -> None:
        self._word, self._announced = word, announced

    def request(self, _channel: Channel, _number: int, message: bytes) -> Ruling:
        return Ruling.COLLECT if self._word in message else Ruling.PASS

    def answer(self, channel: Channel, _number: int) -> bool:
        channel.cut(announced=self._announced)
        return False


@pytest.mark.parametrize(("announced", "code"), [(True, "57P01"), (False, None)])
def test_an_ambiguous_commit_is_done_and_never_heard_of(
    behind: Callable[..., Behind],
    dsn: str,
    announced: bool,  # noqa: FBT001
    code: str | None,
) -> None:
    through = psycopg.connect(behind(Cutter(b"CREATE", announced=announced)).proxy.dsn, autocommit=True)
    with pytest.raises(psycopg.OperationalError) as told:
        through.execute("CREATE TABLE t (n int)")
    assert told.value.sqlstate == code
    assert through.closed
    with psycopg.connect(dsn) as straight:
        assert straight.execute("SELECT to_regclass('t')::text").fetchone() == ("t",)


@pytest.mark.skipif(PGBENCH is None, reason="needs pgbench, which Debian's package postgresql has")
@pytest.mark.parametrize("protocol", ["simple", "extended", "prepared"])
def test_pgbench_through_the_proxy_does_what_it_does_without(
    behind: Callable[..., Behind], dsn: str, protocol: str
) -> None:
    url = behind().proxy.dsn
    bench(url, "-i", "-s", "1", "-q")
    told = bench(url, "-n", "-c", "4", "-j", "2", "-t", "50", "-M", protocol)
    assert re.search(r"actually processed: 200/200", told)
    assert re.search(r"failed transactions: 0 ", told)
    with psycopg.connect(dsn) as straight:
        sums = straight.execute(
            "SELECT (SELECT count(*) FROM pgbench_history), (SELECT count(*) FROM pgbench_accounts),"
            " (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),"
            " (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history)"
        ).fetchone()
    assert sums == (200, 100_000, True, True)


def bench(url: str, *arguments: str) -> str:
    assert PGBENCH is not None
    done = subprocess.run([PGBENCH, *arguments, url], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_refused_commit_takes_back_what_the_server_said_of_the_transactions_settings(
    behind: Callable[..., Behind],
) -> None:
    with psycopg.connect(behind(Refuser(b"COMMIT")).proxy.dsn) as through:
        before = through.info.parameter_status("TimeZone")
        through.execute("SET LOCAL timezone = 'Asia/Kathmandu'")
        assert through.info.parameter_status("TimeZone") == "Asia/Kathmandu"
        with pytest.raises(psycopg.errors.SerializationFailure):
            through.commit()
        assert through.info.parameter_status("TimeZone") == before


def test_a_client_that_asks_for_protocol_3_2_gets_it_and_can_cancel(behind: Callable[..., Behind]) -> None:
    """Its key for cancelling is longer than four bytes."""
    url = to_url(parse_dsn(behind().proxy.dsn) | {"max_protocol_version": "latest"})
    with psycopg.connect(url, autocommit=True) as through:
        timer = threading.Timer(0.2, through.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            through.execute("SELECT pg_sleep(60)")
        timer.join()
