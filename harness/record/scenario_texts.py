"""Scenarios that records hold as JSON text, read back: those of plays, and of what ran beside a trial. Pure."""

from __future__ import annotations

import json
from typing import Final

from pydantic import TypeAdapter

from cutover.engines.api import JsonText
from cutover.harness.errors import RunError
from cutover.scenarios.model import Scenario
from cutover.scenarios.validate import expression_problems

__all__ = ["scenario_in"]

_ADAPTER: Final[TypeAdapter[Scenario]] = TypeAdapter(Scenario)


def scenario_in(text: JsonText) -> Scenario:
    """Returns the scenario in a text that a run has recorded. Raises RunError for what no run has recorded."""
    try:
        scenario: Scenario = _ADAPTER.validate_python(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _none((str(error).splitlines() or [type(error).__name__])[0][:300]) from error
    for problem in expression_problems(scenario, len(text)):
        raise _none(problem)
    return scenario


def _none(why: str) -> RunError:
    return RunError(f"the run's rows hold a scenario that is none: {why}; they were edited, so run again")
