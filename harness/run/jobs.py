"""The runner's desk for crash cases and their baselines. Does I/O."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from engines.api import EngineFactory
from harness.judge.cases import Case
from harness.run.baseline import BaselineRun
from harness.run.case import CaseRun
from harness.run.case_lines import encode_baseline, encode_case
from harness.run.nursery import Nursery
from harness.run.stage import Stage
from scenarios.files import loads
from scenarios.model import Scenario

__all__ = ["desk"]


@contextlib.contextmanager
def desk(
    factory: EngineFactory, nursery: Nursery, settings: dict[str, Any], restart: Callable[[], None]
) -> Iterator[Callable[[dict[str, Any]], bytes]]:
    """Plays what a request names: its scenario's text comes along the first time, then its id is enough."""
    scenarios: dict[str, Scenario] = {}
    with Stage(
        factory,
        settings["dsn"],
        deadline_s=settings["deadline_s"],
        takeover_s=settings["takeover_s"],
        restart=restart,
        nursery=nursery,
    ) as stage:

        def play(job: dict[str, Any]) -> bytes:
            if "scenario" in job:
                scenarios[job["id"]] = loads(job["scenario"], job["id"])
            scenario, execution_id = scenarios[job["id"]], uuid.UUID(job["execution_id"])
            if "case" in job:
                return encode_case(CaseRun(stage, scenario, Case.parse(job["case"]), execution_id).run())
            return encode_baseline(scenario.id, *BaselineRun(stage, scenario, execution_id).run())

        yield play
