"""`cutover import`: workflows of other engines to scenario files. Reads and writes files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli.options import IMPORTERS
from cutover.harness.cli.status import Status

if TYPE_CHECKING:
    from cutover.scenarios.importers.imported import Imported
    from cutover.scenarios.model import Scenario

__all__ = ["import_"]

_HELP = """Turn workflows of another engine into scenario files.

Every file gets a line that says what was dropped or why it was refused. What the other engine recorded is
taken along where the importer finds it beside the workflows.

[bold]Examples[/bold]

  cutover import n8n workflows/ --out scenarios/
  cutover import n8n one.json two.json --out scenarios/
  cutover run --scenarios scenarios/
"""


def import_(
    source: Annotated[str, typer.Argument(help=f"Whose workflows they are: {', '.join(IMPORTERS)}.", metavar="SOURCE")],
    paths: Annotated[list[Path], typer.Argument(help="Workflow files, or folders of them.", metavar="PATH...")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the scenario files.", metavar="DIR")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the summary.")] = False,
) -> int:
    """See `_HELP`."""
    from cutover.harness.cli.console import emit, note, progress
    from cutover.harness.cli.selection import without_repeats
    from cutover.reports.words import plain
    from cutover.scenarios.importers.registry import import_path, resolve

    importer = resolve(source)
    found: dict[str, Imported] = {}
    with progress("importing", len(paths), quiet=quiet) as advance:
        for number, path in enumerate(paths, start=1):
            found.update((imported.file, imported) for imported in import_path(importer, path))
            advance(number)
    done = list(found.values())
    kept, repeated = without_repeats(scenario for imported in done for scenario in imported.scenarios)
    _write(kept, out)
    if not quiet:
        emit(_table(done))
    refused = [imported for imported in done if imported.refused is not None]
    told = f"{len(done) - len(refused)} of {len(done)} files imported ({len(refused)} refused), "
    emit(plain(f"{told}as {len(kept)} scenarios in {out}"))
    for scenario in repeated:
        note(plain(f"scenario {scenario} is there twice, and was written once"), quiet=quiet)
    return Status.GO if len(refused) < len(done) else Status.USAGE


import_.__doc__ = _HELP


def _write(scenarios: Sequence[Scenario], out: Path) -> None:
    """Writes one file a scenario, by its id; a scenario file that is there already is replaced."""
    from cutover.harness.errors import UsageProblem
    from cutover.harness.store.atomic import write_whole
    from cutover.scenarios.files import dumps

    files: dict[Path, Scenario] = {}
    for scenario in scenarios:
        name = "".join(c if c.isalnum() or c in "-._" else "-" for c in scenario.id)[:120]
        name = name.encode()[:240].decode("utf-8", "ignore")  # a file system counts bytes
        twin = files.setdefault(out / f"{name}.json", scenario)
        if twin is not scenario:
            raise UsageProblem(f"scenarios {twin.id!r} and {scenario.id!r} would both be {out / name}.json")
    out.mkdir(parents=True, exist_ok=True)
    for file, scenario in files.items():
        write_whole(file, dumps(scenario), synced=False)


def _table(done: Sequence[Imported]) -> str:
    from rich.table import Table
    from rich.text import Text

    from cutover.harness.cli.console import captured
    from cutover.reports.words import plain

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("File", overflow="fold")
    table.add_column("Scenarios", justify="right")
    table.add_column("Dropped or refused, and why", overflow="fold")
    for imported in done:
        refused = imported.refused is not None
        why = f"refused: {imported.refused}" if refused else "; ".join((*imported.dropped, *imported.unlike)) or "-"
        table.add_row(
            Text(plain(Path(imported.file).name)),
            str(len(imported.scenarios)),
            Text(plain(why), style="red" if refused else "dim"),
        )
    return captured(lambda console: console.print(table))
