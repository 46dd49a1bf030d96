"""Reads a saved run, and refuses one that is not what its manifest says. Does I/O.

`cutover.harness.store.tables` says which files a run has. Every file is compared with the SHA-256 in the manifest
before it is read.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from cutover.harness.errors import RunError
from cutover.harness.record.cases import CaseError, CaseRecord, CrashTrial
from cutover.harness.record.costs import PlayCosts
from cutover.harness.record.machine import MachineReading
from cutover.harness.record.memory import Weighed
from cutover.harness.record.plays import PlayRecord
from cutover.harness.record.rereads import Reread
from cutover.harness.record.routing import Routed
from cutover.harness.record.trials import RUN_SCHEMA_VERSION, ArmName, ArmRecord, Manifest, SavedRun, Trial
from cutover.harness.store.case_lines import decode_baseline, decode_case
from cutover.harness.store.files import lines_of
from cutover.harness.store.lines import decode_arm, decode_manifest, decode_scenario, read_as
from cutover.harness.store.tables import MANIFEST, StoredFile, Table, files_of
from cutover.scenarios.inputs.files import FileRefused, is_there, read_bytes
from cutover.scenarios.inputs.limits import MANIFEST_BYTES
from cutover.scenarios.model import Scenario

__all__ = [
    "TrialPart",
    "crash_scenarios",
    "crash_trials",
    "iter_cases",
    "iter_rereads",
    "iter_trials",
    "load_costs",
    "load_machine",
    "load_manifest",
    "load_memory",
    "load_plays",
    "load_routing",
    "load_run",
    "parts_of",
    "read_part",
]

_T = TypeVar("_T")
_UNREADABLE = (OSError, EOFError, ValueError, LookupError, TypeError, AttributeError, RecursionError, zlib.error)
"""What a line raises that is not of a run: cut, of another shape, or nested too deeply."""


def load_manifest(folder: Path | str) -> Manifest:
    """What the run in a folder was; raises RunError."""
    place = Path(folder) / MANIFEST
    try:
        if not is_there(place):
            absent = f"{folder} holds no run (no {MANIFEST})"
            raise RunError(f"{absent}; give the folder that `cutover run` wrote, or run again")
        raw = read_bytes(place, MANIFEST_BYTES)
        version = json.loads(raw).get("schema_version")
        if isinstance(version, int) and version > RUN_SCHEMA_VERSION:
            raise RunError(
                f"{place} has schema version {version} and this one reads up to {RUN_SCHEMA_VERSION}; upgrade it"
            )
        return decode_manifest(raw)
    except FileRefused as error:
        raise RunError(str(error)) from error
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{place} is damaged: {_first_line(error)}; run again") from error


def iter_trials(folder: Path | str) -> Iterator[Trial]:
    """The trials of a run, in the order in which they ended, one in memory at a time; raises RunError."""
    place, manifest = Path(folder), load_manifest(folder)
    count = 0
    try:
        for part in map(TrialPart, *_trial_files(manifest)):
            for trial in _trials_of(place, part):
                yield trial
                count += 1
    except _UNREADABLE as error:
        raise RunError(f"{place} is damaged, {count} trials were readable: {_first_line(error)}; run again") from error
    if count != manifest.finished:
        raise RunError(f"{place} has {count} trials and its manifest says {manifest.finished}; run again")


@dataclasses.dataclass(frozen=True, slots=True)
class TrialPart:
    """Trials that lie next to each other in a run: a file of their scenarios, and one of their arms."""

    scenarios: StoredFile
    arms: StoredFile


def parts_of(folder: Path | str) -> tuple[TrialPart, ...]:
    """The parts that make up a run's trials, in order, each of which can be read by itself. Raises RunError."""
    return tuple(map(TrialPart, *_trial_files(load_manifest(folder))))


def read_part(folder: Path | str, part: TrialPart) -> Iterator[Trial]:
    """The trials of one part of a run; raises RunError."""
    place = Path(folder)
    try:
        yield from _trials_of(place, part)
    except _UNREADABLE as error:
        raise RunError(f"{place} is damaged: {_first_line(error)}; run again") from error


def _trial_files(manifest: Manifest) -> tuple[tuple[StoredFile, ...], tuple[StoredFile, ...]]:
    """The files of scenarios and the files of arms."""
    scenarios, arms = files_of(Table.SCENARIOS, manifest.files), files_of(Table.ARMS, manifest.files)
    if len(scenarios) != len(arms):
        raise RunError(
            f"the manifest of run {manifest.run_id} names {len(scenarios)} files of scenarios and {len(arms)} of arms; "
            "restore it or run again"
        )
    return scenarios, arms


def _trials_of(place: Path, part: TrialPart) -> Iterator[Trial]:
    with lines_of(place, part.scenarios) as scenarios, lines_of(place, part.arms) as arms:
        yield from _trials(place, scenarios, arms)


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


def iter_cases(folder: Path | str) -> Iterator[CaseRecord]:
    """The crash cases of a run, one in memory at a time; none where nothing was killed. Raises RunError."""
    return _decoded(folder, Table.CASES, decode_case)


def crash_scenarios(folder: Path | str) -> dict[str, Scenario]:
    """The scenarios of a run's crash cases, by id; raises RunError."""
    return {scenario.id: scenario for _, scenario in _decoded(folder, Table.CRASH_SCENARIOS, decode_scenario)}


def crash_trials(folder: Path | str) -> tuple[CrashTrial, ...]:
    """The uninterrupted runs from which a run's crash cases were planned, in their order; none in older runs.

    Raises RunError.
    """
    scenarios = crash_scenarios(folder)
    found = []
    for name, (arm, points) in _decoded(folder, Table.BASELINES, decode_baseline):
        if name not in scenarios:
            raise RunError(f"{folder} has an uninterrupted run of {name!r}, which is none of its scenarios; run again")
        found.append(CrashTrial(scenario=scenarios[name], baseline=arm, points=points))
    return tuple(found)


def load_routing(folder: Path | str) -> tuple[Routed, ...]:
    """The executions of a run that the router has served; none where it was not tried. Raises RunError."""
    return tuple(_decoded(folder, Table.ROUTING, lambda line: read_as(Routed, json.loads(line))))


def load_memory(folder: Path | str) -> tuple[Weighed, ...]:
    """The engines of a run that were weighed; none where that could not be done. Raises RunError."""
    return tuple(_decoded(folder, Table.MEMORY, lambda line: read_as(Weighed, json.loads(line))))


def load_plays(folder: Path | str) -> tuple[PlayRecord, ...]:
    """The executions of a run's plays; none where nothing was played. Raises RunError."""
    return tuple(_decoded(folder, Table.PLAYS, lambda line: read_as(PlayRecord, json.loads(line))))


def iter_rereads(folder: Path | str) -> Iterator[Reread]:
    """The executions of a run that were read again at its end; none where that was not done. Raises RunError."""
    return _decoded(folder, Table.REREADS, lambda line: read_as(Reread, json.loads(line)))


def load_costs(folder: Path | str) -> tuple[PlayCosts, ...]:
    """The plays of a run whose costs were counted; none in a run of an older version. Raises RunError."""
    return tuple(_decoded(folder, Table.COSTS, lambda line: read_as(PlayCosts, json.loads(line))))


def load_machine(folder: Path | str) -> tuple[MachineReading, ...]:
    """The readings of the machine that a run was made on; none in a run of an older version. Raises RunError."""
    return tuple(_decoded(folder, Table.MACHINE, lambda line: read_as(MachineReading, json.loads(line))))


def _decoded(folder: Path | str, table: Table, decode: Callable[[bytes], _T]) -> Iterator[_T]:
    """The lines of one of a run's tables; none where it is empty."""
    place = Path(folder)
    for file in files_of(table, load_manifest(folder).files):
        try:
            with lines_of(place, file) as lines:
                yield from map(decode, lines)
        except (*_UNREADABLE, CaseError) as error:
            raise RunError(f"{place / file.name} is damaged: {_first_line(error)}; run again") from error


def load_run(folder: Path | str) -> SavedRun:
    """The whole run, its trials by number; raises RunError."""
    trials = sorted(iter_trials(folder), key=lambda trial: trial.number)
    return SavedRun(manifest=load_manifest(folder), trials=tuple(trials))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
