"""Survivors that are explained: why nobody could tell such a mutant from the original, by people. Pure."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from mutation.results import Result
from mutation.sites import Key

__all__ = ["BadExplanation", "apply_explanations", "as_entry", "read_explanations", "refuse_strangers"]

_FIELDS = ("file", "function", "operator", "before", "after")


class BadExplanation(Exception):
    """An entry that cannot be read, matches no mutant, or speaks of a mutant that is killed."""


def read_explanations(text: str) -> dict[Key, str]:
    """Why, by mutant. Raises BadExplanation."""
    found: dict[Key, str] = {}
    for number, entry in enumerate(tomllib.loads(text).get("mutant", []), start=1):
        unknown = set(entry) - {*_FIELDS, "nth", "why"}
        if unknown or not all(isinstance(entry.get(name), str) for name in (*_FIELDS, "why")):
            raise BadExplanation(f"entry {number} needs {', '.join(_FIELDS)} and why, may have nth, and nothing else")
        if not entry["why"].strip():
            raise BadExplanation(f"entry {number} does not say why")
        file, function, operator, before, after = (entry[name].strip() for name in _FIELDS)
        key = (file, function, operator, before, after, int(entry.get("nth", 1)))
        if key in found:
            raise BadExplanation(f"entry {number} explains again what another one does: {file} {function} {operator}")
        found[key] = entry["why"].strip()
    return found


def refuse_strangers(explained: Mapping[Key, str], known: Collection[Key], files: Collection[str]) -> None:
    """Raises BadExplanation for an entry about one of these files that matches no mutant any more."""
    for key in explained:
        if key[0] in files and key not in known:
            raise BadExplanation(f"no mutant is as explained: {' '.join(key[:3])}\n- {key[3]}\n+ {key[4]}")


def apply_explanations(results: Iterable[Result], explained: Mapping[Key, str]) -> list[Result]:
    """The results with the reasons; raises BadExplanation where a mutant is called equivalent and was killed."""
    found = []
    for result in results:
        why = explained.get(result.mutant.key, "")
        if why and result.kill is not None:
            raise BadExplanation(f"{result.mutant} is explained as equivalent, and {result.kill.by} killed it")
        found.append(replace(result, why=why))
    return found


def as_entry(key: Key) -> str:
    """The entry for a mutant, its reason still to be written."""
    file, function, operator, before, after, nth = key
    values = {"file": file, "function": function, "operator": operator, "before": before, "after": after}
    lines = ["[[mutant]]", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items())]
    return "\n".join([*lines, *([f"nth = {nth}"] if nth > 1 else []), 'why = ""', ""])
