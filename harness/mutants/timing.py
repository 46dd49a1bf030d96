"""Plays one scenario again and again on two engines, and asks the policy what it says of the durations. Does I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

from cutover.engines.api import EngineFactory
from cutover.engines.registry import resolve
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.tally import Tally
from cutover.harness.judge.measures.trials import TrialMeasurements
from cutover.harness.judge.policy.criteria import judge_criteria
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.mutants.model import Timing
from cutover.harness.mutants.scenarios import scenario
from cutover.harness.record.trials import ARMS, Trial, role
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.shadow import arm_order

__all__ = ["broken_criteria"]

_STAGE: Final = 0
_OF_DURATIONS: Final = frozenset({"latency", "doubled_latency", "delayed_latency", "stalled_latency", "tail_latency"})


def broken_criteria(
    experiment: Timing, candidate: EngineFactory, dsn: str, new_id: Callable[[], UUID]
) -> Iterator[tuple[str, str]]:
    """Yields each criterion on durations that the candidate fails, with the reason; `dsn` has both engines' tables."""
    factories = {"control": resolve(experiment.control), "candidate": candidate}
    arms = {name: Arm(name, factories[role(name)], dsn) for name in ARMS}
    chosen, tally = scenario(experiment.scenario), Tally(())
    expected = PreparedScenarios().of(chosen).expected
    for number in range(1, experiment.times + 1):
        order = arm_order(number, 0)
        records = {name: arms[name].run(chosen, new_id(), place, None) for place, name in enumerate(order)}
        tally.add(Trial(number=number, scenario=chosen, arms=records), (), (), expected)
    for arm in arms.values():
        arm.close()
    for result in judge_criteria(default_policy(), _STAGE, TrialMeasurements(tally.frames())):
        if result.criterion.metric in _OF_DURATIONS and result.verdict is Verdict.FAIL:
            yield result.criterion.id, result.reason
