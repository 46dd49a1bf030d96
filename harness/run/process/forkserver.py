"""A small process from which the processes that host engines are forked, one of them in advance. Does I/O.

Hosts are not forked from the process that plays cases: that one changes its memory all the time, and each page that it
changes after a fork is copied. The zygote has the engine loaded and the workflows that it was told of, changes next to
nothing, and forks the next host while the last one works. Here is our handle on it, in `zygote.py` what it does;
between them go packets of JSON, with a descriptor where one has to be handed over. It is a `Launcher`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections import OrderedDict
from typing import Final
from uuid import UUID

from cutover.engines.api import EngineFactory
from cutover.engines.byprocess.hosting import is_by_process
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.hosted import pack
from cutover.harness.run.process.lifetime import Closing
from cutover.harness.run.process.zygote import PACKET, Packet, fork, packed, serve_forks
from cutover.harness.run.world.clock import SharedClock
from cutover.scenarios.files import dumps_line
from cutover.scenarios.model import Scenario

__all__ = ["ForkServer", "ForkServerProblem"]

_MOST_KNOWN: Final = 128
"""Scenarios that the zygote remembers; more would make every fork slower."""
_GONE: Final = "the process that forks the hosts is gone, perhaps killed for want of memory; run it again"


class ForkServerProblem(EnvironmentProblem):
    """No host can be forked any more: the machine's limits are reached, or the zygote was killed."""


class ForkServer(Closing):
    """Our handle on the zygote; a context manager that leaves no host behind.

    The zygote is forked from the present process, so make it while that is small. `dsn` is a database in which the
    engine is installed; nothing is written there. `clock` is the time that all hosts see.
    """

    def __init__(self, factory: EngineFactory, dsn: str) -> None:
        self.clock = SharedClock()
        self.kills_group = is_by_process(factory)
        self._known: OrderedDict[int, tuple[int, Scenario]] = OrderedDict()
        self._told = 0
        self._exited: list[int] = []
        self._next: tuple[int, socket.socket] | None = None
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = fork(theirs, lambda sock: serve_forks(sock, factory, self.clock, dsn))
        self._order()

    def start(self, scenario: Scenario, execution_id: UUID, dsn: str) -> tuple[int, socket.socket]:
        """Returns a new host's process id, and our end of the link to it. Raises ForkServerProblem."""
        number = self._number(scenario)
        pid, link = self._await_next()
        self._next = None
        self._order()
        link.sendall(pack({"request": number, "execution_id": str(execution_id), "dsn": dsn}))
        return pid, link

    def exit_status(self, pid: int) -> int:
        """Returns the exit status of a host that has ended, negative for a signal."""
        self._await_next()  # its announcement is on the way, before the answer
        self._send({"op": "status", "pid": pid})
        status: int = self._receive()[0]["status"]
        return status

    def discard(self, pid: int) -> None:
        """Has a host reaped that has ended, and whose exit status will not be asked for."""
        self._exited.append(pid)

    def close(self) -> None:
        """Ends the zygote, and with it every host."""
        self._drop_next()
        self._sock.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _number(self, scenario: Scenario) -> int:
        """Returns the number by which the zygote knows the scenario.

        It is told where the scenario is new; the next host, which was forked before that, is replaced.
        """
        key = id(scenario)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][0]
        self._await_next()
        self._drop_next()
        self._told += 1
        self._known[key] = self._told, scenario
        forget = self._known.popitem(last=False)[1][0] if len(self._known) > _MOST_KNOWN else 0
        text = os.memfd_create("cutover-scenario")
        try:
            with open(text, "w", encoding="ascii", closefd=False) as file:
                file.write(dumps_line(scenario))
            self._send({"op": "learn", "number": self._told, "forget": forget}, text)
        finally:
            os.close(text)
        self._order()
        return self._told

    def _order(self) -> None:
        """Asks for the next host, which is forked while others work."""
        self._send({"op": "host", "exited": self._exited})
        self._exited = []

    def _await_next(self) -> tuple[int, socket.socket]:
        """Returns the host that was forked in advance, waited for where it is not there yet."""
        if self._next is None:
            answer, descriptors = self._receive()
            if "error" in answer:
                self._order()
                raise ForkServerProblem(
                    f"no process can be forked: {answer['error']}; allow more processes, or fewer --workers"
                )
            self._next = answer["pid"], socket.socket(fileno=descriptors[0])
        return self._next

    def _drop_next(self) -> None:
        """Closes the link of the host that was forked in advance, which then exits by itself."""
        if self._next is not None:
            (pid, link), self._next = self._next, None
            link.close()
            self.discard(pid)

    def _send(self, message: Packet, descriptor: int | None = None) -> None:
        try:
            socket.send_fds(self._sock, [packed(message)], [] if descriptor is None else [descriptor])
        except OSError as error:
            raise ForkServerProblem(_GONE) from error

    def _receive(self) -> tuple[Packet, list[int]]:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._sock, PACKET, 1)
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            raise ForkServerProblem(_GONE)
        return json.loads(packet), descriptors
