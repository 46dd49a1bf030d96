"""What a user can tell of an execution, so that it can be compared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from cutover.engines.api import ExecutionStatus, JsonText, StepStatus
from cutover.harness.judge.normalise import Names
from cutover.harness.record.trials import ArmRecord, LedgerEntry

__all__ = ["ENGINES_WORDS", "Effect", "Outcome", "OutcomeStatus", "StepOutcome", "is_refusal", "outcome_of"]

OutcomeStatus: TypeAlias = ExecutionStatus | Literal["refused", "unknown"]
"""`refused`: the engine said clearly that it cannot keep the payload. `unknown`: it kept no account to read."""

ENGINES_WORDS = "(in the engine's own words)"
"""Stands for an error message that the engine made up, such as that of an expression; only its presence compares."""

_UNTOLD: frozenset[StepStatus] = frozenset({"pending", "running", "retrying"})
"""Statuses on the way to another; a user who looks at a settled execution finds only loops that still wait in them."""


class StepOutcome(NamedTuple):
    """How a step ended, or that it is paused. `error` is set on failed steps only."""

    status: StepStatus
    output: JsonText | None = None
    error: str | None = None


class Effect(NamedTuple):
    """One change in the outside world: who made it, and with what."""

    step_id: str
    activity: str
    input: JsonText


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Final status, output, each step's status and output, and the effects (a multiset).

    JSON is kept as the text it came as: two texts that differ may still be equal values.
    """

    status: OutcomeStatus
    output: JsonText | None = None
    steps: Mapping[str, StepOutcome] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()


def outcome_of(arm: ArmRecord) -> Outcome:
    """The arm's outcome, with ids and times of its own replaced by placeholders.

    Statuses and outputs are the journal's; effects are the ledger's. A step that has not ended and is not paused is
    left out, and so are its rows' other columns.
    """
    names = Names.within(arm, _texts(arm))
    effects = _effects(arm.ledger, names)
    if arm.journal is None:
        return Outcome(status="refused" if is_refusal(arm) else "unknown", effects=effects)
    refused = {entry.step_id: entry.status == "error" for entry in arm.ledger}
    steps: dict[str, StepOutcome] = {}
    for row in arm.journal.steps:
        if row.status in _UNTOLD:
            continue
        error = None
        if row.status == "failed" and row.error is not None:
            error = names.hide(row.error) if refused.get(row.step_id) else ENGINES_WORDS
        output = names.hidden(row.output) if names.pairs else row.output
        steps[row.step_id] = StepOutcome(row.status, output, error)
    execution = arm.journal.execution
    return Outcome(status=execution.status, output=names.hidden(execution.output), steps=steps, effects=effects)


def is_refusal(arm: ArmRecord) -> bool:
    """Whether the engine refused a payload clearly, rather than broke."""
    return arm.failure is not None and arm.failure.type.rpartition(".")[2] == "PayloadRefused"


def _texts(arm: ArmRecord) -> list[JsonText | None]:
    """All that an outcome takes over."""
    texts: list[JsonText | None] = [entry.input for entry in arm.ledger]
    if arm.journal is not None:
        texts.append(arm.journal.execution.output)
        for row in arm.journal.steps:
            texts += (row.output, row.error)
    return texts


def _effects(ledger: Iterable[LedgerEntry], names: Names) -> tuple[Effect, ...]:
    return tuple(
        Effect(entry.step_id, entry.activity, names.hide(entry.input)) for entry in ledger if entry.effect == "applied"
    )
