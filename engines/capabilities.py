"""What an engine declares to offer, in whichever form it says so. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Final

from cutover.engines.api import Capabilities

__all__ = ["LIMITS", "OFFERS", "capabilities_fault", "lacks_of"]

LIMITS: Final = frozenset({"one_per_process"})
"""What restricts an engine where it is said, and is not said of most."""
OFFERS: Final = frozenset(each.name for each in fields(Capabilities)) - LIMITS
"""What an engine may offer."""


def lacks_of(engine: object) -> tuple[str, ...]:
    """Returns what the engine does not offer, and the limits that it has, in alphabetical order; usually nothing."""
    declared = getattr(engine, "capabilities", None)
    if declared is None:
        return ()
    return tuple(sorted(_lacks(declared)))


def capabilities_fault(engine: object) -> str:
    """Returns what is wrong with what an engine declares, or nothing."""
    declared = getattr(engine, "capabilities", None)
    if declared is None or isinstance(declared, Capabilities):
        return ""
    known = ", ".join(sorted(OFFERS | LIMITS))
    if not isinstance(declared, Collection) or isinstance(declared, str | bytes):
        return f"its capabilities are a {type(declared).__name__}, not a Capabilities or a mapping of {known}"
    odd = sorted(str(each) for each in declared if each not in OFFERS | LIMITS)
    if odd:
        return f"it declares the capability {odd[0]!r}; known are {known}"
    if isinstance(declared, Mapping):
        for name, value in declared.items():
            if not isinstance(value, bool):
                return f"its capability {name} is {value!r}; it must be True or False"
    return ""


def _lacks(declared: object) -> set[str]:
    """A mapping leaves out what is as with most engines; any other collection names all that is offered."""
    if isinstance(declared, Capabilities):
        said = {each.name: bool(getattr(declared, each.name)) for each in fields(Capabilities)}
    elif isinstance(declared, Mapping):
        said = {**dict.fromkeys(OFFERS, True), **declared}
    elif isinstance(declared, Collection):
        said = {name: name in declared for name in OFFERS | LIMITS}
    else:
        said = {}
    return {name for name, value in said.items() if bool(value) is (name in LIMITS)}
