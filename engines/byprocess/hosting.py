"""What whoever hosts an engine asks of its factory, also of one that is nothing special. Pure; imports nothing."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["begin_hosted", "is_by_process", "unkillable"]


def is_by_process(factory: object) -> bool:
    """Returns whether its engines work in processes of their own, which share the fate of their host's."""
    return bool(getattr(factory, "by_process", False))


def begin_hosted(factory: object) -> None:
    """Has it start the process of its next engine now, where engines of its kind have one."""
    begin: Callable[[], None] | None = getattr(factory, "begin_hosted", None) if is_by_process(factory) else None
    if begin is not None:
        begin()


def unkillable(factory: object) -> str:
    """Returns why no crash case can be played with its engines, or nothing."""
    return str(getattr(factory, "unkillable", ""))
