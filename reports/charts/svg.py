"""SVG elements as markup, every value escaped and on one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from cutover.reports.words import clip, plain

__all__ = ["WIDTH", "image", "staggered", "tag"]

WIDTH = 400
"""The width of every chart, in its own units; the page scales it."""


def tag(name: str, *children: str, **attributes: float | str | None) -> Markup:
    """Returns one element; `class_` becomes `class`, `font_size` becomes `font-size`, None omits the attribute."""
    written = (
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    opening = Markup("<{}{}").format(Markup(name), Markup("").join(written))  # noqa: S704 - names are our own
    if not children:
        return opening + Markup("/>")
    inner = (child if isinstance(child, Markup) else escape(plain(child)) for child in children)
    return opening + Markup(">") + Markup("").join(inner) + Markup(f"</{name}>")  # noqa: S704 - as above


def image(name: str, title: str, text: str, height: float, parts: Iterable[Markup]) -> Markup:
    """Returns a whole image with its title and its description (`text`); `name` is unique in the page."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", clip(text, 2000), id=f"{name}-text"),
        *parts,
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-text",
        class_="chart",
    )


def staggered(spans: Sequence[tuple[float, float]]) -> list[int]:
    """Returns, for labels that reach from one x to another, the lowest line on which each overlaps none before it."""
    ends: list[float] = []
    lines = []
    for start, end in spans:
        line = next((line for line, last in enumerate(ends) if last <= start), len(ends))
        if line == len(ends):
            ends.append(end)
        ends[line] = end
        lines.append(line)
    return lines


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
