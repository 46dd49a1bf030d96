"""Where a worker is to be killed: at a kill point by its number, or at the first one in a state. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self, TypeAlias, cast, get_args

from cutover.harness.record.cases import CaseError, KillPoint, PointKind

__all__ = ["END_STATES", "Cell", "KillTarget", "StatePoint", "parse_target"]

Cell: TypeAlias = tuple[str, PointKind]
"""The state in which a death finds the execution, and the kind of kill point."""

END_STATES: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True, slots=True, order=True)
class StatePoint:
    """The first kill point of a kind at which the execution is in a state, as `StateClassifier` names it."""

    kind: PointKind
    state: str

    def __str__(self) -> str:
        return f"{self.kind}@{self.state}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The point that `str` wrote; raises CaseError."""
        kind, _, state = text.partition("@")
        if kind not in get_args(PointKind) or not state:
            raise CaseError(f"{text!r} is not a kill point; write one like answer@retrying")
        return cls(cast("PointKind", kind), state)


KillTarget: TypeAlias = KillPoint | StatePoint


def parse_target(text: str) -> KillTarget:
    """Either kind of point, as `str` wrote it; raises CaseError."""
    return StatePoint.parse(text) if "@" in text else KillPoint.parse(text)
