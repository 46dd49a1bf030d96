"""How an engine outside of Python is started and reached, by its spec or by `cutover.toml`. Reads files.

A spec is `command:...`, the URL of a service, or a name in that file, which is in the current folder.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import Field, TypeAdapter, ValidationError

from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.byprocess.http.address import URLS, ServiceAddress, service_address
from cutover.engines.byprocess.started import EngineProgram
from cutover.engines.byprocess.tables.mapping import PartMapping, TableEntry, mapped, tables_identity

__all__ = ["PREFIXES", "SETTINGS_FILE", "EngineSettings", "engine_settings", "named_engines"]

PREFIXES: Final = ("command:", *URLS)
"""How a spec begins that is not a name."""
SETTINGS_FILE: Final = "cutover.toml"
_MOST_BYTES: Final = 1024 * 1024
_READY_S, _ANSWER_S = 10.0, 60.0
_Seconds = Annotated[float, Field(gt=0, le=3600)]
_Word = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """`[engines.NAME]`, as it is written."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    command: _Word | Annotated[tuple[_Word, ...], Field(min_length=1)] | None = None
    url: _Word | None = None
    ready: _Word | None = None
    startup_line: _Word | None = None
    cwd: str = "."
    env: Mapping[str, str] | None = None
    ready_timeout_s: _Seconds = _READY_S
    answer_timeout_s: _Seconds = _ANSWER_S
    capabilities: tuple[str, ...] | None = None
    tables: Mapping[str, TableEntry] | None = None


_ENTRY: Final = TypeAdapter(_Entry)
_SHAPES: Final = {
    "": "it is not a table of settings",
    "command": "it must be a text, or a list of texts, and not empty",
    "url": "it must be a text, and not empty",
    "ready": "it must be a text, and not empty",
    "startup_line": "it must be a text, and not empty",
    "cwd": "it must be the path of a folder",
    "env": "it must be a table of texts",
    "ready_timeout_s": "it must be a number of seconds, more than 0 and at most 3600",
    "answer_timeout_s": "it must be a number of seconds, more than 0 and at most 3600",
    "capabilities": "it must be a list of texts",
    "tables": "it must be a table of tables, each with its `table`, and perhaps `columns` and `words`",
}
"""What is said of a setting of another shape, by its name."""
_LONGEST_PATH: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One engine: the `program` that is started, the `service` that is asked, or a service that is started.

    `identity` is what its digest covers beside its files, in `folder`. With `tables` its journal is read from these,
    and it is not asked for one.
    """

    spec: str
    program: EngineProgram | None
    service: ServiceAddress | None
    folder: Path
    identity: str
    ready_timeout_s: float = _READY_S
    answer_timeout_s: float = _ANSWER_S
    capabilities: tuple[str, ...] | None = None
    tables: Mapping[str, PartMapping] | None = None


def engine_settings(spec: str) -> EngineSettings | None:
    """Returns the settings of `command:...`, of a URL, or of a name in `cutover.toml`; None for any other spec.

    Raises BadEngineSettings where it is one and cannot be used.
    """
    if spec.startswith(URLS):
        return _settings(spec, _Entry(url=spec))
    if spec.startswith(PREFIXES):
        return _settings(spec, _Entry(command=spec.partition(":")[2]))
    table = _table()
    if spec not in table:
        return None
    try:
        entry = _ENTRY.validate_python(table[spec])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        place = ".".join(str(part) for part in first["loc"]) if name == "tables" else name
        said = _SHAPES.get(name, first["msg"])
        raise BadEngineSettings(f"{SETTINGS_FILE}, [engines.{spec}]{place and f', {place}'}: {said}") from None
    if entry.command is None and entry.url is None:
        said = "it is needed, or the `url` of a service"
        raise BadEngineSettings(f"{SETTINGS_FILE}, [engines.{spec}], command: {said}")
    return _settings(spec, entry)


def named_engines() -> tuple[str, ...]:
    """Returns the names of engines that `cutover.toml` gives, in order; none where there is no such file."""
    return tuple(sorted(_table()))


def _table() -> Mapping[str, object]:
    try:
        with open(os.open(SETTINGS_FILE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - by its descriptor
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadEngineSettings(f"{SETTINGS_FILE} cannot be read: it is not an ordinary file")
            text = file.read(_MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise BadEngineSettings(f"{SETTINGS_FILE} cannot be read: {error.strerror}") from error
    if len(text) > _MOST_BYTES:
        raise BadEngineSettings(f"{SETTINGS_FILE} has more than {_MOST_BYTES:,} bytes")
    try:
        engines = tomllib.loads(text.decode("utf-8")).get("engines", {})
    except (ValueError, RecursionError) as error:
        raise BadEngineSettings(f"{SETTINGS_FILE} is not TOML: {error}") from None
    if not isinstance(engines, dict):
        raise BadEngineSettings(f"{SETTINGS_FILE}: `engines` is not a table; write [engines.NAME]")
    return engines


def _settings(spec: str, entry: _Entry) -> EngineSettings:
    program, folder = None, Path.cwd()
    covered: dict[str, object] = {}
    if entry.command is not None:
        program, folder = _program(spec, entry)
        covered |= {"command": list(program.command), "cwd": entry.cwd, "env": dict(program.environment)}
    covered["capabilities"] = entry.capabilities
    service = None
    if entry.url is not None:
        service = service_address(spec, entry.url, entry.ready, entry.startup_line, started=program is not None)
        covered |= {"url": entry.url, "ready": entry.ready, "startup_line": entry.startup_line}
    elif entry.ready is not None or entry.startup_line is not None:
        raise BadEngineSettings(f"engine {spec!r}: `ready` and `startup_line` are for a service, which has a `url`")
    tables = None
    if entry.tables is not None:
        try:
            tables = mapped(f"engines.{spec}.tables", entry.tables)
        except BadEngineSettings as error:
            raise BadEngineSettings(f"{SETTINGS_FILE}, {error}") from None
        covered["tables"] = tables_identity(entry.tables)
    return EngineSettings(
        spec=spec,
        program=program,
        service=service,
        folder=folder,
        identity=json.dumps(covered),
        ready_timeout_s=entry.ready_timeout_s,
        answer_timeout_s=entry.answer_timeout_s,
        capabilities=entry.capabilities,
        tables=tables,
    )


def _program(spec: str, entry: _Entry) -> tuple[EngineProgram, Path]:
    """Returns what is started, and the folder that it is started in."""
    try:
        words = shlex.split(entry.command) if isinstance(entry.command, str) else list(entry.command or ())
    except ValueError as error:
        raise BadEngineSettings(f"engine {spec!r}: its command cannot be taken apart: {error}") from None
    if not words or any("\0" in word for word in words):
        raise BadEngineSettings(f"engine {spec!r}: its command is empty, or has a NUL; write command:node engine.mjs")
    if "\0" in entry.cwd or len(entry.cwd) > _LONGEST_PATH:
        raise BadEngineSettings(f"engine {spec!r}: its cwd is not the path of a folder")
    for name, value in (entry.env or {}).items():
        if not name or "=" in name or "\0" in name + value:
            raise BadEngineSettings(f"engine {spec!r}: its env has {name!r}, which no environment can have")
    here = Path.cwd()
    folder = (here / entry.cwd).resolve()
    if not folder.is_relative_to(here.resolve()) or not folder.is_dir():
        raise BadEngineSettings(f"engine {spec!r}: its cwd {entry.cwd!r} is not a folder in or below the current one")
    return EngineProgram(words, str(folder), dict(entry.env or {})), folder
