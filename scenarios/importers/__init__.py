"""From other engines' files to scenarios: `IMPORTERS` has what reads a folder of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cutover.scenarios.importers.imported import Imported, ImportRefused
from cutover.scenarios.importers.n8n.importer import import_folder as _n8n

__all__ = ["IMPORTERS", "ImportRefused", "Imported"]

IMPORTERS: Mapping[str, Callable[[Path], tuple[Imported, ...]]] = MappingProxyType({"n8n": _n8n})
