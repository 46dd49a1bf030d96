"""Options that several commands take, each with its help. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.plan import ServerChoice

__all__ = ["N8n", "Only", "Postgres", "PostgresMode", "Scenarios"]

Scenarios = Annotated[
    list[Path] | None, typer.Option(help="Scenario files or folders instead of the catalog.", metavar="PATH")
]
N8n = Annotated[list[Path] | None, typer.Option("--n8n", help="n8n workflows instead of the catalog.", metavar="PATH")]
Only = Annotated[list[str] | None, typer.Option(help="Of all these, only this one.", metavar="ID")]
Postgres = Annotated[str | None, typer.Option(help="A Postgres to run on; also CUTOVER_DATABASE_URL.", metavar="URL")]
PostgresMode = Annotated[ServerChoice, typer.Option(help="auto: the URL given, else a container, else embedded.")]
