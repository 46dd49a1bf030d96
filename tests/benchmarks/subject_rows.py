"""A floor under every engine: the rows of a step in tables without a rule, by libpq alone, and no engine. Does I/O.

What the rows cost on this machine before an engine works out anything: one guarded statement and one commit a step,
prepared once, its values ready before the clock starts. Where this loop misses a target, no engine that keeps these
rows can meet it here, in any language.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from subject_v2 import workflow
from subjects import INPUT, STEPS, Work

from cutover.engines.v2.graph import dump

__all__ = ["RECORDED", "connect", "prepare"]

RECORDED = "SELECT count(*) FROM metrics WHERE status = 'success'"
_SCHEMA, _FIRST, _STEP, _LAST = (
    Path(__file__).with_name(f"rows_{name}.sql").read_text(encoding="utf-8")
    for name in ("schema", "first", "step", "last")
)
_SETTINGS = "-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"
_METADATA = b'{"duration_ms": 0.283}'
_CHECKSUM = hashlib.sha256(b"a checkpoint").hexdigest().encode()
_STATE = json.dumps({"s0001": {"status": "completed", "attempt": 1, "output_sha256": _CHECKSUM.decode()}}).encode()


def prepare(dsn: str) -> None:
    """Creates the bare tables."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_SCHEMA.encode())


class _Loop:
    """The statements of one execution, all values but the id ready."""

    def __init__(self, dsn: str, work: Work) -> None:
        self._work = work
        self._connection = psycopg.connect(dsn, autocommit=True, options=_SETTINGS)
        for name, text in ((b"first", _FIRST), (b"step", _STEP), (b"last", _LAST)):
            self._connection.pgconn.prepare(name, text.encode())
        self._input = dict(INPUT)
        payload = json.dumps(INPUT).encode()
        names = [f"s{number:04}".encode() for number in range(1, STEPS + 2)]
        self._first = [dump(workflow(STEPS)).encode(), names[0], payload, _STATE, _CHECKSUM, _METADATA]
        self._steps = []
        for number in range(1, STEPS + 1):
            place = [str(number).encode(), str(4 + 2 * number).encode(), names[number - 1], names[number]]
            self._steps.append([*place, payload, _STATE, _CHECKSUM, _METADATA, b"0.0035"])

    def run(self) -> None:
        """Writes the rows of one execution; the work is done too, for every subject does it."""
        new = str(uuid4()).encode()
        self._send(b"first", [new, *self._first])
        payload = self._input
        for values in self._steps[:-1]:
            payload = self._work(payload)
            self._send(b"step", [new, *values])
        self._work(payload)
        self._send(b"last", [new, *self._steps[-1]])

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def _send(self, name: bytes, values: list[bytes]) -> None:
        self._connection.pgconn.send_query_prepared(name, values)
        self._connection.pgconn.flush()
        *_, result = self._connection.wait(execute(self._connection.pgconn))
        if result.status != ExecStatus.COMMAND_OK:
            raise RuntimeError(result.error_message.decode())


def connect(dsn: str, number: int, work: Work) -> _Loop:  # noqa: ARG001 - the loop has no name
    """A loop on a connection of its own."""
    return _Loop(dsn, work)
