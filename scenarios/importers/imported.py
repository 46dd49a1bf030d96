"""What an importer is, what it returns for a file, and the error with which it refuses one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cutover.engines.errors import CutoverError
from cutover.scenarios.model import Scenario

__all__ = ["ImportRefused", "Imported", "Importer"]


class ImportRefused(CutoverError):
    """A file that cannot become scenarios; the message names the place in it and the rule that it breaks."""


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


class Importer(Protocol):
    """Turns the workflow files of one format into scenarios.

    It runs nothing of what it reads and keeps no credential. `name` is also the `origin` of its scenarios.
    """

    @property
    def name(self) -> str:
        """What the command line calls the format, as in `cutover import NAME` and `cutover run --NAME`."""

    @property
    def reads(self) -> str:
        """What it reads, in a few words that can stand for them in a sentence: "n8n workflows"."""

    def import_folder(self, path: Path, /) -> tuple[Imported, ...]:
        """What became of each workflow file at a path, which is a file or a folder with its subfolders.

        A file that cannot be imported says so in `Imported.refused`. Raises ImportRefused where there is no file.
        """
