"""Which of two engines is meant: the control, which serves today, or the candidate that is to take over. Types only."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["Role"]

Role: TypeAlias = Literal["control", "candidate"]
