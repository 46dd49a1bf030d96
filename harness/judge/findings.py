"""What a check says: findings with their witness, differences with their class. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from cutover.harness.record.trials import ArmName

__all__ = [
    "CheckResult",
    "Difference",
    "DifferenceClass",
    "DifferenceKind",
    "Finding",
    "Verdict",
    "Witness",
    "place_of",
]


class Verdict(StrEnum):
    """What one check or criterion comes to. Only PASS lets a stage go."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    ERROR = "ERROR"


class DifferenceClass(StrEnum):
    """How a difference between control and candidate is read, with the reference model as third opinion."""

    EQUAL = "EQUAL"
    NOISE = "NOISE"
    IMPROVEMENT = "IMPROVEMENT"
    REGRESSION = "REGRESSION"
    BOTH_WRONG = "BOTH_WRONG"
    WAIVED = "WAIVED"


Witness: TypeAlias = Mapping[str, str | int | float | bool | None]
"""The smallest evidence that convinces: what to look at, in which order, with which values."""


DifferenceKind: TypeAlias = Literal["missing", "extra", "type", "value", "order", "count"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One path at which two outcomes are unequal.

    `path` is like `steps/ship/output.total`; values are shortened JSON text, None where the side has nothing there.
    `flaw` names the control's known flaw that explains it, where one does.
    """

    path: str
    kind: DifferenceKind
    left: str | None
    right: str | None
    klass: DifferenceClass | None = None
    flaw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check holds against one arm of one trial, or against something else: then `trial` is 0.

    That is the crash case `case`, or what `scenario` names: a play, a rung of the ladder of costs, the run.
    """

    check: str
    verdict: Verdict
    trial: int
    scenario: str
    arm: ArmName
    message: str
    witness: Witness = field(default_factory=dict)
    case: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found in one arm: `examined` counts the facts it looked at, so that nothing passes on no data.

    `counts` are what it counted besides, by name, such as legal `redeliveries`; they are shown and hold nothing up.
    """

    check: str
    arm: ArmName
    examined: int
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def place_of(trial: int, scenario: str) -> str:
    """Returns where something was found, in words: trial and scenario, or what `scenario` names where that is none."""
    return f"trial {trial}, {scenario}" if trial else scenario
