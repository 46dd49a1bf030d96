"""Numbers as every report writes them, and foreign text made safe to print. Pure."""

from __future__ import annotations

import math
import re

__all__ = ["ABSENT", "clean", "clip", "count", "json_text", "needed", "number", "plain", "printable", "uncommanded"]

ABSENT = "-"
"""What stands where there is no number."""
_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    r"\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
"""Control characters, marks that turn or hide text, lone surrogates. Joiners, as in emoji and Persian, are not."""
_CONTROL = re.compile(f"[{_UNSEEN}]+")
_EACH = re.compile(f"(?![\n\t])[{_UNSEEN}]")
_TWO_COLONS = re.compile(r":(?=:)")
_COMMAND = re.compile(r"^(\s*):(?=:.*::)", re.MULTILINE)
_SERVICE = re.compile(r"#(?=#\w*\[)")
"""GitHub takes `::NAME::` at a line's beginning for a command, and `##[NAME]` anywhere; `##vso[` is Azure's."""


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
    return _SERVICE.sub("# ", _TWO_COLONS.sub(": ", clean(text))).strip()


def printable(text: str) -> str:
    """Returns the text of any origin for a terminal or a log, its lines and tabs kept.

    An escape stands in place of what a terminal would obey or hide, and no line is a command to a CI log.
    """
    return uncommanded(_EACH.sub(lambda found: _escape(found[0]), text))


def uncommanded(text: str) -> str:
    """Returns the text with no line that a CI log takes for a command."""
    return _SERVICE.sub("# ", _COMMAND.sub(r"\1: ", text))


def json_text(text: str) -> str:
    """Returns JSON, as it was written, with an escape of JSON's own for all that `printable` would change."""
    escaped = _EACH.sub(lambda found: _json_escape(found[0]), text)
    return _SERVICE.sub(r"\\u0023", escaped)


def _escape(sign: str) -> str:
    return sign.encode("ascii", "backslashreplace").decode() if ord(sign) > 0x7F else f"\\x{ord(sign):02x}"


def _json_escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


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
