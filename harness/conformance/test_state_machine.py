"""The state machine of resume on the engine under test; a failing scenario can be kept with --cutover-keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis.stateful import run_state_machine_as_test

from cutover.engines.capabilities import OFFERS
from cutover.harness.conformance.coverage import StateCoverage
from cutover.harness.conformance.directed import run_directed
from cutover.harness.conformance.engine_under_test import skip_where_not_offered
from cutover.harness.conformance.judging import PropertyBroken
from cutover.harness.conformance.machine import machine_for
from cutover.harness.conformance.profiles import ProfileName, profile
from cutover.harness.conformance.session.client import SessionClient
from cutover.harness.judge.checks import asked_of
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.scenarios.model import Scenario

pytestmark = pytest.mark.cutover
_ASKED = OFFERS - {"checkpoints", "events", "metrics"}
"""It draws from all that an engine can be asked to do."""


def test_resume(
    cutover_stage: SessionClient,
    cutover_spec: str,
    cutover_profile: str,
    cutover_keep: Callable[[Scenario], Path | None],
) -> None:
    lacks = skip_where_not_offered(cutover_spec, _ASKED)
    checks = asked_of(lacks).keys() | CRASH_CHECKS.keys()
    coverage = StateCoverage()
    machine = machine_for(cutover_stage, coverage, only=checks)
    try:
        run_state_machine_as_test(machine, settings=profile(cast("ProfileName", cutover_profile)))
    except PropertyBroken as broken:
        kept = cutover_keep(machine.failures[-1][0])
        if kept is not None:
            broken.add_note(f"the scenario is kept in {kept}")
        raise
    run_directed(cutover_stage, coverage, only=checks)
    print(coverage.table())  # noqa: T201 - pytest shows it with -s or where the test fails
    missing = coverage.missing()
    assert not missing, "INCONCLUSIVE: " + "; ".join(missing)
