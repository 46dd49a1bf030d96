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
from cutover.scenarios.origin import ORIGIN, ORIGIN_RULE

if TYPE_CHECKING:
    from cutover.scenarios.importers.imported import Imported, Importer

__all__ = ["GROUP", "BrokenImporter", "UnknownImporter", "broken", "import_path", "known", "resolve"]

GROUP: Final = "cutover.importers"
_OPTIONS: Final = frozenset(
    (  # noqa: SIM905 - one a line would be a page
        "all candidate case control crash-budget deadline engine generated help isolate json lang language limit "
        "only out play policy postgres postgres-mode quiet scenarios seed sign skip stage takeover trials version "
        "waivers ways workers"
    ).split(" ")
)
"""Names that options of the command line have already; an importer's is an option too."""
_OURS: Final = {"n8n": "cutover.scenarios.importers.n8n.importer:IMPORTER"}


class UnknownImporter(CutoverError):
    """No importer has that name; the message lists those that have one."""


class BrokenImporter(CutoverError):
    """An importer that cannot be loaded or does not keep to the protocol; the message says at which point and why."""


def known() -> tuple[str, ...]:
    """The names that importers have: ours first, then those of installed packages that are fit for an option."""
    return (*_OURS, *(name for name in _others() if not _misnamed(name)))


def broken() -> dict[str, str]:
    """What is wrong with each importer of an installed package that cannot be used, by its name. Loads all of them."""
    found = {}
    for name in _others():
        try:
            resolve(name)
        except CutoverError as error:
            found[name] = str(error)
    return found


def _others() -> list[str]:
    return sorted({point.name for point in entry_points(group=GROUP)} - set(_OURS))


def _misnamed(name: str) -> str:
    """Why no importer can have that name, else nothing."""
    if not re.fullmatch(ORIGIN, name):
        return f"its name {ORIGIN_RULE}"
    return f"--{name} is another option already; register it under another name" if name in _OPTIONS else ""


def resolve(name: str) -> Importer:
    """The importer of that name. Raises UnknownImporter or BrokenImporter."""
    if name in _others() and (wrong := _misnamed(name)):
        raise BrokenImporter(f"importer {name!r}: {wrong}")
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

    Raises ImportRefused where it finds nothing to read there, BrokenImporter where it fails, returns something else, or
    where a scenario breaks a rule.
    """
    from cutover.scenarios.errors import ScenarioError  # noqa: PLC0415 - `known` is asked before anything is imported
    from cutover.scenarios.validate import validate_scenario  # noqa: PLC0415

    found = _found(importer, path)
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


def _found(importer: Importer, path: Path) -> tuple[Imported, ...]:
    from cutover.scenarios.importers.imported import Imported  # noqa: PLC0415 - as in `import_path`
    from cutover.scenarios.model import Scenario  # noqa: PLC0415

    broken = f"importer {importer.name!r}: import_folder"
    try:
        found: object = importer.import_folder(path)
    except CutoverError:
        raise
    except (Exception, SystemExit) as error:
        raise BrokenImporter(f"{broken} raised {_said(error)} at {path}") from error
    if not isinstance(found, tuple | list) or not all(isinstance(each, Imported) for each in found):
        raise BrokenImporter(f"{broken} returned {found!r:.200} at {path}, and not a tuple of Imported")
    for each in found:
        if not all(isinstance(scenario, Scenario) for scenario in each.scenarios):
            raise BrokenImporter(f"{broken} returned {each.scenarios!r:.200} for {each.file}, and not scenarios")
    return tuple(found)


def _point(name: str) -> EntryPoint:
    if name in _OURS:
        return EntryPoint(name=name, value=_OURS[name], group=GROUP)
    return next(point for point in entry_points(group=GROUP) if point.name == name)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
