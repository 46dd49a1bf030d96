"""The policy as data: which criteria guard which rollout stage, with the plan's words beside each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints

from cutover.harness.errors import ConfigurationProblem
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.measures.measurements import Unit
from cutover.harness.judge.policy.gate import Severity

__all__ = [
    "CASES_METRIC",
    "Condition",
    "Criterion",
    "Operator",
    "Policy",
    "PolicyError",
    "Source",
    "Stage",
    "Statistic",
]

CASES_METRIC: Final = "duplicated_steps"
"""The metric that is measured on crash cases; all others that a run can measure are measured on trials."""

Statistic: TypeAlias = Literal["share", "count", "mean", "quantile", "ratio", "paired", "level"]
Operator: TypeAlias = Literal["at_least", "at_most", "above", "below"]
Source: TypeAlias = Literal["harness", "production"]

_STRICT: dict[str, object] = {"extra": "forbid", "strict": True}
_Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_PolicyText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Percent = Annotated[int, Field(ge=0, le=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold: the statistic of the metric lies on the safe side of `limit`, in the criterion's unit.

    `quantile` (0 to 1) is set for the statistic quantile, and for a ratio of quantiles. `excess` belongs to paired:
    how much larger the candidate's share may be than the control's, relative to it. `minutes` is how long
    without progress counts as stuck.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    statistic: Statistic
    operator: Operator
    limit: _Finite
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    excess: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One threshold of the plan.

    `words` are the plan's, verbatim, from its section `section`; `decided` says how an ambiguity was settled.
    `min_n` is the fewest measurements on which it may pass. Source `production` cannot be measured by the harness.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: _Id
    words: _PolicyText
    section: _PolicyText
    metric: _PolicyText
    condition: Condition
    unit: Unit
    min_n: Annotated[int, Field(ge=1)]
    severity: Severity
    stages: tuple[_Percent, ...]
    decided: str = ""
    source: Source = "harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the rollout: the share of traffic in percent, its name in the plan, the checks it needs."""

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    percent: _Percent
    name: _PolicyText
    required_checks: tuple[_PolicyText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All stages and criteria, and what executions may cost; `digest` is the SHA-256 of the `text` it was read from."""

    name: str
    digest: str
    stages: tuple[Stage, ...]
    criteria: tuple[Criterion, ...]
    costs: CostLimits = field(default_factory=CostLimits)
    text: str = field(default="", repr=False, compare=False)

    def stage(self, percent: int) -> Stage:
        """Returns the stage of that percentage; raises PolicyError naming those there are."""
        for stage in self.stages:
            if stage.percent == percent:
                return stage
        known = ", ".join(str(stage.percent) for stage in self.stages)
        raise PolicyError(f"{self.name} has no stage {percent} %; its stages are {known}")

    def criteria_of(self, percent: int) -> tuple[Criterion, ...]:
        """Returns the criteria that guard the stage, in the policy's order."""
        return tuple(criterion for criterion in self.criteria if percent in criterion.stages)

    def cases_asked(self, percent: int) -> int:
        """Returns how many crash cases are needed before each criterion on them can be decided at that stage."""
        return max((each.min_n for each in self.criteria_of(percent) if each.metric == CASES_METRIC), default=0)


class PolicyError(ConfigurationProblem):
    """A policy that cannot be obeyed; each line of the message names the file, the line where known, and the rule."""
