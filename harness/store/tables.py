"""Which files a table of a saved run has: `arms-0001.jsonl.gz`, `arms-0002.jsonl.gz` and so on. Pure.

A run of schema version 1 has one file a table, `arms.jsonl.gz`. Either kind is an ordinary gzip file of JSON lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "CRASHES",
    "MANIFEST",
    "POLICY",
    "SIGNATURE",
    "WAIVERS",
    "StoredFile",
    "Table",
    "file_name",
    "files_of",
    "is_table",
]

MANIFEST = "manifest.json"
POLICY, WAIVERS = "policy.toml", "waivers.toml"
"""What the run was judged by; they stand in the manifest with the tables."""
CRASHES = "crash.json"
"""What the cases of `cutover crash` came to; a run has reports instead."""
SIGNATURE = "signature.json"

_NAME = re.compile(r"([a-z_]+)(?:-([0-9]{4,}))?\.jsonl\.gz")


class Table(StrEnum):
    """The tables of a run, as their files are called.

    `scenarios` has a line a trial, `arms` a line an arm, the arms of a trial next to each other and the trials in the
    same order; the n-th files of both are of the same trials. `cases` has a line a crash case, `crash_scenarios` a
    line a scenario of theirs, `baselines` a line an uninterrupted run of one of these, with its kill points. `routing`
    has a line an execution that the router served, `memory` a line an engine that was weighed. `rereads` has a line an
    execution that was read again at the end, `plays` a line an execution of a play, `costs` a line a play of either
    engine whose costs were counted, `machine` a line a reading of the machine.
    """

    SCENARIOS = "scenarios"
    ARMS = "arms"
    CASES = "cases"
    CRASH_SCENARIOS = "crash_scenarios"
    BASELINES = "baselines"
    ROUTING = "routing"
    MEMORY = "memory"
    REREADS = "rereads"
    PLAYS = "plays"
    COSTS = "costs"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a run's folder, with the SHA-256 that the manifest names, in hex."""

    name: str
    sha256: str


def file_name(table: Table, number: int) -> str:
    """The name of a table's n-th file, from 1."""
    return f"{table}-{number:04d}.jsonl.gz"


def files_of(table: Table, digests: Mapping[str, str]) -> tuple[StoredFile, ...]:
    """The files of a table, in order, out of a manifest's files; none where the table is empty."""
    found: list[tuple[int, StoredFile]] = []
    for name, sha256 in digests.items():
        parts = _NAME.fullmatch(name)
        if parts is not None and parts[1] == table:
            found.append((int(parts[2] or 0), StoredFile(name, sha256)))
    return tuple(file for _, file in sorted(found, key=lambda numbered: numbered[0]))


def is_table(name: str) -> bool:
    """Returns whether a file of that name is one of a table's."""
    parts = _NAME.fullmatch(name)
    return parts is not None and parts[1] in set(Table)
