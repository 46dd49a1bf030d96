"""The fork server: hosts are forked from it, know what it was told, and none outlives it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from cutover.engines.api import Engine, EngineContext
from cutover.engines.registry import resolve
from cutover.harness.run.process.forkserver import ForkServer, ForkServerProblem
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.process.loop import Loop
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.engine import NoActivities
from cutover.scenarios.catalog import load_catalog

ONE = load_catalog()[0]


@pytest.fixture
def fork_server(dsn: str) -> Iterator[ForkServer]:
    with ForkServer(resolve("v2"), dsn) as made:
        yield made


def started(loop: Loop, fork_server: ForkServer, dsn: str) -> Host:
    return Host(loop, fork_server, dsn, ONE, uuid4(), on_message=lambda _host, _message: None)


def installed(dsn: str) -> Engine:
    engine = resolve("v2")(
        EngineContext(dsn=dsn, activities=NoActivities("a test"), clock=VirtualClock(), log=lambda _line: None)
    )
    engine.install()
    return engine


def answered(host: Host, message: Message) -> None:
    if message["op"] == "call":
        host.answer({"output": "1", "ports": []})


def idle(host: Host) -> bool:
    return host.busy is None


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])


def wait_for(pid: int) -> None:
    """Blocks until a process that is not our child is gone."""
    with contextlib.suppress(ProcessLookupError):
        gone = select.poll()
        handle = os.pidfd_open(pid)
        gone.register(handle, select.POLLIN)
        gone.poll()
        os.close(handle)


def test_hosts_are_the_fork_server_s_children_each_in_a_group_of_its_own(fork_server: ForkServer, dsn: str) -> None:
    with Loop() as loop:
        hosts = [started(loop, fork_server, dsn) for _ in range(3)]
        assert {parent_of(host.pid) for host in hosts} == {fork_server.pid}
        assert [os.getpgid(host.pid) for host in hosts] == [host.pid for host in hosts]
        for host in hosts:
            host.close()


def test_a_host_executes_what_the_fork_server_was_told_of(fork_server: ForkServer, dsn: str) -> None:
    engine = installed(dsn)
    wanted = {uuid4(): scenario for scenario in load_catalog()[1:3]}
    with Loop() as loop:
        for execution_id, scenario in wanted.items():
            host = Host(loop, fork_server, dsn, scenario, execution_id, on_message=answered)
            host.command({"op": "execute"})
            assert loop.run_until(partial(idle, host), 20)
            assert host.raised is None
            host.close()
    workflows = {number: engine.journal(number).execution.workflow_id for number in wanted}
    engine.close()
    assert workflows == {number: scenario.workflow.id for number, scenario in wanted.items()}


def test_an_exit_status_is_known_and_a_signal_is_negative(fork_server: ForkServer, dsn: str) -> None:
    with Loop() as loop:
        host = started(loop, fork_server, dsn)
        host.kill()
        assert loop.run_until(lambda: not host.alive, 20)
        assert host.exit_status == -signal.SIGKILL
        host.close()
        other = started(loop, fork_server, dsn)
        assert other.alive
        other.close()


def test_no_host_outlives_its_fork_server(dsn: str) -> None:
    with Loop() as loop:
        with ForkServer(resolve("v2"), dsn) as fork_server:
            host = started(loop, fork_server, dsn)
        wait_for(host.pid)
        assert loop.run_until(lambda: not host.alive, 20)


def test_a_fork_server_that_was_killed_is_a_problem_that_says_so(fork_server: ForkServer, dsn: str) -> None:
    os.kill(fork_server.pid, signal.SIGKILL)

    def three(loop: Loop) -> None:  # the first may have been forked before
        for _ in range(3):
            started(loop, fork_server, dsn)

    with Loop() as loop, pytest.raises(ForkServerProblem, match="the process that forks the hosts is gone"):
        three(loop)


def test_scenarios_long_unused_are_told_anew(
    fork_server: ForkServer, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cutover.harness.run.process.forkserver._MOST_KNOWN", 8)
    with Loop() as loop:
        for number in range(20):
            fork_server._number(replace(ONE, title=str(number)))
        assert len(fork_server._known) == 8
        host = started(loop, fork_server, dsn)
        assert host.alive
        host.close()
