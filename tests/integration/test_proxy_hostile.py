"""The proxy where things are unusual: servers that are away or silent, refusals in a pipeline, bytes one by one."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from psycopg import pq

from cutover.harness.run.postgres.dsn import parse_dsn
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.proxy import wire
from cutover.harness.run.proxy.channel import Channel, Gate, Ruling
from cutover.harness.run.proxy.proxy import Proxy

HELLO = struct.pack("!II", 8, 196608)


class Bench:
    """A proxy in a loop that the test turns itself, with a listener of the test's as its server."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.open: list[socket.socket] = [self.listener]

    def proxy(self, gate: Gate | None = None) -> Proxy:
        target = f"postgresql://u@127.0.0.1:{self.listener.getsockname()[1]}/d"
        return Proxy(self.loop, target, gate, port=0)

    def client(self, proxy: Proxy) -> socket.socket:
        parts = parse_dsn(proxy.dsn)
        made = socket.create_connection((parts["host"], int(parts["port"])), timeout=20)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open.append(made)
        return made

    def server(self) -> socket.socket:
        made, _ = self.listener.accept()
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open.append(made)
        return made

    def pair(self, proxy: Proxy) -> tuple[socket.socket, socket.socket]:
        """Both ends of a connection that has been greeted."""
        client = self.client(proxy)
        client.sendall(HELLO)
        self.until(lambda: bool(proxy.channels))
        server = self.server()
        assert self.heard(server, len(HELLO)) == HELLO
        return client, server

    def until(self, done: Callable[[], bool]) -> None:
        assert self.loop.run_until(done, 20)

    def heard(self, sock: socket.socket, size: int) -> bytes:
        """The next bytes that come out at an end; fewer where it was closed."""
        data = b""
        while len(data) < size:
            self.until(lambda: bool(select.select([sock], [], [], 0)[0]))
            more = sock.recv(size - len(data))
            if not more:
                break
            data += more
        return data


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    for sock in made.open:
        sock.close()
    made.loop.close()


class Rules:
    """Rules as it is told, and remembers what it was asked."""

    def __init__(self, *rulings: Ruling, answers: bool = True) -> None:
        self.rulings = list(rulings)
        self.answers = answers
        self.requests: list[bytes] = []
        self.answered: list[int] = []

    def request(self, _channel: Channel, _number: int, message: bytes) -> Ruling:
        self.requests.append(message)
        return self.rulings.pop(0) if self.rulings else Ruling.PASS

    def answer(self, _channel: Channel, number: int) -> bool:
        self.answered.append(number)
        return self.answers


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def test_a_server_that_was_away_serves_once_it_is_back(bench: Bench) -> None:
    """The descriptor of the client that was turned away comes back with the next one."""
    with bench.proxy() as proxy:
        early = bench.client(proxy)
        with contextlib.suppress(ConnectionResetError):
            assert bench.heard(early, 1) == b""
        early.close()
        bench.listener.listen()
        bench.pair(proxy)


@pytest.mark.parametrize("ruling", [Ruling.PASS, Ruling.COLLECT])
def test_bytes_that_come_one_by_one_are_the_same_messages(bench: Bench, ruling: Ruling) -> None:
    gate = Rules(ruling)
    bench.listener.listen()
    parts = [message(b"P", b"s\0SELECT 1\0\0\0"), message(b"B", b"\0s\0\0\0\0\0\0\0"), message(b"E", b"\0\0\0\0\0")]
    request = b"".join(parts) + message(b"S")
    answer = message(b"1") + message(b"2") + message(b"D", b"\0\1\0\0\0\0011") + message(b"Z", b"I")
    with bench.proxy(gate) as proxy:
        client, server = bench.pair(proxy)
        for end, other, data in ((client, server, request), (server, client, answer)):
            for byte in data:
                end.sendall(bytes([byte]))
                bench.loop.step(0.001)
            assert bench.heard(other, len(data)) == data
    assert gate.requests == [request]
    assert gate.answered == ([1] if ruling is Ruling.COLLECT else [])


@pytest.mark.parametrize("kind", [b"Q", b"d", b"\xff"])
def test_a_message_that_is_longer_than_postgres_takes_is_refused(bench: Bench, kind: bytes) -> None:
    bench.listener.listen()
    with bench.proxy() as proxy:
        client, server = bench.pair(proxy)
        client.sendall(kind + struct.pack("!I", 0x40000004))
        assert b"impossible length" in bench.heard(client, 1_000)
        assert bench.heard(server, 1) == b""


def test_a_server_that_goes_while_its_answer_is_held_is_gone_for_the_client_too(bench: Bench) -> None:
    bench.listener.listen()
    answer = message(b"C", b"SELECT 1\0") + message(b"Z", b"I")
    gate = Rules(Ruling.COLLECT, answers=False)
    with bench.proxy(gate) as proxy:
        client, server = bench.pair(proxy)
        client.sendall(wire.query("SELECT 1"))
        assert bench.heard(server, 5)[:1] == b"Q"
        server.sendall(answer)
        bench.until(lambda: gate.answered == [1])
        (channel,) = proxy.channels
        server.close()
        bench.until(lambda: not channel.server.open)
        channel.release()
        assert bench.heard(client, 1_000) == answer


class Refuser:
    """Answers the first request with a word in it with 40001."""

    def __init__(self, word: bytes) -> None:
        self._word: bytes | None = word

    def request(self, channel: Channel, _number: int, request: bytes) -> Ruling:
        if self._word is not None and self._word in request:
            self._word = None
            channel.refuse("40001", "could not serialize access")
        return Ruling.PASS

    def answer(self, _channel: Channel, _number: int) -> bool:
        return True


def test_a_refusal_in_a_pipeline_waits_for_the_answers_before_it(dsn: str) -> None:
    with Loop() as loop, Proxy(loop, dsn, Refuser(b"second")) as proxy:
        connection = pq.PGconn.connect_start(proxy.dsn.encode())
        while (wanted := connection.connect_poll()) != pq.PollingStatus.OK:
            assert wanted != pq.PollingStatus.FAILED
            loop.step(0.01)
        connection.nonblocking = 1
        connection.enter_pipeline_mode()
        for word in (b"first", b"second", b"third"):
            connection.send_query_params(b"SELECT '" + word + b"' FROM pg_sleep(0.1)", [])
            connection.pipeline_sync()
        connection.flush()
        heard: list[str] = []
        while heard.count("PIPELINE_SYNC") < 3:
            loop.step(0.01)
            connection.consume_input()
            while not connection.is_busy() and heard.count("PIPELINE_SYNC") < 3:
                result = connection.get_result()
                if result is not None:
                    value = result.get_value(0, 0) if result.ntuples else None
                    heard.append(pq.ExecStatus(result.status).name if value is None else value.decode())
        connection.finish()
    assert heard == ["first", "PIPELINE_SYNC", "FATAL_ERROR", "PIPELINE_SYNC", "third", "PIPELINE_SYNC"]
