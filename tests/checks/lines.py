"""The lines of a history: a word, what it is about, and fields that a record type decides on."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar, get_type_hints
from uuid import UUID

from cutover.harness.store.lines import read_as

__all__ = ["NOW", "HistoryError", "HistoryLine", "decoded", "lines_of", "record", "taken"]

NOW: Final = datetime(2025, 1, 8, 10, 30, tzinfo=UTC)
"""What times in histories are counted from."""
_REPEATED: Final = re.compile(r"(\d+) x (.*)", re.DOTALL)
_OFFSET: Final = re.compile(r"([+-][0-9.]+)(ms|s|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "h": 3600.0}
_NOTHING: Final = "-"

_T = TypeVar("_T")


class HistoryError(ValueError):
    """A history that cannot be read; the message quotes the line."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line: `word names name=value`. `text` is the line as it stands, for errors and for section headings."""

    word: str
    names: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def name(self) -> str:
        """What the line is about; raises HistoryError where it does not say one thing."""
        if len(self.names) != 1:
            raise HistoryError(f"{self.text!r}: a line of {self.word} is about one thing")
        return self.names[0]


def lines_of(block: str) -> Iterator[HistoryLine]:
    """Yields the lines of a block; one that begins with `12 x` comes twelve times."""
    for text in filter(None, map(str.strip, block.splitlines())):
        repeated = _REPEATED.fullmatch(text)
        line = _line(text if repeated is None else repeated[2])
        for _ in range(1 if repeated is None else int(repeated[1])):
            yield line


def _line(text: str) -> HistoryLine:
    if text.endswith(":"):
        return HistoryLine(word=text, text=text)
    word, *rest = shlex.split(text)
    names = tuple(part for part in rest if "=" not in part)
    pairs = [part.split("=", 1) for part in rest if "=" in part]
    given = {pair[0]: pair[1] for pair in pairs}
    if len(given) < len(pairs):
        raise HistoryError(f"{text!r}: a field comes twice")
    return HistoryLine(word, names, given, text)


def record(kind: type[_T], line: HistoryLine, defaults: Mapping[str, object]) -> _T:
    """Returns the line as a record of that kind; what it leaves out is as in `defaults`, else as the type has it."""
    row = dict(defaults) | {name: decoded(kind, name, value, line) for name, value in line.fields.items()}
    return _read(kind, row, line)


def _read(kind: type[_T], row: Mapping[str, object], line: HistoryLine) -> _T:
    try:
        return read_as(kind, dict(row))
    except ValueError as error:
        raise HistoryError(f"{line.text!r}: {error}") from None


def decoded(kind: Any, name: str, value: str, line: HistoryLine) -> object:
    """Returns the value of a field as what its type can be read from; a type has no other fields than its own."""
    hint = _hints(kind).get(name)
    if hint is None:
        raise HistoryError(f"{line.text!r}: {kind.__name__} has no field {name!r}, only {', '.join(_hints(kind))}")
    if value == _NOTHING:
        return None
    if "datetime" in hint:
        return _instant(value, line)
    if "UUID" in hint and value.isdigit():
        return UUID(int=int(value))
    if hint == "JsonValue" or (value.startswith(("{", "[")) and not hint.startswith("str")):
        return _parsed(value)
    if hint.startswith("tuple"):
        return value.split(",") if value else []
    return value


def _parsed(value: str) -> object:
    """Returns the JSON value, or the text where it is none."""
    try:
        found: object = json.loads(value)
    except ValueError:
        return value
    return found


def _instant(value: str, line: HistoryLine) -> datetime:
    match = _OFFSET.fullmatch(value)
    if match is None:
        raise HistoryError(f"{line.text!r}: {value!r} is no time; write one like +1.5s, -3h or +20ms")
    return NOW + timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


@cache
def _hints(kind: Any) -> Mapping[str, str]:
    """Returns the record's own fields, each with its type in words."""
    hints = get_type_hints(kind)
    return {
        each.name: str(hints[each.name]).removeprefix("<class '").removesuffix("'>")
        for each in dataclasses.fields(kind)
    }


def taken(lines: Iterable[HistoryLine], words: Collection[str]) -> tuple[list[HistoryLine], list[HistoryLine]]:
    """Returns the lines of these words, and the others."""
    mine, others = list[HistoryLine](), list[HistoryLine]()
    for line in lines:
        (mine if line.word in words else others).append(line)
    return mine, others
