"""Saves a run as a folder; `cutover.harness.store.reader` reads it. Does I/O.

`manifest.json` names every other file with its SHA-256; `cutover.harness.store.tables` says what is in them. It is
there from the first moment on, says that the run is partial, and is written anew with each file that is finished: a run
whose process was killed can be read as far as it went. What says that the run is whole is written last.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.record.cases import CaseRecord, CrashTrial
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import Manifest, Trial
from cutover.harness.store.atomic import write_whole
from cutover.harness.store.case_lines import encode_baseline, encode_case
from cutover.harness.store.files import TableWriter
from cutover.harness.store.lines import (
    RecordedTrial,
    encode_fields,
    encode_manifest,
    encode_scenario,
    record_trial,
)
from cutover.harness.store.tables import MANIFEST, Table
from cutover.scenarios.model import Scenario

__all__ = ["RunWriter", "refuse_used", "saving"]

_PART = 2 << 20
"""Bytes of lines, before they are packed, after which a table goes on in another file.

Trials go by their arms, and both their tables go on at once: the n-th files of both are of the same trials, which can
be judged apart from the others.
"""
_UNSAVED_S = 10.0
"""Real time after which what has come is in a file that is finished: so much is lost where a run is killed."""


class RunWriter:
    """Writes one run, trial by trial; a context manager that closes its files.

    `finish` makes it a whole run; without it the run in the folder is a partial one, and where the process was killed
    it lacks what did not fill a file. Raises UsageProblem where the folder holds something already, EnvironmentProblem
    where it cannot be written.
    """

    def __init__(self, folder: Path | str, manifest: Manifest) -> None:
        self.folder = Path(folder)
        self.finished = 0
        self.cases = self.cases_planned = 0
        self._kept, self._whole, self._noted_at = (0, 0), False, time.monotonic()
        self._texts: dict[str, str] = {}
        self.manifest = manifest
        refuse_used(self.folder)
        with saving(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                (self.folder / MANIFEST).open("xb").close()
            except FileExistsError:
                raise _taken(self.folder, "another run has just begun to write there") from None
            self._tables = {table: TableWriter(self.folder, table) for table in Table}
            self._note_progress()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._whole:
            with contextlib.suppress(OSError):
                self._cut()
                self._note_progress()

    def write(self, trial: RecordedTrial | Trial) -> None:
        """Adds a finished trial."""
        recorded = record_trial(trial) if isinstance(trial, Trial) else trial
        scenarios, arms = self._tables[Table.SCENARIOS], self._tables[Table.ARMS]
        with saving(self.folder):
            scenarios.write(encode_scenario(recorded.number, recorded.scenario) + b"\n")
            arms.write(b"".join(line + b"\n" for line in recorded.lines.values()))
            self.finished += 1
            if self._is_due(arms):
                self._cut_trials()

    def write_case(self, record: CaseRecord) -> None:
        """Adds a finished crash case; its scenario has been given to `write_crash_scenarios`."""
        self._line(Table.CASES, encode_case(record))

    def write_crash_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Adds scenarios that crash cases are played with."""
        for number, scenario in enumerate(scenarios, start=1):
            self._line(Table.CRASH_SCENARIOS, encode_scenario(number, scenario))

    def write_routing(self, rows: Iterable[Routed]) -> None:
        """Adds executions that the router has served."""
        for row in rows:
            self._line(Table.ROUTING, encode_fields(row))

    def write_memory(self, rows: Iterable[Weighed]) -> None:
        """Adds engines that were weighed."""
        for row in rows:
            self._line(Table.MEMORY, encode_fields(row))

    def write_lines(self, table: Table, lines: Iterable[bytes]) -> None:
        """Adds lines of a table that come encoded."""
        for line in lines:
            self._line(table, line)

    def write_costs(self, rows: Iterable[PlayCosts]) -> None:
        """Adds plays whose costs were counted."""
        for row in rows:
            self._line(Table.COSTS, encode_fields(row))

    def write_baselines(self, trials: Iterable[CrashTrial]) -> None:
        """Adds the uninterrupted runs from which crash cases were planned."""
        for trial in trials:
            self._line(Table.BASELINES, encode_baseline(trial.scenario.id, trial.baseline, trial.points))

    def write_text(self, name: str, text: str) -> None:
        """Adds a file of text beside the tables, by which the run is judged."""
        raw = text.encode()
        with saving(self.folder):
            write_whole(self.folder / name, raw)
            self._texts[name] = hashlib.sha256(raw).hexdigest()
            self._note_progress()

    def _line(self, table: Table, line: bytes) -> None:
        writer = self._tables[table]
        with saving(self.folder):
            if self._tables[Table.ARMS].pending:  # the trials are over, and their last ones are kept before all else
                self._cut_trials()
            writer.write(line + b"\n")
            self.cases += table is Table.CASES
            if self._is_due(writer):
                writer.cut()
                self._note_progress()

    def finish(self, *, seconds: float, partial: bool = False) -> Manifest:
        """Closes the files and writes the manifest; `partial` says that the run was interrupted."""
        with saving(self.folder):
            self._cut()
            manifest = dataclasses.replace(self._so_far(), seconds=seconds, partial=partial)
            write_whole(self.folder / MANIFEST, encode_manifest(manifest))
        self._whole = True
        return manifest

    def _is_due(self, writer: TableWriter) -> bool:
        """Returns whether the present file of a table is to be finished."""
        return writer.pending >= _PART or time.monotonic() - self._noted_at > _UNSAVED_S

    def _cut_trials(self) -> None:
        for table in (Table.SCENARIOS, Table.ARMS):
            self._tables[table].cut()
        self._note_progress()

    def _cut(self) -> None:
        for table in self._tables.values():
            table.cut()
        self._kept = self.finished, self.cases

    def _note_progress(self) -> None:
        """Says what there is by now, for the case that nothing is written after it."""
        trials, cases = self._kept
        if not self._tables[Table.ARMS].pending:
            trials = self.finished
        if not self._tables[Table.CASES].pending:
            cases = self.cases
        self._kept = trials, cases
        write_whole(self.folder / MANIFEST, encode_manifest(self._so_far()), synced=False)
        self._noted_at = time.monotonic()

    def _so_far(self) -> Manifest:
        """Returns the manifest of the files that are finished, as that of a partial run."""
        digests = {name: sha256 for table in sorted(Table) for name, sha256 in self._tables[table].digests.items()}
        trials, cases = self._kept
        return dataclasses.replace(
            self.manifest,
            finished=trials,
            cases=cases,
            cases_planned=self.cases_planned,
            partial=True,
            files=digests | self._texts,
        )


def refuse_used(folder: Path) -> None:
    """Raises UsageProblem where the folder of a run to come holds something, EnvironmentProblem where it is no folder.

    Whoever is to start a server first asks this before.
    """
    with saving(folder):
        if folder.exists() and any(folder.iterdir()):
            raise _taken(folder, "it is not empty")


def _taken(folder: Path, why: str) -> UsageProblem:
    return UsageProblem(f"{folder} cannot take a run: {why}; give another output folder, or remove it first")


@contextlib.contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Turns what the system holds against writing in a run's folder into EnvironmentProblem."""
    try:
        yield
    except OSError as error:
        raise EnvironmentProblem(
            f"the run cannot be saved in {folder}: {error.strerror or error}; "
            "free some space or give an output folder that can be written"
        ) from error
