"""The help of a command, from its docstring. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable

__all__ = ["flowing"]


def flowing(command: Callable[..., int]) -> str:
    """The docstring with one line a paragraph, examples (which are indented) as they stand.

    Typer keeps the line breaks of a docstring, which suit one width of terminal only.
    """
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(part if "\n  " in f"\n{part}" else part.replace("\n", " ") for part in paragraphs)
