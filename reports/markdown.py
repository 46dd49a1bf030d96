"""The report as Markdown, fit for a GitHub step summary: under 1 MB, every name in it escaped. Pure."""

from __future__ import annotations

import functools
import re
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from cutover.reports.advice import advice
from cutover.reports.document import Document
from cutover.reports.messages import Lang, Messages
from cutover.reports.parts.crash import POINTS, grid
from cutover.reports.words import clip, plain

__all__ = ["MAX_BYTES", "render"]

MAX_BYTES = 1_000_000
"""What GitHub takes as a step summary is 1 MiB."""
_ROWS = (200, 50, 10, 1)
"""How many rows a table may have, tried in this order until the report is small enough."""
_SPECIAL = re.compile(r"([\\`*_\[\]|~$@#]|:(?=//))")


def render(document: Document, *, lang: Lang = Lang.EN) -> str:
    """Returns the text; tables are cut, and say so, where it would be too long. Raises ValueError where it still is."""
    context = {
        "document": document,
        "advice": list(advice(document, Messages.of(lang))),
        "t": Messages.of(lang),
        "points": POINTS,
        "kinds": grid(document.crash, "node_kind") if document.crash else None,
        "ways": grid(document.crash, "way") if document.crash else None,
    }
    for rows in _ROWS:
        text = _template().render(context, rows=rows)
        if len(text.encode()) <= MAX_BYTES:
            return text
    raise ValueError(f"the report of run {document.run.run_id} cannot be made shorter than {MAX_BYTES:,} bytes")


def inert(text: str, length: int = 300) -> Markup:
    """Escapes text of any origin for Markdown: on one line, every special character an entity."""
    safe = str(escape(clip(plain(text), length))).replace("&#", "\0")
    return Markup(_SPECIAL.sub(lambda found: f"&#{ord(found[1])};", safe).replace("\0", "&#"))  # noqa: S704 - just escaped


def flat(text: str) -> str:
    """Returns text of any origin on one line, for a message that is then escaped."""
    return clip(plain(text), 2000)


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, keep_trailing_newline=True, lstrip_blocks=True, trim_blocks=True, undefined=StrictUndefined
    )
    environment.filters |= {"flat": flat, "inert": inert}
    source = resources.files("cutover.reports").joinpath("templates/report.md.jinja").read_text(encoding="utf-8")
    return environment.from_string(source)
