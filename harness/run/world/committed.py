"""Asks an engine what it has committed, and refuses what is no journal. Calls the engine."""

from __future__ import annotations

from uuid import UUID

from cutover.engines.api import Engine, Journal
from cutover.harness.errors import CutoverProblem

__all__ = ["EngineProblem", "committed"]


class EngineProblem(CutoverProblem):
    """The engine cannot be tested as it is, because its journal cannot be read; the message says how it failed."""

    exit_status = 2


def committed(engine: Engine, execution_id: UUID) -> Journal:
    """The journal of an execution. Raises what the engine raises, and TypeError where it gives anything else."""
    found: object = engine.journal(execution_id)
    if not isinstance(found, Journal):
        raise TypeError(f"journal() gave {type(found).__name__} instead of cutover.engines.api.Journal")
    return found
