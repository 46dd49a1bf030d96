"""JSON as both engines store it, and what they refuse to store. Pure.

Text is ASCII with escapes, so NUL and lone surrogates survive a `json` column; integers keep every digit. NaN and the
infinities are not JSON, and nesting beyond MAX_DEPTH or text beyond MAX_BYTES is refused rather than risked.
"""

from __future__ import annotations

import json
import math
import re

from cutover.engines.api import JsonText, JsonValue
from cutover.engines.errors import PayloadRefused

__all__ = ["MAX_BYTES", "MAX_DEPTH", "decode", "encode", "storable_text"]

MAX_DEPTH = 400
"""Levels of lists and objects; Python's own JSON codec fails a little above twice this."""
MAX_BYTES = 64 * 1024 * 1024

_encoder = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), check_circular=False)
_LEAVES = frozenset({str, int, float, bool, type(None)})
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")


def encode(value: JsonValue) -> JsonText:
    """The value as compact ASCII JSON; raises PayloadRefused with the path of what JSON cannot carry."""
    try:
        text = _encoder.encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        _explain(value)
        raise PayloadRefused(f"payload cannot be written as JSON: {error}") from error
    if len(text) > MAX_BYTES:
        raise PayloadRefused(f"payload of {len(text):,} bytes of JSON; at most {MAX_BYTES:,} are kept")
    if not _plain(value):
        _explain(value)
    return text


def decode(text: JsonText) -> JsonValue:
    """The value that `encode` was given, to the type, the sign of zero and the last digit."""
    value: JsonValue = json.loads(text)
    return value


def storable_text(text: str) -> str:
    r"""The text with NUL and lone surrogates, which a Postgres `text` column refuses, as `\uXXXX` escapes."""
    return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: object) -> bool:
    """Whether the value is made of JSON's own types alone, with text for keys and no deeper than allowed.

    The codec is laxer: it writes the key 1 as "1" and a tuple as a list, which would come back as something else.
    """
    level, depth = [value], 0
    while level:
        below: list[object] = []
        deeper = False
        for part in level:
            kind = type(part)
            deeper = deeper or kind is dict or kind is list
            if kind is dict:
                if not all(type(key) is str for key in part):  # type: ignore[attr-defined]
                    return False
                below += part.values()  # type: ignore[attr-defined]
            elif kind is list:
                below += part  # type: ignore[arg-type]
            elif kind not in _LEAVES:
                return False
        level, depth = below, depth + deeper
        if depth > MAX_DEPTH:
            return False
    return True


def _explain(value: JsonValue) -> None:
    """Raises PayloadRefused for the first part of the value that breaks a rule; walks without recursion."""
    pending: list[tuple[object, str, int]] = [(value, "$", 1)]
    while pending:
        part, path, depth = pending.pop()
        if isinstance(part, dict | list) and depth > MAX_DEPTH:
            raise PayloadRefused(f"payload nests deeper than {MAX_DEPTH} levels below {path[:60]}")
        match part:
            case dict():
                for key, item in part.items():
                    if not isinstance(key, str):
                        raise PayloadRefused(f"payload has a key that is not a string at {path}: {key!r}")
                    pending.append((item, f"{path}.{key}", depth + 1))
            case list():
                pending.extend((item, f"{path}[{i}]", depth + 1) for i, item in enumerate(part))
            case float() if not math.isfinite(part):
                raise PayloadRefused(f"payload has {part} at {path}; JSON has no such number")
            case None | bool() | int() | float() | str():
                pass
            case _:
                raise PayloadRefused(f"payload has a {type(part).__name__} at {path}; JSON has no such value")
