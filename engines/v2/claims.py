"""Takes executions over and gives them back: each a single guarded statement. Does I/O through its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from uuid import UUID

import psycopg

from cutover.engines.api import Clock
from cutover.engines.errors import EngineError, ExecutionHeld, UnknownExecution
from cutover.engines.v2.lease import TTL
from cutover.engines.v2.lines import VERSION, LogLines
from cutover.engines.v2.recovery import Claimed
from cutover.engines.v2.store import Store

__all__ = ["CLAIM_TRIES", "Claims"]

CLAIM_TRIES: Final = 10
"""How often a claim is sent while other workers take the execution and let it go."""


class Claims:
    """One worker's hold on executions."""

    def __init__(self, store: Store, clock: Clock, lines: LogLines, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._lines = lines
        self._owner = owner
        self._driving: set[UUID] = set()

    def take(self, execution_id: UUID, signal_id: str | None = None, *, force: bool = False) -> Claimed | None:
        """The execution under a new epoch; None where there is nothing to do.

        With `force` it is taken from whoever holds it, as long as it runs. Raises UnknownExecution, ExecutionHeld.
        """
        wanted = self.terms(execution_id, signal_id, force=force)
        for _ in range(CLAIM_TRIES):
            taken = self._store.run("claim", wanted)
            if taken:
                claimed = Claimed(*taken[0])
                self._lines.operation(
                    "LEASE_TAKEN", execution_id, claimed.node_id, epoch=claimed.epoch, owner=self._owner
                )
                return claimed
            if not self._again(wanted):
                return None
        raise ExecutionHeld(f"execution {execution_id} changed hands {CLAIM_TRIES} times meanwhile; try again")

    def terms(self, execution_id: UUID, signal_id: str | None, *, force: bool) -> dict[str, Any]:
        """What claim.sql and standing.sql decide by."""
        now = self._clock.now()
        return {
            "id": execution_id,
            "owner": self._owner,
            "now": now,
            "expires": now + TTL,
            "served_by": VERSION,
            "signal": signal_id,
            "force": force,
        }

    def release(self, execution_id: UUID, epoch: int) -> None:
        """Gives a lease back under which there was nothing to do."""
        self._store.run("release", {"id": execution_id, "epoch": epoch})

    @contextmanager
    def driving(self, execution_id: UUID) -> Iterator[None]:
        """Marks the execution as this worker's own while it drives it, so that nobody in here adopts it."""
        if execution_id in self._driving:
            raise ExecutionHeld(f"execution {execution_id} is being driven by this very worker")
        self._driving.add(execution_id)
        try:
            yield
        finally:
            self._driving.discard(execution_id)

    @contextmanager
    def giving_up(self, execution_id: UUID, epoch: int) -> Iterator[None]:
        """Lets the lease run out at once where a drive ends by an error, so that nobody has to wait for it."""
        try:
            yield
        except BaseException:
            with suppress(psycopg.Error, EngineError):
                mine = {"id": execution_id, "epoch": epoch, "owner": self._owner, "now": self._clock.now()}
                self._store.run("give_up", mine)
            raise

    def _again(self, wanted: dict[str, Any]) -> bool:
        """Why a claim took nothing: True where another worker has let go since, and it may be sent again."""
        execution_id = wanted["id"]
        found = self._store.run("standing", wanted)
        if not found:
            raise UnknownExecution(f"no execution has the id {execution_id}; start it with execute() first")
        status, served_by, owner, expires, free = found[0]
        if served_by != VERSION:
            raise EngineError(f"execution {execution_id} is served by {served_by or 'v1'}; resume it there")
        if status != "running":
            return False
        if free or wanted["force"]:
            return True
        if owner is None:
            return False
        raise ExecutionHeld(f"execution {execution_id} is driven by {owner} until {expires}; try again after that")
