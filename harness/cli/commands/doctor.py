"""`cutover doctor`: what this machine offers a run, and what it lacks. Starts a server to find out."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cutover.harness.cli.status import Status

if TYPE_CHECKING:
    from rich.table import Table

    from cutover.harness.run.postgres.server import ProvisionMode, Server

__all__ = ["doctor"]

_BY_URL = "Postgres by URL"
_ROOM_MB = 200
"""A run of 600 trials takes under 10 MB; the embedded server about 100 MB while it runs."""
_READINGS = 20


@dataclass(frozen=True, slots=True)
class _Inspection:
    what: str
    state: Literal["yes", "no", "warning", "-"]
    why: str


def doctor(
    *,
    postgres: Annotated[
        str | None,
        typer.Option("--postgres", help="A Postgres to try, by its URL; also CUTOVER_DATABASE_URL.", metavar="URL"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where runs would be saved.", metavar="DIR")] = Path(
        "cutover-runs"
    ),
) -> int:
    """Say what this machine offers a run: Python, Cutover's extras, importers, Postgres, Docker, engines, disk.

    Tries each way to a Postgres, in the order in which [bold]cutover run[/bold] takes them, and installs every known
    engine on the first that works. What killed runs have left is removed: folders and servers here, databases on the
    server of the URL. An engine or importer of another package that cannot be used is a warning: a run works without it
    anyway. Exit status 4 where a run could not work.

    [bold]Examples[/bold]

      cutover doctor
      cutover doctor --postgres postgresql://user@host/database
    """
    from cutover.harness.cli.console import captured, emit
    from cutover.harness.run.postgres.server import given_url

    url, _ = given_url(postgres)
    disk = _disk(out)  # at once: without a current folder nothing else is worth a look
    seen = [_python(), *_extras(), *_importers(), *_servers(url), disk]
    emit(captured(lambda console: console.print(_table(seen))))
    ways = [one for one in seen if one.what.startswith("Postgres")]
    broken = [one for one in seen if one.state == "no" and (one not in ways or one.what == _BY_URL)]
    usable = any(one.state == "yes" for one in ways) and not broken
    emit("A run would work here." if usable else "A run would not work here; mend what says no.")
    return Status.GO if usable else Status.ENVIRONMENT


def _python() -> _Inspection:
    return _Inspection("Python", "yes", f"{platform.python_version()} at {sys.executable}")


def _extras() -> Iterator[_Inspection]:
    """Which extras are installed. Only those that no run works without count as a lack."""
    from cutover.harness.cli.installation import EXTRAS, pip_install

    for extra in EXTRAS:
        what, missing = f"Extra {extra.name}", extra.missing()
        if missing:
            why = f"for {extra.purpose}; not installed: {', '.join(missing)}; {pip_install(extra.name)}"
            yield _Inspection(what, "no" if extra.required else "-", why)
        else:
            yield _Inspection(what, "yes", f"for {extra.purpose}")


def _importers() -> Iterator[_Inspection]:
    from cutover.scenarios.importers.registry import broken, known, resolve

    wrong = broken()
    for name in known():
        if name not in wrong:
            yield _Inspection(f"Importer {name}", "yes", f"reads {resolve(name).reads}")
    for name, why in wrong.items():
        yield _Inspection(f"Importer {name}", "warning", why)


def _servers(url: str | None) -> Iterator[_Inspection]:
    """Yields every way to a server, then the engines on the first that works."""
    from cutover.engines.errors import CutoverError
    from cutover.harness.run.postgres.server import provision

    engines: list[_Inspection] = []
    machine: list[_Inspection] = []
    modes: tuple[tuple[str, ProvisionMode], ...] = (
        (_BY_URL, "url"),
        ("Postgres in a container", "container"),
        ("Postgres embedded", "embedded"),
    )
    for what, mode in modes:
        if mode == "url" and url is None:
            yield _Inspection(what, "-", "none given; --postgres URL or CUTOVER_DATABASE_URL would be tried first")
            continue
        try:
            with provision(url if mode == "url" else None, mode) as server:
                yield _Inspection(what, "yes", f"{server.description}, version {server.version}{_swept(server.stale)}")
                machine = machine or [_machine(server)]
                engines = engines or list(_engines(server))
        except CutoverError as error:
            yield _Inspection(what, "no", str(error))
    yield from machine
    yield from engines


def _machine(server: Server) -> _Inspection:
    """What a bare probe reads, on the first server that works."""
    from cutover.harness.judge.measures.machine import figures
    from cutover.harness.run.machine.probe import readings
    from cutover.harness.run.postgres.room import needed
    from cutover.harness.run.trials.shadow import default_workers
    from cutover.reports.words import number

    taken = readings(server.dsn, _READINGS)
    names = {
        "round_trip_ms": "round trip",
        "commit_ms": "bare commit",
        "fork_ms": "process",
        "delay_ms": "woken late by",
    }
    found = figures(taken)
    told = [
        f"{name} {number(found[key].median, 'ms')} (P95 {number(found[key].p95, 'ms')})" for key, name in names.items()
    ]
    free, wanted = min(each.connections_free for each in taken), needed(default_workers())
    told.append(f"{free} connections free, and a run needs {wanted}")
    return _Inspection("Machine", "yes" if free >= wanted else "warning", ", ".join(told))


def _swept(names: Sequence[str]) -> str:
    return f"; removed what runs that were killed had left there: {', '.join(names)}" if names else ""


def _engines(server: Server) -> Iterator[_Inspection]:
    from cutover.engines.registry import known

    for spec in known():
        database = server.create_database()
        try:
            yield _engine(spec, database.dsn)
        finally:
            database.drop()


def _engine(spec: str, dsn: str) -> _Inspection:
    from cutover.engines.registry import OURS, describe
    from cutover.harness.run.postgres.installation import install_engine

    what = f"Engine {spec}"
    try:
        name, digest = describe(spec)
        install_engine(spec, dsn)
    except Exception as error:  # noqa: BLE001 - an engine is anybody's code, and the finding is that it fails
        return _Inspection(what, "no" if spec in OURS else "warning", f"{type(error).__name__}: {error}")
    return _Inspection(what, "yes", f"installs as {name}, sources {digest[:12]}")


def _table(seen: Sequence[_Inspection]) -> Table:
    from rich.table import Table
    from rich.text import Text

    from cutover.reports.words import plain

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    styles = {"yes": "green", "no": "red", "warning": "yellow", "-": "dim"}
    for one in seen:
        table.add_row(Text(plain(one.what)), Text(one.state, style=styles[one.state]), Text(plain(one.why)))
    return table


def _writable(folder: Path) -> bool:
    """Whether a file can be made in it; asking for rights is not enough on a read-only file system."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _disk(out: Path) -> _Inspection:
    place = out.absolute()
    while not place.exists():
        place = place.parent
    free_mb = shutil.disk_usage(place).free // 2**20
    if not _writable(place):
        return _Inspection("Output folder", "no", f"{out} cannot be written; give --out another folder")
    if free_mb < _ROOM_MB:
        return _Inspection("Output folder", "no", f"{out} has {free_mb:,} MB free; a run wants {_ROOM_MB} MB")
    return _Inspection("Output folder", "yes", f"{out}, {free_mb:,} MB free")
