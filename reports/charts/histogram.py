"""Histograms of durations, one row of bars for each engine on a shared logarithmic scale. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cutover.reports.charts.svg import WIDTH, image, staggered, tag
from cutover.reports.messages import Messages
from cutover.reports.parts.sides import DistributionPart, LimitPart

__all__ = ["HistogramRow", "LogScale", "histogram"]

_LEFT, _RIGHT = 8.0, WIDTH - 8.0
_ROW, _LINE, _CHARACTER = 52.0, 14.0, 6.4
_LEAST = 1.5
"""The least height of a bar, so that a slow tail of single measurements can be seen."""
_MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """One engine: its role ("control" or "candidate"), its name, and what to mark, by label, in ms."""

    role: str
    name: str
    marks: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class LogScale:
    """Maps `low` to `left` and `high` to `right`; both values are positive and differ."""

    low: float
    high: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        """Returns the x of a value; what is outside the scale lies at its nearer end."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.left + min(share, 1.0) * (self.right - self.left)

    def ticks(self) -> tuple[float, ...]:
        """Returns round values inside the scale: 1, 2 and 5 of every power of ten, or fewer where they would crowd."""
        for steps in ((1, 2, 5), (1, 5)):
            values = tuple(self._round(steps))
            if len(values) <= _MOST_TICKS:
                return values
        values = tuple(self._round((1,)))
        return values[:: max(1, math.ceil(len(values) / _MOST_TICKS))]

    def _round(self, steps: tuple[int, ...]) -> Iterator[float]:
        for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1):
            for step in steps:
                value = step * 10.0**power
                if self.low <= value <= self.high:
                    yield value


def histogram(part: DistributionPart, rows: Sequence[HistogramRow], title: str, say: Messages) -> Markup:
    """Returns the chart; rows without a measurement are left out. Empty where there is none at all."""
    shown = [row for row in rows if any(_counts(part, row))]
    if not shown:
        return Markup("")
    reach = [*part.edges, *(limit.limit * 1.1 for limit in part.limits)]
    scale = LogScale(min(reach), max(reach), _LEFT, _RIGHT)
    parts: list[Markup] = []
    limits, top = _limits(part.limits, scale, say)
    top = 16.0 + top
    most = max(max(counts) / sum(counts) for row in shown for counts in [_counts(part, row)])
    body = top
    for row in shown:
        drawn, height = _row(part, row, scale, say, top=top, most=most)
        parts += drawn
        top += height
    lines = [
        tag("line", x1=x, x2=x, y1=y, y2=top, class_=f"limit {'here' if here else 'later'}") for x, y, here in limits[1]
    ]
    text = "; ".join(
        say("chart.row", engine=row.name, n=say.count(sum(_counts(part, row))), marks=", ".join(_marks(row, say)))
        for row in shown
    )
    return image(part.id, title, f"{text}.", top + 22, [*_axis(scale, body, top, say), *parts, *lines, *limits[0]])


def _counts(part: DistributionPart, row: HistogramRow) -> tuple[int, ...]:
    return part.control if row.role == "control" else part.candidate


def _marks(row: HistogramRow, say: Messages) -> Iterator[str]:
    return (f"{label} {say.number(value, 'ms')}" for label, value in row.marks.items())


def _row(
    part: DistributionPart, row: HistogramRow, scale: LogScale, say: Messages, *, top: float, most: float
) -> tuple[list[Markup], float]:
    counts = _counts(part, row)
    total = sum(counts)
    labels = list(_marks(row, say))
    marks = [(label, scale(value)) for label, value in zip(labels, row.marks.values(), strict=True)]
    starts = [_fitted(x, len(label)) for label, x in marks]
    lines = staggered([(x, x + len(label) * _CHARACTER + 8) for (label, _), x in zip(marks, starts, strict=True)])
    base = top + _LINE * (2 + max(lines, default=0)) + _ROW
    name = tag("text", f"{row.name} (n = {say.count(total)})", x=_LEFT, y=top + 11, class_="name")
    bars = [
        tag("rect", x=x, y=base - height, width=max(scale(high) - x - 0.5, 0.5), height=height, class_=row.role)
        for low, high, count in zip(part.edges, part.edges[1:], counts, strict=False)
        if count
        for x, height in [(scale(low), max(_ROW * count / total / most, _LEAST))]
    ]
    heights = [top + _LINE * (2 + line) - 3 for line in lines]
    rules = [
        tag("line", x1=x, x2=x, y1=y + 3, y2=base, class_="mark") for (_, x), y in zip(marks, heights, strict=True)
    ]
    texts = [
        tag("text", label, x=start, y=y, class_="mark")
        for (label, _), start, y in zip(marks, starts, heights, strict=True)
    ]
    return [name, *bars, *rules, *texts], base - top + 10


def _fitted(x: float, length: int) -> float:
    """Returns where a label begins so that it ends inside the chart."""
    return max(_LEFT, min(x - 4, _RIGHT - length * _CHARACTER))


_Lines = list[tuple[float, float, bool]]


def _limits(limits: Sequence[LimitPart], scale: LogScale, say: Messages) -> tuple[tuple[list[Markup], _Lines], float]:
    """Returns the limits' labels above the rows, from where their lines begin, and the room that they take."""
    labels: list[Markup] = []
    lines: _Lines = []
    told = sorted({(limit.limit, limit.quantile, limit.here) for limit in limits}, key=lambda each: each[0])
    for place, (value, quantile, here) in enumerate(reversed(told)):
        statistic = say("chart.mean") if quantile is None else f"P{100 * quantile:g}"
        text = say("chart.limit" if here else "chart.limit_later", statistic=statistic, limit=say.number(value, "ms"))
        x, y = scale(value), 12 + _LINE * place
        labels.append(tag("text", text, x=x - 4, y=y, text_anchor="end", class_=f"limit {'here' if here else 'later'}"))
        lines.append((x, y - 9, here))
    return (labels, lines), _LINE * len(told)


def _axis(scale: LogScale, top: float, bottom: float, say: Messages) -> Iterator[Markup]:
    free = 0.0
    for value in scale.ticks():
        x, label = scale(value), say.number(value, "ms")
        half = len(label) * _CHARACTER / 2
        start = max(0.0, min(x - half, WIDTH - 2 * half))
        yield tag("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid")
        if start >= free:
            yield tag("text", label, x=start + half, y=bottom + 15, text_anchor="middle", class_="tick")
            free = start + 2 * half + 6
    yield tag("line", x1=_LEFT, x2=_RIGHT, y1=bottom, y2=bottom, class_="axis")
