"""How the origin of a scenario may be called, and so an importer or a recorder. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["ORIGIN", "ORIGIN_RULE"]

ORIGIN: Final = r"^[a-z][a-z0-9-]{0,31}$"
ORIGIN_RULE: Final = "must be a short name of small letters, digits and hyphens, at most 32, the first a letter"
