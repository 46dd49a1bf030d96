"""Options that several commands take, each with its help. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.plan import ServerChoice

__all__ = [
    "DeadlineOption",
    "GeneratedOption",
    "JsonOption",
    "N8nOption",
    "OnlyOption",
    "OutOption",
    "PostgresModeOption",
    "PostgresOption",
    "QuietOption",
    "ScenariosOption",
    "SeedOption",
    "TakeoverOption",
    "WholeOption",
]

ScenariosOption = Annotated[
    list[Path] | None,
    typer.Option("--scenarios", help="Scenario files or folders instead of the catalog.", metavar="PATH"),
]
N8nOption = Annotated[
    list[Path] | None, typer.Option("--n8n", help="n8n workflows instead of the catalog.", metavar="PATH")
]
GeneratedOption = Annotated[
    int | None,
    typer.Option(
        "--generated", help="This many generated scenarios after the catalog or the files.", min=0, metavar="N"
    ),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Only the scenario with this id; may be repeated.", metavar="ID")
]
SeedOption = Annotated[
    int, typer.Option("--seed", help="Seed of all that is drawn; the same seed repeats the run.", min=0, metavar="N")
]
DeadlineOption = Annotated[
    float,
    typer.Option(
        "--deadline",
        help="How long an engine may take for one arm, or for one command of a crash case.",
        min=0.1,
        metavar="S",
    ),
]
TakeoverOption = Annotated[
    float,
    typer.Option("--takeover", help="How far the clock moves before another worker takes over.", min=0, metavar="S"),
]
PostgresOption = Annotated[
    str | None, typer.Option("--postgres", help="A Postgres to run on; also CUTOVER_DATABASE_URL.", metavar="URL")
]
PostgresModeOption = Annotated[
    ServerChoice, typer.Option("--postgres-mode", help="auto: the URL given, else a container, else embedded.")
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The run's folder; a new one in cutover-runs by default.", metavar="DIR"),
]
WholeOption = Annotated[bool, typer.Option("--all", help="A case's whole time line, not only what is near the fault.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the result in one sentence.")]
