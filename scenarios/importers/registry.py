"""Finds importers by name: ours, and those of installed packages. Imports an importer's module when it is asked for it.

A package registers one as an entry point in the group cutover.importers; it names an object that meets
`cutover.scenarios.importers.imported.Importer`.
"""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cutover.engines.errors import CutoverError
from cutover.scenarios.origin import ORIGIN

if TYPE_CHECKING:
    from cutover.scenarios.importers.imported import Imported, Importer

__all__ = ["GROUP", "BrokenImporter", "UnknownImporter", "import_path", "known", "resolve"]

GROUP: Final = "cutover.importers"
_OURS: Final = {"n8n": "cutover.scenarios.importers.n8n.importer:IMPORTER"}


class UnknownImporter(CutoverError):
    """No importer has that name; the message lists those that have one."""


class BrokenImporter(CutoverError):
    """An importer that cannot be loaded or does not keep to the protocol; the message says at which point and why."""


def known() -> tuple[str, ...]:
    """The names that `resolve` takes: ours first, then those of installed packages that are fit for an origin."""
    others = {point.name for point in entry_points(group=GROUP) if re.fullmatch(ORIGIN, point.name)}
    return (*_OURS, *sorted(others - set(_OURS)))


def resolve(name: str) -> Importer:
    """The importer of that name. Raises UnknownImporter or BrokenImporter."""
    if name not in known():
        names = " and ".join(f"{each}'s" for each in known())
        raise UnknownImporter(f"workflows of {name!r} cannot be imported; {names} can")
    found: Any = _point(name)
    try:
        found = found.load()
    except (Exception, SystemExit) as error:
        raise BrokenImporter(f"importer {name!r}: loading it raised {_said(error)}") from error
    for attribute in ("name", "reads"):
        if not isinstance(getattr(found, attribute, None), str):
            raise BrokenImporter(f"importer {name!r}: it has no attribute `{attribute}` that is a text")
    if not callable(getattr(found, "import_folder", None)):
        raise BrokenImporter(f"importer {name!r}: it has no method import_folder")
    if found.name != name:
        raise BrokenImporter(f"importer {name!r}: it calls itself {found.name!r}; an importer has one name")
    importer: Importer = found
    return importer


def import_path(importer: Importer, path: Path) -> tuple[Imported, ...]:
    """What the importer makes of a file or folder, its scenarios validated.

    Raises ImportRefused where it finds nothing to read there, BrokenImporter where a scenario breaks a rule.
    """
    from cutover.scenarios.errors import ScenarioError  # noqa: PLC0415 - `known` is asked before anything is imported
    from cutover.scenarios.validate import validate_scenario  # noqa: PLC0415

    found = importer.import_folder(path)
    for imported in found:
        for scenario in imported.scenarios:
            try:
                validate_scenario(scenario)
            except ScenarioError as error:
                raise BrokenImporter(
                    f"importer {importer.name!r}: {imported.file} became scenario {scenario.id!r}, which is not valid: "
                    f"{error}"
                ) from error
    return found


def _point(name: str) -> EntryPoint:
    if name in _OURS:
        return EntryPoint(name=name, value=_OURS[name], group=GROUP)
    return next(point for point in entry_points(group=GROUP) if point.name == name)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
