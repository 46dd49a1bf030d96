"""The files that an engine's command is made of, as far as they can be told: what its digest covers. Reads files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.settings import EngineSettings

__all__ = ["command_sources"]

_SOURCES: Final = frozenset({".cjs", ".cts", ".go", ".java", ".js", ".mjs", ".mts", ".py", ".rb", ".rs", ".sql", ".ts"})
_NAMED: Final = frozenset({"package.json", "package-lock.json"})
_LEFT_OUT: Final = frozenset({"node_modules", "__pycache__"})
_MOST_FILES: Final = 10_000


def command_sources(settings: EngineSettings) -> Iterator[tuple[str, bytes]]:
    """Yields what the digest covers: a name and a content each.

    A file that the command names below its folder counts, and where it is a source, all sources beside and below it.
    Raises BadEngineSettings where those are too many to be an engine's.
    """
    yield "", settings.identity.encode()
    found: set[Path] = set()
    for word in () if settings.program is None else settings.program.command:
        path = (settings.folder / word).resolve()
        if not path.is_file() or not path.is_relative_to(settings.folder):
            continue
        found.add(path)
        if path.suffix in _SOURCES:
            found.update(_beside(path.parent, settings.spec))
    for path in sorted(found):
        yield path.relative_to(settings.folder).as_posix(), path.read_bytes()


def _beside(folder: Path, spec: str) -> Iterator[Path]:
    count = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _LEFT_OUT and not (Path(root) / name / "pyvenv.cfg").exists()
        )
        for name in files:
            if Path(name).suffix in _SOURCES or name in _NAMED:
                count += 1
                if count > _MOST_FILES:
                    raise BadEngineSettings(
                        f"engine {spec!r}: more than {_MOST_FILES:,} sources beside and below {folder}, which cannot "
                        "all be an engine's; give the engine a folder of its own"
                    )
                path = Path(root) / name
                if path.is_file():
                    yield path
