"""Every scenario of the catalog comes to what the reference model says, and stays as it is when resumed again."""

from __future__ import annotations

import pytest

from cutover.harness.conformance.engine_under_test import skip_where_not_offered
from cutover.harness.conformance.judging import AT_THE_END, judge_session, wording
from cutover.harness.conformance.session.client import SessionClient
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import needs

pytestmark = pytest.mark.cutover
_CHECKS = frozenset({"OUT", *AT_THE_END}) - {"RESUME"}


@pytest.mark.parametrize("scenario", load_catalog(), ids=lambda scenario: scenario.id)
def test_outcome(cutover_stage: SessionClient, cutover_spec: str, scenario: Scenario) -> None:
    lacks = skip_where_not_offered(cutover_spec, needs(scenario))
    cutover_stage.open(scenario)
    record = cutover_stage.finish()
    findings = judge_session(scenario, record, _CHECKS, lacks=lacks)
    assert not findings, wording(findings, record)
