"""The crash coverage as a heat map: rows against kill points, darker with more cases, green where all passed. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Literal

from markupsafe import Markup

from reports.charts.svg import WIDTH, image, tag
from reports.crash_part import CrashPart
from reports.messages import Messages

__all__ = ["POINTS", "heat"]

POINTS = ("request", "answer", "call", "reply", "signal")
_LEFT, _TOP, _ROW = 100.0, 22.0, 27.0
_CELL = (WIDTH - _LEFT) / len(POINTS)


def heat(part: CrashPart, rows: Literal["node_kind", "way"], title: str, say: Messages) -> Markup:
    """Cases passed by kind of node or by way of interruption, and by kill point.

    A pair that could come together and that no case touched is marked; one that cannot come together is left blank.
    """
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for cell in part.coverage:
        at = sums[getattr(cell, rows), cell.point]
        at[0] += cell.planned
        at[1] += cell.passed
    untouched = {(cell.node_kind, cell.point) for cell in part.untouched} if rows == "node_kind" else set()
    names = list(dict.fromkeys([*(name for name, _ in sums), *sorted(name for name, _ in untouched)]))
    parts = [
        tag("text", point, x=_LEFT + _CELL * (place + 0.5), y=15, text_anchor="middle", class_="label")
        for place, point in enumerate(POINTS)
    ]
    for line, name in enumerate(names):
        y = _TOP + _ROW * line
        parts.append(tag("text", name, x=_LEFT - 8, y=y + 18, text_anchor="end", class_="label"))
        parts += _cells(name, y, sums, untouched, say)
    failed = sum(planned - passed for planned, passed in sums.values())
    text = say("chart.heat_text", rows=say.count(len(names)), cells=say.count(len(sums)), failed=say.count(failed))
    return image(f"heat-{rows}", title, text, _TOP + _ROW * len(names), parts)


def _cells(
    name: str,
    y: float,
    sums: Mapping[tuple[str, str], list[int]],
    untouched: Collection[tuple[str, str]],
    say: Messages,
) -> list[Markup]:
    most = max((planned for planned, _ in sums.values()), default=1)
    drawn: list[Markup] = []
    for place, point in enumerate(POINTS):
        box = {"x": _LEFT + _CELL * place + 1, "y": y + 1, "width": _CELL - 2, "height": _ROW - 2, "rx": 3.0}
        middle = _LEFT + _CELL * (place + 0.5)
        if (name, point) in sums:
            planned, passed = sums[name, point]
            shade = 0.25 + 0.55 * math.log1p(planned) / math.log1p(most)
            written = say.count(passed) if passed == planned else f"{say.count(passed)}/{say.count(planned)}"
            drawn.append(
                tag("rect", class_="passed" if passed == planned else "failed", fill_opacity=_two(shade), **box)
            )
            drawn.append(tag("text", written, x=middle, y=y + 18, text_anchor="middle", class_="number"))
        elif (name, point) in untouched:
            drawn.append(tag("rect", class_="untouched", **box))
            drawn.append(tag("text", "0", x=middle, y=y + 18, text_anchor="middle", class_="number"))
    return drawn


def _two(share: float) -> str:
    return f"{share:.2f}"
