"""Numbers and thresholds as short English text. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

from cutover.harness.judge.measures.measurements import Unit
from cutover.harness.judge.policy.model import Criterion

__all__ = ["amount", "plural", "threshold"]

_SYMBOLS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
_ALL_OR_NONE = {("share", "at_least", 1.0), ("share", "at_most", 0.0), ("count", "at_most", 0.0)}


def amount(value: float | None, unit: Unit) -> str:
    """Returns the number with its unit; a dash where there is none. What is not all, or not nothing, never reads so."""
    if value is None or math.isnan(value):
        return "-"
    return _AMOUNTS[unit](value)


def plural(count: float, noun: str) -> str:
    """`1 trial`, `2 trials`, `1,000 criteria`."""
    many = "criteria" if noun == "criterion" else f"{noun}s"
    return f"{count:,g} {noun if count == 1 else many}" if count < 1e6 else f"{count:,.0f} {many}"


def threshold(criterion: Criterion) -> str:
    """Returns the criterion's condition, as `P95 < 100 ms`."""
    condition = criterion.condition
    rank = f"P{100 * condition.quantile:g}" if condition.quantile is not None else ""
    text = f"{_SYMBOLS[condition.operator]} {amount(condition.limit, criterion.unit)}"
    if (criterion.unit, condition.operator, condition.limit) in _ALL_OR_NONE:
        text = amount(condition.limit, criterion.unit)
    match condition.statistic:
        case "share" | "level":
            return text
        case "mean":
            return f"mean {text}"
        case "quantile":
            return f"{rank} {text}"
        case "ratio":
            return f"{rank or 'duration'} {text} the control's"
        case "count":
            over = f" without progress for over {condition.minutes:g} min" if condition.minutes is not None else ""
            return f"{text}{over}"
        case "paired":
            return f"E < {condition.limit:g}, or share <= {1 + (condition.excess or 0):g} x the control's"


def _percent(share: float) -> str:
    if share in {0.0, 1.0}:
        return f"{share * 100:.0f}"
    texts = (f"{share * 100:.{digits}g}" for digits in range(5, 18))
    return next((text for text in texts if float(text) != 100), "99.99999999999999")


def _short(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


_AMOUNTS: dict[Unit, Callable[[float], str]] = {
    "share": lambda value: f"{_percent(value)} %",
    "ms": lambda value: f"{_short(value)} ms",
    "ratio": lambda value: f"{_short(value)} x",
    "days": lambda value: plural(value, "day"),
    "evidence": lambda value: f"E = {_short(value)}" if value < 1e6 else f"E = {value:.0e}",
    "count": lambda value: f"{value:,.0f}",
}
