"""A trial made ready for checks: outcomes, expectations and indexes, each worked out once and passed on. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cutover.engines.api import EventRow, StepRow
from cutover.harness.judge.findings import Difference
from cutover.harness.judge.outcomes.diff import diff_outcomes, may_be_noise
from cutover.harness.judge.outcomes.outcome import Outcome, is_refusal, outcome_of
from cutover.harness.judge.reference.model import Expected
from cutover.harness.judge.reference.prepared import PreparedScenario, PreparedScenarios
from cutover.harness.record.trials import ArmName, ArmRecord, LedgerEntry, Trial
from cutover.scenarios.model import Scenario

__all__ = ["END_STATES", "ArmView", "DifferencePlace", "TrialView", "against", "place_of", "view_of"]

END_STATES: Final = frozenset({"completed", "failed", "skipped", "cancelled"})
DifferencePlace: TypeAlias = tuple[str, str]
"""A workflow's id, and a path in its outcome without the numbers of iterations and items."""

_NUMBERS = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class ArmView:
    """One arm beside the expectation that it comes nearest to; `differences` are those to it (expectation left)."""

    name: ArmName
    record: ArmRecord
    outcome: Outcome
    expected: Expected
    differences: Sequence[Difference]
    rows: Mapping[str, StepRow]
    calls: Mapping[str, Sequence[LedgerEntry]]
    transitions: Sequence[EventRow]

    @property
    def ended(self) -> bool:
        """Whether the execution is in an end state."""
        return self.record.journal is not None and self.record.journal.execution.status in END_STATES


@dataclass(frozen=True, slots=True)
class TrialView:
    """A trial with all its arms and its scenario made ready.

    `noise` are the paths inside an output at which this trial's control differs from itself; `noisy` are the places at
    which the run as a whole has shown the control to be noisy. `lacks` is what the candidate does not offer.
    """

    trial: Trial
    prepared: PreparedScenario
    arms: Mapping[ArmName, ArmView]
    noise: frozenset[str]
    noisy: frozenset[DifferencePlace]
    lacks: frozenset[str] = frozenset()

    def is_noisy(self, path: str) -> bool:
        """Whether a path in an output is noise by all that the run has shown."""
        return bool(self.noisy) and place_of(self.trial.scenario, path) in self.noisy


def view_of(
    trial: Trial,
    scenarios: PreparedScenarios | None = None,
    noisy: frozenset[DifferencePlace] = frozenset(),
    lacks: Iterable[str] = (),
) -> TrialView:
    """Returns the view of a trial, made anew: whoever judges the trial makes it once and passes it to every check.

    `scenarios` is what the caller keeps between trials of one scenario.
    """
    prepared = (scenarios or PreparedScenarios()).of(trial.scenario)
    arms = {name: _arm(name, arm, prepared.expected) for name, arm in trial.arms.items()}
    return TrialView(trial, prepared, arms, _noise(arms), noisy, frozenset(lacks))


def place_of(scenario: Scenario, path: str) -> DifferencePlace:
    """Returns where a path of one execution lies in all executions of its workflow."""
    return scenario.workflow.id, _NUMBERS.sub("[*]", path)


def against(expected: Expected, outcome: Outcome, arm: ArmRecord) -> tuple[Expected, Sequence[Difference]]:
    """Returns the legal order that the outcome comes nearest to, and its differences to that."""
    if expected.refused is not None:
        journal = arm.journal
        clear = is_refusal(arm) or (journal is not None and journal.execution.error is not None)
        told = Difference(path="status", kind="value", left='"refused"', right=f'"{outcome.status}"')
        return expected, () if clear else (told,)
    best: tuple[Expected, Sequence[Difference]] | None = None
    for order in (expected, *expected.alternatives):
        found = diff_outcomes(order.outcome, outcome, order.optional)
        if not found:
            return order, found
        if best is None or len(found) < len(best[1]):
            best = order, found
    return best or (expected, ())


def _noise(arms: Mapping[ArmName, ArmView]) -> frozenset[str]:
    """Returns the paths inside an output at which the control differs from itself.

    Not where a companion ran: what executions that run at once do to each other is a flaw, not noise.
    """
    control, again = arms.get("control"), arms.get("control_again")
    if control is None or again is None or control.record.companion is not None:
        return frozenset()
    found = diff_outcomes(control.outcome, again.outcome)
    return frozenset(difference.path for difference in found if may_be_noise(difference))


def _arm(name: ArmName, arm: ArmRecord, expected: Expected) -> ArmView:
    outcome = outcome_of(arm)
    nearest, differences = against(expected, outcome, arm)
    journal = arm.journal
    return ArmView(
        name=name,
        record=arm,
        outcome=outcome,
        expected=nearest,
        differences=differences,
        rows={} if journal is None else {row.step_id: row for row in journal.steps},
        calls=_by_step(arm.ledger),
        transitions=() if journal is None else [row for row in journal.events if row.to_state is not None],
    )


def _by_step(ledger: Iterable[LedgerEntry]) -> Mapping[str, Sequence[LedgerEntry]]:
    calls: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in ledger:
        calls[entry.step_id].append(entry)
    return dict(calls)
