"""What a service asks for, from the path, headers and body of its request. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from cutover.engines.byprocess.faults import BrokenProtocol
from cutover.engines.byprocess.messages import CallMessage, LogMessage, SleepMessage
from cutover.engines.byprocess.wire import checked

__all__ = ["asked_for", "named", "shown"]

_HEADERS: Final = ("X-Execution-Id", "X-Step-Id", "X-Attempt", "Idempotency-Key")
_LONGEST: Final = 100


def asked_for(
    number: int, wanted: str, headers: Mapping[str, str], body: bytes
) -> CallMessage | SleepMessage | LogMessage:
    """Returns what a request asks for. Raises BrokenProtocol."""
    what, _, rest = wanted.partition("/")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise BrokenProtocol(f"the body of its request for {named(wanted)} is not UTF-8") from None
    if what == "activities" and rest:
        for name in (each for each in _HEADERS if not headers.get(each.lower(), "").isascii()):
            raise BrokenProtocol(f"its header {name} is not ASCII; write it as encodeURIComponent does")
        attempt = headers.get("x-attempt", "")
        values = {
            "id": number,
            "execution_id": headers.get("x-execution-id"),
            "step_id": _decoded("X-Step-Id", headers["x-step-id"]) if "x-step-id" in headers else None,
            "activity": _decoded("its path", rest),
            "attempt": int(attempt) if attempt.isdigit() else attempt,
            "input": text,
            "idempotency_key": headers.get("idempotency-key"),
        }
        return checked(CallMessage, values, "its request for an activity")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BrokenProtocol(f"the body of its request for {named(wanted)} is not a JSON object")
    if wanted == "sleep":
        return checked(SleepMessage, {**found, "id": number}, "its request for sleep")
    if wanted == "log":
        return checked(LogMessage, found, "its request for log")
    raise BrokenProtocol(f"it posted to {named(wanted)}; there are /activities/NAME, /sleep, /now and /log")


def _decoded(where: str, text: str) -> str:
    """Returns a percent-encoded text; half a character of an id that was given is three bytes, as of any other."""
    try:
        return unquote_to_bytes(text).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise BrokenProtocol(f"{where} is not percent-encoded UTF-8: {text[:_LONGEST]!a}") from None


def named(wanted: str) -> str:
    """Returns the path that was asked for, as a message has it."""
    return ascii(f"/{wanted[:_LONGEST]}")


def shown(wanted: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Returns the request on one line, as it is shown to whoever watches."""
    given = "".join(f"{name}: {headers[name.lower()]} " for name in _HEADERS if name.lower() in headers)
    return f"POST /{wanted} {given}".encode() + body
