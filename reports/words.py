"""Numbers as every report writes them, and foreign text made safe to print. Pure."""

from __future__ import annotations

import math
import re

__all__ = ["ABSENT", "clean", "clip", "count", "needed", "number", "plain"]

ABSENT = "-"
"""What stands where there is no number."""
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)
_TWO_COLONS = re.compile(r":(?=:)")


def number(value: float | None, unit: str) -> str:
    """Returns a number with its unit, to four significant digits, a share to five; a dash where there is none."""
    if value is None or math.isnan(value):
        return ABSENT
    if unit == "share":
        return f"{_short(round(value * 100, 10), 5)} %"  # 0.56 * 100 is 56.00000000000001
    written = {"ratio": "x", "count": "", "evidence": ""}.get(unit, unit)
    return f"{_short(value)} {written}".rstrip()


def count(value: int) -> str:
    """Returns a count, in groups of three digits."""
    return f"{value:,}"


def needed(value: int | None) -> str:
    """Returns how many more measurements would decide; a dash where that cannot be predicted."""
    return ABSENT if value is None else count(value)


def clean(text: str) -> str:
    """Returns the text with a space in place of control characters, bidirectional marks and lone surrogates."""
    return _CONTROL.sub(" ", text)


def plain(text: str) -> str:
    """Returns the text on one line: no control characters, and nothing that a CI log takes for a command."""
    return _TWO_COLONS.sub(": ", clean(text)).replace("##[", "# #[").strip()


def clip(text: str, length: int) -> str:
    """Returns the text, or its beginning and an ellipsis where it has more than `length` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _short(value: float, digits: int = 4) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    for more in range(digits, 17):
        text = f"{value:.{more}g}"
        if not float(text).is_integer():  # 99.996 must not read as 100
            return text
    return f"{value:.17g}"
