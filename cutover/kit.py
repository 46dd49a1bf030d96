"""The kit: what an adapter needs so that an engine whose workflows are code can be judged. docs/kit.md shows how.

An adapter gives the kit three primitives of its engine (`Durable`); `drive` runs a workflow's graph on them, and
`journal_of` works out the journal from the results that the engine has kept. Only `at_work` and `is_at_work` connect.
"""

from __future__ import annotations

from cutover.engines.kit.attempts import idempotency_key
from cutover.engines.kit.driving import drive
from cutover.engines.kit.durable import (
    Durable,
    Primitives,
    kept_text,
    kept_value,
    signal_message,
    time_message,
    with_message,
)
from cutover.engines.kit.replay import WITHOUT_HISTORY, journal_of, new_walk, replayed
from cutover.engines.kit.requests import StoredRequest, check_signal, request_text
from cutover.engines.kit.urls import url_of
from cutover.engines.kit.walk import GraphWalk
from cutover.engines.kit.workers import at_work, is_at_work

__all__ = [
    "WITHOUT_HISTORY",
    "Durable",
    "GraphWalk",
    "Primitives",
    "StoredRequest",
    "at_work",
    "check_signal",
    "drive",
    "idempotency_key",
    "is_at_work",
    "journal_of",
    "kept_text",
    "kept_value",
    "new_walk",
    "replayed",
    "request_text",
    "signal_message",
    "time_message",
    "url_of",
    "with_message",
]
