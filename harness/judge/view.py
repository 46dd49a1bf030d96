"""A trial made ready for checks: expectation, outcomes and indexes, each worked out once. Pure, with a small memory."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from cutover.engines.api import EventRow, JsonText, StepRow
from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import encode
from cutover.harness.judge.differences.diff import diff_outcomes
from cutover.harness.judge.findings import Difference
from cutover.harness.judge.outcome import Outcome, is_refusal, outcome_of
from cutover.harness.judge.reference.model import Expected, expect
from cutover.harness.judge.tokens import planted
from cutover.harness.record.trials import ArmName, ArmRecord, LedgerEntry, Trial
from cutover.scenarios.model import Scenario

__all__ = ["END_STATES", "ArmView", "Place", "TrialView", "against", "place_of", "view_of"]

END_STATES: Final = frozenset({"completed", "failed", "skipped", "cancelled"})
Place: TypeAlias = tuple[str, str]
"""A workflow's id, and a path in its outcome without the numbers of iterations and items."""

_NUMBERS = re.compile(r"\[[0-9]+\]")
_MEMORY = 4
_SCENARIOS = 1_024
"""Scenarios whose expectation is remembered: a run may try the same ones again and again."""


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
    """A trial with all its arms; `tokens` are those that its scenario plants, `input` is its input as JSON.

    `noisy` are the places at which the run as a whole has shown the control to be noisy.
    """

    trial: Trial
    expected: Expected
    tokens: frozenset[str]
    input: JsonText | None
    arms: Mapping[ArmName, ArmView]
    noisy: frozenset[Place] = frozenset()

    def is_noisy(self, path: str) -> bool:
        """Whether a path in an output is noise by all that the run has shown."""
        return bool(self.noisy) and place_of(self.trial.scenario, path) in self.noisy


@dataclass(frozen=True, slots=True)
class Planned:
    """A scenario made ready: what it must come to, the tokens that it plants, its input as engines keep it."""

    scenario: Scenario
    expected: Expected
    tokens: frozenset[str]
    input: JsonText | None


class _Memory:
    """The views of the newest trials, by identity, so that many checks of one trial share one view."""

    def __init__(self) -> None:
        self._views: dict[int, TrialView] = {}
        self._planned: dict[int, Planned] = {}

    def planned(self, scenario: Scenario) -> Planned:
        """What the scenario asks for, worked out once for all its trials and cases."""
        known = self._planned.get(id(scenario))
        if known is None or known.scenario is not scenario:
            known = Planned(scenario, expect(scenario), planted(scenario), _input(scenario))
            while len(self._planned) >= _SCENARIOS:
                self._planned.pop(next(iter(self._planned)), None)
            self._planned[id(scenario)] = known
        return known

    def view(self, trial: Trial, noisy: frozenset[Place] | None) -> TrialView:
        known = self._views.get(id(trial))
        if known is None or known.trial is not trial or (noisy is not None and known.noisy != noisy):
            known = _view(trial, noisy or frozenset())
            while len(self._views) >= _MEMORY:
                self._views.pop(next(iter(self._views)), None)
            self._views[id(trial)] = known
        return known


_memory = _Memory()


def view_of(trial: Trial, noisy: frozenset[Place] | None = None) -> TrialView:
    """The view of a trial; the same one again for as long as the trial is among the newest.

    With `noisy` it is made anew where it was made with other places; without, whichever there is will do.
    """
    return _memory.view(trial, noisy)


def place_of(scenario: Scenario, path: str) -> Place:
    """Where a path of one execution lies in all executions of its workflow."""
    return scenario.workflow.id, _NUMBERS.sub("[*]", path)


def against(expected: Expected, outcome: Outcome, arm: ArmRecord) -> tuple[Expected, Sequence[Difference]]:
    """The legal order that the outcome comes nearest to, and its differences to that."""
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


def _view(trial: Trial, noisy: frozenset[Place]) -> TrialView:
    planned = _memory.planned(trial.scenario)
    arms = {name: _arm(name, arm, planned.expected) for name, arm in trial.arms.items()}
    return TrialView(trial, planned.expected, planned.tokens, planned.input, arms, noisy)


def _input(scenario: Scenario) -> JsonText | None:
    try:
        return encode(scenario.input)
    except (PayloadRefused, ValueError, TypeError, RecursionError):
        return None


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
