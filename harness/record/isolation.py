"""What crash cases share of the server. Pure."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Isolation"]


class Isolation(StrEnum):
    """How far crash cases are kept apart: an engine with one queue for all work would take up another's execution."""

    RUNNER = "runner"
    """Each runner process has a database of its own, which its cases share one after another."""
    CASE = "case"
    """Each case has a database of its own: a new copy of one in which the engine is installed and nothing has run."""
