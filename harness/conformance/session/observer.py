"""Which states were seen committed of one execution. Reads journals."""

from __future__ import annotations

from collections.abc import Callable

from cutover.engines.api import Journal

__all__ = ["JournalObserver"]


class JournalObserver:
    """Reads an execution's journal and keeps in which states its rows were seen.

    `committed` are scopes and states ("step", "paused"), `looks` counts the reads that found anything; both since the
    last `clear`.
    """

    def __init__(self, read: Callable[[], Journal | None]) -> None:
        self._read = read
        self.committed: set[tuple[str, str]] = set()
        self.looks = 0

    def clear(self) -> None:
        """Forgets what was seen."""
        self.committed.clear()
        self.looks = 0

    def journal(self) -> Journal | None:
        """What is committed now; None where nothing is."""
        journal = self._read()
        if journal is not None:
            self.looks += 1
            self.committed.add(("execution", journal.execution.status))
            self.committed |= {("step", step.status) for step in journal.steps}
        return journal

    def completed(self, step_id: str) -> bool:
        """Whether a step's completion is committed."""
        journal = self.journal()
        return journal is not None and any(s.step_id == step_id and s.status == "completed" for s in journal.steps)
