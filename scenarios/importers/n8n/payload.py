"""n8n items as payloads: files replaced by their digests, secrets blacked out, size bounded. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import Any

from cutover.engines.api import JsonValue

__all__ = ["MAX_ITEMS", "MAX_PAYLOAD", "MAX_TEXT", "items_of", "losses_as_notes", "redacted"]

MAX_ITEMS = 200
MAX_TEXT = 16 * 1024
"""Characters of one text."""
MAX_PAYLOAD = 256 * 1024
"""Characters of JSON of one output."""
_REDACTED = "[redacted]"
_MAX_DEPTH = 100
_SECRET_NAME = re.compile(
    r"(pass(word|wd|phrase)?|secret|api[-_ ]?key|private[-_ ]?key|authorization|credentials?|cookie"
    r"|(access|refresh|auth|bearer|id|session|csrf)[-_ ]?token|token)$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"\b(Bearer|Basic)\s+[\w~+/.=-]{12,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|\bsk-[\w-]{16,}|\bxox[abprs]-[\w-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[oprsu]_\w{30,}|\bgithub_pat_\w{20,}|\bAIza[\w-]{30,}|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)|://[^/\s:@]+:[^/\s@]+@"
)


def items_of(items: Any, losses: Counter[str]) -> JsonValue:
    """The `json` of each item of one n8n output; what is replaced is counted in `losses`."""
    if not isinstance(items, list):
        return []
    if len(items) > MAX_ITEMS:
        losses[f"items beyond the first {MAX_ITEMS} of an output"] += len(items) - MAX_ITEMS
    payload = [_item(item, losses) for item in items[:MAX_ITEMS]]
    text = json.dumps(payload, sort_keys=True)
    if len(text) > MAX_PAYLOAD:
        losses[f"outputs beyond {MAX_PAYLOAD:,} characters, replaced by their digest"] += 1
        return [{"sha256": _digest(text), "characters": len(text), "items": len(payload)}]
    return payload


def redacted(text: str) -> str:
    """The text with what looks like a secret blacked out."""
    return _SECRET_TEXT.sub(_REDACTED, text)


def losses_as_notes(losses: Counter[str]) -> tuple[str, ...]:
    """One line for each kind of loss."""
    return tuple(f"{count} {what}" for what, count in sorted(losses.items()))


def _item(item: Any, losses: Counter[str]) -> JsonValue:
    if not isinstance(item, dict):
        return _plain(item, losses, 0)
    plain = _plain(item.get("json"), losses, 0)
    files = item.get("binary")
    if not isinstance(files, dict) or not files:
        return plain
    losses["files, replaced by their digest"] += len(files)
    return {"json": plain, "binary": {name: _file(data) for name, data in files.items()}}


def _file(data: Any) -> JsonValue:
    content = str(data.get("data", "")) if isinstance(data, dict) else str(data)
    kind = data.get("mimeType") if isinstance(data, dict) else None
    return {"sha256": _digest(content), "characters": len(content), "type": kind if isinstance(kind, str) else None}


def _plain(value: Any, losses: Counter[str], depth: int) -> JsonValue:
    if depth > _MAX_DEPTH:
        losses[f"values nested deeper than {_MAX_DEPTH} levels"] += 1
        return _REDACTED
    if isinstance(value, dict):
        return {key: _field(key, part, losses, depth) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part, losses, depth + 1) for part in value]
    if isinstance(value, str):
        return _text(value, losses)
    number: JsonValue = value
    return number


def _field(key: str, value: Any, losses: Counter[str], depth: int) -> JsonValue:
    if isinstance(value, str) and value and _SECRET_NAME.search(key):
        losses["texts that look like secrets, blacked out"] += 1
        return _REDACTED
    return _plain(value, losses, depth + 1)


def _text(value: str, losses: Counter[str]) -> JsonValue:
    if len(value) > MAX_TEXT:
        losses[f"texts beyond {MAX_TEXT:,} characters, replaced by their digest"] += 1
        return {"sha256": _digest(value), "characters": len(value)}
    clear, found = _SECRET_TEXT.subn(_REDACTED, value)
    if found:
        losses["texts that look like secrets, blacked out"] += found
    return clear


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
