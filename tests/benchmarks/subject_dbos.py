"""DBOS Transact: a workflow that calls ten steps, run by calling it. Does I/O.

As https://docs.dbos.dev/python/programming-guide shows: `@DBOS.workflow`, `@DBOS.step`, Postgres as system database.
Each client is an executor of its own, as where several processes serve one application. Logs are quiet.
"""

from __future__ import annotations

from dbos import DBOS, DBOSConfig
from subjects import INPUT, STEPS, Payload, Work

__all__ = ["RECORDED", "connect", "prepare"]

RECORDED = "SELECT count(*) FROM dbos.operation_outputs"


def _launch(dsn: str, executor: str) -> None:
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": dsn,
        "executor_id": executor,
        "application_version": "1",
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()


def prepare(dsn: str) -> None:
    """Lets DBOS migrate its system database."""
    _launch(dsn, "prepare")
    DBOS.destroy()


class _Executor:
    """The workflow, registered and launched."""

    def __init__(self, dsn: str, number: int, work: Work) -> None:
        def one(payload: Payload) -> Payload:
            return work(payload)

        step: Work = DBOS.step()(one)

        def chain(payload: Payload) -> Payload:
            for _ in range(STEPS):
                payload = step(payload)
            return payload

        self._chain: Work = DBOS.workflow()(chain)
        _launch(dsn, f"client-{number}")

    def run(self) -> None:
        """One execution, in this thread."""
        self._chain(dict(INPUT))

    def close(self) -> None:
        """Ends DBOS's threads and connections."""
        DBOS.destroy()


def connect(dsn: str, number: int, work: Work) -> _Executor:
    """DBOS is one to a process."""
    return _Executor(dsn, number, work)
