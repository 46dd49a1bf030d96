"""What is mutated: the engine V2, or the judge; its files, and the lines that changed since a revision. Reads files."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mutation.sites import Site

__all__ = ["ROOT", "TARGETS", "Target", "changed_lines", "changed_since", "digest", "touched"]

ROOT: Final = Path(__file__).parents[2]
_HUNK: Final = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Target:
    """A package and the folder of its sources. `wanted` is the share of mutants that must be killed, of those that are
    not equivalent.
    """

    name: str
    folder: str
    package: str
    wanted: float

    def files(self) -> tuple[str, ...]:
        """Its modules, as paths from the root of the project."""
        return tuple(sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / self.folder).rglob("*.py")))

    def module(self, file: str) -> str:
        """The name under which one of its files is imported."""
        parts = Path(file).relative_to(self.folder).with_suffix("").parts
        return ".".join([self.package, *(part for part in parts if part != "__init__")])


TARGETS: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        Target("engine", "engines/v2", "cutover.engines.v2", 0.95),
        Target("judge", "harness/judge", "cutover.harness.judge", 0.98),
    )
}


def digest(folders: Iterable[str]) -> str:
    """A SHA-256 of all that stands in these folders of the project, without what Python makes there."""
    found = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def changed_since(revision: str, folder: str) -> dict[str, list[range]]:
    """The lines of each file in a folder that are not as they were in a revision of the repository.

    Raises subprocess.CalledProcessError, with what git said, where there is no such revision.
    """
    command = ["git", "diff", "--unified=0", "--no-color", "--no-ext-diff", "--end-of-options", revision, "--", folder]
    return changed_lines(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def changed_lines(diff: str) -> dict[str, list[range]]:
    """The lines by file of a unified diff without context; where lines were only removed, those beside the gap."""
    found: dict[str, list[range]] = {}
    file = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ ").removeprefix("b/")
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            found.setdefault(file, []).append(range(first, first + count) if count else range(first, first + 2))
    return found


def touched(sites: Sequence[Site], changes: Mapping[str, Sequence[range]]) -> list[Site]:
    """The sites whose statement has a line among the changes; a compound statement counts with its first line."""
    return [site for site in sites if any(_overlap(site, lines) for lines in changes.get(site.mutant.file, ()))]


def _overlap(site: Site, lines: range) -> bool:
    first, last = site.lines
    return first < lines.stop and lines.start <= last
