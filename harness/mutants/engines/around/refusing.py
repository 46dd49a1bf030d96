"""Engines that leave something behind where they raise: rows of a refused request, or a lease. Does I/O as V2 does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from cutover.engines.api import ExecutionRequest, StartNode, Workflow
from cutover.engines.errors import PayloadRefused, WorkflowRefused
from cutover.engines.sqlfiles import sql
from cutover.engines.v2 import orchestrator
from cutover.engines.v2.lease import Claims
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = ["HoldsOn", "TakesAnyText", "WritesThenRefuses"]

HERE = "cutover.harness.mutants.engines"


class HoldsOn(BrokenV2):
    """Keeps the lease for a day when its command ends by an error."""

    def patches(self) -> tuple[Patch, ...]:
        """What is done then."""

        @contextmanager
        def kept(claims: Claims, execution_id: UUID, epoch: int) -> Iterator[None]:
            try:
                yield
            except BaseException:
                mine = {"id": execution_id, "epoch": epoch, "now": claims._clock.now()}
                claims._store.connection.execute(sql(HERE, "hold_on"), mine)
                raise

        return ((Claims, "giving_up", kept),)


class WritesThenRefuses(BrokenV2):
    """Writes the execution's row before it looks at the request."""

    def execute(self, request: ExecutionRequest) -> None:
        """As V2, once there is something of it."""
        try:
            super().execute(request)
        except (PayloadRefused, WorkflowRefused):
            empty = Workflow(id="unread", nodes=(StartNode(id="start"),))
            super().execute(replace(request, workflow=empty, input=None, metadata={}))
            raise


class TakesAnyText(BrokenV2):
    """Leaves it to the database to refuse a text."""

    def patches(self) -> tuple[Patch, ...]:
        """How a text is looked at."""

        def any_text(text: str, _what: str) -> str:
            return text

        return ((orchestrator, "_column", any_text),)
