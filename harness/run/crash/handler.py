"""The runner's handler for crash cases and their baselines. Does I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from cutover.engines.api import EngineFactory
from cutover.harness.record.cases import CrashCase
from cutover.harness.run.crash.baseline import BaselineRun
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.launcher import Launcher
from cutover.harness.store.case_lines import encode_baseline, encode_case
from cutover.scenarios.files import loads
from cutover.scenarios.model import Scenario

__all__ = ["handler"]


@contextlib.contextmanager
def handler(
    factory: EngineFactory, launcher: Launcher, settings: dict[str, Any], restart: Callable[[], None]
) -> Iterator[Callable[[dict[str, Any]], bytes]]:
    """Plays what a request names: its scenario's text comes along the first time, then its id is enough."""
    scenarios: dict[str, Scenario] = {}
    with Testbed(
        factory,
        settings["dsn"],
        deadline_s=settings["deadline_s"],
        takeover_s=settings["takeover_s"],
        restart=restart,
        launcher=launcher,
    ) as testbed:
        template = settings.get("template")

        def play(job: dict[str, Any]) -> bytes:
            if template is not None:
                testbed.begin_anew(*template)
            if "scenario" in job:
                scenarios[job["id"]] = loads(job["scenario"], job["id"])
            scenario, execution_id = scenarios[job["id"]], uuid.UUID(job["execution_id"])
            if "case" in job:
                return encode_case(CaseRun(testbed, scenario, CrashCase.parse(job["case"]), execution_id).run())
            return encode_baseline(scenario.id, *BaselineRun(testbed, scenario, execution_id).run())

        yield play
