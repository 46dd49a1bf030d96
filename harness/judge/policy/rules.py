"""The rules that a policy must keep so that every criterion can be measured, can pass and can fail. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from cutover.harness.judge.measures.measurements import (
    Count,
    Gauge,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
)
from cutover.harness.judge.measures.metrics import METRICS, Metric
from cutover.harness.judge.measures.trials import TRIAL_METRICS
from cutover.harness.judge.policy.model import Condition, Criterion, Policy

__all__ = ["Problem", "broken_rules"]

_SHAPES: dict[str, type[Measurement]] = {
    "share": Share,
    "count": Count,
    "mean": Samples,
    "quantile": Samples,
    "ratio": Pairs,
    "paired": Paired,
    "level": Gauge,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule, and where: the table's name, its index from 0 (-1 outside any) and the key, where it has one."""

    table: str
    index: int
    key: str | None
    rule: str


def broken_rules(policy: Policy) -> Iterator[Problem]:
    """Every rule that the policy breaks, with its place."""
    yield from _stages(policy)
    known = {stage.percent for stage in policy.stages}
    seen: set[str] = set()
    for index, criterion in enumerate(policy.criteria):
        who = f"criterion {criterion.id}"
        if criterion.id in seen:
            yield Problem("criterion", index, "id", f"{who}: its id is used twice")
        seen.add(criterion.id)
        for key, rule in (*_on_stages(criterion, known), *_measured(criterion)):
            yield Problem("criterion", index, key, f"{who}: {rule}")
    yield from _contradictions(policy)


def _stages(policy: Policy) -> Iterator[Problem]:
    if not policy.stages:
        yield Problem("", -1, "stage", "stage: there is none")
    if not policy.criteria:
        yield Problem("", -1, "criterion", "criterion: there is none")
    percents = [stage.percent for stage in policy.stages]
    guarded = {percent for criterion in policy.criteria for percent in criterion.stages}
    for index, stage in enumerate(policy.stages):
        who = f"stage {stage.percent} %"
        if stage.percent in percents[:index]:
            yield Problem("stage", index, "percent", f"{who}: it is there twice")
        elif any(before > stage.percent for before in percents[:index]):
            yield Problem("stage", index, "percent", f"{who}: stages go from the smallest share to the largest")
        if stage.percent not in guarded:
            yield Problem("stage", index, "percent", f"{who}: no criterion guards it")
        if not stage.required_checks:
            yield Problem("stage", index, "required_checks", f"{who}: it requires no check")
        if len(set(stage.required_checks)) < len(stage.required_checks):
            yield Problem("stage", index, "required_checks", f"{who}: it requires a check twice")


def _on_stages(criterion: Criterion, known: set[int]) -> Iterator[tuple[str, str]]:
    if not criterion.stages:
        yield "stages", "it guards no stage"
    for percent in criterion.stages:
        if percent not in known:
            names = ", ".join(str(stage) for stage in sorted(known))
            yield "stages", f"there is no stage {percent}; the stages are {names}"
    if len(set(criterion.stages)) < len(criterion.stages):
        yield "stages", "it names a stage twice"


def _measured(criterion: Criterion) -> Iterator[tuple[str, str]]:
    metric = METRICS.get(criterion.metric)
    if metric is None:
        yield "metric", f"unknown metric {criterion.metric!r}; the metrics are {', '.join(sorted(METRICS))}"
        return
    if criterion.unit != metric.unit:
        yield "unit", f"metric {criterion.metric} is in {metric.unit}, not in {criterion.unit}"
    if criterion.source == "harness" and criterion.metric not in TRIAL_METRICS:
        yield "metric", f'the harness cannot measure {criterion.metric}; say source = "production"'
    for rule in _condition(criterion, metric):
        yield "condition", rule


def _condition(criterion: Criterion, metric: Metric) -> Iterator[str]:
    condition = criterion.condition
    statistic = condition.statistic
    if _SHAPES[statistic] is not metric.shape:
        fitting = " or ".join(name for name, shape in _SHAPES.items() if shape is metric.shape)
        yield f"metric {criterion.metric} is judged by statistic {fitting}, not by {statistic}"
        return
    if statistic == "quantile" and condition.quantile is None:
        yield "statistic quantile needs quantile, as in quantile = 0.95"
    if statistic not in {"quantile", "ratio"} and condition.quantile is not None:
        yield f"statistic {statistic} has no quantile"
    if (statistic == "paired") != (condition.excess is not None):
        yield f"statistic {statistic} {'needs' if statistic == 'paired' else 'has no'} excess"
    if metric.needs_minutes != (condition.minutes is not None):
        yield f"metric {criterion.metric} {'needs' if metric.needs_minutes else 'has no'} minutes"
    yield from _possible(criterion)


def _possible(criterion: Criterion) -> Iterator[str]:
    """A condition must be able to hold, and to be broken."""
    condition = criterion.condition
    limit, operator = condition.limit, condition.operator
    if condition.statistic == "paired":
        if operator != "below" or limit <= 1:
            yield "evidence starts at 1, so its condition is operator below and a limit above 1"
        return
    least, most = 0.0, 1.0 if criterion.unit == "share" else float("inf")
    holds = _OPERATORS[operator]
    if not (holds(least, limit) or holds(most, limit)):
        yield f"it cannot pass: no {criterion.unit} is {_words(condition)}"
    if holds(least, limit) and holds(most, limit):
        yield f"it cannot fail: every {criterion.unit} is {_words(condition)}"
    if criterion.unit == "ratio" and limit == 0:
        yield "a ratio of durations is never 0"


def _contradictions(policy: Policy) -> Iterator[Problem]:
    """Two criteria of one stage on the same number that no number meets together."""
    indexed = list(enumerate(policy.criteria))
    for (_, one), (index, other) in combinations(indexed, 2):
        same = (one.metric, one.condition.statistic, one.condition.quantile, one.condition.minutes) == (
            other.metric,
            other.condition.statistic,
            other.condition.quantile,
            other.condition.minutes,
        )
        if not same or not set(one.stages) & set(other.stages):
            continue
        lower, upper = (one, other) if one.condition.operator in {"at_least", "above"} else (other, one)
        if lower.condition.operator not in {"at_least", "above"} or upper.condition.operator not in {
            "at_most",
            "below",
        }:
            continue
        low, high = lower.condition.limit, upper.condition.limit
        closed = (lower.condition.operator, upper.condition.operator) == ("at_least", "at_most")
        if low > high or (low == high and not closed):
            rule = f"criterion {other.id}: contradicts criterion {one.id}: {lower.metric} cannot be"
            words = f"{_words(lower.condition)} and {_words(upper.condition)}"
            yield Problem("criterion", index, "condition", f"{rule} {words} in the same stage")


_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "at_least": lambda value, limit: value >= limit,
    "at_most": lambda value, limit: value <= limit,
    "above": lambda value, limit: value > limit,
    "below": lambda value, limit: value < limit,
}


def _words(condition: Condition) -> str:
    return f"{condition.operator.replace('_', ' ')} {condition.limit:g}"
