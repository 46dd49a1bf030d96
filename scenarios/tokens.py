"""The mark that a scenario's data carries, so that data of one execution is known when it shows in another's. Pure."""

from __future__ import annotations

import hashlib
import re

__all__ = ["TOKEN", "token_of"]

TOKEN = re.compile(r"tok-[0-9a-f]{16}")
"""Every token in a text."""


def token_of(scenario_id: str) -> str:
    """The scenario's own token: `tok-` and the first 16 hex digits of the SHA-256 of its id."""
    return "tok-" + hashlib.sha256(scenario_id.encode()).hexdigest()[:16]
