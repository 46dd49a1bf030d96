"""An engine in a process of its own, hosted to be killed: it shares its host's fate, and is judged as any other."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.engines.registry import resolve
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.installation import install_engine
from cutover.harness.run.process.host import Host
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.trials.arm import Arm

WRAPPED = f"command:{sys.executable} {Path(__file__).parents[1] / 'programs/wrapped.py'} v2"
BROKEN = Path(__file__).parents[1] / "programs/broken.py"
SCENARIO = CATALOG["01-one-activity"]


@pytest.fixture
def testbed(dsn: str) -> Iterator[Testbed]:
    with made(WRAPPED, dsn, deadline_s=60) as one:
        yield one


def test_it_comes_through_deaths_as_in_process(testbed: Testbed) -> None:
    assert testbed.proxy.dsn.startswith("postgresql://postgres:")
    assert "@127.0.0.1:" in testbed.proxy.dsn
    for name in ("answer:2/once", "call:1/zombie", "reply:1/concurrent"):
        record = play(testbed, f"01-one-activity@{name}")
        judged = judge_case(SCENARIO, record)
        assert judged.verdict is Verdict.PASS, (name, [finding.message for finding in judged.findings])
        assert record.fired
        assert record.arm.journal is not None
        assert record.arm.journal.execution.status == "completed"
        assert [entry.effect for entry in record.arm.ledger].count("applied") == 1


def test_its_process_is_stopped_goes_on_and_dies_with_its_host(testbed: Testbed) -> None:
    host = Host(
        testbed.loop, testbed.launcher, testbed.proxy.dsn, SCENARIO, uuid4(), on_message=lambda _host, _message: None
    )
    try:
        host.command({"op": "resume"})
        assert testbed.loop.run_until(lambda: host.busy is None, 60)
        assert (host.raised or {})["type"] == "UnknownExecution"
        (child,) = (int(pid) for pid in Path(f"/proc/{host.pid}/task/{host.pid}/children").read_bytes().split())
        assert os.getpgid(child) == host.pid
        ended = select.poll()
        descriptor = os.pidfd_open(child)
        ended.register(descriptor, select.POLLIN)
        host.stop()
        assert testbed.loop.run_until(lambda: state(child) == "T", 10)
        host.go_on()
        assert testbed.loop.run_until(lambda: state(child) != "T", 10)
        host.kill()
        assert ended.poll(10_000)
        os.close(descriptor)
    finally:
        host.close()
    assert testbed.kill_leftovers() == 0


@pytest.mark.parametrize(("way", "left"), [("leaves a child", 0), ("leaves a daemon", 1)])
def test_what_has_left_its_group_outlives_it_and_no_other_child(dsn: str, way: str, left: int) -> None:
    with made(f"command:{sys.executable} -S -E {BROKEN} '{way}'", dsn, deadline_s=60) as testbed:
        testbed.kill_leftovers()  # of the installation
        told: list[Message] = []
        host = Host(
            testbed.loop,
            testbed.launcher,
            testbed.proxy.dsn,
            SCENARIO,
            uuid4(),
            on_message=lambda _host, message: told.append(message),
        )
        try:
            host.command({"op": "resume"})
            assert testbed.loop.run_until(lambda: host.busy is None, 60)
            assert host.raised is None
            child = int(str(told[0]["line"]))
            os.kill(child, 0)
        finally:
            host.close()
        assert testbed.kill_leftovers() == left
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def test_its_trials_are_those_of_the_engine_in_process(dsn: str) -> None:
    install_engine("v2", dsn)
    arms = {spec: Arm("candidate", resolve(spec), dsn) for spec in ("v2", WRAPPED)}
    try:
        for number, name in enumerate(("05-retry-third-attempt", "25-case-one-is-not-true", "41-wait-for-signal")):
            ours, theirs = (told(arm, name, UUID(int=2 * number + place)) for place, arm in enumerate(arms.values()))
            assert ours == theirs
    finally:
        for arm in arms.values():
            arm.close()


def told(arm: Arm, name: str, execution_id: UUID) -> object:
    """What a trial came to, without what is another each time: ids, times, and durations."""
    record: ArmRecord = arm.run(CATALOG[name], execution_id, 0, None)
    assert record.failure is None
    assert record.journal is not None
    assert record.again is not None
    steps = [replace(step, started_at=None, finished_at=None) for step in record.journal.steps]
    calls = [(entry.step_id, entry.attempt, entry.input, entry.output, entry.at) for entry in record.ledger]
    events = [(event.sequence, event.event, event.step_id, event.from_state) for event in record.journal.events]
    row = record.journal.execution
    said = (row.status, row.output, row.error, row.version, dict(row.metadata).keys())
    return steps, calls, events, said, record.signals, record.again.calls, record.again.rows_changed, len(record.logs)
