"""Which scenarios a run is made of: the catalog, files, imported workflows, and generated ones. Reads files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Literal

from cutover.harness.cli.plan import ImportSource
from cutover.harness.errors import UsageProblem
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import needs, offered

__all__ = ["DEFAULT_DRAWN", "material_of", "select", "without_repeats"]

DEFAULT_DRAWN = 600
"""598 clean trials of different scenarios that were drawn show a success rate of 99.5 % (exact one-sided 95 % bound).

600 leaves two to spare. The catalog comes on top: what somebody chose is no sample.
"""


def select(
    *,
    paths: Iterable[Path],
    imports: Iterable[ImportSource],
    trials: int | None,
    generated: int | None,
    seed: int,
    only: Iterable[str],
    say: Callable[[str], None],
    lacks: Collection[str] = (),
) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they run.

    Named files come instead of the catalog. `generated` adds so many generated ones; otherwise `trials` is the exact
    number, cut or filled up with generated ones. Where it is None: named files alone, or the catalog and
    `DEFAULT_DRAWN` generated ones.
    The same arguments select the same scenarios; `only` then keeps those ids, and what needs something that the engine
    `lacks` is left out. `say` is told what is left out.
    """
    named, repeated = without_repeats([*_from_files(paths), *_imported(imports, say)])
    for scenario in repeated:
        say(f"scenario {scenario} is there twice, and runs once")
    chosen = named or list(_catalog())
    if generated is not None:
        wanted = len(chosen) + generated
    else:
        wanted = trials if trials is not None else len(named) or len(chosen) + DEFAULT_DRAWN
    if wanted < len(chosen):
        say(f"--trials {wanted} leaves out {len(chosen) - wanted} of {len(chosen)} scenarios")
    chosen = chosen[:wanted] + _generated(wanted - len(chosen), seed)
    chosen, _ = without_repeats(chosen)
    kept = _kept(chosen, tuple(only))
    found = offered(kept, lacks)
    if len(found) < len(kept):
        say(f"{len(kept) - len(found)} of {len(kept)} scenarios left out: they need {', '.join(_needed(kept, lacks))}")
    if not found:
        raise UsageProblem("no scenario is left to run: each needs something that the engine does not offer")
    return found


def _needed(scenarios: Iterable[Scenario], lacks: Collection[str]) -> list[str]:
    return sorted({name for scenario in scenarios for name in needs(scenario)}.intersection(lacks))


def material_of(
    paths: Collection[Path], imports: Collection[ImportSource], only: Collection[str], scenarios: Iterable[Scenario]
) -> Literal["designed", "chosen"]:
    """Whether a run's scenarios were drawn so that they show all that a sample should, or the user chose them.

    Chosen are those of named files, single ones, and too few to show everything.
    """
    from cutover.scenarios.generated.design import DESIGNED_FROM

    drawn = sum(scenario.origin == "generated" for scenario in scenarios)
    return "chosen" if paths or imports or only or drawn < DESIGNED_FROM else "designed"


def _catalog() -> tuple[Scenario, ...]:
    from cutover.scenarios.catalog import load_catalog

    return load_catalog()


def _from_files(paths: Iterable[Path]) -> list[Scenario]:
    from cutover.scenarios.files import load, load_folder
    from cutover.scenarios.inputs.files import kind_of

    found: list[Scenario] = []
    for path in paths:
        kind = kind_of(path)
        if kind is None:
            raise UsageProblem(f"{path}: no such file or folder; --scenarios takes scenario files or folders of them")
        found.extend(load_folder(path) if kind == "a folder" else (load(path),))
    return found


def _imported(sources: Iterable[ImportSource], say: Callable[[str], None]) -> list[Scenario]:
    """What each importer makes of the paths that are its own."""
    paths: dict[str, list[Path]] = {}
    for source in sources:
        paths.setdefault(source.importer, []).append(source.path)
    return [scenario for name, its in paths.items() for scenario in _imported_by(name, its, say)]


def _imported_by(name: str, paths: Iterable[Path], say: Callable[[str], None]) -> list[Scenario]:
    from cutover.scenarios.importers.registry import import_path, resolve

    importer = resolve(name)
    files = [imported for path in paths for imported in import_path(importer, path)]
    refused = [imported for imported in files if imported.refused is not None]
    found = [scenario for imported in files for scenario in imported.scenarios]
    for imported in refused:
        say(f"{imported.file}: not imported: {imported.refused}")
    if not found:
        raise UsageProblem(
            f"none of the {len(files)} {importer.reads} could be imported; `cutover import {name}` says why"
        )
    say(f"{len(files) - len(refused)} of {len(files)} {importer.reads} imported, as {len(found)} scenarios")
    return found


def _generated(many: int, seed: int) -> list[Scenario]:
    if many <= 0:
        return []
    from cutover.scenarios.generated.generator import drawn

    return [drawn(seed, number) for number in range(1, many + 1)]


def _kept(scenarios: list[Scenario], only: tuple[str, ...]) -> list[Scenario]:
    absent = set(only) - {scenario.id for scenario in scenarios}
    if absent:
        raise UsageProblem(f"--only {min(absent)}: no scenario of this run has that id")
    kept = [scenario for scenario in scenarios if not only or scenario.id in only]
    if not kept:
        raise UsageProblem("no scenario is left to run; ask for more with --trials or --generated")
    return kept


def without_repeats(scenarios: Iterable[Scenario]) -> tuple[list[Scenario], list[str]]:
    """The scenarios without those that occur twice, as when a file has two names; and the ids of those left out.

    Raises UsageProblem where two scenarios of one id differ.
    """
    from cutover.scenarios.files import dumps

    kept: dict[str, Scenario] = {}
    repeated: list[str] = []
    for scenario in scenarios:
        twin = kept.setdefault(scenario.id, scenario)
        if twin is scenario:
            continue
        if dumps(twin) != dumps(scenario):
            raise UsageProblem(f"two different scenarios have the id {scenario.id!r}; give each an id of its own")
        repeated.append(scenario.id)
    return list(kept.values()), repeated
