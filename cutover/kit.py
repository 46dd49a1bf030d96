"""The kit: what an adapter needs so that an engine whose workflows are code can be judged. docs/kit.md shows how.

An adapter gives the kit three primitives of its engine (`Durable`); `drive` runs a workflow's graph on them, and
`journal_of` works out the journal from the results that the engine has kept. The kit opens no connection.
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
from cutover.engines.kit.processes import process_lives, process_name
from cutover.engines.kit.replay import journal_of, new_walk
from cutover.engines.kit.requests import StoredRequest, check_signal, request_text
from cutover.engines.kit.walk import GraphWalk

__all__ = [
    "Durable",
    "GraphWalk",
    "Primitives",
    "StoredRequest",
    "check_signal",
    "drive",
    "idempotency_key",
    "journal_of",
    "kept_text",
    "kept_value",
    "new_walk",
    "process_lives",
    "process_name",
    "request_text",
    "signal_message",
    "time_message",
    "with_message",
]
