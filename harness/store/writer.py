"""Saves a run as a folder; `cutover.harness.store.reader` reads it. Does I/O.

`manifest.json` is written last, by a rename: a folder without it holds no finished run. `scenarios.jsonl.gz` has a
line a trial, `arms.jsonl.gz` a line an arm, the arms of a trial next to each other and the trials in the same order.
`cases.jsonl.gz`, where engines were killed, has a line a case, `crash_scenarios.jsonl.gz` a line a scenario of theirs.
`routing.jsonl.gz` has a line an execution that the router served, `memory.jsonl.gz` a line an engine that was weighed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import Manifest, Trial
from cutover.harness.store.blocks import BlockWriter
from cutover.harness.store.case_lines import encode_case
from cutover.harness.store.lines import (
    RecordedTrial,
    encode_fields,
    encode_manifest,
    encode_scenario,
    record_trial,
)
from cutover.scenarios.model import Scenario

__all__ = [
    "ARMS",
    "CASES",
    "CRASH_SCENARIOS",
    "MANIFEST",
    "MEMORY",
    "ROUTING",
    "SCENARIOS",
    "RunWriter",
    "digest",
    "saving",
]

MANIFEST, SCENARIOS, ARMS = "manifest.json", "scenarios.jsonl.gz", "arms.jsonl.gz"
CASES, CRASH_SCENARIOS = "cases.jsonl.gz", "crash_scenarios.jsonl.gz"
ROUTING, MEMORY = "routing.jsonl.gz", "memory.jsonl.gz"
_BLOCK = 2 << 20
"""Bytes of arms after which both files of trials begin a new block, so that the n-th blocks are of the same trials."""


class RunWriter:
    """Writes one run, trial by trial; a context manager that closes its files.

    `finish` makes it a run; without it the folder stays without a manifest. Raises UsageProblem where the folder holds
    something already, EnvironmentProblem where it cannot be written.
    """

    def __init__(self, folder: Path | str, manifest: Manifest) -> None:
        self.folder = Path(folder)
        self.finished = 0
        self.cases = self.cases_planned = 0
        self._manifest = manifest
        with saving(self.folder):
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise UsageProblem(f"{self.folder} is not empty; give another output folder, or remove it first")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: self._open(name) for name in (SCENARIOS, ARMS)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._close()

    def write(self, trial: RecordedTrial | Trial) -> None:
        """Adds a finished trial."""
        recorded = record_trial(trial) if isinstance(trial, Trial) else trial
        with saving(self.folder):
            self._files[SCENARIOS].write(encode_scenario(recorded.number, recorded.scenario) + b"\n")
            self._files[ARMS].write(b"".join(line + b"\n" for line in recorded.lines.values()))
            if self._files[ARMS].pending >= _BLOCK:
                self._files[SCENARIOS].cut()
                self._files[ARMS].cut()
        self.finished += 1

    def write_case(self, record: CaseRecord) -> None:
        """Adds a finished crash case; its scenario has been given to `write_crash_scenarios`."""
        self._line(CASES, encode_case(record))
        self.cases += 1

    def write_crash_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Adds scenarios that crash cases are played with."""
        for number, scenario in enumerate(scenarios, start=1):
            self._line(CRASH_SCENARIOS, encode_scenario(number, scenario))

    def write_routing(self, rows: Iterable[Routed]) -> None:
        """Adds executions that the router has served."""
        for row in rows:
            self._line(ROUTING, encode_fields(row))

    def write_memory(self, rows: Iterable[Weighed]) -> None:
        """Adds engines that were weighed."""
        for row in rows:
            self._line(MEMORY, encode_fields(row))

    def _line(self, name: str, line: bytes) -> None:
        with saving(self.folder):
            if name not in self._files:
                self._files[name] = self._open(name)
            self._files[name].write(line + b"\n")

    def finish(self, *, seconds: float, partial: bool = False) -> Manifest:
        """Closes the files and writes the manifest; `partial` says that the run was interrupted."""
        with saving(self.folder):
            self._close()
            digests = {name: digest(self.folder / name) for name in sorted(self._files)}
            manifest = dataclasses.replace(
                self._manifest,
                finished=self.finished,
                cases=self.cases,
                cases_planned=self.cases_planned,
                seconds=seconds,
                partial=partial,
                files=digests,
            )
            draft = self.folder / f".{MANIFEST}"
            with draft.open("wb") as file:
                file.write(encode_manifest(manifest))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self.folder / MANIFEST)
        return manifest

    def _open(self, name: str) -> BlockWriter:
        return BlockWriter(self.folder / name)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()


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


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
