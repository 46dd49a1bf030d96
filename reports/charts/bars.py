"""Differences by class as bars; a class without any is shown too, since that is evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cutover.reports.charts.svg import WIDTH, image, tag
from cutover.reports.messages import Messages
from cutover.reports.parts.differences import DifferencePart

__all__ = ["CLASSES", "classes"]

CLASSES = ("REGRESSION", "BOTH_WRONG", "IMPROVEMENT", "WAIVED", "NOISE")
_LEFT, _ROW, _NUMBER = 104.0, 26.0, 70.0
_LEAST = 3.0


def classes(differences: Sequence[DifferencePart], title: str, say: Messages) -> Markup:
    """Returns the chart of the number of differences in each class."""
    sums = {name: sum(part.count for part in differences if part.klass == name) for name in CLASSES}
    most = max(*sums.values(), 1)
    room = WIDTH - _LEFT - _NUMBER
    parts: list[Markup] = []
    for place, (name, total) in enumerate(sums.items()):
        y = place * _ROW
        width = max(room * total / most, _LEAST) if total else 0.0
        parts.append(tag("text", name, x=_LEFT - 8, y=y + 17, text_anchor="end", class_="label"))
        if total:
            parts.append(tag("rect", x=_LEFT, y=y + 4, width=width, height=_ROW - 8, rx=2, class_=f"class {name}"))
        parts.append(tag("text", say.count(total), x=_LEFT + width + 6, y=y + 17, class_="number"))
    parts.append(tag("line", x1=_LEFT, x2=_LEFT, y1=0, y2=_ROW * len(sums), class_="axis"))
    text = ", ".join(f"{name} {say.count(total)}" for name, total in sums.items())
    return image("classes", title, f"{text}.", _ROW * len(sums), parts)
