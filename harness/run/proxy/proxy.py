"""Stands between an engine and Postgres, and makes every round trip a place where a process can die. Does I/O.

A request is what a client sends up to and including Query, Sync or FunctionCall; its answer ends with ReadyForQuery.
Each such pair is one round trip, numbered from 1 over all connections of one proxy. A gate sees every request before
the server does and may ask for the answer before the client hears it. All other bytes pass as they are.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

from cutover.engines.byprocess.address import address_for_all
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.dsn import parse_dsn, refuse_encrypted, to_url
from cutover.harness.run.process.lifetime import Closing, marked_folder
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.proxy.channel import Channel, Gate, OpenGate, PassedBy

__all__ = ["Proxy", "engine_proxy"]

_PORT = 5432


class Proxy(Closing):
    """Accepts connections and carries each to the server that `target` names.

    `target` is a libpq connection string or URL. Without `port` it listens on a socket in a folder of its own that only
    this user can enter; with one, on that port of 127.0.0.1 (0 lets the system choose). Encryption is declined, as a
    round trip could not be seen through it; a client that insists on TLS says so and stops. While it is not `reachable`
    every new connection is closed before a byte of it is read, as by a pooler whose server is away.
    """

    def __init__(self, loop: Loop, target: str, gate: Gate | None = None, *, port: int | None = None) -> None:
        self.loop = loop
        self.gate: Gate = gate or OpenGate()
        self.round_trips = 0
        self.reachable = True
        self.passed_by = PassedBy()
        self.channels: list[Channel] = []
        refuse_encrypted(target)
        self._target = parse_dsn(target)
        self._folder: str | None = None
        self._listener = self._listen_tcp(port) if port is not None else self._listen_unix()
        self._listener.setblocking(False)
        loop.watch(self._listener, self._accept)

    @property
    def dsn(self) -> str:
        """The target's URL with the proxy's address in it; it has the target's password."""
        address = self._listener.getsockname()
        host, port = (str(self._folder), _PORT) if self._folder else address[:2]
        parts = {key: value for key, value in self._target.items() if key not in {"hostaddr", "host", "port"}}
        return to_url(parts | {"host": host, "port": str(port), "sslmode": "disable", "gssencmode": "disable"})

    def next_number(self) -> int:
        """Counts one more round trip."""
        self.round_trips += 1
        return self.round_trips

    def dial(self) -> socket.socket:
        """Returns a new connection to the server."""
        host = self._target.get("hostaddr") or self._target.get("host") or "/var/run/postgresql"
        port = int(self._target.get("port") or _PORT)
        if host.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(os.fspath(Path(host) / f".s.PGSQL.{port}"))
        else:
            sock = socket.create_connection((host, port), timeout=10)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def forget(self, channel: Channel) -> None:
        """Drops a channel that has closed."""
        if channel in self.channels:
            self.channels.remove(channel)

    def close(self) -> None:
        """Closes every connection and stops listening."""
        self.loop.forget(self._listener)
        self._listener.close()
        for channel in list(self.channels):
            channel.server.close()
            channel.client.close()
        self.channels.clear()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _listen_unix(self) -> socket.socket:
        self._folder = str(marked_folder())
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.fspath(Path(self._folder) / f".s.PGSQL.{_PORT}"))
        listener.listen(128)
        return listener

    @staticmethod
    def _listen_tcp(port: int) -> socket.socket:
        try:
            return socket.create_server(("127.0.0.1", port), backlog=128)
        except OSError as error:
            message = f"the proxy cannot listen on 127.0.0.1:{port} ({error.strerror}); name another port, or 0 for any"
            raise EnvironmentProblem(message) from error

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        if not self.reachable:
            client.close()
            return
        self.passed_by.connections += 1
        if client.family == socket.AF_INET:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.channels.append(Channel(self, client))
        except OSError:
            client.close()  # the server is away; the engine hears what it would hear from it


def engine_proxy(loop: Loop, dsn: str, gate: Gate | None = None, *, by_process: bool) -> Proxy:
    """Returns a proxy for an engine; on a port where that works in a process of its own, whose driver may be any."""
    return Proxy(loop, address_for_all(dsn), gate, port=0) if by_process else Proxy(loop, dsn, gate)
