"""The kill matrix: which check saw which mutant, and whether the controls stayed clean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Kill", "KillMatrix", "PlayedKind"]

PlayedKind: TypeAlias = Literal["engine", "harness", "control"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """What came of one mutant, or of one control.

    `check` is the check, or the guard, that must see it; empty for a control, which none may see. `seen` counts the
    findings of each check. `looked_at` counts the arms and cases played, `unfired` the planned faults that did not
    happen. `problem` says why it could not be played at all.
    """

    kind: PlayedKind
    id: str
    pattern: str
    check: str
    seen: Mapping[str, int] = field(default_factory=dict)
    witness: str = ""
    looked_at: int = 0
    unfired: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether the named check killed it; of a control, whether it was played and nothing was held against it."""
        if self.problem or not self.looked_at:
            return False
        return not self.seen if self.kind == "control" else self.seen.get(self.check, 0) > 0

    @property
    def others(self) -> tuple[str, ...]:
        """The other checks that saw it."""
        return tuple(sorted(check for check in self.seen if check != self.check))


@dataclass(frozen=True, slots=True, kw_only=True)
class KillMatrix:
    """All of them, in the order of the registry."""

    seed: int
    kills: tuple[Kill, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether every mutant was killed by the check that it names, and no control flagged."""
        return bool(self.kills) and all(kill.good for kill in self.kills)

    def of(self, kind: PlayedKind) -> tuple[Kill, ...]:
        """Returns the mutants, or controls, of one kind."""
        return tuple(kill for kill in self.kills if kill.kind == kind)
