"""`cutover mutants`: broken engines, broken harnesses and sound controls, and who noticed. Does I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.options import (
    JsonOption,
    PostgresModeOption,
    PostgresOption,
    QuietOption,
    SeedOption,
    number,
)
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.errors import UsageProblem
from cutover.harness.record.kills import PlayedPart

if TYPE_CHECKING:
    from cutover.harness.cli.plan import Where
    from cutover.harness.mutants.model import EngineMutant
    from cutover.harness.record.kills import RunFate
    from cutover.harness.record.mutants import KillMatrix
    from cutover.harness.run.postgres.server import Server

__all__ = ["mutants"]


def mutants(
    *,
    only: Annotated[list[str] | None, typer.Option(help="Only this mutant or control.", metavar="ID")] = None,
    in_run: Annotated[
        bool, typer.Option("--in-run", help="Put every broken engine through default runs: how soon is it seen?")
    ] = False,
    seeds: Annotated[
        int,
        typer.Option(
            help="With --in-run: so many runs each, of seeds from --seed on.", parser=number(limits.RUNS), metavar="N"
        ),
    ] = 1,
    part: Annotated[
        list[PlayedPart] | None, typer.Option(help="With --in-run: only this part of a run; may be repeated.")
    ] = None,
    seed: SeedOption = 1,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes at once; one per core by default.", parser=number(limits.WORKERS), metavar="N"),
    ] = None,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Break the engine and the harness on purpose, and show which check notices.

    Every mutant is the candidate engine, or a part of the harness, with one bug that has really happened somewhere; it
    must be seen by the check that it names. Every control is sound but odd, and no check may hold anything against it.

    With --in-run each broken engine is instead the candidate of a default run, until the check that it names has seen
    it; the matrix then says in which part, and after how many trials, plays or crash cases.

    Exit status 0 when all mutants were killed by the check that they name and no control was flagged, else 1.

    [bold]Examples[/bold]

      cutover mutants
      cutover mutants --only never-renews --only no-reaper
      cutover mutants --json
      cutover mutants --in-run --seeds 2
    """
    if in_run:
        from cutover.harness.cli.plan import Where
        from cutover.harness.run.trials.shadow import default_workers

        where = Where(url=postgres, choice=postgres_mode, workers=workers or default_workers())
        return _in_runs(
            where, only or (), range(seed, seed + seeds), part or tuple(PlayedPart), as_json=as_json, quiet=quiet
        )
    if seeds > 1 or part:
        raise UsageProblem("--seeds and --part belong to --in-run")
    from cutover.harness.cli.console import captured, emit, note
    from cutover.harness.cli.jobs.server import started_server
    from cutover.harness.cli.status import Status
    from cutover.harness.mutants.matrix import known
    from cutover.harness.run.crash.matrix import SETTINGS
    from cutover.harness.run.trials.shadow import default_workers
    from cutover.reports.parts.mutants import matrix_part
    from cutover.reports.terminal.mutants import render_kills
    from cutover.reports.words import json_text, plain

    chosen, ids = tuple(dict.fromkeys(only or ())), known()
    _refuse_unknown(chosen, ids, "mutant or control")
    with started_server(postgres, postgres_mode, settings=SETTINGS) as server:
        note(plain(f"Postgres {server.version}, {server.description} ({server.why})"), quiet=quiet)
        matrix = _played(server, chosen or ids, seed=seed, workers=workers or default_workers(), quiet=quiet)
    shown = matrix_part(matrix)
    if as_json:
        emit(json_text(shown.model_dump_json(indent=2)))
    else:
        emit(plain(shown.headline) if quiet else captured(lambda console: render_kills(shown, console)))
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


def _in_runs(
    where: Where, only: Sequence[str], seeds: Sequence[int], parts: Sequence[PlayedPart], *, as_json: bool, quiet: bool
) -> int:
    """Puts broken engines through default runs, and prints how soon they were seen."""
    from cutover.harness.cli.console import captured, emit, note, progress
    from cutover.harness.cli.jobs.kills import kills_in_runs, mutants_in_runs
    from cutover.harness.cli.jobs.server import started_server
    from cutover.harness.cli.status import Status
    from cutover.reports.parts.kills import run_kills_part
    from cutover.reports.terminal.kills import render_run_kills
    from cutover.reports.words import json_text, plain

    chosen, ids = tuple(dict.fromkeys(only)), [each.id for each in mutants_in_runs()]
    _refuse_unknown(chosen, ids, "broken engine")
    with started_server(where.url, where.choice) as server:
        note(plain(f"Postgres {server.version}, {server.description} ({server.why})"), quiet=quiet)
        with progress("mutants in runs", len(chosen or ids) * len(seeds), quiet=quiet) as advance:
            done = 0

            def one(mutant: EngineMutant, fate: RunFate) -> None:
                nonlocal done
                done += 1
                advance(done)
                told = "survived" if fate.part is None else f"{fate.part} {fate.cases}"
                note(plain(f"{mutant.id}, seed {fate.seed}: {told}, {fate.seconds:.0f} s"), quiet=quiet)

            matrix = kills_in_runs(server, where, only=chosen, seeds=seeds, parts=parts, on_fate=one)
    shown = run_kills_part(matrix)
    if as_json:
        emit(json_text(shown.model_dump_json(indent=2)))
    else:
        emit(plain(shown.headline) if quiet else captured(lambda console: render_run_kills(shown, console)))
    return Status.GO if matrix.good else Status.NO_GO


def _refuse_unknown(chosen: Sequence[str], ids: Sequence[str], what: str) -> None:
    if absent := [name for name in chosen if name not in ids]:
        raise UsageProblem(f"--only {absent[0]}: no such {what}; there are {', '.join(ids)}")
