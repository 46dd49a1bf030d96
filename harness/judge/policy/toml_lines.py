"""A TOML file of tables as JSON, within limits, and where in it a key stands, for messages. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cutover.scenarios.inputs.limits import SETTINGS_BYTES, SETTINGS_LEVELS, SHOWN_PROBLEMS

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["as_json", "details_of", "line_of", "shown"]

_TOLD_OF = 10_000
"""A file with more problems is told their number alone."""


def as_json(text: str) -> str:
    """Returns the file's tables as JSON. Raises ValueError, whose message ends a sentence that names the file."""
    if len(text) > SETTINGS_BYTES.most:
        raise ValueError(f"larger than {SETTINGS_BYTES}, the most that is read")
    if _DOTTED.search(text):  # tomllib takes a time that grows with the square of a key's parts
        raise ValueError(f"a key of more than {SETTINGS_LEVELS.most} parts; it needs three at most")
    try:
        tables = tomllib.loads(text)
        _check_levels(tables)
        return json.dumps(tables, default=str)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from error
    except RecursionError as error:
        raise ValueError(f"more than {SETTINGS_LEVELS} of tables and lists inside each other") from error
    except ValueError as error:
        if "digits" in str(error):  # Python's own limit
            raise ValueError("an integer of more digits than Python reads") from error
        raise


_DOTTED = re.compile(rf"(?<![\w\"'.-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{SETTINGS_LEVELS.most},}}")


def _check_levels(tables: dict[str, Any]) -> None:
    pending: list[tuple[Any, int]] = [(tables, 1)]
    while pending:
        part, level = pending.pop()
        if level > SETTINGS_LEVELS.most:
            raise ValueError(f"more than {SETTINGS_LEVELS} of tables and lists inside each other")
        if isinstance(part, dict | list):
            items = part.values() if isinstance(part, dict) else part
            pending.extend((item, level + 1) for item in items if isinstance(item, dict | list))


def details_of(error: ValidationError) -> list[Any]:
    """Returns what is wrong, one detail a problem. Raises ValueError where there is far too much of it."""
    if error.error_count() > _TOLD_OF:
        raise ValueError(f"{error.error_count():,} problems, so it is hardly such a file")
    return list(error.errors())


def shown(messages: Sequence[str]) -> tuple[str, ...]:
    """Returns the first of the messages, each a line, and how many more there are."""
    left = len(messages) - SHOWN_PROBLEMS.most
    more = [f"and {left:,} more"] if left > 0 else []
    return (*messages[: SHOWN_PROBLEMS.most], *more)


def line_of(text: str, table: str, index: int, key: str | None) -> int | None:
    """Returns the line, from 1, of a key in the index-th `[[table]]` (from 0).

    Where the key is not there it is the line of the table's head. An empty table is the file's top level.
    """
    head = None
    count = -1
    wanted = re.compile(rf"{re.escape(key)}\s*[=.]") if key else None
    for number, line in enumerate(_lines_of(text), start=1):
        if line.startswith("["):
            if head is not None or not table:
                return head
            if line.replace(" ", "").startswith(f"[[{table}]]"):
                count += 1
                head = number if count == index else None
        elif wanted and line and key and line[0] == key[0] and (head is not None or not table) and wanted.match(line):
            return number
    return head


@lru_cache(maxsize=2)
def _lines_of(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines())
