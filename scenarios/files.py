"""Scenarios as files: `.json` holds one, `.jsonl` and `.jsonl.gz` one a line. Reads files.

What turns text into a scenario and back, `reader.py` and `writer.py`, can be had from here too.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.inputs.files import FileRefused, below, kind_of, opened, read_bytes
from cutover.scenarios.inputs.limits import (
    SCENARIO_BYTES,
    SCENARIO_FILE_BYTES,
    SCENARIO_UNPACKED_BYTES,
    SCENARIOS,
)
from cutover.scenarios.model import Scenario
from cutover.scenarios.reader import json_schema, loads
from cutover.scenarios.writer import dumps, dumps_line

__all__ = ["dumps", "dumps_line", "json_schema", "load", "load_folder", "loads"]

_SUFFIXES = (".json", ".jsonl", ".jsonl.gz")


def load(path: Path | str) -> Scenario:
    """The only scenario of a file. Raises ScenarioError, which names the file, the place in it and the rule."""
    source = str(path)
    kind = _kind(Path(path))
    if kind is None or kind == "a folder":
        raise ScenarioError("there is no such file", source=source)
    found = load_folder(path)
    if len(found) != 1:
        raise ScenarioError(f"holds {len(found)} scenarios where one is wanted", source=source)
    return found[0]


def load_folder(path: Path | str) -> tuple[Scenario, ...]:
    """Every scenario of a file, or of all scenario files in a folder and its subfolders, by file name.

    Raises ScenarioError for the first file that is not a scenario, for an id that comes twice, where there is none, and
    for more than `scenarios/inputs/limits.py` allows.
    """
    root = Path(path)
    origins: dict[str, str] = {}
    scenarios: list[Scenario] = []
    allowance = _Allowance(root)
    try:
        for file in _files(root):
            for text, source in _texts(file, allowance):
                scenario = loads(text, source)
                if first := origins.get(scenario.id):
                    raise ScenarioError(f"$.id: {first} has a scenario of the same id, {scenario.id}", source=source)
                origins[scenario.id] = source
                scenarios.append(scenario)
                allowance.one_more()
    except FileRefused as error:
        raise ScenarioError(error.reason, source=str(error.file)) from None
    if not scenarios:
        raise ScenarioError("holds no scenario", source=str(root))
    return tuple(scenarios)


@dataclass(slots=True)
class _Allowance:
    """What may still be read of one path; raises ScenarioError once it is used up."""

    path: Path
    bytes_left: int = SCENARIO_UNPACKED_BYTES.most
    scenarios_left: int = SCENARIOS.most

    def unpack(self, size: int) -> None:
        """Takes off the bytes of a line or file, and a hundred where it is shorter: each takes its time."""
        self.bytes_left -= max(size, 100)
        if self.bytes_left < 0:
            self._refuse(f"holds more than {SCENARIO_UNPACKED_BYTES}, unpacked")

    def one_more(self) -> None:
        """Takes off a scenario."""
        self.scenarios_left -= 1
        if self.scenarios_left < 0:
            self._refuse(f"holds more than {SCENARIOS}")

    def _refuse(self, what: str) -> None:
        raise ScenarioError(f"{what}, the most that is read; split it", source=str(self.path))


def _kind(path: Path) -> str | None:
    try:
        return kind_of(path)
    except FileRefused as error:
        raise ScenarioError(error.reason, source=str(path)) from None


def _files(path: Path) -> list[Path]:
    """The file itself, or all that a folder and its subfolders hold, by name; a FIFO among them is not read."""
    kind = _kind(path)
    if kind == "a folder":
        return sorted(file for file in below(path) if file.name.endswith(_SUFFIXES) and kind_of(file) == "a file")
    if kind == "a file" and path.name.endswith(_SUFFIXES):
        return [path]
    if kind is None:
        raise ScenarioError("there is no such file or folder", source=str(path))
    named = "" if kind == "a file" else f"{kind}, and "
    raise ScenarioError(f"is {named}not a file of scenarios ({', '.join(_SUFFIXES)})", source=str(path))


def _texts(file: Path, allowance: _Allowance) -> Iterator[tuple[str, str]]:
    """The JSON texts in a file, each with its name for errors."""
    if file.name.endswith(".json"):
        data = read_bytes(file, SCENARIO_BYTES)
        allowance.unpack(len(data))
        yield _decoded(data, str(file)), str(file)
        return
    try:
        with opened(file) as raw:
            if file.stat().st_size > SCENARIO_FILE_BYTES.most:
                raise FileRefused(file, f"is larger than {SCENARIO_FILE_BYTES}, the most that is read")
            stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if file.name.endswith(".gz") else raw
            for number, line in enumerate(_lines(stream, allowance), start=1):
                if line.strip():
                    yield _decoded(line, f"{file}:{number}"), f"{file}:{number}"
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError(f"cannot be read: {reason}", source=str(file)) from None


def _lines(stream: io.BufferedIOBase, allowance: _Allowance) -> Iterator[bytes]:
    while line := stream.readline(SCENARIO_BYTES.most + 2):
        allowance.unpack(len(line))
        yield line.rstrip(b"\n")


def _decoded(data: bytes, source: str) -> str:
    if len(data) > SCENARIO_BYTES.most:
        raise ScenarioError(f"is larger than {SCENARIO_BYTES}, the most that is read", source=source)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"is not UTF-8 at byte {error.start:,}", source=source) from None
