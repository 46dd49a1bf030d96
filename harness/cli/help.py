"""The help of a command, from its docstring. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable

__all__ = ["reflowed"]


def reflowed(command: Callable[..., int]) -> str:
    """Returns the docstring with one line per paragraph; examples, which are indented, keep theirs.

    Typer keeps the line breaks of a docstring, which suit one width of terminal only.
    """
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(part if "\n  " in f"\n{part}" else part.replace("\n", " ") for part in paragraphs)
