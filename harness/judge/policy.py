"""The policy: which criteria guard which rollout stage, with the plan's words beside each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.judge.gate import Severity

__all__ = ["Condition", "Criterion", "Policy", "Stage"]

Statistic: TypeAlias = Literal["share", "count", "mean", "quantile", "ratio", "paired", "level"]
Operator: TypeAlias = Literal["at_least", "at_most", "above", "below"]
Source: TypeAlias = Literal["harness", "production"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold: the statistic of the metric lies on the safe side of `limit`, in the criterion's unit.

    `quantile` (0 to 1) is set for the statistics quantile and ratio; `evidence` for paired: the e-value from which
    the candidate counts as worse than the control. `minutes` is how long without progress counts as stuck.
    """

    statistic: Statistic
    operator: Operator
    limit: float
    quantile: float | None = None
    evidence: float | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One threshold of the plan.

    `words` are the plan's, verbatim, from its section `section`; `decided` says how an ambiguity was settled.
    `min_n` is the fewest measurements on which it may pass. Source `production` cannot be measured by the harness.
    """

    id: str
    words: str
    section: str
    metric: str
    condition: Condition
    unit: str
    min_n: int
    severity: Severity
    stages: tuple[int, ...]
    decided: str = ""
    source: Source = "harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the rollout: the share of traffic in percent, its name in the plan, the checks it needs."""

    percent: int
    name: str
    required_checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All stages and criteria; `digest` is the SHA-256 of the text it was read from."""

    name: str
    digest: str
    stages: tuple[Stage, ...]
    criteria: tuple[Criterion, ...]
