"""The formats that a report can be rendered in. Reads the history beside the run for HTML."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from cutover.reports.messages import Lang
from cutover.reports.words import json_text

if TYPE_CHECKING:
    from cutover.reports.document import Document

__all__ = ["Format", "rendered"]


class Format(StrEnum):
    """What a report may be rendered as."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    JUNIT = "junit"
    GITHUB = "github"


def rendered(document: Document, form: Format, lang: Lang = Lang.EN, folder: Path | None = None) -> str:
    """Returns the report as text, ending in a newline; `folder` is the run's, beside which HTML finds its history."""
    match form:
        case Format.JSON:
            return json_text(document.model_dump_json(indent=2)) + "\n"
        case Format.MARKDOWN:
            from cutover.reports import markdown

            return markdown.render(document, lang=lang)
        case Format.HTML:
            return _page(document, lang, folder)
        case Format.JUNIT:
            from cutover.reports import junit

            return junit.render(document)
        case Format.GITHUB:
            from cutover.harness.cli.console import Rendered
            from cutover.reports import github

            return Rendered(github.render(document, lang=lang))
        case Format.TERMINAL:
            from cutover.harness.cli.console import captured
            from cutover.reports.terminal import report as terminal

            return captured(lambda console: terminal.render(document, console, lang=lang))


def _page(document: Document, lang: Lang, folder: Path | None) -> str:
    from cutover.harness.cli.history import earlier, kill_matrix
    from cutover.reports import html

    if folder is None:
        return html.render(document, lang=lang)
    return html.render(document, lang=lang, history=earlier(folder, document), mutants=kill_matrix(folder))
