"""Which of two engines is meant: the control, which serves today, or the candidate that is to take over. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["ROLES", "Role"]

Role: TypeAlias = Literal["control", "candidate"]

ROLES: Final[tuple[Role, ...]] = ("control", "candidate")
