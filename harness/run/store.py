"""Saves a run as a folder, and loads it. Does I/O.

`manifest.json` is written last, by a rename: a folder without it holds no finished run. `scenarios.jsonl.gz` has a
line a trial, `arms.jsonl.gz` a line an arm, the arms of a trial next to each other and the trials in the same order.
`cases.jsonl.gz`, where engines were killed, has a line a case, `crash_scenarios.jsonl.gz` a line a scenario of theirs.
`routing.jsonl.gz` has a line an execution that the router served, `memory.jsonl.gz` a line an engine that was weighed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from harness.errors import EnvironmentProblem, RunError, UsageProblem
from harness.judge.cases import CaseError, CaseRecord
from harness.judge.flag import Routed
from harness.judge.records import RUN_SCHEMA_VERSION, Manifest, Run, Trial
from harness.judge.weighing import Weighed
from harness.run.blocks import Block, BlockWriter, blocks_of, read_block
from harness.run.case_lines import decode_case, encode_case
from harness.run.lines import (
    RecordedTrial,
    decode_arm,
    decode_manifest,
    decode_scenario,
    encode_fields,
    encode_manifest,
    encode_scenario,
    read_as,
    record_trial,
)
from scenarios.model import Scenario

__all__ = [
    "Part",
    "RunWriter",
    "crash_scenarios",
    "iter_cases",
    "iter_trials",
    "load_manifest",
    "load_memory",
    "load_routing",
    "load_run",
    "parts_of",
    "read_part",
]

_T = TypeVar("_T")
_MANIFEST, _SCENARIOS, _ARMS = "manifest.json", "scenarios.jsonl.gz", "arms.jsonl.gz"
_CASES, _CRASH_SCENARIOS = "cases.jsonl.gz", "crash_scenarios.jsonl.gz"
_ROUTING, _MEMORY = "routing.jsonl.gz", "memory.jsonl.gz"
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
        with self._explained():
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise UsageProblem(f"{self.folder} is not empty; give another output folder, or remove it first")
            self.folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: self._open(name) for name in (_SCENARIOS, _ARMS)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._close()

    def write(self, trial: RecordedTrial | Trial) -> None:
        """Adds a finished trial."""
        recorded = record_trial(trial) if isinstance(trial, Trial) else trial
        with self._explained():
            self._files[_SCENARIOS].write(encode_scenario(recorded.number, recorded.scenario) + b"\n")
            self._files[_ARMS].write(b"".join(line + b"\n" for line in recorded.lines.values()))
            if self._files[_ARMS].pending >= _BLOCK:
                self._files[_SCENARIOS].cut()
                self._files[_ARMS].cut()
        self.finished += 1

    def write_case(self, record: CaseRecord) -> None:
        """Adds a finished crash case; its scenario has been given to `write_crash_scenarios`."""
        self._line(_CASES, encode_case(record))
        self.cases += 1

    def write_crash_scenarios(self, scenarios: Iterable[Scenario]) -> None:
        """Adds scenarios that crash cases are played with."""
        for number, scenario in enumerate(scenarios, start=1):
            self._line(_CRASH_SCENARIOS, encode_scenario(number, scenario))

    def write_routing(self, rows: Iterable[Routed]) -> None:
        """Adds executions that the router has served."""
        for row in rows:
            self._line(_ROUTING, encode_fields(row))

    def write_memory(self, rows: Iterable[Weighed]) -> None:
        """Adds engines that were weighed."""
        for row in rows:
            self._line(_MEMORY, encode_fields(row))

    def _line(self, name: str, line: bytes) -> None:
        with self._explained():
            if name not in self._files:
                self._files[name] = self._open(name)
            self._files[name].write(line + b"\n")

    def finish(self, *, seconds: float, partial: bool = False) -> Manifest:
        """Closes the files and writes the manifest; `partial` says that the run was interrupted."""
        with self._explained():
            self._close()
            digests = {name: _digest(self.folder / name) for name in sorted(self._files)}
            manifest = dataclasses.replace(
                self._manifest,
                finished=self.finished,
                cases=self.cases,
                cases_planned=self.cases_planned,
                seconds=seconds,
                partial=partial,
                files=digests,
            )
            draft = self.folder / f".{_MANIFEST}"
            with draft.open("wb") as file:
                file.write(encode_manifest(manifest))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self.folder / _MANIFEST)
        return manifest

    def _open(self, name: str) -> BlockWriter:
        return BlockWriter(self.folder / name)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise EnvironmentProblem(
                f"the run cannot be saved in {self.folder}: {error.strerror or error}; "
                "free some space or give an output folder that can be written"
            ) from error


def load_manifest(folder: Path | str) -> Manifest:
    """What the run in a folder was; raises RunError."""
    place = Path(folder) / _MANIFEST
    if not place.is_file():
        raise RunError(
            f"{folder} holds no finished run (no {_MANIFEST}); give the folder that `cutover run` wrote, or run again"
        )
    try:
        raw = place.read_bytes()
        version = json.loads(raw).get("schema_version")
        if isinstance(version, int) and version > RUN_SCHEMA_VERSION:
            raise RunError(
                f"{place} has schema version {version} and this one reads up to {RUN_SCHEMA_VERSION}; upgrade it"
            )
        return decode_manifest(raw)
    except (OSError, ValueError, AttributeError) as error:
        raise RunError(f"{place} is damaged: {_first_line(error)}; run again") from error


def iter_trials(folder: Path | str) -> Iterator[Trial]:
    """The trials of a run, in the order in which they ended, one in memory at a time; raises RunError."""
    place, manifest = Path(folder), load_manifest(folder)
    _verify_trials(place, manifest)
    count = 0
    try:
        with gzip.open(place / _SCENARIOS) as scenarios, gzip.open(place / _ARMS) as arms:
            for trial in _trials(place, scenarios, arms):
                yield trial
                count += 1
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise RunError(f"{place} is damaged, {count} trials were readable: {_first_line(error)}; run again") from error
    if count != manifest.finished:
        raise RunError(f"{place} has {count} trials and its manifest says {manifest.finished}; run again")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Trials that lie next to each other in a run's files, where they can be read apart from the others."""

    scenarios: Block
    arms: Block


def parts_of(folder: Path | str) -> tuple[Part, ...]:
    """The parts that make up a run's trials, in order; none where they must be read as one. Raises RunError."""
    place = Path(folder)
    _verify_trials(place, load_manifest(folder))
    scenarios, arms = blocks_of(place / _SCENARIOS), blocks_of(place / _ARMS)
    return tuple(map(Part, scenarios, arms)) if len(scenarios) == len(arms) else ()


def read_part(folder: Path | str, part: Part) -> Iterator[Trial]:
    """The trials of one part of a run whose files `parts_of` has verified; raises RunError."""
    place = Path(folder)
    try:
        scenarios, arms = read_block(place / _SCENARIOS, part.scenarios), read_block(place / _ARMS, part.arms)
        yield from _trials(place, scenarios.splitlines(), arms.splitlines())
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{place} is damaged: {_first_line(error)}; run again") from error


def _trials(place: Path, scenarios: Iterable[bytes], arms: Iterable[bytes]) -> Iterator[Trial]:
    groups = groupby(map(decode_arm, arms), key=lambda pair: pair[0])
    for line, (number, rows) in zip(scenarios, groups, strict=True):
        planned, scenario = decode_scenario(line)
        if planned != number:
            raise RunError(f"{place}: trial {number} has the scenario of trial {planned}; the files do not match")
        yield Trial(number=number, scenario=scenario, arms={arm.arm: arm for _, arm in rows})


def _verify_trials(place: Path, manifest: Manifest) -> None:
    for name in (_SCENARIOS, _ARMS):
        _verify(place / name, manifest.files.get(name))


def iter_cases(folder: Path | str) -> Iterator[CaseRecord]:
    """The crash cases of a run, one in memory at a time; none where nothing was killed. Raises RunError."""
    return _decoded(folder, _CASES, decode_case)


def crash_scenarios(folder: Path | str) -> dict[str, Scenario]:
    """The scenarios of a run's crash cases, by id; raises RunError."""
    return {scenario.id: scenario for _, scenario in _decoded(folder, _CRASH_SCENARIOS, decode_scenario)}


def load_routing(folder: Path | str) -> tuple[Routed, ...]:
    """The executions of a run that the router has served; none where it was not tried. Raises RunError."""
    return tuple(_decoded(folder, _ROUTING, lambda line: read_as(Routed, json.loads(line))))


def load_memory(folder: Path | str) -> tuple[Weighed, ...]:
    """The engines of a run that were weighed; none where that could not be done. Raises RunError."""
    return tuple(_decoded(folder, _MEMORY, lambda line: read_as(Weighed, json.loads(line))))


def _decoded(folder: Path | str, name: str, decode: Callable[[bytes], _T]) -> Iterator[_T]:
    """The lines of one of a run's files; none where the run has no such file."""
    place, manifest = Path(folder), load_manifest(folder)
    if name not in manifest.files:
        return
    _verify(place / name, manifest.files[name])
    try:
        with gzip.open(place / name) as lines:
            yield from map(decode, lines)
    except (OSError, EOFError, ValueError, KeyError, CaseError) as error:
        raise RunError(f"{place / name} is damaged: {_first_line(error)}; run again") from error


def load_run(folder: Path | str) -> Run:
    """The whole run, its trials by number; raises RunError."""
    trials = sorted(iter_trials(folder), key=lambda trial: trial.number)
    return Run(manifest=load_manifest(folder), trials=tuple(trials))


def _verify(file: Path, digest: str | None) -> None:
    try:
        found = _digest(file)
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}; restore it or run again") from error
    if found == digest:
        return
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError) as error:
        raise RunError(f"{file} is cut off or damaged ({_first_line(error)}); copy it again or run again") from error
    raise RunError(f"{file} is not the file that its manifest names: it was edited or is of another run; run again")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
