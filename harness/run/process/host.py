"""The harness's handle on a process that hosts one engine: sends it commands, and kills it. Does I/O."""

from __future__ import annotations

import json
import os
import select
import signal
import struct
from collections.abc import Callable
from uuid import UUID

from cutover.harness.run.process.hosted import Message, pack
from cutover.harness.run.process.launcher import Launcher
from cutover.harness.run.process.loop import Loop, LoopConnection
from cutover.scenarios.model import Scenario

__all__ = ["Host"]


class Host:
    """One hosted engine, in a process group of its own; `on_message` gets all that it says but `done`.

    `killed_here` says that it was killed by this handle.
    """

    def __init__(
        self,
        loop: Loop,
        launcher: Launcher,
        dsn: str,
        scenario: Scenario,
        execution_id: UUID,
        *,
        on_message: Callable[[Host, Message], None],
    ) -> None:
        self._loop, self._launcher = loop, launcher
        self._on_message = on_message
        self._rest = bytearray()
        self._status: int | None = None
        self.pid, ours = launcher.start(scenario, execution_id, dsn)
        self._pidfd = os.pidfd_open(self.pid)
        self.alive = True
        self.stopped = False
        self.killed_here = False
        self.busy: str | None = None
        self.raised: Message | None = None
        loop.watch(self._pidfd, self._died)
        self._connection = LoopConnection(loop, ours, self._data, lambda: None)

    @property
    def exit_status(self) -> int:
        """Returns the exit status of one that has ended: negative for the signal that killed it."""
        if self._status is None:
            self._status = self._launcher.exit_status(self.pid)
        return self._status

    def command(self, message: Message) -> None:
        """Has the engine do something; `busy` until it has returned or raised. One that has ended never is."""
        self.raised = None
        if not self.alive:
            return
        self.busy = str(message["op"])
        self.answer(message)

    def answer(self, message: Message) -> None:
        """Answers what the engine asked."""
        self._connection.send(pack(message))

    def kill(self) -> None:
        """SIGKILL to this process alone: children of its own go on, as they would if it ran out of memory.

        Where its launcher says so, the engine is the process group, and all of that is killed.
        """
        if self.alive:
            self.killed_here = True
            if self._launcher.kills_group:
                os.killpg(self.pid, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def leads(self, pid: int) -> bool:
        """Returns whether a process belongs to this host's group."""
        try:
            return os.getpgid(pid) == self.pid
        except ProcessLookupError:
            return False

    def stop(self) -> None:
        """SIGSTOP: from here it is a zombie that believes itself alive."""
        self.stopped = True
        os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self.stopped = False
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kills it and waits for its end, which takes no longer than the kernel needs."""
        self.kill()
        if self.alive:
            ended = select.poll()
            ended.register(self._pidfd, select.POLLIN)
            ended.poll()
            self._died()
        if self._status is None:
            self._launcher.discard(self.pid)
            self._status = -signal.SIGKILL
        self._connection.close()

    def _data(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 4:
            (size,) = struct.unpack_from("!I", self._rest)
            if len(self._rest) < 4 + size:
                return
            message: Message = json.loads(self._rest[4 : 4 + size])
            del self._rest[: 4 + size]
            if message["op"] == "done":
                self.busy = None
                raised = message["raised"]
                self.raised = raised if isinstance(raised, dict) else None
            else:
                self._on_message(self, message)

    def _died(self) -> None:
        self.alive = False
        self.busy = None
        self._loop.forget(self._pidfd)
        os.close(self._pidfd)
