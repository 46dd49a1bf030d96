"""`cutover mutants`: broken engines, broken harnesses and sound controls, and who noticed. Does I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli.options import JsonOption, PostgresModeOption, PostgresOption, QuietOption, SeedOption
from cutover.harness.cli.plan import ServerChoice

if TYPE_CHECKING:
    from cutover.harness.record.mutants import KillMatrix
    from cutover.harness.run.postgres.server import Server

__all__ = ["mutants"]


def mutants(
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only this mutant or control.", metavar="ID")] = None,
    seed: SeedOption = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes at once; one per core by default.", min=1, max=64, metavar="N")
    ] = None,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Break the engine and the harness on purpose, and show which check notices.

    Every mutant is the candidate engine, or a part of the harness, with one bug that has really happened somewhere; it
    must be seen by the check that it names. Every control is sound but odd, and no check may hold anything against it.

    Exit status 0 when all mutants were killed by the check that they name and no control was flagged, else 1.

    [bold]Examples[/bold]

      cutover mutants
      cutover mutants --only never-renews --only no-reaper
      cutover mutants --json
    """
    from cutover.harness.cli.console import captured, emit, note
    from cutover.harness.cli.jobs.server import started_server
    from cutover.harness.cli.status import Status
    from cutover.harness.errors import UsageProblem
    from cutover.harness.mutants.matrix import known
    from cutover.harness.run.crash.matrix import SETTINGS
    from cutover.harness.run.trials.shadow import default_workers
    from cutover.reports.parts.mutants import matrix_part
    from cutover.reports.terminal.mutants import render_kills
    from cutover.reports.words import plain

    chosen = tuple(dict.fromkeys(only or ()))
    ids = known()
    if absent := [name for name in chosen if name not in ids]:
        raise UsageProblem(f"--only {absent[0]}: no such mutant or control; there are {', '.join(ids)}")
    with started_server(postgres, postgres_mode, settings=SETTINGS) as server:
        note(plain(f"Postgres {server.version}, {server.description} ({server.why})"), quiet=quiet)
        matrix = _played(server, chosen or ids, seed=seed, workers=workers or default_workers(), quiet=quiet)
    part = matrix_part(matrix)
    if as_json:
        emit(part.model_dump_json(indent=2))
    else:
        emit(plain(part.headline) if quiet else captured(lambda console: render_kills(part, console)))
    return Status.GO if matrix.good else Status.NO_GO


def _played(server: Server, names: Sequence[str], *, seed: int, workers: int, quiet: bool) -> KillMatrix:
    """Plays these mutants and returns the matrix, showing progress."""
    from cutover.harness.cli.console import progress
    from cutover.harness.mutants.matrix import kill_matrix

    with progress("mutants", len(names), quiet=quiet) as advance:
        done = 0

        def one(_kill: object) -> None:
            nonlocal done
            done += 1
            advance(done)

        return kill_matrix(server, only=names, seed=seed, workers=workers, on_kill=one)
