"""Reads the `.sql` files that belong to a package's code. Reads package data, nothing else."""

from __future__ import annotations

from functools import cache
from importlib import resources

__all__ = ["sql"]


@cache
def sql(package: str, name: str) -> str:
    """Returns the text of `name`.sql in the package's folder `sql`, or beside its code where it has no such file.

    The text is fixed and ours, so psycopg may take it as it is.
    """
    folder = resources.files(package)
    file = folder.joinpath("sql", f"{name}.sql")
    return (file if file.is_file() else folder.joinpath(f"{name}.sql")).read_text(encoding="utf-8")
