"""The scenarios that ship with the project, smallest first. Reads package data."""

from __future__ import annotations

from functools import cache
from importlib import resources

from cutover.scenarios.files import loads
from cutover.scenarios.model import Scenario

__all__ = ["load_catalog"]


@cache
def load_catalog() -> tuple[Scenario, ...]:
    """Every scenario of the catalog, by file name."""
    files = sorted(resources.files(__package__).iterdir(), key=lambda file: file.name)
    return tuple(loads(file.read_text(encoding="utf-8"), file.name) for file in files if file.name.endswith(".json"))
