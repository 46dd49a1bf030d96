"""The pages of docs/checks: their histories, each with what the page says that the check makes of it. Reads files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.judged import Sentence
from checks.lines import HistoryError
from cutover.harness.judge.findings import Verdict

__all__ = ["FOLDER", "PARTS", "CheckPage", "PageHistory", "histories_in", "page_of", "pages"]

FOLDER: Final = Path(__file__).parents[2] / "docs" / "checks"
PARTS: Final = ("Why", "What it looks at", "What it cannot see", "Histories")
"""The headings of a page, in their order."""
_FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SAYS: Final = re.compile(r"^=> (\w+) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PageHistory:
    """One block of a page: its rows, and what the page says that they come to. `place` counts from 1."""

    check: str
    place: int
    rows: str
    says: tuple[Sentence, ...]

    @property
    def good(self) -> bool:
        """Whether the page says that nothing is wrong with it."""
        return all(each.verdict is Verdict.PASS for each in self.says)


@dataclass(frozen=True, slots=True)
class CheckPage:
    """One page; `sentence` is its title's, `parts` are its headings, `blocks` counts its fences of any kind."""

    check: str
    sentence: str
    parts: tuple[str, ...]
    blocks: int
    histories: tuple[PageHistory, ...]


def pages() -> Sequence[CheckPage]:
    """Returns the page of every check that has one, by name."""
    return [page_of(path) for path in sorted(FOLDER.glob("*.md")) if path.name != "README.md"]


def page_of(path: Path) -> CheckPage:
    """Returns a page; raises HistoryError where a block is none that a test could evaluate."""
    text = path.read_text(encoding="utf-8")
    title = re.match(r"# (\w+)\n\n(.+?)\n\n", text, flags=re.DOTALL)
    if title is None:
        raise HistoryError(f"{path.name}: a page begins with the check's id as its title, and its sentence")
    return CheckPage(
        check=title[1],
        sentence=" ".join(title[2].split()),
        parts=tuple(re.findall(r"^## (.+)$", text, flags=re.MULTILINE)),
        blocks=len(re.findall(r"^\s*(?:```|~~~)", text, flags=re.MULTILINE)),
        histories=tuple(histories_in(title[1], text)),
    )


def histories_in(check: str, text: str) -> Iterator[PageHistory]:
    """Yields the histories in a page's text, which are all its blocks; they are the check's."""
    for place, (kind, block) in enumerate(_FENCE.findall(text), 1):
        says = tuple(Sentence(Verdict(verdict), words) for verdict, words in _SAYS.findall(block))
        if kind != "history" or not says:
            raise HistoryError(f"{check}, block {place}: a block is a history and ends with lines like => PASS")
        yield PageHistory(check, place, block[: block.index("=> ")], says)
