"""The crash coverage as a heat map: rows against kill points, darker with more cases, green where all passed. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from cutover.reports.charts.svg import WIDTH, image, tag
from cutover.reports.messages import Messages
from cutover.reports.parts.crash import POINTS, Grid
from cutover.reports.words import clip, plain

__all__ = ["heatmap"]

_LEFT, _TOP, _ROW = 100.0, 22.0, 27.0
_CELL = (WIDTH - _LEFT) / len(POINTS)


def heatmap(name: str, grid: Grid, title: str, say: Messages) -> Markup:
    """Returns the chart: cases passed, or passed of planned, in each cell.

    A pair that could be tested and was not is dashed, one that cannot occur is blank. `name` is unique in the page.
    """
    parts = [
        tag("text", point, x=_LEFT + _CELL * (place + 0.5), y=15, text_anchor="middle", class_="label")
        for place, point in enumerate(POINTS)
    ]
    for line, row in enumerate(grid.rows):
        y = _TOP + _ROW * line
        parts.append(tag("text", clip(plain(row), 16), x=_LEFT - 8, y=y + 18, text_anchor="end", class_="label"))
        parts += _cells(grid, row, y, say)
    text = say(
        "chart.heat_text",
        rows=say.count(len(grid.rows)),
        cells=say.count(len(grid.cells)),
        failed=say.count(grid.failed),
    )
    return image(f"heat-{name}", title, text, _TOP + _ROW * len(grid.rows), parts)


def _cells(grid: Grid, row: str, y: float, say: Messages) -> Iterator[Markup]:
    most = max((planned for planned, _ in grid.cells.values()), default=1)
    for place, point in enumerate(POINTS):
        box = {"x": _LEFT + _CELL * place + 1, "y": y + 1, "width": _CELL - 2, "height": _ROW - 2, "rx": 3.0}
        if (row, point) in grid.cells:
            planned, passed = grid.cells[row, point]
            shade = f"{0.2 + 0.5 * math.log1p(planned) / math.log1p(most):.2f}"
            written = say.count(passed) if passed == planned else f"{say.count(passed)}/{say.count(planned)}"
            yield tag("rect", class_="passed" if passed == planned else "failed", fill_opacity=shade, **box)
        elif (row, point) in grid.untouched:
            written = "0"
            yield tag("rect", class_="untouched", **box)
        else:
            continue
        middle = _LEFT + _CELL * (place + 0.5)
        yield tag("text", written, x=middle, y=y + 18, text_anchor="middle", class_="number")
