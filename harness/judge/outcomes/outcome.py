"""What a user can tell of an execution, so that it can be compared, without its own ids and times. Pure.

Order is left alone here: that of an object's keys never matters (`cutover.harness.judge.outcomes.diff`), that of a
list always does. Status, effects and the number of steps are never noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self, TypeAlias

from cutover.engines.api import ExecutionStatus, JsonText, StepStatus
from cutover.harness.record.trials import ArmRecord, LedgerEntry

__all__ = [
    "ENGINES_WORDS",
    "EXECUTION",
    "TIME",
    "Effect",
    "Names",
    "Outcome",
    "OutcomeStatus",
    "StepOutcome",
    "is_refusal",
    "outcome_of",
]

EXECUTION = "<execution>"
TIME = "<time>"
"""What stands in a compared text for the execution's own id, and for its own times."""

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


@dataclass(frozen=True, slots=True)
class Names:
    """The ids and times that are one arm's own, as text, each with its placeholder."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, arm: ArmRecord) -> Self:
        """Returns the arm's execution id, with and without dashes, and its execution row's times in ISO 8601."""
        pairs = {str(arm.execution_id): EXECUTION, arm.execution_id.hex: EXECUTION}
        if arm.journal is not None:
            row = arm.journal.execution
            for at in (row.created_at, row.started_at, row.finished_at):
                if at is not None:
                    text = at.isoformat()
                    pairs[text] = pairs[text.replace("+00:00", "Z")] = TIME
        return cls(tuple(pairs.items()))

    def hide(self, text: str) -> str:
        """Returns the text with each of them replaced by its placeholder."""
        for own, placeholder in self.pairs:
            if own in text:
                text = text.replace(own, placeholder)
        return text

    @classmethod
    def within(cls, arm: ArmRecord, texts: Iterable[JsonText | None]) -> Self:
        """Returns those that occur in any of the texts: usually none, which is found out quickly."""
        whole = "\x00".join([text for text in texts if text])
        rest = arm.execution_id.hex[20:]  # the last group reads the same with and without dashes
        if rest not in whole and not any(str(year) in whole for year in _years(arm)):
            return cls(())
        return cls(tuple(pair for pair in cls.of(arm).pairs if pair[0] in whole))

    def hidden(self, text: JsonText | None) -> JsonText | None:
        """As `hide`, for a column that may be empty."""
        return None if text is None else self.hide(text)


def outcome_of(arm: ArmRecord) -> Outcome:
    """Returns the arm's outcome, with ids and times of its own replaced by placeholders.

    Statuses and outputs are the journal's; effects are the ledger's. A step that has not ended and is not paused is
    left out, and so are its rows' other columns. Where the activity's last answer to a failed step was an error, the
    step's own must contain that message, and is the message: what an engine writes around it is its own.
    """
    names = Names.within(arm, _texts(arm))
    effects = _effects(arm.ledger, names)
    if arm.journal is None:
        return Outcome(status="refused" if is_refusal(arm) else "unknown", effects=effects)
    refused = {entry.step_id: entry.error if entry.status == "error" else None for entry in arm.ledger}
    steps: dict[str, StepOutcome] = {}
    for row in arm.journal.steps:
        if row.status in _UNTOLD:
            continue
        error = None
        if row.status == "failed" and row.error is not None:
            told = refused.get(row.step_id)
            error = ENGINES_WORDS if told is None else names.hide(told if told in row.error else row.error)
        output = names.hidden(row.output) if names.pairs else row.output
        steps[row.step_id] = StepOutcome(row.status, output, error)
    execution = arm.journal.execution
    return Outcome(status=execution.status, output=names.hidden(execution.output), steps=steps, effects=effects)


def is_refusal(arm: ArmRecord) -> bool:
    """Whether the engine refused a payload clearly, rather than broke."""
    return arm.failure is not None and arm.failure.type.rpartition(".")[2] == "PayloadRefused"


def _texts(arm: ArmRecord) -> list[JsonText | None]:
    """Returns all texts that an outcome takes over."""
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


def _years(arm: ArmRecord) -> set[int]:
    """Returns the years of the arm's own times."""
    if arm.journal is None:
        return set()
    row = arm.journal.execution
    return {at.year for at in (row.created_at, row.started_at, row.finished_at) if at is not None}
