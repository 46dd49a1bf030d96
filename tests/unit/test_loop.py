"""The event loop: who is called, and who is not called any more."""

from __future__ import annotations

import os
import socket
import time

import pytest

from cutover.harness.run.process.loop import Loop, LoopConnection


def test_a_reader_is_called_while_there_is_something_and_not_once_it_is_forgotten() -> None:
    heard: list[bytes] = []
    reading, writing = os.pipe()
    with Loop() as loop:
        loop.watch(reading, lambda: heard.append(os.read(reading, 1)))
        os.write(writing, b"ab")
        assert loop.run_until(lambda: heard == [b"a", b"b"], 5)
        loop.forget(reading)
        os.write(writing, b"c")
        loop.step(0)
        assert heard == [b"a", b"b"]
    os.close(reading)
    os.close(writing)


def test_what_an_earlier_callback_of_the_round_has_closed_is_not_called() -> None:
    pipes = [os.pipe() for _ in range(2)]
    called: list[int] = []

    def close_the_other(mine: int) -> None:
        called.append(mine)
        for reading, _ in pipes:
            loop.forget(reading)
            if reading != mine:
                os.close(reading)
                os.dup2(mine, reading)  # another file under the same number, watched and with nothing of its own
                loop.watch(reading, lambda: called.append(-1))

    with Loop() as loop:
        for reading, writing in pipes:
            loop.watch(reading, lambda reading=reading: close_the_other(reading))  # type: ignore[misc]
            os.write(writing, b"x")
        loop.step(5)
        assert len(called) == 1
    for reading, writing in pipes:
        os.close(reading)
        os.close(writing)


def test_a_connection_sends_the_rest_when_the_other_side_reads() -> None:
    ours, theirs = socket.socketpair()
    data = bytes(4_000_000)
    closed: list[bool] = []
    with Loop() as loop, theirs:
        connection = LoopConnection(loop, ours, lambda _data: None, lambda: closed.append(True))
        connection.send(data)
        assert connection.pending
        got = 0
        theirs.setblocking(False)
        while got < len(data):
            try:
                got += len(theirs.recv(1 << 20))
            except BlockingIOError:
                loop.step(5)
        theirs.close()
        assert loop.run_until(lambda: closed == [True], 5)
        assert not connection.open


def test_a_process_that_was_stopped_hears_what_was_said_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, monotonic = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + gone)
    heard: list[bytes] = []
    pipes = [os.pipe() for _ in range(2)]

    def stopped() -> None:
        nonlocal gone
        os.read(pipes[0][0], 1)
        gone += 3600
        os.write(pipes[1][1], b"done")

    with Loop() as loop:
        loop.watch(pipes[0][0], stopped)
        loop.watch(pipes[1][0], lambda: heard.append(os.read(pipes[1][0], 4)))
        os.write(pipes[0][1], b"x")
        assert loop.run_until(lambda: bool(heard), 60)
    for pipe in pipes:
        for descriptor in pipe:
            os.close(descriptor)


def test_whoever_never_stops_talking_is_cut_off_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, monotonic = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + turns / 10)
    reading, writing = os.pipe()

    def talk() -> None:
        nonlocal turns
        turns += 1

    with Loop() as loop:
        loop.watch(reading, talk)  # it never reads, so there is always something
        os.write(writing, b"x")
        assert not loop.run_until(lambda: turns > 1000, 5)
    assert 40 <= turns <= 51
    os.close(reading)
    os.close(writing)
