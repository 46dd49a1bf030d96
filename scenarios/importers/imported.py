"""What any importer gives back, and the error with which it turns a file away. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.engines.errors import CutoverError
from cutover.scenarios.model import Scenario

__all__ = ["ImportRefused", "Imported"]


class ImportRefused(CutoverError):
    """A file that cannot become scenarios; the message names the place in it and the rule it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file.

    `dropped` says, a line each, what the scenarios lack of the file and why. `unlike` says, a line each, where an
    engine that obeys the scenario must differ from what was recorded, and why. With `refused` there is no scenario,
    and it says why.
    """

    file: str
    scenarios: tuple[Scenario, ...] = ()
    dropped: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    refused: str | None = None
