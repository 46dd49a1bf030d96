"""Reads a saved run, and refuses one that is not what its manifest says. Does I/O.

`cutover.harness.store.writer` says which files a run has. Every file is held against the manifest's SHA-256 before it
is read.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from cutover.harness.errors import RunError
from cutover.harness.record.cases import CaseError, CaseRecord
from cutover.harness.record.memory import Weighed
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import RUN_SCHEMA_VERSION, ArmName, ArmRecord, Manifest, SavedRun, Trial
from cutover.harness.store.blocks import Block, blocks_of, read_block
from cutover.harness.store.case_lines import decode_case
from cutover.harness.store.lines import decode_arm, decode_manifest, decode_scenario, read_as
from cutover.harness.store.writer import ARMS, CASES, CRASH_SCENARIOS, MANIFEST, MEMORY, ROUTING, SCENARIOS, digest
from cutover.scenarios.model import Scenario

__all__ = [
    "RunPart",
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


def load_manifest(folder: Path | str) -> Manifest:
    """What the run in a folder was; raises RunError."""
    place = Path(folder) / MANIFEST
    if not place.is_file():
        raise RunError(
            f"{folder} holds no finished run (no {MANIFEST}); give the folder that `cutover run` wrote, or run again"
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
        with gzip.open(place / SCENARIOS) as scenarios, gzip.open(place / ARMS) as arms:
            for trial in _trials(place, scenarios, arms):
                yield trial
                count += 1
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise RunError(f"{place} is damaged, {count} trials were readable: {_first_line(error)}; run again") from error
    if count != manifest.finished:
        raise RunError(f"{place} has {count} trials and its manifest says {manifest.finished}; run again")


@dataclasses.dataclass(frozen=True, slots=True)
class RunPart:
    """Trials that lie next to each other in a run's files, where they can be read apart from the others."""

    scenarios: Block
    arms: Block


def parts_of(folder: Path | str) -> tuple[RunPart, ...]:
    """The parts that make up a run's trials, in order; none where they must be read as one. Raises RunError."""
    place = Path(folder)
    _verify_trials(place, load_manifest(folder))
    scenarios, arms = blocks_of(place / SCENARIOS), blocks_of(place / ARMS)
    return tuple(map(RunPart, scenarios, arms)) if len(scenarios) == len(arms) else ()


def read_part(folder: Path | str, part: RunPart) -> Iterator[Trial]:
    """The trials of one part of a run whose files `parts_of` has verified; raises RunError."""
    place = Path(folder)
    try:
        scenarios, arms = read_block(place / SCENARIOS, part.scenarios), read_block(place / ARMS, part.arms)
        yield from _trials(place, scenarios.splitlines(), arms.splitlines())
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{place} is damaged: {_first_line(error)}; run again") from error


def _trials(place: Path, scenarios: Iterable[bytes], arms: Iterable[bytes]) -> Iterator[Trial]:
    groups = groupby(map(decode_arm, arms), key=lambda pair: pair[0])
    for line, (number, rows) in zip(scenarios, groups, strict=True):
        planned, scenario = decode_scenario(line)
        if planned != number:
            raise RunError(f"{place}: trial {number} has the scenario of trial {planned}; the files do not match")
        found: dict[ArmName, ArmRecord] = {}
        for _, arm in rows:
            if arm.arm in found:
                raise RunError(f"{place}: trial {number} has arm {arm.arm} twice; the files were put together wrongly")
            found[arm.arm] = arm
        yield Trial(number=number, scenario=scenario, arms=found)


def _verify_trials(place: Path, manifest: Manifest) -> None:
    for name in (SCENARIOS, ARMS):
        _verify(place / name, manifest.files.get(name))


def iter_cases(folder: Path | str) -> Iterator[CaseRecord]:
    """The crash cases of a run, one in memory at a time; none where nothing was killed. Raises RunError."""
    return _decoded(folder, CASES, decode_case)


def crash_scenarios(folder: Path | str) -> dict[str, Scenario]:
    """The scenarios of a run's crash cases, by id; raises RunError."""
    return {scenario.id: scenario for _, scenario in _decoded(folder, CRASH_SCENARIOS, decode_scenario)}


def load_routing(folder: Path | str) -> tuple[Routed, ...]:
    """The executions of a run that the router has served; none where it was not tried. Raises RunError."""
    return tuple(_decoded(folder, ROUTING, lambda line: read_as(Routed, json.loads(line))))


def load_memory(folder: Path | str) -> tuple[Weighed, ...]:
    """The engines of a run that were weighed; none where that could not be done. Raises RunError."""
    return tuple(_decoded(folder, MEMORY, lambda line: read_as(Weighed, json.loads(line))))


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


def load_run(folder: Path | str) -> SavedRun:
    """The whole run, its trials by number; raises RunError."""
    trials = sorted(iter_trials(folder), key=lambda trial: trial.number)
    return SavedRun(manifest=load_manifest(folder), trials=tuple(trials))


def _verify(file: Path, wanted: str | None) -> None:
    try:
        found = digest(file)
    except OSError as error:
        raise RunError(f"{file} cannot be read: {error.strerror or error}; restore it or run again") from error
    if found == wanted:
        return
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 20):
                pass
    except (OSError, EOFError) as error:
        raise RunError(f"{file} is cut off or damaged ({_first_line(error)}); copy it again or run again") from error
    raise RunError(f"{file} is not the file that its manifest names: it was edited or is of another run; run again")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
