"""V2 with one bug each; a spec names them as `cutover.harness.mutants.engines:NAME`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

__all__: list[str] = []


def __getattr__(name: str) -> Any:
    """Returns the engine or router of this name, from whichever module here defines it."""
    if not name.startswith("_"):
        for module in walk_packages(__path__, f"{__name__}."):
            found = getattr(import_module(module.name), name, None)
            if getattr(found, "__module__", None) == module.name:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
