"""What is wrong with a file, in short sentences, from the details that pydantic reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cutover.scenarios.origin import ORIGIN_RULE

__all__ = ["sentences"]

_KINDS = frozenset({"start", "activity", "condition", "join", "wait", "loop"})
_MUST = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dataclass_type": "must be an object",
    "dict_type": "must be an object",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "mapping_type": "must be an object",
    "missing": "is missing",
    "recursion_loop": "nests too deeply",
    "string_pattern_mismatch": ORIGIN_RULE,
    "string_type": "must be text",
    "string_unicode": "has a lone surrogate, which only payloads may hold",
    "too_short": "must have at least {min_length} item",
    "tuple_type": "must be a list",
    "unexpected_keyword_argument": "is not a key that is known here",
    "union_tag_invalid": "has the kind {tag}; the kinds are {expected_tags}",
    "union_tag_not_found": "has no `kind`",
}


def sentences(details: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """One sentence a problem: the JSON path and the rule."""
    return tuple(f"{_path(detail['loc'])}: {_rule(detail)}" for detail in details)


def _rule(detail: Mapping[str, Any]) -> str:
    known = _MUST.get(detail["type"])
    return known.format(**detail.get("ctx", {})) if known else str(detail["msg"]).lower()


def _path(location: Iterable[str | int]) -> str:
    """The place as a JSON path; the reader names a node's kind after its index, which is not a part of the file."""
    parts = ["$"]
    before: str | int = ""
    for part in location:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif not (isinstance(before, int) and part in _KINDS):
            parts.append(f".{part}")
        before = part
    return "".join(parts)
