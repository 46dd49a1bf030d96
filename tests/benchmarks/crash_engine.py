"""What a crash of V2 costs without a harness: no proxy, no ledger, no journal, nothing judged. Does I/O.

As `crash_bare.py`, but its two processes do V2's work: the first executes and is killed in its activity, the second
resumes. No harness can be faster than that. Prints its cycles a second.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from crash_bare import once

from cutover.engines.api import Activities, ActivityCall, ActivityResult, EngineContext, ExecutionRequest
from cutover.engines.registry import resolve
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.world.clock import EPOCH, VirtualClock
from cutover.scenarios.catalog import load_catalog

__all__ = ["main"]

_CREATE, _SCENARIO = resolve("v2"), load_catalog()[0]


class _Dies:
    def call(self, _call: ActivityCall) -> ActivityResult:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class _Answers:
    def call(self, _call: ActivityCall) -> ActivityResult:
        return ActivityResult(output={"receipt": "R-1"})


def main() -> None:
    """Arguments: the URL of a database with V2's tables, and how long to go on (s)."""
    url, seconds = sys.argv[1], float(sys.argv[2])
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        execution_id = uuid4()
        once(partial(_work, url, execution_id, _Dies(), 0.0))
        once(partial(_work, url, execution_id, _Answers(), TAKEOVER_S))
        count += 1
    sys.stdout.write(f"{count / (time.perf_counter() - began)}\n")


def _work(url: str, execution_id: UUID, activities: Activities, after_s: float) -> None:
    clock = VirtualClock(EPOCH + timedelta(seconds=after_s))
    engine = _CREATE(EngineContext(dsn=url, activities=activities, clock=clock, log=lambda _line: None))
    engine.execute(ExecutionRequest(execution_id=execution_id, workflow=_SCENARIO.workflow, input=_SCENARIO.input))


if __name__ == "__main__":
    main()
