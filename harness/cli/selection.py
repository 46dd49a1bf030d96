"""Which scenarios a run is made of: the catalog, files, imported workflows, and generated ones. Reads files."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path

from cutover.harness.cli.files import n8n_files, recorded_beside, without_repeats
from cutover.harness.errors import UsageProblem
from cutover.scenarios.model import Scenario

__all__ = ["DEFAULT_TRIALS", "select"]

DEFAULT_TRIALS = 600
"""598 clean runs show a success rate of 99.5 % (exact one-sided 95 % bound); 600 leaves two to spare."""


def select(
    *,
    paths: Iterable[Path],
    n8n: Iterable[Path],
    trials: int | None,
    generated: int | None,
    seed: int,
    only: Iterable[str],
    say: Callable[[str], None],
) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they run.

    Named files come instead of the catalog. `generated` adds so many generated ones; otherwise `trials` is the exact
    number, cut or filled up with generated ones (named files alone: all of them, none generated, where it is None).
    The same arguments give the same scenarios; `only` then keeps those ids. `say` is told what is left out.
    """
    named, repeated = without_repeats([*_from_files(paths), *_from_n8n(n8n, say)])
    for scenario in repeated:
        say(f"scenario {scenario} is there twice, and runs once")
    chosen = named or list(_catalog())
    if generated is not None:
        wanted = len(chosen) + generated
    else:
        wanted = trials if trials is not None else len(named) or DEFAULT_TRIALS
    if wanted < len(chosen):
        say(f"--trials {wanted} leaves out {len(chosen) - wanted} of {len(chosen)} scenarios")
    chosen = chosen[:wanted] + _generated(wanted - len(chosen), seed)
    chosen, _ = without_repeats(chosen)
    return tuple(_kept(chosen, tuple(only)))


def _catalog() -> tuple[Scenario, ...]:
    from cutover.scenarios.catalog import load_catalog

    return load_catalog()


def _from_files(paths: Iterable[Path]) -> list[Scenario]:
    from cutover.scenarios.files import load, load_folder

    found: list[Scenario] = []
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{path}: no such file or folder; --scenarios takes scenario files or folders of them")
        found.extend(load_folder(path) if path.is_dir() else (load(path),))
    return found


def _from_n8n(paths: Iterable[Path], say: Callable[[str], None]) -> list[Scenario]:
    from cutover.scenarios.importers.n8n.importer import import_file

    found: list[Scenario] = []
    refused = files = 0
    for path in paths:
        for file in n8n_files(path):
            imported = import_file(file, recorded_beside(file))
            found.extend(imported.scenarios)
            files += 1
            if imported.refused is not None:
                refused += 1
                say(f"{file}: not imported: {imported.refused}")
    if files and not found:
        raise UsageProblem(f"none of the {files} n8n workflows could be imported; `cutover import n8n` says why")
    if files:
        say(f"{files - refused} of {files} n8n workflows imported, as {len(found)} scenarios")
    return found


def _generated(many: int, seed: int) -> list[Scenario]:
    if many <= 0:
        return []
    from cutover.scenarios.generated.generator import generate

    return [generate(random.Random(f"{seed}:{number}"), number) for number in range(1, many + 1)]  # noqa: S311 - not secret


def _kept(scenarios: list[Scenario], only: tuple[str, ...]) -> list[Scenario]:
    absent = set(only) - {scenario.id for scenario in scenarios}
    if absent:
        raise UsageProblem(f"--only {min(absent)}: no scenario of this run has that id")
    kept = [scenario for scenario in scenarios if not only or scenario.id in only]
    if not kept:
        raise UsageProblem("no scenario is left to run; ask for more with --trials or --generated")
    return kept
