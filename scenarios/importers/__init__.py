"""From other engines' files to scenarios: `IMPORTERS` has what reads a folder of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from scenarios.importers.imported import Imported, ImportRefused
from scenarios.importers.n8n import import_folder as _n8n

__all__ = ["IMPORTERS", "ImportRefused", "Imported"]

IMPORTERS: Mapping[str, Callable[[Path], tuple[Imported, ...]]] = MappingProxyType({"n8n": _n8n})
