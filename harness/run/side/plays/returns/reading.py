"""A play of journals that are read while their execution goes on. Calls engines, in two threads.

The contract: what `journal` returns is what was committed at one moment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from threading import Event, Thread
from typing import Final

from cutover.engines.api import ActivityNode, Edge, Engine, Journal, LoopNode, StartNode, Workflow
from cutover.engines.errors import UnknownExecution
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain
from cutover.scenarios.model import Scenario

__all__ = ["READING", "torn"]

_TURNS: Final = 80
"""Activities, and so about as many commits."""
_OPEN: Final = frozenset({"pending", "running", "paused", "retrying"})


def read_meanwhile(stage: PlayStage) -> Iterator[PlayRecord]:
    """Another worker reads the journal again and again while activities follow one another: each is of one moment."""
    play = Performance(stage, _scenario(), stage.engine(), check="READ", name="read while it goes on")
    reader = _Reader(stage.engine(), play)
    play.flight.at_first_call = reader.begin
    play.start()
    reader.end()
    play.finish()
    play.ask("journals that were read while it went on", partial(_look, reader.journals))
    yield play.play()


def torn(journal: Journal) -> str:
    """Returns where a journal is not of one moment; empty where it is, or keeps no history that could tell."""
    newest = {event.step_id: event.to_state for event in journal.events if event.to_state is not None}
    own = newest.pop(None, None)
    steps = {step.step_id: step.status for step in journal.steps if step.status != "pending"}
    if journal.events:
        for step_id in sorted(steps.keys() | newest.keys(), key=str):
            row, event = steps.get(str(step_id), "not there"), newest.get(step_id, "not there")
            if row != event:
                return f"step {step_id} is {row} by its row and {event} by the events"
        if own is not None and own != journal.execution.status:
            return f"the execution is {journal.execution.status} by its row and {own} by the events"
    versions = [checkpoint.version for checkpoint in journal.checkpoints]
    if versions and max(versions) != journal.execution.version:
        return f"the execution is at version {journal.execution.version}, its checkpoints end at {max(versions)}"
    if journal.execution.status not in {"pending", "running"} and (left := set(steps.values()) & _OPEN):
        return f"the execution is {journal.execution.status}, and a step is {min(left)}"
    return ""


def _scenario() -> Scenario:
    body = Workflow(
        id="turn",
        nodes=(StartNode(id="start"), ActivityNode(id="note", activity="note")),
        edges=(Edge(source="start", target="note"),),
    )
    return chain("read-meanwhile", LoopNode(id="each", items=f"[{', '.join(['`1`'] * _TURNS)}]", body=body))


def _look(journals: list[Journal]) -> None:
    """Raises ValueError for a journal that is not of one moment."""
    for number, journal in enumerate(journals, 1):
        if problem := torn(journal):
            raise ValueError(f"journal {number} of {len(journals)} is not of one moment: {problem}")


class _Reader:
    """Reads the journal of a play's execution in a thread of its own, from its first activity to its end."""

    def __init__(self, engine: Engine, play: Performance) -> None:
        self.journals: list[Journal] = []
        self._engine, self._play = engine, play
        self._done = Event()
        self._thread = Thread(target=self._read, daemon=True)

    def begin(self) -> None:
        """Begins to read."""
        self._thread.start()

    def end(self) -> None:
        """Reads once more and ends."""
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _read(self) -> None:
        with contextlib.suppress(Exception):  # whatever it raises shows where the journal is read in the end
            while not self._done.is_set():
                with contextlib.suppress(UnknownExecution):
                    self.journals.append(self._engine.journal(self._play.id))


READING = (read_meanwhile,)
