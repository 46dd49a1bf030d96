"""Where in a TOML file of tables a key stands, for messages. Pure."""

from __future__ import annotations

import re

__all__ = ["line_of"]


def line_of(text: str, table: str, index: int, key: str | None) -> int | None:
    """Returns the line, from 1, of a key in the index-th `[[table]]` (from 0).

    Where the key is not there it is the line of the table's head. An empty table is the file's top level.
    """
    head = None
    count = -1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            if head is not None or not table:
                return head
            if stripped.replace(" ", "").startswith(f"[[{table}]]"):
                count += 1
                head = number if count == index else None
        elif key and (head is not None or not table) and re.match(rf"{re.escape(key)}\s*[=.]", stripped):
            return number
    return head
