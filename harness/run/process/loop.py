"""A small event loop over sockets and child processes, so that one thread decides what happens when. Does I/O."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Protocol, TypeAlias

from cutover.harness.run.process.deadline import LOOK_S, ActiveTime
from cutover.harness.run.process.lifetime import Closing

__all__ = ["HasFileno", "Loop", "LoopConnection"]

_CHUNK = 1 << 16
_Callback: TypeAlias = Callable[[], None]


class HasFileno(Protocol):
    """Anything that the kernel can wait on."""

    def fileno(self) -> int:
        """Returns the file descriptor."""


class Loop(Closing):
    """Calls back when a descriptor is ready; nothing runs at the same time as a callback."""

    def __init__(self) -> None:
        self.look_s = LOOK_S
        """How long it waits at most before it asks whether it is done, real seconds."""
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[_Callback | None, _Callback | None]] = {}

    def watch(self, what: int | HasFileno, on_ready: _Callback) -> None:
        """Calls `on_ready` whenever there is something to read."""
        self.rewatch(what, on_ready, None)

    def rewatch(self, what: int | HasFileno, on_readable: _Callback | None, on_writable: _Callback | None) -> None:
        """Changes what a descriptor is waited for; with neither it is not waited for."""
        events = (select.EPOLLIN if on_readable else 0) | (select.EPOLLOUT if on_writable else 0)
        if not events:
            self.forget(what)
            return
        descriptor = what if isinstance(what, int) else what.fileno()
        if descriptor in self._watched:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._watched[descriptor] = on_readable, on_writable

    def forget(self, what: int | HasFileno) -> None:
        """Stops watching; harmless where it was not watched."""
        descriptor = what if isinstance(what, int) else what.fileno()
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def run_until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Serves callbacks until `done()`; False where the time (real, seconds, by `ActiveTime`) ran out first."""
        active_time = ActiveTime()
        while not done():
            left = timeout_s - active_time.now()
            if left <= 0:
                return False
            self.step(min(left, self.look_s))
        return True

    def step(self, timeout_s: float) -> None:
        """Waits for the next ready descriptors, at most this long, and serves them."""
        ready = [(found, events, self._watched[found]) for found, events in self._epoll.poll(timeout_s)]
        for descriptor, events, callbacks in ready:
            on_readable, on_writable = callbacks
            if self._watched.get(descriptor) is callbacks and on_writable is not None and events & ~select.EPOLLIN:
                on_writable()
            # an earlier callback may have closed it, and a new one may have its number
            if self._watched.get(descriptor) is callbacks and on_readable is not None and events & ~select.EPOLLOUT:
                on_readable()

    def close(self) -> None:
        """Closes the kernel's list."""
        self._epoll.close()


class LoopConnection:
    """One end of a stream socket in the loop: bytes in by callback, bytes out through a buffer that never blocks."""

    def __init__(
        self, loop: Loop, sock: socket.socket, on_data: Callable[[bytes], None], on_close: Callable[[], None]
    ) -> None:
        sock.setblocking(False)
        self._loop, self._sock, self._on_data, self._on_close = loop, sock, on_data, on_close
        self._out = bytearray()
        self._ending = False
        self._reading = True
        self.on_drained: Callable[[], None] | None = None
        self.open = True
        loop.rewatch(sock, self._read, None)

    def send(self, data: bytes) -> None:
        """Sends now what the kernel takes and the rest when it can."""
        if not self.open or not data:
            return
        if not self._out:
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                pass
            except OSError:
                self._closed()
                return
        if data:
            self._out += data
            self._await()

    @property
    def pending(self) -> int:
        """Bytes that the other side has not taken yet."""
        return len(self._out)

    def read(self, *, reading: bool) -> None:
        """Stops and starts taking bytes in; a sender on the other side then waits, as it would without us."""
        if self.open and reading != self._reading:
            self._reading = reading
            self._await()

    def finish(self) -> None:
        """Closes once all that was sent is out."""
        self._ending = True
        if not self._out:
            self.close()

    def close(self) -> None:
        """Closes at once; `on_close` is not called."""
        if self.open:
            self.open = False
            self._loop.forget(self._sock)
            self._sock.close()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self._closed()

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            self._closed()
            return
        del self._out[:sent]
        if not self._out:
            if self._ending:
                self.close()
                return
            self._await()
            if self.on_drained is not None:
                self.on_drained()

    def _await(self) -> None:
        if not self.open:
            return
        self._loop.rewatch(self._sock, self._read if self._reading else None, self._flush if self._out else None)

    def _closed(self) -> None:
        if self.open:
            self.close()
            self._on_close()
