"""The smallest scenarios at every kill point, resumed once, twice, by two workers at once, and past a zombie."""

from __future__ import annotations

import pytest

from cutover.harness.conformance.engine_under_test import skip_where_not_offered
from cutover.harness.judge.checks import asked_of
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord
from cutover.harness.run.crash.plan import ways_without
from cutover.harness.run.crash.play import BASIC_WAYS, CasePlan, run_crashes
from cutover.harness.run.crash.runners import Runners
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import needs

pytestmark = pytest.mark.cutover
_SMALLEST = ("01-one-activity", "03-data-flow", "41-wait-for-signal", "42-wait-for-timer")


@pytest.mark.parametrize(
    "scenario", [each for each in load_catalog() if each.id in _SMALLEST], ids=lambda scenario: scenario.id
)
def test_every_kill_point(cutover_spec: str, cutover_dsn: str, pytestconfig: pytest.Config, scenario: Scenario) -> None:
    lacks = skip_where_not_offered(cutover_spec, needs(scenario))
    tally = CrashTally(cutover_spec, 0, asked_of(lacks))

    def add(record: CaseRecord) -> None:
        tally.add(scenario, record)

    takeover_s = float(pytestconfig.getoption("--cutover-takeover"))
    with Runners(cutover_spec, [cutover_dsn], deadline_s=20, takeover_s=takeover_s) as runners:
        run_crashes(runners, [scenario], CasePlan(engine=cutover_spec, ways=ways_without(BASIC_WAYS, lacks)), add)
    summary = tally.summary()
    found = "\n".join(f"{finding.case}: {finding.check}: {finding.message}" for finding in summary.witnesses)
    assert summary.verdict is Verdict.PASS, (
        f"{summary.verdict}: {summary.failed} of {summary.cases} cases failed, {summary.unfired} did not fire\n{found}"
    )
