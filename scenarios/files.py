"""Scenarios as files: `.json` holds one, `.jsonl` and `.jsonl.gz` one a line. Reads files.

What turns text into a scenario and back, `reader.py` and `writer.py`, can be had from here too.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from cutover.scenarios.errors import ScenarioError
from cutover.scenarios.model import Scenario
from cutover.scenarios.reader import MAX_BYTES, MAX_DEPTH, json_schema, loads
from cutover.scenarios.writer import dumps, dumps_line

__all__ = ["MAX_BYTES", "MAX_DEPTH", "dumps", "dumps_line", "json_schema", "load", "load_folder", "loads"]

_SUFFIXES = (".json", ".jsonl", ".jsonl.gz")


def load(path: Path | str) -> Scenario:
    """The only scenario of a file. Raises ScenarioError, which names the file, the place in it and the rule."""
    found = load_folder(path) if Path(path).is_file() else ()
    if len(found) != 1:
        problem = f"holds {len(found)} scenarios where one is wanted" if found else "there is no such file"
        raise ScenarioError(problem, source=str(path))
    return found[0]


def load_folder(path: Path | str) -> tuple[Scenario, ...]:
    """Every scenario of a file, or of all scenario files in a folder and its subfolders, by file name.

    Raises ScenarioError for the first file that is not a scenario, for an id that comes twice, and where there is none.
    """
    root = Path(path)
    origins: dict[str, str] = {}
    scenarios: list[Scenario] = []
    for file in _files(root):
        for text, source in _texts(file):
            scenario = loads(text, source)
            if first := origins.get(scenario.id):
                raise ScenarioError(f"$.id: {first} has a scenario of the same id, {scenario.id}", source=source)
            origins[scenario.id] = source
            scenarios.append(scenario)
    if not scenarios:
        raise ScenarioError("holds no scenario", source=str(root))
    return tuple(scenarios)


def _files(path: Path) -> list[Path]:
    """The file itself, or all that a folder and its subfolders hold, by name."""
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file())
    if path.is_file() and path.name.endswith(_SUFFIXES):
        return [path]
    problem = (
        f"is not a file of scenarios ({', '.join(_SUFFIXES)})" if path.exists() else "there is no such file or folder"
    )
    raise ScenarioError(problem, source=str(path))


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    """The JSON texts in a file, each with its name for errors."""
    try:
        if file.name.endswith(".json"):
            with file.open("rb") as stream:
                yield _decoded(stream.read(MAX_BYTES + 1), str(file)), str(file)
            return
        with file.open("rb") as raw:
            stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if file.name.endswith(".gz") else raw
            for number, line in enumerate(_lines(stream), start=1):
                if line.strip():
                    yield _decoded(line, f"{file}:{number}"), f"{file}:{number}"
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ScenarioError(f"cannot be read: {reason}", source=str(file)) from None


def _lines(stream: io.BufferedReader) -> Iterator[bytes]:
    while line := stream.readline(MAX_BYTES + 2):
        yield line.rstrip(b"\n")


def _decoded(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise ScenarioError(f"is larger than {MAX_BYTES:,} bytes, the most that is read", source=source)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"is not UTF-8 at byte {error.start:,}", source=source) from None
