"""What is another in every run and means nothing: an execution's own id and its own times. Pure.

Order is left alone here: that of an object's keys never matters (`cutover.harness.judge.differences.diff`), that of a
list always does.
Status, effects and the number of steps are never noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from cutover.engines.api import JsonText
from cutover.harness.record.trials import ArmRecord

__all__ = ["EXECUTION", "TIME", "Names"]

EXECUTION = "<execution>"
TIME = "<time>"


def _years(arm: ArmRecord) -> set[int]:
    """The years of its own times."""
    if arm.journal is None:
        return set()
    row = arm.journal.execution
    return {at.year for at in (row.created_at, row.started_at, row.finished_at) if at is not None}


@dataclass(frozen=True, slots=True)
class Names:
    """The texts that are one arm's own, each with its placeholder."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, arm: ArmRecord) -> Self:
        """The arm's execution id, as written by hand and as hex, and its execution row's times in ISO 8601."""
        pairs = {str(arm.execution_id): EXECUTION, arm.execution_id.hex: EXECUTION}
        if arm.journal is not None:
            row = arm.journal.execution
            for at in (row.created_at, row.started_at, row.finished_at):
                if at is not None:
                    text = at.isoformat()
                    pairs[text] = pairs[text.replace("+00:00", "Z")] = TIME
        return cls(tuple(pairs.items()))

    def hide(self, text: str) -> str:
        """The text with each of them replaced."""
        for own, placeholder in self.pairs:
            if own in text:
                text = text.replace(own, placeholder)
        return text

    @classmethod
    def within(cls, arm: ArmRecord, texts: Iterable[JsonText | None]) -> Self:
        """Those that stand in any of the texts: none, as a rule, and that is found out quickly."""
        whole = "\x00".join([text for text in texts if text])
        rest = arm.execution_id.hex[20:]  # the last group reads the same with and without dashes
        if rest not in whole and not any(str(year) in whole for year in _years(arm)):
            return cls(())
        return cls(tuple(pair for pair in cls.of(arm).pairs if pair[0] in whole))

    def hidden(self, text: JsonText | None) -> JsonText | None:
        """As `hide`, for a column that may be empty."""
        return None if text is None else self.hide(text)
