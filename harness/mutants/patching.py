"""Replaces parts of modules and classes for a while. Changes what it is told to, and puts it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

__all__ = ["Patch", "patched"]

Patch = tuple[Any, str, Any]
"""A module or class, the name of something in it, and what stands there instead."""


@contextmanager
def patched(patches: Iterable[Patch]) -> Iterator[None]:
    """Inside the block the new parts stand in the old ones' place."""
    with ExitStack() as stack:
        for owner, name, new in patches:
            stack.callback(setattr, owner, name, vars(owner)[name])
            setattr(owner, name, new)
        yield
