"""A place in a team's table as a value of the journal: whether its type fits, how it is selected and read. Pure.

What is read comes from a database that holds anything; whatever does not fit is a ValueError that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import ARRAY, JSON, ColumnElement, Float, Integer, Numeric, String, Text, cast, literal, types
from sqlalchemy.dialects.postgresql import CITEXT, DOMAIN, ENUM

from cutover.engines.byprocess.tables.mapping import ColumnKind, ColumnPlace
from cutover.engines.payloads import decode

__all__ = ["fits", "read", "selected", "type_of"]

_Kinds: TypeAlias = tuple[type[types.TypeEngine[Any]], ...]
_TEXTS: Final[_Kinds] = (String, ENUM, CITEXT)
_FITTING: Final[Mapping[ColumnKind, _Kinds]] = {
    ColumnKind.ID: (types.Uuid, *_TEXTS),
    ColumnKind.TEXT: (*_TEXTS, types.Uuid),
    ColumnKind.WHOLE: (Integer,),
    ColumnKind.NUMBER: (Integer, Numeric, Float),
    ColumnKind.TIME: (types.DateTime,),
    ColumnKind.JSON: (JSON, *_TEXTS),
    ColumnKind.PORTS: (ARRAY, JSON, *_TEXTS),
    ColumnKind.OBJECT: (JSON, *_TEXTS),
}
_BEYOND_ASCII: Final = re.compile("[^\\x00-\\x7f]")
_SHOWN: Final = 60


def type_of(found: types.TypeEngine[Any], place: ColumnPlace) -> types.TypeEngine[Any] | None:
    """Returns the type of what stands there, of a domain the one beneath it; None where the column has no members."""
    while isinstance(found, DOMAIN):
        found = found.data_type
    if not place.sign:
        return found
    if not isinstance(found, JSON):
        return None
    return Text() if place.sign == "->>" else JSON()


def fits(kind: ColumnKind, found: types.TypeEngine[Any], place: ColumnPlace) -> bool:
    """Whether a value of that type can be read as that kind; a member's text can, whatever it is to be."""
    if isinstance(found, ARRAY) and not isinstance(found.item_type, _TEXTS):
        return False
    return place.sign == "->>" or isinstance(found, _FITTING[kind])


def selected(column: ColumnElement[Any], kind: ColumnKind, place: ColumnPlace) -> ColumnElement[Any]:
    """Returns the expression that is selected: whatever a driver would parse, as the text that it is."""
    if place.sign:
        found: types.TypeEngine[Any] = Text() if place.sign == "->>" else JSON()
        column = column.op(place.sign, return_type=found)(literal(place.member, Text()))
    if kind in {ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.OBJECT} or place.sign == "->":
        return cast(column, Text)
    return column


def read(kind: ColumnKind, value: Any) -> Any:
    """Returns what the journal has for a value that is not null. Raises ValueError."""
    return _READ[kind](value)


def _id(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(_text(value))
    except ValueError:
        raise _unlike(value, ColumnKind.ID) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _unlike(value, ColumnKind.TEXT)
    return value


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (ValueError, TypeError):
        raise _unlike(value, ColumnKind.WHOLE) from None


def _number(value: Any) -> float:
    try:
        return float(value) if isinstance(value, int | float | Decimal | str) else float("")
    except ValueError:
        raise _unlike(value, ColumnKind.NUMBER) from None


def _time(value: Any) -> datetime:
    """A timestamp without a time zone is taken for UTC."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    except ValueError:
        raise _unlike(value, ColumnKind.TIME) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _json(value: Any) -> str:
    text = _text(value)
    try:
        decode(text)
    except (ValueError, RecursionError):
        raise _unlike(value, ColumnKind.JSON) from None
    return _BEYOND_ASCII.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    """A sign as JSON's escapes: two where it is beyond 16 bits. What is beyond ASCII stands inside texts alone."""
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _ports(value: Any) -> tuple[str, ...]:
    found = value
    if isinstance(value, str):
        try:
            found = decode(value) if value.lstrip().startswith("[") else [value]
        except (ValueError, RecursionError):
            found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _unlike(value, ColumnKind.PORTS)
    return tuple(found)


def _object(value: Any) -> Mapping[str, Any]:
    found = decode(_json(value))
    if not isinstance(found, dict):
        raise _unlike(value, ColumnKind.OBJECT)
    return found


def _unlike(value: Any, kind: ColumnKind) -> ValueError:
    shown = ascii(value)
    return ValueError(f"{shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}...'} is not {kind.value}")


_READ: Final[Mapping[ColumnKind, Callable[[Any], Any]]] = {
    ColumnKind.ID: _id,
    ColumnKind.TEXT: _text,
    ColumnKind.WHOLE: _whole,
    ColumnKind.NUMBER: _number,
    ColumnKind.TIME: _time,
    ColumnKind.JSON: _json,
    ColumnKind.PORTS: _ports,
    ColumnKind.OBJECT: _object,
}
