"""Reads the `.sql` files that stand beside an engine's code. Reads package data, nothing else."""

from __future__ import annotations

from functools import cache
from importlib import resources

__all__ = ["sql"]


@cache
def sql(package: str, name: str) -> str:
    """The text of `name`.sql in `package`; ours and fixed, so psycopg may take it as it is."""
    return resources.files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")
