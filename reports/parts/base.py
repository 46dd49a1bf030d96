"""What every part of the report document has in common. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["ReportPart"]


class ReportPart(BaseModel):
    """Frozen, and strict about names; made from the judge's own objects where the names are the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)
