"""An engine by HTTP, hosted to be killed: its service shares its host's fate, and it is judged as any other."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from testbeds import CATALOG, made, play

from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.host import Host

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SCENARIO = CATALOG["01-one-activity"]


@pytest.fixture
def testbed(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Testbed]:
    """A testbed of the example's service."""
    monkeypatch.chdir(tmp_path)
    for name in ("psycopg_engine.py", "http_service.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    text = (EXAMPLES / "cutover.toml").read_text("utf-8")
    assert '"python3"' in text
    text = text.replace('"python3"', json.dumps(sys.executable))
    (tmp_path / "cutover.toml").write_text(f"{text}ready_timeout_s = 60\n")
    with made("service", dsn, deadline_s=60) as one:
        yield one


def test_it_comes_through_deaths(testbed: Testbed) -> None:
    for name in ("answer:2/once", "call:1/zombie", "reply:1/concurrent"):
        record = play(testbed, f"01-one-activity@{name}")
        judged = judge_case(SCENARIO, record)
        assert judged.verdict is Verdict.PASS, (name, [finding.message for finding in judged.findings])
        assert record.fired
        assert record.leftovers == 0
        assert record.arm.journal is not None
        assert record.arm.journal.execution.status == "completed"
        assert [entry.effect for entry in record.arm.ledger].count("applied") == 1


def test_its_service_is_of_its_hosts_group_and_dies_with_it(testbed: Testbed) -> None:
    host = Host(
        testbed.loop, testbed.launcher, testbed.proxy.dsn, SCENARIO, uuid4(), on_message=lambda _host, _message: None
    )
    try:
        host.command({"op": "resume"})
        assert testbed.loop.run_until(lambda: host.busy is None, 60)
        assert (host.raised or {})["type"] == "UnknownExecution"
        (child,) = (int(pid) for pid in Path(f"/proc/{host.pid}/task/{host.pid}/children").read_bytes().split())
        assert os.getpgid(child) == host.pid
        environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        assert any(each.startswith(b"DATABASE_URL=postgresql://") for each in environment)
        ended = select.poll()
        descriptor = os.pidfd_open(child)
        ended.register(descriptor, select.POLLIN)
        host.kill()
        assert ended.poll(10_000)
        os.close(descriptor)
    finally:
        host.close()
    assert testbed.kill_leftovers() == 0
