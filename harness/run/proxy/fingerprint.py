"""What a request is, told by the statements that it carries out and not by when it comes. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

__all__ = ["Occurrences"]

_DIGITS: Final = 8
_VALUE: Final = re.compile(rb"'(?:[^']|'')*'|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|[0-9]+")
"""What drivers write into a statement and number: texts, UUIDs, numbers, and those in names that they make up."""


class Occurrences:
    """Counts what happens in one execution by what it is, so that nothing which comes in between shifts its number."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of_request(self, statements: Sequence[bytes]) -> str:
        """Returns the mark of a request: eight hexadecimal digits, of its statements' texts and how often they came."""
        return self._mark("\0".join(_VALUE.sub(b"?", b" ".join(text.split())).decode("latin-1") for text in statements))

    def of_call(self, step_id: str, attempt: object) -> str:
        """Returns the mark of an activity call, by its step and attempt and how often these came."""
        return self._mark(f"call {step_id} {attempt}")

    def _mark(self, what: str) -> str:
        self._seen[what] += 1
        return hashlib.sha256(f"{what}\0{self._seen[what]}".encode("utf-8", "replace")).hexdigest()[:_DIGITS]
