"""Reads a saved arm quickly: JSON to records in one pass, checked against their types on the way. Pure.

The codec makes the rows themselves; it knows no type for any JSON value, so what holds such a value (the execution's
metadata) is read as a twin whose field may be anything, and put together here.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, field, fields, make_dataclass
from functools import cache
from types import GenericAlias
from typing import Any, TypeVar, cast, get_type_hints

import msgspec

from cutover.engines.api import ExecutionRow, Journal
from cutover.harness.record.trials import Again, ArmRecord, Companion

__all__ = ["quick_arm"]

_T = TypeVar("_T")


def _twin(kind: type, **other: Any) -> Any:
    """A dataclass like that one, but for the types of some fields; those that it lacks are added."""
    hints = get_type_hints(kind)
    made = [(each.name, other.pop(each.name, hints[each.name]), _default(each)) for each in fields(kind)]
    made += [(name, hint, field()) for name, hint in other.items()]
    return make_dataclass(f"Quick{kind.__name__}", made, slots=True, kw_only=True)


def _default(each: Field[Any]) -> Any:
    if each.default is not MISSING:
        return field(default=each.default)
    return field() if each.default_factory is MISSING else field(default_factory=each.default_factory)


_EXECUTION = _twin(ExecutionRow, metadata=dict[str, Any])
_JOURNAL = _twin(Journal, execution=_EXECUTION)
_AGAIN = _twin(Again, journal=_JOURNAL | None)
_COMPANION = _twin(Companion, journal=_JOURNAL | None)
_ARM = _twin(
    ArmRecord,
    journal=_JOURNAL | None,
    again=_AGAIN | None,
    companions=GenericAlias(tuple, (_COMPANION, ...)),
    metadata=dict[str, str],
    trial=int,
)

_decode = msgspec.json.Decoder(_ARM).decode


def quick_arm(line: bytes | str) -> tuple[int, ArmRecord]:
    """The trial's number and the arm. Raises ValueError for what does not fit, and for NaN."""
    read = _decode(line)
    again = None if read.again is None else _as(Again, read.again, journal=_journal(read.again.journal))
    companions = tuple(_as(Companion, each, journal=_journal(each.journal)) for each in read.companions)
    return read.trial, _as(ArmRecord, read, journal=_journal(read.journal), again=again, companions=companions)


def _journal(read: Any) -> Journal | None:
    if read is None:
        return None
    return _as(Journal, read, execution=_as(ExecutionRow, read.execution))


def _as(kind: type[_T], read: Any, **other: object) -> _T:
    return kind(**({name: getattr(read, name) for name in _names(cast("Any", kind))} | other))


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cast("Any", kind)))
