"""The verdicts of earlier runs: a lane for each stage, the oldest on the left, a shape for each verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from cutover.reports.charts.svg import WIDTH, image, tag
from cutover.reports.history import PastRun
from cutover.reports.messages import Messages
from cutover.reports.words import clip

__all__ = ["history_chart"]

_LEFT, _LANE, _STEP = 52.0, 30.0, 26.0
_SIZE = 8.0


def history_chart(runs: Sequence[PastRun], title: str, say: Messages) -> Markup:
    """Returns the chart; the last of the runs, the present one, has a ring."""
    stages = sorted({run.stage for run in runs})
    step = min(_STEP, (WIDTH - _LEFT - 14) / max(len(runs), 1))
    parts: list[Markup] = []
    for lane, stage in enumerate(stages):
        y = _LANE * (lane + 0.5)
        parts.append(tag("text", f"{stage} %", x=_LEFT - 12, y=y + 4, text_anchor="end", class_="label"))
        parts.append(tag("line", x1=_LEFT, x2=WIDTH, y1=y, y2=y, class_="grid"))
    for place, run in enumerate(runs):
        x, y = _LEFT + 14 + step * place, _LANE * (stages.index(run.stage) + 0.5)
        if place == len(runs) - 1:
            parts.append(tag("circle", cx=x, cy=y, r=_SIZE + 4, class_="ring"))
        parts.append(
            tag(
                "g",
                tag("title", f"{_told(run.verdict, say)}, {clip(run.day, 20)}, {clip(run.run_id, 60)}"),
                *_mark(run.verdict, x, y),
            )
        )
    text = ", ".join(f"{clip(run.day, 20)} {run.stage} % {_told(run.verdict, say)}" for run in runs)
    return image("history", title, text, _LANE * len(stages), parts)


def _told(verdict: str, say: Messages) -> str:
    return say.texts.get(f"verdict.{verdict}", clip(verdict, 20))


def _mark(verdict: str, x: float, y: float) -> list[Markup]:
    """Returns a round tick for GO, a square cross for NO-GO, a triangle back for ROLLBACK, a diamond for all else."""
    s, t = _SIZE, _SIZE / 2
    shape = {
        "GO": tag("circle", cx=x, cy=y, r=s, class_="mark GO"),
        "NO-GO": tag("rect", x=x - s, y=y - s, width=2 * s, height=2 * s, rx=2, class_="mark NO-GO"),
        "ROLLBACK": tag("path", d=_path((x + s, y - s), (x - s, y), (x + s, y + s)) + "Z", class_="mark ROLLBACK"),
    }.get(
        verdict,
        tag("path", d=_path((x, y - s), (x + s, y), (x, y + s), (x - s, y)) + "Z", class_="mark INCONCLUSIVE"),
    )
    sign = {
        "GO": _path((x - t, y), (x - 1, y + t - 1), (x + t, y - t + 1)),
        "NO-GO": _path((x - t, y - t), (x + t, y + t)) + _path((x - t, y + t), (x + t, y - t)),
    }.get(verdict)
    return [shape] if sign is None else [shape, tag("path", d=sign, class_="sign")]


def _path(*points: tuple[float, float]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
