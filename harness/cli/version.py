"""Which Cutover this is. Reads the installed package's metadata."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


def installed_version() -> str:
    """The version, or a note that this is a source tree that nobody installed."""
    try:
        return version("orchestrator-cutover")
    except PackageNotFoundError:
        return "0 (not installed)"
